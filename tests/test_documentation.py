"""What the documentation says is true: its plugins work, its figures are those of the code."""

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from msgspec import structs
from msgspec.json import decode

from host.model.limits import Limits
from host.model.schema import validate
from plugin_sdk_py import Plugin

ROOT = Path(__file__).parents[1]


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def innkeeper(*arguments: str) -> str:
    return subprocess.run([sys.executable, "-m", "host.cli", *arguments], check=True, capture_output=True, text=True, cwd=ROOT).stdout


def test_the_first_plugin_of_the_readme_is_installed_and_called_as_it_says(tmp_path: Path) -> None:
    (source,) = blocks("README.md", "python")
    (tmp_path / "guestbook").mkdir()
    (tmp_path / "guestbook" / "plugin.py").write_text(source)
    data = ["--data", str(tmp_path / "data"), "--json"]
    innkeeper("install", str(tmp_path / "guestbook"), "--org", "acme", "--create-org", "--grant-all", *data)
    innkeeper("call", "guestbook", "/sign", "--org", "acme", "--method", "POST", "--body", '{"name": "Ada"}', *data)
    answer = decode(innkeeper("call", "guestbook", "/entries", "--org", "acme", *data))
    assert decode(answer["body"]) == {"entries": [{"name": "Ada"}]}


def test_the_plugin_that_the_guide_builds_up_has_a_valid_manifest() -> None:
    page = ModuleType("page")
    for block in blocks("docs/writing-plugins.md", "python"):
        exec(block, page.__dict__)
    plugin = page.plugin
    assert isinstance(plugin, Plugin)
    manifest = validate(plugin.describe())
    assert [route.name for route in manifest.routes] == ["order", "status", "close", "paid", "payment"]


def test_the_table_of_limits_has_every_limit_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", (ROOT / "docs/operating.md").read_text(), re.MULTILINE)
    assert {name: int(value.replace(",", "")) for name, value in rows} == structs.asdict(Limits())


@pytest.mark.parametrize("page", ["README.md", "SECURITY.md", "docs/writing-plugins.md", "docs/operating.md"])
def test_links_and_paths_lead_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    text = (ROOT / page).read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    paths = re.findall(r"`((?:host|wit|stores|tests|docs|plugin_sdk_py|guest_examples)/[\w./-]*)`", text)
    assert [link for link in links if not (folder / link).exists()] == []
    assert [path for path in paths if not (ROOT / path).exists()] == []

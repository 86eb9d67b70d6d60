"""What the documentation says is true: its plugins work, its figures are those of the code."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import pytest
from msgspec.json import decode

import host
from host.cli.configuration import TYPES, load
from host.cli.units import count, duration_s, size
from host.model.limits import LIMITS, Limits
from host.model.options import BOUNDS
from host.model.schema import validate
from plugin_sdk_py import Plugin
from tests.building import from_source
from tests.cli.command import ENVIRONMENT
from tests.library.applications import running
from tests.library.chat import GUEST

ROOT = Path(__file__).parents[1]


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def innkeeper(*arguments: str) -> str:
    return subprocess.run([sys.executable, "-m", "host.cli", *arguments], check=True, capture_output=True, text=True, cwd=ROOT).stdout


def steps(page: str) -> list[tuple[str, list[str]]]:
    """The commands of a page's console blocks in their order, each with the lines that it is said to print."""
    found: list[tuple[str, list[str]]] = []
    for line in "".join(blocks(page, "console")).splitlines():
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), []))
        else:
            found[-1][1].append(line)
    return found


def shows(output: str, line: str) -> bool:
    """Whether a line of the output is that one, where `...` is anything and spaces do not count."""
    pattern = ".*".join(r"\s+".join(map(re.escape, part.split())) for part in line.split("..."))
    return any(re.fullmatch(rf"\s*{pattern}\s*", each) for each in output.splitlines())


def test_the_operators_first_day_goes_as_the_page_says(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "guest_examples/whatsapp", tmp_path / "whatsapp")
    shutil.copy(ROOT / "tests/fixtures/whatsapp/text.json", tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/innkeeper").write_text(f'#!/bin/sh\nexec {sys.executable} -P -m host.cli "$@"\n')
    (tmp_path / "bin/innkeeper").chmod(0o755)
    environment = ENVIRONMENT | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    environment.pop("INNKEEPER_DATA", None)
    for command, lines in steps("docs/operating.md"):
        done = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert [line for line in lines if not shows(done.stdout, line)] == [], f"{command}: {done.stdout}"


def test_the_first_plugin_of_the_readme_is_installed_and_called_as_it_says(tmp_path: Path) -> None:
    source = blocks("README.md", "python")[0]
    (tmp_path / "guestbook").mkdir()
    (tmp_path / "guestbook" / "plugin.py").write_text(source)
    data = ["--data", str(tmp_path / "data"), "--json"]
    innkeeper("install", str(tmp_path / "guestbook"), "--org", "acme", "--create-org", "--grant-all", *data)
    innkeeper("call", "guestbook", "/sign", "--org", "acme", "--method", "POST", "--body", '{"name": "Ada"}', *data)
    answer = decode(innkeeper("call", "guestbook", "/entries", "--org", "acme", *data))
    assert decode(answer["body"]) == {"entries": [{"name": "Ada"}]}


async def test_the_applications_of_the_readme_serve_the_plugin_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guestbook, *applications = blocks("README.md", "python")
    (tmp_path / "guestbook").mkdir()
    (tmp_path / "guestbook" / "plugin.py").write_text(guestbook)
    monkeypatch.chdir(tmp_path)
    starlette, fastapi = (executed(source) for source in applications)

    async with running(fastapi.app) as client:
        signed = await client.post("/plugins/v1/orgs/acme/plugins/guestbook/sign", json={"name": "Ada"})
        assert signed.status_code == 200
        assert (await client.post("/tasks", json={"title": "Call Ada"})).json() == {}
        assert (await client.get("/tools")).json() == []
    async with running(starlette.app) as client:
        entries = await client.get("/plugins/v1/orgs/acme/plugins/guestbook/entries")
        assert entries.json() == {"entries": [{"name": "Ada"}]}


async def test_what_the_page_on_embedding_shows_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = executed("\n".join(blocks("docs/embedding.md", "python")))
    component = from_source(tmp_path / "chat", GUEST)

    async with running(page.app) as client:
        await page.plugins.install(component, organization="acme", create_organization=True, grant_all=True)
        assert (await client.post("/tasks", json={"title": "call ada"})).json()["chat"]["title"] == "CALL ADA"
        assert (await client.post("/sum", json=[1, 2.5])).json() == {"sum": 3.5}
    assert "PluginHost" in repr(host.PluginHost(data=tmp_path / "other", platform=page.platform))


def test_the_page_on_embedding_names_every_function_of_a_platforms_messages() -> None:
    (source,) = [block for block in blocks("docs/embedding.md", "python") if "OurMessages" in block]
    ours = executed(source).OurMessages

    assert {name for name in vars(ours) if not name.startswith("_")} == {name for name in dir(host.Messages) if not name.startswith("_")}


def executed(source: str) -> ModuleType:
    page = ModuleType("page")
    exec(source, page.__dict__)
    return page


def test_the_plugin_that_the_guide_builds_up_has_a_valid_manifest() -> None:
    plugin = executed("\n".join(blocks("docs/writing-plugins.md", "python"))).plugin
    assert isinstance(plugin, Plugin)
    manifest = validate(plugin.describe())
    assert [route.name for route in manifest.routes] == ["order", "status", "close", "paid", "payment"]
    assert ([hook.event for hook in manifest.hooks], [tool.name for tool in manifest.tools]) == (["task.created"], ["price"])


def test_the_table_of_limits_has_every_limit_with_its_default_and_its_bounds() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+) \| ([\d,]+) to ([\d,]+) \|", (ROOT / "docs/operating.md").read_text(), re.MULTILINE)
    figures = {name: [int(value.replace(",", "")) for value in values] for name, *values in rows}
    assert figures == {name: [default, LIMITS[name].least, LIMITS[name].most] for name, default in asdict(Limits()).items()}


def test_the_table_of_options_has_every_option_with_its_default_and_its_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INNKEEPER_CACHE", raising=False)
    rows = re.findall(r"^\| `(\w+)` \| (?:`([^`]+)`|not set) \| ([^|]+) \|", (ROOT / "docs/operating.md").read_text(), re.MULTILINE)
    file = tmp_path / "innkeeper.toml"
    file.write_text("".join(f"{name} = {value}\n" for name, value, _ in rows if value and name != "data"))
    defaults, described = load({}), load({}, file)
    bounds = {name: re.findall(r"(\d\w*) to (\d\w*)", takes) for name, _, takes in rows}
    units = {"bytes": size, "seconds": duration_s, "": count}

    assert [name for name, _, _ in rows] == list(TYPES)
    assert described.values == defaults.values
    assert {name for name, value, _ in rows if not value} == {name for name, value in defaults.values.items() if value is None} | {"cache"}
    for name, (least, most, unit) in BOUNDS.items():
        assert [tuple(map(units[unit], each)) for each in bounds[name]] == [(least, most)]


def test_the_file_of_options_that_the_page_shows_can_be_used(tmp_path: Path) -> None:
    (text,) = blocks("docs/operating.md", "toml")
    (tmp_path / "innkeeper.toml").write_text(text)
    shown = decode(innkeeper("serve", "--print-config", "--json", "--config", str(tmp_path / "innkeeper.toml")))

    assert shown["options"]["max_instances"] == {"value": 3000, "from": f"file {tmp_path / 'innkeeper.toml'}, line 5"}
    assert shown["options"]["grace_s"]["value"] == 30
    assert shown["options"]["data"]["value"] == "/var/lib/innkeeper"
    assert [name for name, option in shown["options"].items() if option["from"].startswith("file")] == [
        "data", "host", "port", "trusted_proxies", "max_instances", "max_instance_memory", "grace_s", "access_log",
    ]  # fmt: skip


@pytest.mark.parametrize("page", ["README.md", "SECURITY.md", "docs/writing-plugins.md", "docs/operating.md", "docs/embedding.md"])
def test_links_and_paths_lead_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    text = (ROOT / page).read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    paths = re.findall(r"`((?:host|wit|stores|tests|docs|plugin_sdk_py|guest_examples)/[\w./-]*)`", text)
    assert [link for link in links if not (folder / link).exists()] == []
    assert [path for path in paths if not (ROOT / path).exists()] == []

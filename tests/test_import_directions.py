"""The check of import directions, run as `make check` runs it: on this repository, and on small trees that break one rule each."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def check(root: Path) -> tuple[int, str]:
    command = [sys.executable, str(ROOT / ".ci/import_directions.py"), str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def test_imports_in_this_repository_point_one_way() -> None:
    code, report = check(ROOT)

    assert (code, report) == (0, "imports point one way\n")


@pytest.mark.parametrize(
    ("path", "text", "complaint"),
    [
        (
            "host/sandbox/call.py",
            "import host.runtime.pool",
            "call.py:1: imports host.runtime.pool, but host.sandbox may import only host.model",
        ),
        ("host/sandbox/call.py", "\nimport sqlalchemy.sql", "call.py:2: imports sqlalchemy.sql, but host.sandbox does without sqlalchemy"),
        ("host/sandbox/call.py", "from host.mcp import client", "host.sandbox may import only host.model"),
        ("host/mcp/client.py", "from host.sandbox import call", "host.mcp may import only host.model"),
        ("host/capabilities/store.py", "from stores import entries", "host.capabilities may import only"),
        ("host/capabilities/store.py", "from host import PluginHost", "imports host.PluginHost, but host.capabilities may import only"),
        ("host/web/app.py", "from host import PluginHost", "imports host.PluginHost, but host.web may import only"),
        ("host/cli/serve.py", "def late():\n    import host.library", "serve.py:2: imports host.library, but host.cli may import only"),
        ("host/library.py", "import plugin_sdk_py", "host.library may import only"),
        ("host/model/entry.py", "from host.sandbox import call", "host.model may import nothing of ours"),
        ("host/runtime/pool.py", "from host.web import app", "host.runtime may import only"),
        ("host/runtime/pool.py", "def late():\n    from ..cli import serve", "pool.py:2: imports host.cli.serve, but"),
        ("host/runtime/pool.py", "from .. import web", "imports host.web, but host.runtime may import only"),
        ("host/web/app.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import host.cli", "app.py:3: imports host.cli, but"),
        ("stores/entries.py", "from host.capabilities.reads import StoreReads", "stores may import only host.model"),
        ("plugin_sdk_py/plugin.py", "from host.model import errors", "plugin_sdk_py may import nothing of ours"),
        ("guest_examples/whatsapp/app.py", "import host.model", "guest_examples may import only plugin_sdk_py"),
        ("host/__init__.py", "from host.library import PluginHost", "imports that only inside a function or under TYPE_CHECKING"),
        ("host/extras/x.py", "", "host/extras/x.py:1: host.extras is no room of the design"),
    ],
)
def test_an_import_that_points_the_wrong_way_is_named_with_file_line_and_rule(tmp_path: Path, path: str, text: str, complaint: str) -> None:
    write(tmp_path, path, text)

    code, report = check(tmp_path)

    assert complaint in report
    assert report.count("\n") == 1
    assert code == 1


def test_lower_rooms_own_rooms_and_the_lazy_face_are_fine(tmp_path: Path) -> None:
    write(tmp_path, "host/__init__.py", "def __getattr__(name):\n    from host import library\n    return getattr(library, name)")
    write(tmp_path, "host/library.py", "from host.web import app\nfrom host.cli.build import build")
    write(tmp_path, "host/cli/serve.py", "from host.web import app\nimport stores.tables\nimport host.sandbox")
    write(
        tmp_path,
        "host/runtime/pool.py",
        "import sqlalchemy\nfrom stores import entries\nfrom host.capabilities import view\nfrom . import pools",
    )
    write(tmp_path, "host/capabilities/view.py", "import host.sandbox.call\nfrom host.mcp import client\nfrom ..model import entry")
    write(tmp_path, "stores/entries.py", "import sqlalchemy\nfrom host.model.entry import Entry\nfrom stores import tables")
    write(tmp_path, "guest_examples/whatsapp/app.py", "from plugin_sdk_py import Plugin")

    assert check(tmp_path) == (0, "imports point one way\n")

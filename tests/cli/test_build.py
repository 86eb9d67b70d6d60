"""Building components: what the cache does, and what an author is told."""

import fcntl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from host.cli.build import build, default_cache
from host.model.errors import BuildFailed
from tests.building import EXAMPLES

EXAMPLE = EXAMPLES / "simple_http_test"
HEAD = 'from plugin_sdk_py import Plugin\nplugin = Plugin("a", version="1.0.0", description="x")\n'


def folder(path: Path, text: str) -> Path:
    path.mkdir()
    (path / "plugin.py").write_text(text)
    return path


def error_of(path: Path, text: str) -> str:
    """What an author is told who builds a plugin.py with this text."""
    with pytest.raises(BuildFailed) as caught:
        build(folder(path / "source", text), cache=path / "cache")
    assert list((path / "cache" / "builds").glob("*.wasm")) == []
    return caught.value.message


def test_the_same_content_is_built_once_and_elsewhere_too(tmp_path: Path) -> None:
    said: list[str] = []
    component = build(EXAMPLE)
    copied = folder(tmp_path / "copied", (EXAMPLE / "plugin.py").read_text())
    (copied / "README.md").write_bytes((EXAMPLE / "README.md").read_bytes())
    (copied / ".hidden").write_text("not part of it")

    assert build(copied, progress=said.append) == component
    assert said == ["copied: unchanged since it was built"]
    assert component.read_bytes().startswith(b"\0asm\x0d")
    assert component.parent == default_cache() / "builds"


def test_the_output_is_a_copy_that_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    output = build(EXAMPLE, tmp_path / "new" / "a.wasm")

    assert output == tmp_path / "new" / "a.wasm"
    assert output.read_bytes() == build(EXAMPLE).read_bytes()
    assert list(output.parent.iterdir()) == [output]


def test_one_who_waits_for_another_builder_takes_what_that_one_made(tmp_path: Path) -> None:
    made = build(EXAMPLE)
    builds = tmp_path / "cache" / "builds"
    builds.mkdir(parents=True)
    said: list[str] = []
    with (builds / f"{made.stem}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = threading.Thread(target=lambda: build(EXAMPLE, cache=tmp_path / "cache", progress=said.append))
        waiting.start()
        (builds / made.name).write_bytes(b"made by the other")
    waiting.join(60)

    assert said == ["simple_http_test: unchanged since it was built"]
    assert (builds / made.name).read_bytes() == b"made by the other"


def test_the_cache_is_where_the_environment_says(tmp_path: Path) -> None:
    def told(**environment: str) -> str:
        command = [sys.executable, "-c", "from host.cli.build import default_cache; print(default_cache())"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()

    home = str(tmp_path)
    assert told(HOME=home, INNKEEPER_CACHE="/a", XDG_CACHE_HOME="/b") == "/a"
    assert told(HOME=home, XDG_CACHE_HOME="/b") == "/b/innkeeper"
    assert told(HOME=home) == f"{home}/.cache/innkeeper"


def test_a_folder_without_a_plugin_py_is_told_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match=r"has no plugin\.py: a plugin is a folder with a plugin\.py"):
        build(tmp_path)


def test_a_folder_that_is_too_large_is_told_so(tmp_path: Path) -> None:
    (folder(tmp_path / "source", HEAD) / "data.bin").write_bytes(bytes(17 * 1024 * 1024))

    with pytest.raises(BuildFailed, match="holds more than 16 MiB"):
        build(tmp_path / "source")


def test_a_cache_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")

    with pytest.raises(BuildFailed, match=r"cache.*: Not a directory"):
        build(EXAMPLE, cache=tmp_path / "cache")


def test_a_syntax_error_is_shown_as_python_shows_it(tmp_path: Path) -> None:
    assert error_of(tmp_path, "def handler(:\n") == (
        'plugin.py does not make a plugin:\n  File "plugin.py", line 1\n    def handler(:\n                ^\nSyntaxError: invalid syntax'
    )


def test_an_import_that_fails_is_shown_with_the_authors_part_of_the_traceback(tmp_path: Path) -> None:
    assert error_of(tmp_path, "import requests\n") == (
        "plugin.py does not make a plugin:\n"
        "Traceback (most recent call last):\n"
        '  File "plugin.py", line 1, in <module>\n'
        "    import requests\n"
        "ModuleNotFoundError: No module named 'requests'\n"
        "Hint: requests is nowhere: put pure-Python packages into the folder vendor/ (pip install --target vendor requests)"
    )


def test_a_plugin_py_without_a_plugin_is_told_the_line_that_it_needs(tmp_path: Path) -> None:
    assert 'plugin.py needs a line such as plugin = Plugin("my-plugin"' in error_of(tmp_path, "x = 1\n")


def test_what_the_author_runs_while_building_sees_nothing_of_this_machine_and_no_host(tmp_path: Path) -> None:
    text = f"""\
import os, socket, sys
{HEAD}
found = [path for path in ({str(tmp_path)!r}, "/etc/passwd", "/home", "/root") if os.path.exists(path)]
packages = [folder for folder in sys.path if os.path.isdir(folder) and "pip" in os.listdir(folder)]
environment = [name for name in os.environ if not name.startswith("PYTHON")]
try:
    socket.create_connection(("127.0.0.1", 9))
except OSError as error:
    reason = type(error).__name__
try:
    plugin.log.info("built")
except RuntimeError as error:
    raise SystemExit(f"{{found}} {{packages}} {{environment}} {{reason}}: {{error}}")
"""

    assert error_of(tmp_path, text).endswith(
        "SystemExit: [] [] [] gaierror: the host's log is there only while a handler runs inside Innkeeper"
    )


def test_a_link_that_a_plugin_leaves_for_the_builder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("a secret of this machine")
    text = f"""\
import os, plugin_sdk_py.guest.entry as entry
os.symlink("../" * 12 + {str(tmp_path / "secret.txt").lstrip("/")!r}, entry.HERE / "error.txt")
print("the link goes to", os.readlink(entry.HERE / "error.txt"))
os._exit(0)
"""

    message = error_of(tmp_path, text)

    assert "the link goes to ../../" in message
    assert "a secret of this machine" not in message


def test_modules_beside_it_and_packages_in_vendor_are_part_of_a_plugin(tmp_path: Path) -> None:
    source = folder(tmp_path / "source", HEAD + "import helper, library\nassert helper.VALUE + library.VALUE == 3\n")
    (source / "helper.py").write_text("VALUE = 1\n")
    (source / "vendor" / "library").mkdir(parents=True)
    (source / "vendor" / "library" / "__init__.py").write_text("VALUE = 2\n")

    assert build(source).stat().st_size > 1_000_000


def test_a_link_in_the_folder_is_refused_whatever_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("an operator's own file")
    source = folder(tmp_path / "source", HEAD)
    (source / "data.txt").symlink_to(tmp_path / "outside.txt")

    with pytest.raises(BuildFailed, match=r"data\.txt is a link"):
        build(source, cache=tmp_path / "cache")


def test_a_folder_of_builds_that_others_can_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cache" / "builds").mkdir(parents=True)
    (tmp_path / "cache" / "builds").chmod(0o777)

    with pytest.raises(BuildFailed, match="others can write"):
        build(folder(tmp_path / "source", HEAD), cache=tmp_path / "cache")

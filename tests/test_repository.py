"""What holds for every file of the repository, and for what is made from it."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = {"host", "wit", "plugin_sdk_py", "guest_examples", "stores", "tests", "docs", ".ci"}
FILES = {
    ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "SECURITY.md",
    "pyproject.toml", "requirements.txt", "requirements-dev.txt",
}  # fmt: skip
LOCKS = ("requirements.txt", "requirements-dev.txt")
LARGEST = 500_000
"""Bytes of a file: more belongs to a build, not into a repository."""


def files() -> list[Path]:
    """What git keeps and what it would keep if asked, relative to the root."""
    listing = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split("\0")
    return sorted(Path(name) for name in filter(None, names) if (ROOT / name).is_file())


def promises_listed() -> list[str]:
    return re.findall(r"^- `([a-z0-9.-]+)`: \S", (ROOT / "docs/promises.md").read_text(), re.MULTILINE)


def promises_carried(text: str) -> Iterator[object]:
    """The ids in all `pytest.mark.promise(...)` of a test file, wherever they stand; what is not a literal comes as None."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.promise":
            yield from (argument.value if isinstance(argument, ast.Constant) else None for argument in node.args or [ast.Constant(None)])


def test_the_top_level_holds_the_rooms_and_what_every_project_has() -> None:
    found = files()

    assert {path.parts[0] for path in found if len(path.parts) > 1} <= FOLDERS
    assert {path.name for path in found if len(path.parts) == 1} <= FILES


def test_no_file_is_large() -> None:
    assert [str(path) for path in files() if (ROOT / path).stat().st_size > LARGEST] == []


def test_no_build_product_is_kept() -> None:
    products = {".wasm", ".cwasm", ".pyc", ".so", ".whl", ".sqlite", ".db"}

    assert [str(path) for path in files() if path.suffix in products] == []


def test_lock_files_pin_every_package_by_hash_and_name_no_address() -> None:
    for lock in LOCKS:
        text = (ROOT / lock).read_text()
        pinned = re.split(r"\n(?=[a-z])", text.strip())

        assert "://" not in text
        assert not re.search(r"^-|^ *--(?!hash=sha256:[0-9a-f]{64}\b)", text, re.MULTILINE)
        assert [entry for entry in pinned if not re.match(r"[a-z0-9._-]+==\S+ .*\\\n +--hash=sha256:", entry)] == []


def test_no_lock_file_of_any_tool_names_a_registry() -> None:
    address = re.compile(r'"resolved": "http|registry = "|index-url|https?://\S+/(packages|simple)/')
    locks = [path for path in files() if "lock" in path.name or path.name.startswith("requirements")]

    assert set(map(Path, LOCKS)) <= set(locks)
    assert [str(path) for path in locks if address.search((ROOT / path).read_text())] == []


def test_the_two_lock_files_agree() -> None:
    runtime, development = ({line for line in (ROOT / lock).read_text().split("\n") if "==" in line} for lock in LOCKS)

    assert len(runtime) > 10
    assert runtime <= development


def test_a_lock_file_pins_each_dependency_that_the_project_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    pinned = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements-dev.txt").read_text(), re.MULTILINE))

    assert {re.split(r"[=<>\[]", requirement)[0] for requirement in wanted} <= pinned


def test_every_promise_is_carried_by_a_test_and_every_carried_promise_is_listed() -> None:
    carried = [promise for path in (ROOT / "tests").rglob("test_*.py") for promise in promises_carried(path.read_text())]

    assert None not in carried, "a promise's id is a literal, so that it can be found"
    assert set(promises_listed()) == set(carried)


def test_no_promise_is_listed_twice_or_misspelt() -> None:
    listed = promises_listed()

    assert sorted(set(listed)) == sorted(listed)
    assert len(listed) == sum(line.startswith("- ") for line in (ROOT / "docs/promises.md").read_text().split("\n"))


def test_promises_are_found_in_decorators_module_marks_and_parameters() -> None:
    source = """
pytestmark = pytest.mark.promise("a.b")
@pytest.mark.promise("c.d", "e.f")
def test_it(): ...
@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.promise("g.h"))])
def test_that(x): ...
@pytest.mark.promise(name)
def test_no_literal(): ...
"""

    assert sorted(map(str, promises_carried(source))) == ["None", "a.b", "c.d", "e.f", "g.h"]


def test_a_wheel_holds_the_packages_the_contract_and_the_demo_and_no_tests(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    [wheel] = tmp_path.glob("innkeeper-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    source = files()

    assert {f"host/wit/{path.name}" for path in source if path.parts[0] == "wit"} <= names
    assert {path.as_posix() for path in source if path.parts[0] in {"host", "stores", "plugin_sdk_py"}} <= names
    assert {f"host/demo/{path.as_posix()}" for path in source if path.parts[0] == "guest_examples"} <= names
    assert {f"host/demo/{path.relative_to('tests').as_posix()}" for path in source if path.parts[1:3] == ("fixtures", "whatsapp")} <= names
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} <= {"host", "stores", "plugin_sdk_py"}

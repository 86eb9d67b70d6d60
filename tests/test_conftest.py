"""The hook in conftest.py, tried by a pytest of its own on tests that ought to fail: none may pass without having been awaited."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def outcome(folder: Path, *lines: str) -> tuple[int, str]:
    """Exit code and report of pytest about one file of tests, under this project's conftest.py and settings."""
    (folder / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text())
    (folder / "test_it.py").write_text("\n".join(lines))
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(folder), "-q", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout + done.stderr


def test_an_async_test_runs_to_its_end_and_gets_its_fixtures(tmp_path: Path) -> None:
    code, report = outcome(
        tmp_path,
        "import asyncio",
        "async def test_it(tmp_path):",
        "    await asyncio.sleep(0)",
        "    (tmp_path / 'done').touch()",
        "def test_it_has_run(tmp_path_factory):",
        "    assert list(tmp_path_factory.getbasetemp().glob('*/done'))",
    )

    assert "2 passed" in report
    assert code == 0


def test_an_async_test_that_fails_after_its_first_await_fails(tmp_path: Path) -> None:
    code, report = outcome(tmp_path, "import asyncio", "async def test_it():", "    await asyncio.sleep(0)", "    assert 1 == 2")

    assert "assert 1 == 2" in report
    assert code == 1


def test_a_coroutine_that_a_test_returns_unawaited_fails_it(tmp_path: Path) -> None:
    code, report = outcome(tmp_path, "async def check(): pass", "def test_it():", "    return check()")

    assert "FAILED" in report
    assert code == 1


def test_a_coroutine_that_a_test_forgets_to_await_fails_it(tmp_path: Path) -> None:
    code, report = outcome(tmp_path, "async def check(): pass", "def test_it():", "    check()")

    assert "was never awaited" in report
    assert code == 1


def test_an_async_generator_is_no_test(tmp_path: Path) -> None:
    code, report = outcome(tmp_path, "async def test_it():", "    yield")

    assert "FAILED" in report
    assert code == 1


def test_a_property_test_that_is_async_fails_instead_of_passing_unawaited(tmp_path: Path) -> None:
    code, report = outcome(
        tmp_path, "from hypothesis import given, strategies", "@given(strategies.integers())", "async def test_it(number): pass"
    )

    assert "FAILED" in report
    assert code == 1

"""`import host`: fast, free of side effects, and complete."""

import ast
import subprocess
import sys
from pathlib import Path

import host

ROOT = Path(__file__).parents[2]
IMPORT = """
import os, sys, threading

class Watched(type(os.environ)):
    def __getitem__(self, name):
        raise AssertionError(f"{name} of the environment was read")

done = []
sys.addaudithook(lambda event, arguments: done.append((event, str(arguments[0] if arguments else ""))))
before, threads = set(sys.modules), threading.active_count()
ordinary, os.environ.__class__ = type(os.environ), Watched

import host

os.environ.__class__ = ordinary
looking = ("import", "os.listdir", "compile", "exec", "marshal.loads", "object.__setattr__")
print(sorted(set(sys.modules) - before))
print([(event, about) for event, about in done if event not in looking and "host/" not in about])
print(threading.active_count() - threads)
"""
"""Says which modules came, what the interpreter was asked for besides finding them, and how many threads."""


def run(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_importing_the_host_loads_nothing_else_and_touches_nothing() -> None:
    assert run(IMPORT) == ["['host']", "[]", "0"]  # neither wasmtime nor sqlalchemy nor starlette nor asyncio: nothing at all


def test_a_name_loads_its_own_room_alone() -> None:
    (loaded,) = run("import sys\nfrom host import HostOptions\nprint(sorted({'wasmtime', 'sqlalchemy', 'starlette'} & set(sys.modules)))")

    assert loaded == "[]"


def test_making_a_plugin_host_touches_no_file_and_starts_no_thread(tmp_path: Path) -> None:
    program = f"""
import sys, threading
from host import PluginHost
opened, threads = [], threading.active_count()
sys.addaudithook(lambda event, arguments: opened.append((event, arguments)) if event in ("open", "os.mkdir", "sqlite3.connect") else None)
PluginHost(data={str(tmp_path / "data")!r}, database={str(tmp_path / "app.db")!r})
print(opened, threading.active_count() - threads, "asyncio.running" in repr(threading.enumerate()))
"""
    assert run(program) == ["[] 0 False"]
    assert list(tmp_path.iterdir()) == []


def test_every_public_name_is_there_and_declared_for_type_checkers() -> None:
    tree = ast.parse((ROOT / "host/__init__.py").read_text())
    declared = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names} - {"import_module"}

    assert set(host.__all__) == declared == set(host._HOMES)
    assert all(getattr(host, name) is not None for name in host.__all__)
    assert set(host.__all__) <= set(dir(host))


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    assert not hasattr(host, "PlugHost")

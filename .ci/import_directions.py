"""Who may import whom: `python .ci/import_directions.py [ROOT]` names each import that points the wrong way, and exits 1 if there is one.

Imports inside functions and under TYPE_CHECKING count too. `host/library.py` is at the top, beside the command's main module: `PluginHost`
serves as `host.web` does, and builds plugins as the command does. `host/__init__.py` is the library's face: it hands out `PluginHost`, and
what goes with it from the rooms below, but only when a name is asked for, so that importing one room never loads the others. Since it leads
to the top, no room imports a name from it; the package by itself is nothing.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FACE = "host"
MODEL = {"host.model"}
BELOW_CAPABILITIES = MODEL | {"host.sandbox", "host.mcp"}
BELOW_RUNTIME = BELOW_CAPABILITIES | {"host.capabilities", "stores"}
BELOW_WEB = BELOW_RUNTIME | {"host.runtime"}
BELOW_CLI = BELOW_WEB | {"host.web", "plugin_sdk_py"}
BELOW_LIBRARY = BELOW_WEB | {"host.web", "host.cli"}

MAY_IMPORT: dict[str, set[str]] = {
    "host.cli": BELOW_CLI,
    "host.web": BELOW_WEB,
    "host.library": BELOW_LIBRARY,
    FACE: BELOW_WEB | {"host.library"},
    "host.runtime": BELOW_RUNTIME,
    "host.capabilities": BELOW_CAPABILITIES,
    "host.sandbox": MODEL,
    "host.mcp": MODEL,
    "host.model": set(),
    "stores": MODEL,
    "plugin_sdk_py": set(),
    "guest_examples": {"plugin_sdk_py"},
}
MUST_NOT_IMPORT = {
    "host.sandbox": {"sqlalchemy", "alembic", "starlette", "uvicorn", "httpx2"},
    "host.model": {"sqlalchemy", "alembic", "starlette", "uvicorn", "httpx2", "wasmtime"},
    "host.capabilities": {"sqlalchemy", "alembic", "starlette", "uvicorn"},
}
TREES = ("host", "stores", "plugin_sdk_py", "guest_examples")


class Import(NamedTuple):
    module: str
    line: int
    lazy: bool


def main(root: Path) -> int:
    broken = [complaint for file in source_files(root) for complaint in complaints(root, file)]
    print("\n".join(broken) or "imports point one way")
    return 1 if broken else 0


def source_files(root: Path) -> Iterator[Path]:
    for tree in TREES:
        yield from sorted((root / tree).rglob("*.py"))


def complaints(root: Path, file: Path) -> Iterator[str]:
    """One line per broken rule: file, line, what is imported, and the rule."""
    path = file.relative_to(root)
    parts = path.with_suffix("").parts
    room = room_of(parts[:-1] if parts[-1] == "__init__" else parts)
    if room not in MAY_IMPORT:
        yield f"{path}:1: {room} is no room of the design: {', '.join(sorted(MAY_IMPORT))}"
        return
    for found in imports(ast.parse(file.read_text(), str(path)), parts[:-1]):
        rule = broken_rule(room, found)
        if rule:
            yield f"{path}:{found.line}: imports {found.module}, but {rule}"


def room_of(parts: tuple[str, ...]) -> str:
    """`host.runtime.pool.x` is in `host.runtime`; of the other trees each is one room."""
    return ".".join(parts[:2]) if parts[0] == "host" else parts[0]


def broken_rule(room: str, found: Import) -> str | None:
    parts = tuple(found.module.split("."))
    if parts[0] not in TREES:
        return f"{room} does without {parts[0]}" if parts[0] in MUST_NOT_IMPORT.get(room, set()) else None
    target = room_of(parts)
    if target not in MAY_IMPORT:
        target = FACE  # a name of the face: `from host import PluginHost`
    if target == room or found.module == FACE:
        return None
    if target not in MAY_IMPORT[room]:
        allowed = sorted(MAY_IMPORT[room])
        return f"{room} may import only {', '.join(allowed)}" if allowed else f"{room} may import nothing of ours"
    if room == FACE and target not in MODEL and not found.lazy:
        return "host/__init__.py imports that only inside a function or under TYPE_CHECKING"
    return None


def imports(tree: ast.Module, package: tuple[str, ...]) -> Iterator[Import]:
    """All modules that a file of `package` names in an import, as absolute names; each name of a `from` import counts as a module."""
    nodes = list(ast.walk(tree))
    lazy = [range(node.lineno, (node.end_lineno or node.lineno) + 1) for node in nodes if isinstance(node, ast.stmt) and is_lazy(node)]
    for node in nodes:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1], *filter(None, [node.module])] if node.level else [node.module or ""]
            names = [".".join([*base, alias.name]) for alias in node.names]
        else:
            continue
        yield from (Import(name, node.lineno, any(node.lineno in lines for lines in lazy)) for name in dict.fromkeys(names))


def is_lazy(node: ast.stmt) -> bool:
    if isinstance(node, ast.If):
        return ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()))

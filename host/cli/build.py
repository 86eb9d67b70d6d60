"""Turns a plugin's source folder into a component.

The author's module runs here too, since componentize-py imports it and keeps its memory; but it runs as the guest that it is, in
componentize-py's own sandbox, and sees nothing but copies of its source, of the SDK and of Python's library.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from host.model import schema
from host.model.contract import WIT
from host.model.errors import BuildFailed, InvalidManifest

__all__ = ["build", "default_cache"]

OLDEST = (0, 25)
"""The first version of componentize-py that builds the contract's world."""

TIMEOUT = 300
"""Seconds. An ordinary build takes 7 to 20."""

LARGEST = 16 * 1024 * 1024
"""Bytes of a source folder; beyond it the folder is hardly a plugin's source."""

IGNORED = {"__pycache__", "node_modules", "tests"}

Files: TypeAlias = dict[str, bytes]  # content by path, relative and with slashes
Progress: TypeAlias = Callable[[str], None]


def default_cache() -> Path:
    """The folder for what can be made again."""
    if chosen := os.environ.get("INNKEEPER_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "innkeeper"


def build(source: Path, output: Path | None = None, *, cache: Path | None = None, progress: Progress = lambda sentence: None) -> Path:
    """The component made of the folder `source`, at `output` or in the cache.

    The folder has a plugin.py with `plugin = Plugin(...)`, and may have modules beside it and pure-Python dependencies below vendor/. The
    same content is built once, however many ask for it at a time. Raises BuildFailed or InvalidManifest, which say what to do.
    """
    try:
        component = _cached(source.resolve(), (cache or default_cache()) / "builds", progress)
        return _copy(component, output) if output else component
    except OSError as error:
        raise BuildFailed(f"{error.filename}: {error.strerror}") from error


def _cached(source: Path, folder: Path, progress: Progress) -> Path:
    files = _read(source)
    digest = _digest(files)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o022 or folder.stat().st_uid != os.geteuid():
        raise BuildFailed(f"others can write {folder}, and what is in it would be installed: chown it to this user and chmod 700 it")
    component = folder / f"{digest}.wasm"
    with _alone(folder / f"{digest}.lock"):
        if component.exists():
            progress(f"{source.name}: unchanged since it was built")
        else:
            progress(f"{source.name}: building a component, which takes some 10 seconds")
            _componentize(files, component)
    return component


def _read(source: Path) -> Files:
    if not (source / "plugin.py").is_file():
        raise BuildFailed(f'{source} has no plugin.py: a plugin is a folder with a plugin.py that says plugin = Plugin("its-name", ...)')
    files: Files = {}
    size = 0
    for path in _walk(source):
        if path.is_symlink():  # it may lead to the operator's own files, and what is built can be read by everybody
            raise BuildFailed(f"{path} is a link: a plugin is made of the files of its own folder; copy it there")
        files[path.relative_to(source).as_posix()] = content = path.read_bytes()
        size += len(content)
        if size > LARGEST:
            raise BuildFailed(f"{source} holds more than {LARGEST >> 20} MiB: keep in it what the plugin imports")
    return files


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in IGNORED or path.suffix in {".wasm", ".pyc"}:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
        elif path.is_file():
            yield path


def _sdk() -> Files:
    spec = find_spec("plugin_sdk_py")
    if spec is None or spec.origin is None:
        raise BuildFailed("the package plugin_sdk_py is missing: install innkeeper again")
    root = Path(spec.origin).parent
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in _walk(root)}


def _contract() -> Files:
    return {path.name: path.read_bytes() for path in sorted(WIT.glob("*.wit"))}


def _componentize_py() -> str:
    """The version of componentize-py; it fixes the Python inside the component too."""
    try:
        found = version("componentize-py")
    except PackageNotFoundError:
        raise BuildFailed("componentize-py is missing: pip install componentize-py") from None
    if tuple(int(part) for part in found.split(".")[:2]) < OLDEST:
        raise BuildFailed(f"componentize-py {found} is too old: pip install --upgrade componentize-py (at least {OLDEST[0]}.{OLDEST[1]})")
    return found


def _digest(files: Files) -> str:
    """Over everything that the component is made of, each part with its length."""
    digest = sha256(_componentize_py().encode())
    for part in (files, _sdk(), _contract()):
        digest.update(f"{len(part)}\n".encode())
        for name, content in sorted(part.items()):
            digest.update(f"{name!r}\n{len(content)}\n".encode() + content)
    return digest.hexdigest()


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Waits until no other process builds the same; a killed one lets go by itself."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _componentize(files: Files, component: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="innkeeper-build-") as name:
        work = Path(name).resolve()
        _write(work / "source", files)
        _write(work / "sdk" / "plugin_sdk_py", sdk := _sdk())
        _write(work / "wit", {Path(path).name: content for path, content in sdk.items() if path.endswith(".wit")})
        _write(work / "wit" / "deps" / "innkeeper", _contract())
        output = _run(work)
        guest = work / "sdk" / "plugin_sdk_py" / "guest"
        _check(guest, output, built := work / "plugin.wasm")
        _copy(built, component)


def _run(work: Path) -> str:
    """Runs componentize-py. Gives what it printed."""
    paths = [str(path) for path in (work / "sdk", work / "source", work / "source" / "vendor") if path.is_dir()]
    command = [sys.executable, "-I", "-c", "import sys, componentize_py; sys.exit(componentize_py.script())"]
    command += ["-d", str(work / "wit"), "-w", "guest", "componentize", "plugin_sdk_py.guest.entry", "-o", str(work / "plugin.wasm")]
    command += [argument for path in paths for argument in ("-p", path)]
    # Without VIRTUAL_ENV componentize-py mounts the site-packages of whatever Python it finds into the build, writable.
    environment = {"VIRTUAL_ENV": str(work / "none"), "PATH": os.defpath, "TMPDIR": str(work), "RUST_BACKTRACE": "0"}
    try:
        done = subprocess.run(command, env=environment, cwd=work, capture_output=True, encoding="utf-8", errors="replace", timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        raise BuildFailed(
            f"the build did not end within {TIMEOUT} seconds: does plugin.py do more than declare when it is imported?"
        ) from None
    return done.stdout + done.stderr


def _check(guest: Path, output: str, built: Path) -> None:
    """Raises what went wrong, in the author's terms."""
    if error := _left(guest / "error.txt"):
        raise BuildFailed(f"plugin.py does not make a plugin:\n{error}")
    manifest = _left(guest / "manifest.json")
    if not built.exists() or manifest is None:
        raise BuildFailed(f"componentize-py failed:\n{(output.partition('AssertionError: ')[2] or output).strip()}")
    try:
        schema.validate(json.loads(manifest))
    except InvalidManifest as invalid:
        raise InvalidManifest(f"plugin.py declares what can't be: {invalid.message}") from None


def _left(path: Path) -> str | None:
    """The text of a file that the guest left, if it did. Nothing else that it can leave there, a link to one of our files, is looked at."""
    if path.resolve() != path or not path.is_file():
        return None
    with path.open("rb") as file:
        return file.read(LARGEST).decode(errors="replace")


def _write(folder: Path, files: Files) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _copy(component: Path, target: Path) -> Path:
    """Puts it there whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
        try:
            with component.open("rb") as content:
                shutil.copyfileobj(content, file)
            os.chmod(file.name, 0o644)
            os.replace(file.name, target)
        except BaseException:  # boundary: nothing half-written stays behind, whatever happened
            os.unlink(file.name)
            raise
    return target

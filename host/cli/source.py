"""What a command is given as PATH: a plugin's source folder, or a component's file."""

from pathlib import Path

from host.cli.output import Progress
from host.model.errors import NotAComponent, UsageError

LARGEST = 64 * 1024 * 1024
"""Bytes of a component's file. No larger one is compiled."""


def component(path: Path, cache: Path, progress: Progress) -> bytes:
    """The component's bytes (or WAT text), built where `path` is a folder. Raises `UsageError` or `ComponentError`."""
    from host.cli.build import build

    return read(build(path, cache=cache, progress=progress) if folder(path) else path)


def folder(path: Path) -> bool:
    """Whether it is one. Raises `UsageError` when nothing is there."""
    if not path.exists():
        raise UsageError(f"there is no file or folder {path}")
    return path.is_dir()


def read(path: Path) -> bytes:
    """The bytes of a component's file."""
    if not path.is_file():
        raise UsageError(f"{path} is neither a file nor a folder")
    size = path.stat().st_size
    if size > LARGEST:
        raise NotAComponent(f"{path} has {size} bytes; a component may have {LARGEST}")
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"can't read {path}: {error.strerror}") from None

"""Data directories that commands expect to find."""

from pathlib import Path

from host.model.errors import UsageError
from host.runtime.data import DataDirectory


def existing(path: Path) -> DataDirectory:
    """The data directory at `path`. Raises `UsageError` where there is none, and makes nothing."""
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is a file, not a data directory: --data names another")
    if not (path / "innkeeper.db").is_file():
        raise UsageError(f"there is no data directory {path}: `innkeeper serve` and `innkeeper install` make one; --data names another")
    return DataDirectory(path)

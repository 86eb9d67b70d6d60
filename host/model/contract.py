"""Where the contract with guests is: the WIT package and the manifest's JSON Schema."""

from pathlib import Path

__all__ = ["MANIFEST_SCHEMA", "WIT"]

_PACKAGE = Path(__file__).parent.parent

WIT: Path = _PACKAGE / "wit" if (_PACKAGE / "wit").is_dir() else _PACKAGE.parent / "wit"
"""A folder of .wit files: inside the installed package, or at the repository's top."""

MANIFEST_SCHEMA: Path = WIT / "manifest.schema.json"

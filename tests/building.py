"""What tests build once per content and share: the example plugins as components, and the compile cache."""

from functools import cache
from pathlib import Path

from host.cli.build import build, default_cache

EXAMPLES = Path(__file__).parents[1] / "guest_examples"
FIXTURES = Path(__file__).parent / "fixtures"


@cache
def example(name: str) -> bytes:
    """The component of an example plugin."""
    return build(EXAMPLES / name).read_bytes()


def from_source(folder: Path, source: str) -> bytes:
    """The component of a plugin.py with this text."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plugin.py").write_text(source)
    return build(folder).read_bytes()


def artefacts() -> Path:
    """The folder that the compile cache of all tests is in."""
    return default_cache()

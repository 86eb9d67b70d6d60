"""A URL's path, segment by segment, as the sender wrote it and decoded once."""

import re
from urllib.parse import quote, unquote_to_bytes

from starlette.types import Scope

from host.model.errors import RequestError

BROKEN = re.compile(r"%(?![0-9A-Fa-f]{2})")
UNWANTED = re.compile(r"[/\\\x00-\x1f\x7f]")
"""In a decoded segment. Whoever reads the path again must not see another one."""


def raw_path(scope: Scope) -> str:
    """The path as it came, percent-encoded."""
    raw = scope.get("raw_path")
    return raw.decode("latin-1") if raw else quote(scope["path"])


def mounted(scope: Scope) -> tuple[str, str]:
    """The path as it came, in two: what the application is mounted below, and the rest."""
    path, depth = raw_path(scope), _depth(scope)
    parts = path.split("/")
    return "/".join(parts[: depth + 1]), "/".join(["", *parts[depth + 1 :]])


def segments(scope: Scope) -> list[str]:
    """The decoded segments below the place where the application is mounted. A slash at the end gives an empty last one.

    Raises `RequestError` for what is not percent-encoded UTF-8, and for a segment that is `.` or `..` or hides a slash, a backslash or a
    control character.
    """
    parts = raw_path(scope).split("/")[1:]
    return [_decoded(part) for part in parts][_depth(scope) :]


def _depth(scope: Scope) -> int:
    """Segments that the application is mounted below."""
    root: str = scope.get("root_path", "")
    return root.count("/") if root and scope["path"].startswith(root) else 0


def _decoded(segment: str) -> str:
    if "%" in segment or not segment.isascii():
        segment = _unquoted(segment)
    if segment in (".", "..") or UNWANTED.search(segment):
        raise RequestError(400, "path.invalid", "the path has a segment that is not allowed")
    return segment


def _unquoted(segment: str) -> str:
    if BROKEN.search(segment):
        raise RequestError(400, "path.invalid", "the path has a % without two hexadecimal digits behind it")
    try:
        return unquote_to_bytes(segment.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise RequestError(400, "path.invalid", "the path is not UTF-8") from None

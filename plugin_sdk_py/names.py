"""Names as the manifest takes them, and the functions behind them. Each check raises an error that says what it is the name of."""

import inspect
import re

__all__ = ["capability", "identifier", "plain_function", "slug", "version"]

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
IDENTIFIER = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9])?")
NUMBER, LABEL = "(0|[1-9][0-9]*)", "(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
VERSION = re.compile(rf"{NUMBER}\.{NUMBER}\.{NUMBER}(-{LABEL}(\.{LABEL})*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?")
CAPABILITY = re.compile(
    r"messages\.(receive|read|send)|customers\.(read|write|match-email)|sources\.register|store|tasks|events\.emit|mcp\.register"
    r"|http:(\*|(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*)|mcp\.call:[A-Za-z0-9_.-]+"
)


def slug(kind: str, name: str) -> str:
    return _matching(SLUG, kind, name, "lower-case letters, digits and hyphens, at most 63, a hyphen not first")


def identifier(kind: str, name: str) -> str:
    return _matching(IDENTIFIER, kind, name, "letters and digits, with _ - . between them, at most 64")


def version(kind: str, name: str) -> str:
    return _matching(VERSION, kind, name, "semantic, such as 1.0.0")


def capability(name: str) -> str:
    return _matching(CAPABILITY, "capability", name, "one of the contract's, such as messages.receive, store or http:api.example.com")


def plain_function(kind: str, name: str, handler: object) -> None:
    """Raises TypeError unless `handler` can be called and is not `async`."""
    if not callable(handler) or inspect.iscoroutinefunction(handler):
        raise TypeError(f"{kind} {name!r}: a handler is a plain function; it may call asyncio.run(...) itself")


def _matching(pattern: re.Pattern[str], kind: str, name: str, form: str) -> str:
    if not isinstance(name, str) or not pattern.fullmatch(name):
        raise ValueError(f"{kind} {name!r}: {form}")
    return name

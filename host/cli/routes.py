"""Routes of a manifest, in words."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from host.model.manifest import Route


def methods(route: "Route") -> list[str]:
    """What a route answers, a challenge's GET included."""
    return [*(["GET"] if route.challenge else []), *route.methods]


def guard(route: "Route") -> str:
    """Who may call it."""
    from host.model.manifest import Public, Verify

    if isinstance(route.auth, Verify):
        scheme = "" if route.auth.scheme == "hmac" else f" by the scheme {route.auth.scheme}"
        return f"signed in {route.auth.signature.header}{scheme} with the secret {route.auth.secret}"
    return "anybody may call it" if isinstance(route.auth, Public) else "with a token of the operator API"

"""Routes of a manifest, in words."""

from typing import Any

import pytest

from host.cli.routes import guard
from host.model.schema import validate


@pytest.mark.parametrize(
    ("auth", "words"),
    [
        ({"type": "public"}, "anybody may call it"),
        ({"type": "token"}, "with a token of the operator API"),
        ({"type": "verify", "secret": "key", "header": "X-Sig"}, "signed in X-Sig with the secret key"),
        ({"type": "verify", "secret": "key", "scheme": "stripe"}, "signed in Stripe-Signature by the scheme stripe with the secret key"),
        (
            {"type": "verify", "secret": "key", "scheme": "hubspot-v3"},
            "signed in X-HubSpot-Signature-v3 by the scheme hubspot-v3 with the secret key",
        ),
    ],
)
def test_a_route_says_who_may_call_it(auth: dict[str, Any], words: str) -> None:
    routes = [{"name": "a", "path": "/a", "auth": auth}]
    secrets = [{"name": "key", "purpose": "verify"}]
    manifest = validate({"name": "a", "version": "1.0.0", "description": "a", "routes": routes, "secrets": secrets})

    assert guard(manifest.routes[0]) == words

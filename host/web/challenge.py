"""The handshake of a webhook's subscription, answered by the host."""

import hmac

from host.model.installation import Installation
from host.model.manifest import Challenge
from host.runtime.receipt import Answer
from host.web.errors import Refusal
from host.web.verification import missing_secret

LARGEST = 1024
"""Bytes of a challenge."""


def answer_challenge(rule: Challenge, installation: Installation, query: list[tuple[str, str]]) -> Answer:
    """The challenge parameter as plain text. Raises `Refusal` with 403 where the token or another parameter is not as declared."""
    secret = installation.secrets.get(rule.secret)
    if not secret:
        raise _failed(missing_secret(installation, rule.secret))
    for name, value in rule.expect.items():
        if _one(query, name) != value:
            raise _failed(f"the query must have {name}={value}, once")
    if not hmac.compare_digest((_one(query, rule.token_parameter) or "").encode(), secret.encode()):
        raise _failed(f"{rule.token_parameter} in the query is not the secret {rule.secret}")
    challenge = (_one(query, rule.challenge_parameter) or "").encode()
    if not 0 < len(challenge) <= LARGEST:
        raise _failed(f"{rule.challenge_parameter} in the query must come once, with 1 to {LARGEST} bytes")
    return Answer("", 200, [("content-type", "text/plain; charset=utf-8")], challenge)


def _one(query: list[tuple[str, str]], name: str) -> str | None:
    """The parameter that comes exactly once."""
    values = [value for key, value in query if key == name]
    return values[0] if len(values) == 1 else None


def _failed(line: str) -> Refusal:
    return Refusal(403, "challenge.failed", "the challenge is not answered", line=line)

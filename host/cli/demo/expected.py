"""Whether what came out is what the webhooks said. Everything that differs is a sentence."""

from collections.abc import Iterator
from typing import Any

from host.cli.demo.client import Seen
from host.cli.demo.house import PHONE_NUMBERS
from host.cli.demo.material import Fixture, fixtures
from host.cli.demo.post import Sent


def differences(sent: list[Sent], seen: dict[str, Seen]) -> list[str]:
    known = fixtures()
    wrong = [sentence for request in sent for sentence in _answered(request)]
    for organization, what in seen.items():
        wrong += _received(organization, known, what)
        wrong += _recorded(organization, [request for request in sent if request.organization == organization], what.deliveries)
    return wrong


def _answered(sent: Sent) -> Iterator[str]:
    if sent.status != sent.expected:
        yield f"{sent.organization}: {sent.what} was answered with {sent.status} instead of {sent.expected}"
    elif not sent.body_right:
        yield f"{sent.organization}: {sent.what} was answered with another body than it should"


def _received(organization: str, known: list[Fixture], seen: Seen) -> Iterator[str]:
    """Each message of the organisation's phone number is there once, and no other."""
    wanted = sorted(each for fixture in known for each in fixture.messages.get(PHONE_NUMBERS[organization], []))
    found = sorted(str(message["external_id"]) for message in messages(seen))
    if found != wanted:
        yield f"{organization}: {len(found)} messages came out of webhooks with {len(wanted)}: {_sample(wanted, found)}"


def _recorded(organization: str, sent: list[Sent], deliveries: list[dict[str, Any]]) -> Iterator[str]:
    """A delivery for each request, in the same order, with the same status."""
    wanted = [request.expected for request in sent if request.recorded]
    found = [delivery["status"] for delivery in deliveries]
    if found != wanted:
        yield f"{organization}: the deliveries have the statuses {found} instead of {wanted}"


def messages(seen: Seen) -> list[dict[str, Any]]:
    return [message for conversation in seen.conversations for message in conversation["messages"]]


def _sample(wanted: list[str], found: list[str]) -> str:
    missing, extra = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    return f"missing {missing[:3]}, unexpected {extra[:3]}, {len(found) - len(set(found))} twice"

"""Where the example plugins and the webhooks are: in the source tree, or inside the installed package."""

import json
from itertools import chain
from pathlib import Path
from typing import NamedTuple

_PACKAGE = Path(__file__).parents[2]
_SHIPPED = _PACKAGE / "demo"
_TREE = _PACKAGE.parent

EXAMPLES = _SHIPPED / "guest_examples" if _SHIPPED.is_dir() else _TREE / "guest_examples"
FIXTURES = (_SHIPPED if _SHIPPED.is_dir() else _TREE / "tests") / "fixtures" / "whatsapp"


class Fixture(NamedTuple):
    """A webhook's body as WhatsApp sends it: for which phone numbers it is, and the ids of messages and statuses in it."""

    name: str
    body: bytes
    messages: dict[str, list[str]]
    statuses: dict[str, list[str]]


def fixtures() -> list[Fixture]:
    """All of them, in the order in which the conversation goes."""
    return sorted((_fixture(path) for path in FIXTURES.glob("*.json")), key=_first_id)


def _first_id(fixture: Fixture) -> str:
    return min(chain(*fixture.messages.values(), *fixture.statuses.values()))


def _fixture(path: Path) -> Fixture:
    body = path.read_bytes()
    messages: dict[str, list[str]] = {}
    statuses: dict[str, list[str]] = {}
    for entry in json.loads(body)["entry"]:
        for change in entry["changes"]:
            value = change["value"]
            number = value["metadata"]["phone_number_id"]
            messages.setdefault(number, []).extend(message["id"] for message in value.get("messages", []))
            statuses.setdefault(number, []).extend(status["id"] for status in value.get("statuses", []))
    return Fixture(path.stem, body, messages, statuses)

"""What is sent, and what should be answered."""

import hmac

from msgspec import Struct

from host.cli.demo.client import Client
from host.cli.demo.house import ORGANIZATIONS, TESTED, Secrets
from host.cli.demo.material import Fixture, fixtures

CHALLENGE = "1158201444"
FIRST, SECOND = ORGANIZATIONS


class Sent(Struct, frozen=True):
    """One request of the demo, the status that answered it and the one that should have, and whether the body was as it should be."""

    organization: str
    what: str
    status: int
    expected: int
    body_right: bool = True
    recorded: bool = True
    """Whether it makes a delivery: what the host answers by itself does not."""


def send_all(client: Client, secrets: Secrets) -> list[Sent]:
    """Everything, in the order in which it should be read."""
    known = fixtures()
    sent = [_health(client), *(_challenge(client, organization, secrets) for organization in ORGANIZATIONS)]
    sent += [_webhook(client, FIRST, fixture, secrets) for fixture in known]
    sent += [_webhook(client, SECOND, fixture, secrets) for fixture in known if len(fixture.messages) > 1]
    sent.append(_webhook(client, FIRST, known[0], secrets, ", once more"))
    forged = Secrets("somebody else's", secrets.verify_token)
    sent.append(_webhook(client, FIRST, known[0], forged, ", wrong signature", expected=401))
    return sent


def _health(client: Client) -> Sent:
    answer = client.get(f"/v1/orgs/{TESTED}/plugins/simple-http-test/health")
    return Sent(TESTED, "simple-http-test /health", answer.status_code, 200, answer.json().get("status") == "ok")


def _challenge(client: Client, organization: str, secrets: Secrets) -> Sent:
    """As Meta does when somebody subscribes the webhook. The host answers it; no guest runs, so there is no delivery."""
    query = {"hub.mode": "subscribe", "hub.verify_token": secrets.verify_token, "hub.challenge": CHALLENGE}
    answer = client.get(_url(organization), **query)
    return Sent(organization, "subscription challenge", answer.status_code, 200, answer.text == CHALLENGE, recorded=False)


def _webhook(client: Client, organization: str, fixture: Fixture, secrets: Secrets, note: str = "", expected: int = 200) -> Sent:
    signature = "sha256=" + hmac.digest(secrets.app_secret.encode(), fixture.body, "sha256").hex()
    answer = client.post(_url(organization), fixture.body, signature)
    return Sent(organization, fixture.name + note, answer.status_code, expected)


def _url(organization: str) -> str:
    return f"/v1/orgs/{organization}/plugins/whatsapp/webhook"

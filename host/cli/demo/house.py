"""Two organisations with their plugins, in a fresh data directory."""

from pathlib import Path
from secrets import token_hex

from msgspec import Struct

from host.cli.build import build
from host.cli.demo.material import EXAMPLES
from host.cli.loop import run
from host.cli.output import Progress
from host.runtime.data import DataDirectory
from host.runtime.install import Order, install

PHONE_NUMBERS = {"acme": "106540352242922", "globex": "106540352249999"}
"""Each organisation's phone number at WhatsApp."""
ORGANIZATIONS = list(PHONE_NUMBERS)
TESTED = "acme"
"""The organisation that has simple-http-test too."""


class Secrets(Struct, frozen=True):
    """What WhatsApp and both organisations know in the demo."""

    app_secret: str
    verify_token: str


def furnish(folder: Path, cache: Path, progress: Progress) -> Secrets:
    """Builds the examples and installs them."""
    secrets = Secrets(token_hex(16), token_hex(16))
    whatsapp = build(EXAMPLES / "whatsapp", cache=cache, progress=progress).read_bytes()
    http_test = build(EXAMPLES / "simple_http_test", cache=cache, progress=progress).read_bytes()
    run(_install(folder, cache, http_test, Order(organization=TESTED, create_organization=True, grant_all=True), progress))
    for organization, number in PHONE_NUMBERS.items():
        order = Order(
            organization=organization,
            create_organization=True,
            grants=["messages.receive"],
            settings={"phone_number_id": number},
            secrets={"app_secret": secrets.app_secret, "webhook_verify_token": secrets.verify_token},
        )
        run(_install(folder, cache, whatsapp, order, progress))
    return secrets


async def _install(folder: Path, cache: Path, component: bytes, order: Order, progress: Progress) -> None:
    await install(DataDirectory(folder), cache, component, order, progress)

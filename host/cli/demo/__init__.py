"""The demo: everything that a first look needs, over the same commands and the same HTTP that everybody uses.

Nothing in it is staged: what it shows was read back through the API, and it fails when that is not what the webhooks said.
"""

import signal
import tempfile
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType

from host.cli.demo import expected, house, post, show
from host.cli.demo.client import Client
from host.cli.demo.server import served
from host.cli.output import print_json, progress


def run(cache: Path, port: int, *, keep: bool, as_json: bool) -> int:
    """The exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="innkeeper-demo-")))
        with progress() as tell:
            secrets = house.furnish(folder, cache, tell)
            tell("starting the host")
            url = stack.enter_context(served(folder, cache, port))
            client = stack.enter_context(Client(url, (folder / "operator.token").read_text().strip()))
            tell("sending webhooks")
            sent = post.send_all(client, secrets)
            seen = client.everything(house.ORGANIZATIONS)
        wrong = expected.differences(sent, seen)
        if as_json:
            print_json({"url": url, "data": str(folder), "sent": sent, "organizations": seen, "wrong": wrong})
        else:
            show.everything(sent, seen, wrong)
        if keep and not as_json:
            show.addresses(url, folder)
        if keep:
            _until_interrupted()
    return 1 if wrong else 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _until_interrupted() -> None:
    with suppress(KeyboardInterrupt):
        threading.Event().wait()

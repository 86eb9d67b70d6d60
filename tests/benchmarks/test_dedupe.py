"""What a dedupe key costs a webhook, beside the same one without: in one process and one run, through everything but the socket."""

import statistics
import time
from pathlib import Path

from tests.guests_wat import Respond
from tests.web.site import a_site
from tests.web.test_dedupe import deduping, post

ROUNDS = 600


async def test_a_webhook_with_a_key_beside_one_without(tmp_path: Path) -> None:
    taken: dict[str, list[float]] = {"without a key": [], "with a new key": [], "with a known key": []}
    async with a_site(tmp_path, deduping(Respond(body=b"ok"))) as site:
        for number in range(ROUNDS):
            body = b'{"event": {"id": "evt_%d"}, "filling": "%s"}' % (number, b"x" * 900)
            for kind, path in zip(taken, ("/none", "/body", "/body"), strict=True):
                started = time.perf_counter()
                reply = await post(site, path, body)
                taken[kind].append((time.perf_counter() - started) * 1e6)
                assert reply.status == 200

    medians = {kind: statistics.median(times) for kind, times in taken.items()}
    print("\nmicroseconds for a signed webhook of 1 KB, one after the other, median; commit included")
    for kind, median in medians.items():
        print(f"  {kind:20} {median:7.0f}   ratio {median / medians['without a key']:.2f}")

"""How long a signed WhatsApp webhook takes, from its sender's side, until its message is committed."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import httpx2

from tests.benchmarks import servers

WARM = 300


def milliseconds(call: Callable[[], httpx2.Response]) -> float:
    started = time.perf_counter()
    response = call()
    taken = (time.perf_counter() - started) * 1000
    assert response.status_code == 200, response.text
    return taken


def test_one_webhook_after_the_other(tmp_path: Path) -> None:
    organizations = [f"org-{number}" for number in range(5)]
    for organization in organizations:
        servers.install_whatsapp(tmp_path / "data", organization)
    numbers = iter(range(10**8))

    def post(client: httpx2.Client, organization: str) -> Callable[[], httpx2.Response]:
        body, headers = servers.webhook(next(numbers))
        return lambda: client.post(f"/v1/plugins/whatsapp/webhook?organizationId={organization}", content=body, headers=headers)

    with servers.serving(tmp_path / "data") as url, httpx2.Client(base_url=url) as client:
        client.get("/healthz")
        first = [milliseconds(post(client, organization)) for organization in organizations]
        warm = [milliseconds(post(client, organizations[0])) for _ in range(WARM)]
    with servers.answering_constantly() as url, httpx2.Client(base_url=url) as client:
        body, headers = servers.webhook(0)
        constant = [milliseconds(lambda: client.post("/", content=body, headers=headers)) for _ in range(WARM)]

    median = statistics.median(warm)
    print("\nmilliseconds from the sender's side, one at a time")
    print(f"  first webhook of an organisation   {', '.join(f'{each:.1f}' for each in first)}")
    print(f"  later ones, median and 99 %        {median:.2f}, {sorted(warm)[int(WARM * 0.99)]:.2f}")
    print(f"  a constant answer, median          {statistics.median(constant):.2f}")
    print(f"  ratio                              {median / statistics.median(constant):.1f}")

"""An open breaker as senders see it: after their signature, and with the time to come again."""

from pathlib import Path

import pytest

from host.model.options import HostOptions
from host.runtime.enable import enable
from host.web.app import create_app
from tests.guests_wat import Code
from tests.runtime.hosts import ORGANIZATION, a_host, installed
from tests.web.site import SECRETS, Site, probe

TRAP = Code("(unreachable)")


@pytest.mark.promise("breaker.quiet")
async def test_only_who_may_call_learns_that_a_plugin_is_out_of_service(tmp_path: Path) -> None:
    await installed(tmp_path, probe(TRAP), secrets=SECRETS)
    async with a_host(tmp_path, HostOptions(breaker_failures=2)) as runtime:
        site = Site(runtime, create_app(runtime))
        base = f"/v1/orgs/{ORGANIZATION}/plugins/probe"
        for path, headers in [("open", [])] * 3 + [("token", [site.token()])] * 2:
            assert (await site.ask("GET", f"{base}/{path}", headers=headers)).code == "trap"

        refused = await site.ask("GET", f"{base}/open")
        assert (refused.status, refused.code, refused.header("retry-after")) == (503, "breaker.open", ["60"])
        assert (await site.ask("GET", f"{base}/nothing")).status == 404
        assert (await site.ask("POST", f"{base}/any", body=b"unsigned")).code == "signature.invalid"
        assert (await site.ask("GET", f"{base}/token")).code == "unauthenticated"
        assert (await site.ask("GET", f"{base}/token", headers=[site.token()])).code == "breaker.open"
        assert [(each.outcome, each.status, each.error_code) for each in site.records()[5:]] == [
            ("refused", 503, "breaker.open"), ("refused", 401, "signature.invalid"), ("refused", 401, "unauthenticated"),
            ("refused", 503, "breaker.open"),
        ]  # fmt: skip

        await enable(runtime, ORGANIZATION, "probe")
        assert (await site.ask("GET", f"{base}/open")).code == "trap"

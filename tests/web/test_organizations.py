"""Organisations, their plugins and what they used, as operators read them."""

from pathlib import Path

import pytest

from tests.guests_wat import Report, manifest, plugin
from tests.runtime.hosts import installed
from tests.web.site import a_site

OPEN = "/v1/orgs/acme/plugins/probe/open"


async def test_a_token_for_all_organisations_sees_them_and_one_for_one_does_not(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        await installed(tmp_path, plugin(manifest(), Report()), organization="globex")
        everything = await site.ask("GET", "/v1/orgs", headers=[site.token(role="reader")])
        one = await site.ask("GET", "/v1/orgs", headers=[site.token("acme")])
        nobody = await site.ask("GET", "/v1/orgs")

    assert [each["id"] for each in everything.json["items"]] == ["acme", "globex"]
    assert (one.status, one.code) == (403, "forbidden")
    assert (nobody.status, nobody.code) == (401, "unauthenticated")


async def test_an_organisations_plugins_are_listed_with_what_they_wait_for(tmp_path: Path) -> None:
    async with a_site(tmp_path, grant_all=False, secrets={"app_secret": "s3cret"}) as site:
        reply = await site.ask("GET", "/v1/orgs/acme/plugins", headers=[site.token("acme", "reader")])

    [found] = reply.json["items"]
    assert (found["plugin"], found["version"], found["state"], found["reason"]) == ("probe", "1.0.0", "running", None)
    assert (found["grants"], found["waiting"], found["missing_secrets"]) == ([], ["routes.public"], ["verify_token"])
    assert "s3cret" not in reply.body.decode()


async def test_what_was_used_is_summed_by_plugin_and_day(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        for _ in range(3):
            await site.ask("GET", OPEN)
        await site.ask("POST", "/v1/orgs/acme/plugins/probe/any", body=b"unsigned")
        records, token = site.records(), site.token("acme")
        [found] = (await site.ask("GET", "/v1/orgs/acme/usage", headers=[token])).json["items"]
        none = (await site.ask("GET", "/v1/orgs/acme/usage?plugin=third", headers=[token])).json
        future = (await site.ask("GET", "/v1/orgs/acme/usage?since=99999999999999", headers=[token])).json

    assert (found["plugin"], found["calls"], found["failures"], found["refused"], found["cold"]) == ("probe", 4, 0, 1, 1)
    assert found["fuel"] == sum(record.fuel for record in records) > 0
    assert found["host_calls"] == sum(record.host_calls for record in records)
    assert len(found["day"]) == len("2026-03-01")
    assert none == future == {"items": [], "next": None}


@pytest.mark.parametrize("path", ["plugins", "usage", "deliveries?outcome=failed"])
async def test_another_organisation_is_like_one_that_is_not_there(tmp_path: Path, path: str) -> None:
    async with a_site(tmp_path) as site:
        await installed(tmp_path, plugin(manifest(), Report()), organization="globex")
        foreign = await site.ask("GET", f"/v1/orgs/globex/{path}", headers=[site.token("acme")])
        missing = await site.ask("GET", f"/v1/orgs/nowhere/{path}", headers=[site.token("acme")])
        nobody = await site.ask("GET", f"/v1/orgs/acme/{path}")

    assert (foreign.status, foreign.code) == (404, "not-found")
    assert foreign == missing
    assert nobody.status == 401


WRONG = ["deliveries?kind=cron", "deliveries?outcome=", "deliveries?since=yesterday", "deliveries?since=-1", "usage?since=1e3"]


@pytest.mark.parametrize("query", [*WRONG, "usage?since=1&since=2"])
async def test_a_filter_that_can_not_be_is_refused(tmp_path: Path, query: str) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("GET", f"/v1/orgs/acme/{query}", headers=[site.token()])

    assert (reply.status, reply.code) == (400, "invalid")


async def test_deliveries_are_filtered_by_outcome_kind_and_time(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        await site.ask("GET", OPEN)
        await site.ask("POST", "/v1/orgs/acme/plugins/probe/any", body=b"unsigned")
        answered, refused = site.records()
        found = []
        for query in ("outcome=refused", "outcome=succeeded&kind=webhook", "kind=hook", f"since={refused.received_at + 1_000}"):
            reply = await site.ask("GET", f"/v1/orgs/acme/deliveries?{query}", headers=[site.token()])
            found.append([each["id"] for each in reply.json["items"]])

    assert found == [[refused.id], [answered.id], [], []]

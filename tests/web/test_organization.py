"""Which organisation a request is for, and that the answer never tells which there are."""

from pathlib import Path

import pytest

from tests.runtime.hosts import installed
from tests.web.site import SECRETS, a_site, probe

HEADER = "X-Organization-Id"


async def test_the_query_the_header_and_the_path_name_the_same_installation(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        by_query = await site.ask("GET", "/v1/plugins/probe/open?organizationId=acme")
        by_header = await site.ask("GET", "/v1/plugins/probe/open", headers=[(HEADER, "acme")])
        by_path = await site.ask("GET", "/v1/orgs/acme/plugins/probe/open")

    assert [reply.told.route for reply in (by_query, by_header, by_path)] == ["open", "open", "open"]


async def test_all_three_may_say_the_same_as_often_as_they_like(tmp_path: Path) -> None:
    target = "/v1/orgs/acme/plugins/probe/open?organizationId=acme&organizationId=acme"
    async with a_site(tmp_path) as site:
        reply = await site.ask("GET", target, headers=[(HEADER, "acme"), (HEADER, "acme")])

    assert reply.told.path == "/open"


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/v1/plugins/probe/open?organizationId=acme&organizationId=other", []),
        ("/v1/plugins/probe/open?organizationId=acme&organization%49d=other", []),
        ("/v1/plugins/probe/open?organizationId=acme&organizationId=", []),
        ("/v1/plugins/probe/open?organizationId=acme", [(HEADER, "other")]),
        ("/v1/plugins/probe/open", [(HEADER, "acme"), (HEADER, "other")]),
        ("/v1/orgs/acme/plugins/probe/open?organizationId=other", []),
        ("/v1/orgs/acme/plugins/probe/open", [(HEADER, "other")]),
        ("/v1/orgs/nobody/plugins/nothing/open", [(HEADER, "other")]),
    ],
)
async def test_two_names_are_refused_whether_they_exist_or_not(tmp_path: Path, target: str, headers: list[tuple[str, str]]) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("GET", target, headers=headers)
        records = site.records()

    assert (reply.status, reply.code) == (400, "organization.ambiguous")
    assert records == []


async def test_a_request_that_names_none_is_told_how_whatever_is_installed(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        known = await site.ask("GET", "/v1/plugins/probe/open")
        unknown = await site.ask("GET", "/v1/plugins/nothing/open")

    assert (known.status, known.code) == (400, "organization.missing")
    assert known == unknown


@pytest.mark.promise("front.one-404")
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS", "DELETE", "TRACE"])
async def test_what_is_unknown_not_installed_disabled_or_without_consent_is_one_and_the_same_404(tmp_path: Path, method: str) -> None:
    await installed(tmp_path, probe(), organization="other")
    await installed(tmp_path, probe(), organization="careful", grant_all=False)
    async with a_site(tmp_path) as site:
        with site.runtime.database.transaction() as connection:
            connection.execute("UPDATE installations SET enabled = 0 WHERE organization = 'other'")
            connection.execute("UPDATE config_epoch SET epoch = epoch + 1")
        replies = [
            await site.ask(method, target)
            for target in [
                "/v1/orgs/nobody/plugins/probe/open",
                "/v1/orgs/acme/plugins/nothing/open",
                "/v1/orgs/acme/plugins/probe/no/such/route",
                "/v1/orgs/other/plugins/probe/open",
                "/v1/orgs/careful/plugins/probe/open",
                "/v1/orgs/acme/plugins//open",
                "/v1/orgs//plugins/probe/open",
                "/v1/orgs/ACME/plugins/probe/open",
                "/v1/orgs/acme%F0%9F%90%88/plugins/probe/open",
                "/v1/orgs/acme/plugins/" + "x" * 5000 + "/open",
                "/v1/plugins/probe/open?organizationId=",
                "/v1/plugins/probe/open?organizationId=%00",
                "/v1/plugins",
                "/v2/anything",
            ]
        ]

    assert replies[0].body == b"" if method == "HEAD" else replies[0].code == "not-found"
    assert {(reply.status, reply.body, tuple(reply.headers)) for reply in replies} == {
        (404, replies[0].body, tuple(replies[0].headers)),
    }


async def test_each_organisation_gets_its_own_installation(tmp_path: Path) -> None:
    await installed(tmp_path, probe(), organization="other", secrets={**SECRETS, "verify_token": "another"})
    query = "?hub.mode=subscribe&hub.verify_token=another&hub.challenge=42"
    async with a_site(tmp_path) as site:
        theirs = await site.ask("GET", f"/v1/orgs/other/plugins/probe/webhook{query}")
        ours = await site.ask("GET", f"/v1/orgs/acme/plugins/probe/webhook{query}")

    assert (theirs.status, theirs.body) == (200, b"42")
    assert ours.status == 403

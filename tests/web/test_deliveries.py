"""What came in and what became of it, as operators read it."""

from pathlib import Path

from host.model.delivery import Delivery, LogLine
from stores import deliveries
from tests.guests_wat import Report, manifest, plugin
from tests.runtime.hosts import installed
from tests.web.site import a_site

LIST = "/v1/orgs/acme/deliveries"
OPEN = "/v1/orgs/acme/plugins/probe/open"


async def test_the_newest_comes_first_with_its_figures(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        await site.ask("GET", OPEN)
        await site.ask("POST", "/v1/orgs/acme/plugins/probe/any", body=b"unsigned")
        [refused, answered] = (await site.ask("GET", LIST, headers=[site.token()])).json["items"]

    assert (answered["plugin"], answered["plugin_version"], answered["name"], answered["method"]) == ("probe", "1.0.0", "open", "GET")
    assert (answered["path"], answered["outcome"], answered["status"], answered["error_code"]) == ("/open", "succeeded", 200, None)
    assert (answered["cold"], answered["runs"], answered["effects"]) == (True, 1, 0)
    assert answered["fuel"] > 0
    assert answered["memory"] > 0
    assert answered["duration_us"] > 0
    assert (refused["outcome"], refused["status"], refused["error_code"], refused["runs"]) == ("refused", 401, "signature.invalid", 0)
    assert "log" not in refused


async def test_one_delivery_comes_with_its_log(tmp_path: Path) -> None:
    lines = [LogLine(5, "info", "hello 🦊", '{"n": 1}'), LogLine(6, "error", "bye")]
    async with a_site(tmp_path) as site:
        await site.ask("GET", OPEN)
        known = site.records()[0]
        logged = Delivery(**{name: getattr(known, name) for name in known.__struct_fields__} | {"id": known.id[:-4] + "ffff", "log": lines})
        with site.runtime.database.transaction() as connection:
            deliveries.record(connection, logged)
        reply = await site.ask("GET", f"{LIST}/{logged.id}", headers=[site.token()])

    assert reply.json["id"] == logged.id
    assert reply.json["log"] == [
        {"at": 5, "level": "info", "message": "hello 🦊", "fields": {"n": 1}},
        {"at": 6, "level": "error", "message": "bye", "fields": None},
    ]


async def test_the_list_can_be_of_one_plugin_and_is_cut_in_pages(tmp_path: Path) -> None:
    second = plugin(manifest({"name": "open", "path": "/open", "auth": {"type": "public"}, "methods": ["GET"]}, name="second"), Report())
    await installed(tmp_path, second)
    async with a_site(tmp_path) as site:
        for name in ("probe", "second", "probe", "second", "second"):
            await site.ask("GET", f"/v1/orgs/acme/plugins/{name}/open")
        token = site.token()
        first = (await site.ask("GET", f"{LIST}?plugin=second&limit=2", headers=[token])).json
        rest = (await site.ask("GET", f"{LIST}?plugin=second&limit=2&cursor={first['next']}", headers=[token])).json
        nothing = (await site.ask("GET", f"{LIST}?plugin=third", headers=[token])).json

    items = [*first["items"], *rest["items"]]
    assert [item["plugin"] for item in items] == ["second"] * 3
    assert [item["id"] for item in items] == sorted((item["id"] for item in items), reverse=True)
    assert rest["next"] is None
    assert nothing == {"items": [], "next": None}


async def test_a_delivery_of_another_organisation_is_not_there(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        await installed(tmp_path, plugin(manifest(), Report()), organization="other")
        await site.ask("GET", OPEN)
        record = site.records()[0]
        mine = await site.ask("GET", f"{LIST}/{record.id}", headers=[site.token("acme")])
        foreign = await site.ask("GET", f"/v1/orgs/other/deliveries/{record.id}", headers=[site.token("other")])
        made_up = await site.ask("GET", f"{LIST}/nonsense", headers=[site.token("acme")])

    assert mine.status == 200
    assert (foreign.status, foreign.code) == (404, "not-found")
    assert foreign == made_up

"""A plugin that goes looking for secrets: another plugin's, another organisation's, the plugin's own, and its own by other names."""

import shutil
import time
from pathlib import Path

import pytest
from msgspec.json import decode, encode

from stores import epoch, installations, plugin_secrets
from stores.database import Database
from stores.sealing import Sealer
from tests.building import from_source
from tests.guests_wat import Respond, manifest, plugin
from tests.runtime.hosts import a_host, choose, installed, records, send

THIEF = """
from plugin_sdk_py import HostError, Plugin, Request, Response, token

plugin = Plugin("thief", version="1.0.0", description="Looks for what is not its own")
plugin.secret("signing", purpose="sign")
plugin.secret("readable", purpose="read")
plugin.secret("verifying", purpose="verify")
plugin.secret("unset", purpose="read", required=False)


def outcome(ask):
    try:
        return ask()
    except HostError as error:
        return {"code": error.code, "message": error.message}


@plugin.post("/try", auth=token())
def attempt(request: Request) -> Response:
    secrets = plugin.secrets
    ways = [secrets.exists, lambda name: secrets.hmac(name, "data"), secrets.read]
    return Response.json([[outcome(lambda: way(name)) for way in ways] for name in request.json()])


@plugin.post("/many", auth=token())
def many(request: Request) -> Response:
    asked = plugin.secrets
    found = [name for name in (f"name_{number}" for number in range(10_000)) if asked.exists(name)]
    told = {outcome(lambda: way(f"name_{number}"))["code"] for number in range(1_000) for way in (lambda n: asked.hmac(n, ""), asked.read)}
    return Response.json({"found": found, "told": sorted(told)})


@plugin.post("/print", auth=token())
def tell(request: Request) -> Response:
    for line in request.json():
        print(line)
        plugin.log.warn(line, where=line)
    return Response(b"", status=204)
"""

MINE = {"signing": "the signing key of acme", "readable": "the readable one of acme", "verifying": "the verifying one of acme"}
THEIRS = {name: value.replace("acme", "elm") for name, value in MINE.items()}
TREASURE = "the treasure of another plugin"
OWN = {"verifying": "the one of the shared routes", "readable": "an own one that should not be there"}

NAMES = [
    "treasure", "keeper/treasure", "keeper:treasure", "keeper.treasure", "../keeper/treasure", "acme/keeper/treasure",
    "elm/readable", "../elm/thief/readable", "elm:readable", "/readable", "./readable", "readable/", "readable/.", "x/../readable",
    "Readable", "READABLE", " readable", "readable ", "readable\n", "readable\0", "\0", "readable\0.elm", "r\u0435adable", "\uff52eadable",
    "readable%00", "%72eadable", "readable?org=elm", "readable' OR '1'='1", "readable;--", "*", "%",
    "_", "read*", "", " ", "\u202ereadable",
    "secrets:readable", "own_secrets", "own_secrets.verifying", "_values", "__class__", "__dict__", "shut", "masks", "0", "-1", "null",
    "readable" * 1_000, "\U0001f511",
]  # fmt: skip


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory where the thief and the keeper are in two organisations, with secrets of all kinds, and granted far too much."""
    import asyncio

    folder = tmp_path_factory.mktemp("secrets")
    data = folder / "data"
    thief = from_source(folder / "thief", THIEF)
    keeper = plugin(manifest(name="keeper", secrets=[{"name": "treasure", "purpose": "read"}]), Respond())
    for organization, secrets in (("acme", MINE), ("elm", THEIRS)):
        asyncio.run(installed(data, thief, organization=organization, secrets=secrets))
        asyncio.run(installed(data, keeper, organization=organization, secrets={"treasure": TREASURE}))
    with Database(data / "innkeeper.db").transaction() as connection:
        for name, value in OWN.items():
            plugin_secrets.set(connection, Sealer.open_or_create(data, {}), "thief", name, value, 1)
        choose(connection, "thief", limits={"deadline_ms": 60_000})
        granted = [*MINE, "unset", *NAMES]
        installations.set_grants(connection, "acme", "thief", [f"secrets:{name}" for name in granted], 2)
    return data


@pytest.fixture
def data(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "data"))


@pytest.mark.promise("capabilities.secret-by-name", "secrets.plugin-own")
async def test_no_name_finds_what_is_not_the_organisations_own(data: Path) -> None:
    async with a_host(data) as runtime:
        answer = await send(runtime, "thief", "attempt", encode(NAMES))
        told = records(runtime)[-1]

    assert answer.status == 200, told
    outcomes = dict(zip(NAMES, decode(answer.body), strict=True))
    assert [name for name, (exists, _, _) in outcomes.items() if exists is not False] == []
    assert {outcome["code"] for _, *others in outcomes.values() for outcome in others} == {"denied"}
    assert not any(value.encode() in answer.body for value in (*THEIRS.values(), *OWN.values(), TREASURE))


@pytest.mark.promise("secrets.plugin-own")
async def test_the_same_name_gives_the_organisations_own_and_never_the_plugins(data: Path) -> None:
    async with a_host(data) as runtime:
        answer = await send(runtime, "thief", "attempt", encode(["readable", "signing", "verifying", "unset"]))
        of_elm = await send(runtime, "thief", "attempt", encode(["readable"]), organization="elm")
        with runtime.database.transaction() as connection:
            connection.execute("DELETE FROM secrets WHERE organization = 'acme' AND plugin = 'thief'")
            epoch.bump(connection)
        afterwards = await send(runtime, "thief", "attempt", encode(["readable", "signing", "verifying", "unset"]))

    readable, signing, verifying, unset = decode(answer.body)
    assert (readable[0], readable[1]["code"], readable[2]) == (True, "denied", MINE["readable"])
    assert (signing[0], len(signing[1]), signing[2]["code"]) == (True, 64, "denied")
    assert (verifying[0], verifying[1]["code"], verifying[2]["code"]) == (True, "denied", "denied")
    assert (unset[0], unset[1]["code"], unset[2]["code"]) == (False, "denied", "not-found")
    assert decode(of_elm.body)[0][2] == THEIRS["readable"]
    assert [exists for exists, _, _ in decode(afterwards.body)] == [False] * 4
    assert not any(value.encode() in afterwards.body for value in (*MINE.values(), *OWN.values()))


@pytest.mark.promise("capabilities.secret-by-name")
async def test_ten_thousand_names_find_nothing_and_a_neighbour_is_answered(data: Path) -> None:
    async with a_host(data) as runtime:
        answer = await send(runtime, "thief", "many")
        neighbour = await send(runtime, "thief", "attempt", encode(["readable"]), organization="elm")
        last = records(runtime)[-1]

    assert answer.status == 200, last
    assert decode(answer.body) == {"found": [], "told": ["denied"]}
    assert last.host_calls > 12_000
    assert neighbour.status == 200


@pytest.mark.promise("secrets.masked", "secrets.plugin-own")
async def test_what_it_prints_is_masked_in_each_organisation_also_where_it_is_the_plugins_own(data: Path) -> None:
    async with a_host(data) as runtime:
        for organization, mine in (("acme", MINE), ("elm", THEIRS)):
            lines = [f"<{value}>" for value in (*mine.values(), *OWN.values())]
            assert (await send(runtime, "thief", "tell", encode(lines), organization=organization)).status == 204
            (record,) = records(runtime, organization)
            log = encode(record.log).decode()
            assert log.count("[secret ") == 15
            assert not any(value in log for value in (*mine.values(), *OWN.values()))


@pytest.mark.promise("secrets.plugin-own")
async def test_an_own_secret_that_is_set_while_the_host_runs_is_masked_from_the_next_call_on(data: Path) -> None:
    async with a_host(data) as runtime:
        assert (await send(runtime, "thief", "tell", encode(["not known yet"]))).status == 204
        with runtime.database.transaction() as connection:
            sealer = Sealer.open_or_create(data, {})
            plugin_secrets.set(connection, sealer, "thief", "verifying", "not known yet", time.time_ns() // 1_000_000)
        assert (await send(runtime, "thief", "tell", encode(["not known yet"]))).status == 204
        before, after = ([line.message for line in record.log] for record in records(runtime))

    assert before == ["not known yet", "not known yet"]
    assert after == ["[secret verifying]", "[secret verifying]"]

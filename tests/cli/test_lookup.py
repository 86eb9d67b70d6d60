"""What commands name, and what is said of what is not there."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from host.cli import lookup
from host.model.errors import UsageError
from stores import agents, installations, organizations, plugins, schema
from stores.database import Database
from tests.cli.command import invoke, is_one_sentence, stored


def manifest(name: str, version: str) -> str:
    return json.dumps({"name": name, "version": version, "description": "Chats"})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory: `oak` with the plugin `chatter` and two agents called Bob, `elm` with nothing."""
    with closing(Database(tmp_path / "innkeeper.db").connect()) as connection:
        schema.upgrade(connection)
        for name in ("oak", "elm"):
            organizations.create(connection, name, 1)
        plugins.add(connection, "d1", manifest("chatter", "1.0.0"), 1)
        plugins.add(connection, "d2", manifest("chatter", "2.0.0"), 2)
        installations.upsert(connection, "oak", "chatter", digest="d1", at=1)
        for agent in ("Ada", "Bob", "Bob"):
            agents.add(connection, "oak", agent)
    return tmp_path


def test_what_is_there_is_found(data: Path) -> None:
    with lookup.reading(data) as connection:
        ada, bob, _ = agents.all(connection, "oak")

        assert lookup.organization(connection, "oak").id == "oak"
        assert lookup.plugin(connection, "chatter").manifest.version == "2.0.0"
        assert lookup.installation(connection, "oak", "chatter").manifest.version == "1.0.0"
        assert lookup.agent(connection, "oak", "Ada") == lookup.agent(connection, "oak", ada.id) == ada
        assert lookup.agent(connection, "oak", bob.id) == bob


@pytest.mark.parametrize(
    ("find", "names", "said"),
    [
        (lookup.organization, ["oka"], "there is no organisation 'oka': did you mean 'oak'?"),
        (lookup.organization, ["zzz"], "there is no organisation 'zzz': there is 'elm', 'oak'"),
        (lookup.organization, ["\udcff\n"], r"there is no organisation '\\udcff\\n': there is 'elm', 'oak'"),
        (lookup.plugin, ["chater"], "there is no plugin 'chater': did you mean 'chatter'?"),
        (lookup.plugin, [""], "there is no plugin '': there is 'chatter'"),
        (lookup.installation, ["oak", "chattr"], "organisation 'oak' has no plugin 'chattr': did you mean 'chatter'?"),
        (lookup.installation, ["elm", "chatter"], "organisation 'elm' has no plugin 'chatter': elm has no plugin yet: see `innkeeper"),
        (lookup.installation, ["nowhere", "chatter"], "there is no organisation 'nowhere'"),
        (lookup.agent, ["oak", "Adda"], "organisation 'oak' has no agent 'Adda': did you mean 'Ada'?"),
        (lookup.agent, ["elm", "Ada"], "organisation 'elm' has no agent 'Ada': elm has none yet: `innkeeper agents add"),
        (lookup.agent, ["oak", "Bob"], "organisation 'oak' has 2 agents 'Bob': give one of their ids: "),
    ],
)  # fmt: skip
def test_what_is_not_there_is_answered_with_what_is(data: Path, find: object, names: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("?", r"\?")), lookup.reading(data) as connection:
        find(connection, *names)


def test_a_long_list_of_names_is_cut_and_counted() -> None:
    error = lookup.unknown("there is no plugin", "x", [f"plugin-{number}" for number in range(13)], nothing="")

    assert error.message.endswith("'plugin-9' and 3 more")


ALL = [
    "grant p store --org acme", "revoke p store --org acme", "plugins", "orgs create acme", "orgs list", "orgs show acme",
    "orgs settings acme", "orgs settings acme --default-agent Ada", "orgs route acme p 1", "orgs unroute p 1",
    "orgs remove acme --confirm acme", "agents add Ada --org acme", "agents list --org acme", "agents rename Ada Eve --org acme",
    "agents available Ada --org acme", "agents away Ada --org acme", "agents remove Ada --org acme", "deliveries list",
    "deliveries show 1", "logs", "logs --follow", "usage",
]  # fmt: skip


@pytest.mark.parametrize("line", ALL)
def test_no_data_directory_is_a_sentence_and_none_is_made(tmp_path: Path, line: str) -> None:
    result = invoke(*line.split(), "--data", tmp_path / "none", "--json")

    assert (result.exit_code, is_one_sentence(result.stderr)) == (2, True)
    assert "there is no data directory" in result.stderr
    assert json.loads(result.stdout)["error"]["code"] == "usage"
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("line", ALL)
def test_a_database_of_a_later_version_is_a_sentence_and_stays_as_it_is(data: Path, line: str) -> None:
    with closing(sqlite3.connect(data / "innkeeper.db")) as connection, connection:
        connection.execute("UPDATE innkeeper_version SET version_num = '9999'")
    before = stored(data)
    result = invoke(*line.split(), "--data", data)

    assert (result.exit_code, is_one_sentence(result.stderr)) == (2, True)
    assert "use a newer Innkeeper" in result.stderr
    assert stored(data) == before


def test_what_fails_half_way_changes_nothing(data: Path) -> None:
    def create_and_fail() -> None:
        with lookup.changing(data) as connection:
            organizations.create(connection, "ash", 1)
            lookup.organization(connection, "nowhere")

    with pytest.raises(UsageError):
        create_and_fail()
    with lookup.reading(data) as connection:
        assert organizations.get(connection, "ash") is None


def test_a_database_of_another_program_or_version_is_a_sentence(data: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(data / "innkeeper.db")) as connection, connection:
        connection.execute("UPDATE innkeeper_version SET version_num = '9999'")
    with pytest.raises(UsageError, match="schema 9999, which this program does not know: use a newer Innkeeper"):
        lookup.existing_database(data)

    (tmp_path / "no").mkdir()
    (tmp_path / "no" / "innkeeper.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(UsageError, match="not a database"):
        lookup.existing_database(tmp_path / "no")


def test_a_full_disk_changes_nothing(data: Path) -> None:
    def fill() -> None:
        with lookup.changing(data) as connection:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages}")
            organizations.create(connection, "ash", 1)
            organizations.change_settings(connection, "ash", json.dumps({"note": "x" * 1_000_000}))

    with pytest.raises(sqlite3.OperationalError, match="full"):
        fill()
    with lookup.reading(data) as connection:
        assert organizations.get(connection, "ash") is None

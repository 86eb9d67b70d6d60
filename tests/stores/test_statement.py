import sqlite3

import pytest
from sqlalchemy import bindparam, insert, select
from sqlalchemy.dialects import postgresql

from stores.statement import Connection, Statement, Violation, insert_or_update
from stores.tables import agents, sources

AGENT = {"organization": "oak", "name": "Ada", "available": 1, "position": 0}
INSERT = Statement(insert(agents))
ALL = Statement(select(agents.c.id, agents.c.name).where(agents.c.available == 1, agents.c.name != bindparam("but")).order_by(agents.c.id))


def test_rows_are_read_with_parameters_and_the_values_of_the_statement(connection: Connection) -> None:
    for number, name in enumerate(["Ada", "Bob", "Cyd"]):
        INSERT.run(connection, **AGENT | {"id": f"a{number}", "name": name, "available": number % 2 ^ 1})

    assert ALL.rows(connection, but="nobody") == [("a0", "Ada"), ("a2", "Cyd")]
    assert ALL.row(connection, but="Ada") == ("a2", "Cyd")
    assert ALL.rows(connection, but="Ada") == [("a2", "Cyd")]


def test_no_row_is_none(connection: Connection) -> None:
    assert ALL.row(connection, but="") is None


def test_a_parameter_that_is_missing_is_an_error(connection: Connection) -> None:
    with pytest.raises(sqlite3.ProgrammingError, match="but"):
        ALL.rows(connection)


def test_a_statement_that_was_read_holds_no_snapshot(connection: Connection) -> None:
    INSERT.run_each(connection, (AGENT | {"id": f"a{number}"} for number in range(500)))
    ALL.row(connection, but="")

    blocked = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]

    assert blocked == 0


def test_a_broken_constraint_is_a_violation(connection: Connection) -> None:
    INSERT.run(connection, **AGENT, id="a")

    with pytest.raises(Violation):
        INSERT.run(connection, **AGENT, id="a")


def test_text_is_data_and_never_sql(connection: Connection) -> None:
    name = "'; DROP TABLE agents; --"
    INSERT.run(connection, **AGENT | {"id": "a", "name": name})

    assert ALL.rows(connection, but="") == [("a", name)]


def test_insert_or_update_says_what_it_changed(connection: Connection) -> None:
    put = insert_or_update(sources, ["name"], only_same="plugin")
    row = {"organization": "oak", "id": "chat", "plugin": "p", "description": None, "icon": None, "metadata": None}

    assert put.run(connection, **row, name="one") == 1
    assert put.run(connection, **row, name="two") == 1
    assert put.run(connection, **row | {"plugin": "q"}, name="three") == 0
    assert connection.execute("SELECT name, plugin FROM sources").fetchall() == [("two", "p")]


def test_the_same_construct_is_compiled_for_postgres() -> None:
    put = insert_or_update(sources, ["name"], only_same="plugin")

    text, constants = put.compile(postgresql.dialect())

    assert "ON CONFLICT (organization, id) DO UPDATE SET name = excluded.name WHERE sources.plugin = excluded.plugin" in text
    assert constants == {}


def test_a_statement_shows_its_text() -> None:
    assert repr(Statement(select(agents.c.id))) == "<Statement 'SELECT agents.id FROM agents'>"

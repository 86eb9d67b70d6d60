"""SQL that is written in SQLAlchemy Core, compiled once, and run on the driver's own connection.

A read through SQLAlchemy's engine costs about 125 us, through the driver 6; the compiled text is the same.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, TypeAlias

from sqlalchemy import ClauseElement, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite

Connection: TypeAlias = sqlite3.Connection
"""The driver's connection that the functions of this package take."""

Violation = sqlite3.IntegrityError
"""What a write raises that breaks a constraint."""

RACES = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY}
"""Violations that another writer can be the reason of: what must be unique was taken, what was referred to is gone."""

Row: TypeAlias = tuple[Any, ...]
INSERTS: dict[str, Callable[[Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def is_race(violation: Violation) -> bool:
    """Whether the same write may succeed when it is made again of what is there now."""
    return violation.sqlite_errorcode in RACES


class Statement:
    """One statement, made from a Core construct or from a function that gives one for a dialect's name.

    Parameters are named: those of its `bindparam`s, for an insert its columns. Values written into the construct stay what they are.
    """

    def __init__(self, construct: ClauseElement | Callable[[str], ClauseElement]) -> None:
        self._construct = construct
        self._sql, self._constants = self.compile(sqlite.dialect(paramstyle="named"))

    def __repr__(self) -> str:
        return f"<Statement {' '.join(self._sql.split())!r}>"

    def compile(self, dialect: Dialect) -> tuple[str, Mapping[str, Any]]:
        """The text in that dialect, and the values that were written into the construct, by the names they got."""
        construct = self._construct if isinstance(self._construct, ClauseElement) else self._construct(dialect.name)
        compiled = construct.compile(dialect=dialect)
        values = compiled.params
        return str(compiled), {name: value for name, value in values.items() if value is not None}

    def rows(self, connection: Connection, **parameters: Any) -> list[Row]:
        return connection.execute(self._sql, {**self._constants, **parameters}).fetchall()

    @contextmanager
    def each(self, connection: Connection, **parameters: Any) -> Iterator[Iterator[Row]]:
        """The rows one by one, for who may not want all of them: within the block, which ends the statement and its snapshot."""
        with closing(connection.execute(self._sql, {**self._constants, **parameters})) as cursor:
            yield cursor

    def row(self, connection: Connection, **parameters: Any) -> Row | None:
        """The first row, or None. All are fetched: a statement left half way would hold its snapshot open."""
        rows = connection.execute(self._sql, {**self._constants, **parameters}).fetchall()
        return rows[0] if rows else None

    def run(self, connection: Connection, **parameters: Any) -> int:
        """Writes; gives the number of rows that it changed. Raises `Violation`."""
        return connection.execute(self._sql, {**self._constants, **parameters}).rowcount

    def run_each(self, connection: Connection, parameters: Iterable[Mapping[str, Any]]) -> None:
        """Writes once per set of parameters. Raises `Violation`."""
        connection.executemany(self._sql, ({**self._constants, **each} for each in parameters))


def insert_or_update(table: Table, changed: Sequence[str], only_same: str | None = None) -> Statement:
    """Inserts a row, or sets the columns `changed` of the row with that primary key. With a column `only_same` only if that
    is the same in both."""

    def construct(dialect: str) -> ClauseElement:
        insert = INSERTS[dialect](table)
        conflict: ClauseElement = insert.on_conflict_do_update(
            index_elements=list(table.primary_key.columns),
            set_={name: insert.excluded[name] for name in changed},
            where=None if only_same is None else table.c[only_same] == insert.excluded[only_same],
        )
        return conflict

    return Statement(construct)

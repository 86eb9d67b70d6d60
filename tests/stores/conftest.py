"""A database with the newest schema and two organisations, `oak` and `elm`, for every test that asks."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from stores import organizations, schema
from stores.database import Database
from stores.statement import Connection


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = Database(tmp_path_factory.mktemp("migrated") / "innkeeper.db")
    connection = database.connect()
    schema.upgrade(connection)
    for organization in ("oak", "elm"):
        organizations.create(connection, organization, 1)
    connection.close()
    return database.path


@pytest.fixture
def database(tmp_path: Path, migrated: Path) -> Database:
    return Database(shutil.copy(migrated, tmp_path / "innkeeper.db"))


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    opened = database.connect()
    yield opened
    opened.close()

"""Sources, each of one plugin of the organisation."""

from msgspec import structs
from sqlalchemy import bindparam, select

from host.model.errors import Conflict
from host.model.source import Source
from stores.statement import Connection, Statement, insert_or_update
from stores.tables import sources as table

_s = table.c
_OWNER = Statement(select(_s.plugin).where(_s.organization == bindparam("organization"), _s.id == bindparam("source_id")))
_ALL = Statement(
    select(_s.id, _s.name, _s.description, _s.icon, _s.metadata).where(_s.organization == bindparam("organization")).order_by(_s.id)
)
_REGISTER = insert_or_update(table, ["name", "description", "icon", "metadata"], only_same="plugin")


def source_owner(connection: Connection, organization: str, source_id: str) -> str | None:
    """The name of the plugin whose source it is."""
    row = _OWNER.row(connection, organization=organization, source_id=source_id)
    return None if row is None else str(row[0])


def all(connection: Connection, organization: str) -> list[Source]:
    return [Source(*row) for row in _ALL.rows(connection, organization=organization)]


def register(connection: Connection, organization: str, plugin: str, source: Source) -> None:
    """Makes the source, or changes it when it is this plugin's. Raises `Conflict` when it is another's."""
    changed = _REGISTER.run(connection, organization=organization, plugin=plugin, **structs.asdict(source))
    if not changed:
        raise Conflict(f"source {source.id!r} is another plugin's")

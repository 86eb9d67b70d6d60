"""Data directories with deliveries in them, as a server would have written them."""

from contextlib import closing
from pathlib import Path

from msgspec.structs import replace

from host.model.delivery import Delivery, LogLine
from host.model.identifier import new_id, uuid7
from stores import deliveries, installations, organizations, plugins, schema
from stores.database import Database

RECORD = Delivery(
    id="", organization="acme", plugin="probe", plugin_version="1.0.0", kind="webhook", name="ping", method="POST", path="/ping",
    outcome="succeeded", status=200, error_code=None, error_message=None, received_at=0, duration_us=2_300, cold=True, runs=1,
    fuel=1_030_000, memory=21_900_000, host_calls=12, bytes_in=983, bytes_out=2_048, effects=3, log=[], dropped_log_lines=0,
)  # fmt: skip


def house(data: Path, *names: str) -> Path:
    """A data directory with these organisations, each with the plugins `probe` and `second`."""
    data.mkdir(exist_ok=True)
    with closing(Database(data / "innkeeper.db").connect()) as connection:
        schema.upgrade(connection)
        for plugin in ("probe", "second"):
            plugins.add(connection, "d1", f'{{"name": "{plugin}", "version": "1.0.0", "description": "A plugin for tests"}}', 1)
        for name in names:
            organizations.create(connection, name, 1)
            for plugin in ("probe", "second"):
                installations.upsert(connection, name, plugin, digest="d1", at=1)
    return data


def record(data: Path, *messages: str | LogLine, at: int | None = None, **changes: object) -> Delivery:
    """Commits a delivery, by default of now, that logged these lines."""
    made = made_record(*messages, at=at, **changes)
    with Database(data / "innkeeper.db").transaction() as connection:
        deliveries.record(connection, made)
    return made


def made_record(*messages: str | LogLine, at: int | None = None, **changes: object) -> Delivery:
    """The same, not committed."""
    delivery_id = new_id() if at is None else uuid7(at, new_id().encode()[-10:])
    moment = int(delivery_id.replace("-", "")[:12], 16)
    lines = [message if isinstance(message, LogLine) else LogLine(moment, "info", message) for message in messages]
    return replace(RECORD, **{"id": delivery_id, "received_at": moment, "log": lines, **changes})

"""Plugins that have something to do at the stages of their life."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.json import decode

from host.model.entry import Scope
from host.runtime.data import DataDirectory
from host.runtime.runtime import Runtime, open_stores
from stores import conditions, entries, policies
from tests.guests_wat import Code, Handler, Keep, Respond, Succeed, manifest, plugin
from tests.runtime.hosts import ORGANIZATION

PING = {"name": "ping", "path": "/ping", "methods": ["GET", "POST"], "auth": {"type": "token"}}
STORE = {"name": "store", "reason": "keeps what it is told"}
SPIN = Code("(loop $l (br $l)) (unreachable)")
TRAP = Code("(unreachable)")
SETTINGS = {"type": "object", "properties": {"greeting": {"type": "string", "default": "hello"}, "times": {"type": "integer"}}}


def living(lifecycle: Mapping[str, Handler], handler: Handler | None = None, auth: str = "token", **described: Any) -> bytes:
    """`probe` with the route `ping` and these functions, which its manifest names."""
    described = {"capabilities": [STORE], "lifecycle": list(lifecycle), **described}
    return plugin(manifest({**PING, "auth": {"type": auth}}, **described), handler or Respond(body=b"pong"), lifecycle=lifecycle)


def keeping(key: str, value: str = "1", *, guarded: bool = False) -> Handler:
    """Succeeds once it has written a store entry; with `guarded` only where there is none yet, else it traps."""
    return Keep(key, value, Succeed(), guarded=guarded)


def stored(runtime: Runtime, organization: str = ORGANIZATION) -> dict[str, Any]:
    """What `probe` has in its store."""
    found = entries.entries(runtime.reads, organization, "probe", Scope("plugin"), "", None, 1000)
    return {entry.key: decode(entry.value) for entry in found}


def status(runtime: Runtime, organization: str = ORGANIZATION) -> tuple[str, str | None]:
    condition = conditions.get(runtime.reads, organization, "probe")
    assert condition is not None
    return condition.status, condition.reason


def short_of_fuel(folder: Path) -> None:
    """In this data directory `probe` has so little of it that spinning ends at once."""
    database, _ = open_stores(DataDirectory(folder))
    with database.transaction() as connection:
        policies.change(connection, "probe", policies.Policy(limits={"fuel": 100_000_000}), 1)


def components(folder: Path) -> int:
    return len(list((folder / "components").glob("*.wasm")))

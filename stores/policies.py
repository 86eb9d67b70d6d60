"""What operators say of a plugin in all organisations."""

from typing import Any

from msgspec import Struct, json
from sqlalchemy import bindparam, select

from host.model.limits import Overrides
from stores import epoch
from stores.statement import Connection, Statement, insert_or_update
from stores.tables import plugin_policies as table


class Policy(Struct, frozen=True):
    """`limits` are those that were chosen, by field; they hold wherever an organisation has no choice of its own."""

    enabled: bool = True
    limits: Overrides = {}


_ONE = Statement(select(table.c.enabled, table.c.limits).where(table.c.plugin == bindparam("plugin")))
_SET = insert_or_update(table, ["enabled", "limits", "updated_at"])


def get(connection: Connection, plugin: str) -> Policy:
    """What nobody said is the default."""
    row = _ONE.row(connection, plugin=plugin)
    return Policy() if row is None else Policy(bool(row[0]), _overrides(row[1]))


def change(connection: Connection, plugin: str, policy: Policy, at: int) -> None:
    """Replaces the policy."""
    _SET.run(connection, plugin=plugin, enabled=int(policy.enabled), limits=json.encode(policy.limits).decode(), updated_at=at)
    epoch.bump(connection)


def _overrides(text: str) -> dict[str, Any]:
    return json.decode(text, type=Overrides)

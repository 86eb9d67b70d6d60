"""Entries of the key-value store: JSON as text here, msgpack in the table.

What writes gives by how much the store grows: whoever calls adds that to its size (see `stores.sizes`) in the same transaction.
"""

import os

from sqlalchemy import bindparam, delete, func, insert, select, update

from host.model.entry import Entry, Scope
from host.model.errors import Conflict
from host.model.size import page_of
from host.model.value import pack, unpack
from stores.sizes import Size
from stores.statement import Connection, Row, Statement, Violation, insert_or_update
from stores.tables import store_entries

INTEGERS = range(-(2**63), 2**63)

_e = store_entries.c
_of_scope = (
    _e.organization == bindparam("organization"),
    _e.plugin == bindparam("plugin"),
    _e.scope_kind == bindparam("scope_kind"),
    _e.scope_subject == bindparam("scope_subject"),
)
_here = (*_of_scope, _e.key == bindparam("key"))
_SELECT = select(_e.key, _e.value, _e.version)
_from = _SELECT.where(*_of_scope, _e.key >= bindparam("first"), _e.key > bindparam("after")).order_by(_e.key).limit(bindparam("limit"))
_ONE = Statement(_SELECT.where(*_here))
_LENGTH = Statement(select(func.length(_e.value)).where(*_here))
_TO_THE_END = Statement(_from)
_TO = Statement(_from.where(_e.key < bindparam("end")))
_SET = insert_or_update(store_entries, ["value", "version"])
_INSERT = Statement(insert(store_entries))
_REPLACE = Statement(
    update(store_entries)
    .where(*_here, _e.version == bindparam("expected"))
    .values(value=bindparam("new_value"), version=bindparam("new_version"))
)
_DELETE = Statement(delete(store_entries).where(*_here))


def entry(connection: Connection, organization: str, plugin: str, scope: Scope, key: str) -> Entry | None:
    row = _ONE.row(connection, **_scope(organization, plugin, scope), key=key)
    return None if row is None else _entry(row)


def entries(
    connection: Connection, organization: str, plugin: str, scope: Scope, prefix: str, after: str | None, limit: int
) -> list[Entry]:
    """At most `limit` (1 or more) whose keys start with `prefix` and come after `after`, in the order of the keys' UTF-8 bytes.

    They end early where they fill a page.
    """
    after, end = after or "", _end_of(prefix)
    bounds = {"first": max(prefix, after), "after": after, "limit": limit}
    statement, more = (_TO_THE_END, {}) if end is None else (_TO, {"end": end})
    with statement.each(connection, **_scope(organization, plugin, scope), **bounds, **more) as rows:
        return page_of(map(_entry, rows))


def put(connection: Connection, organization: str, plugin: str, scope: Scope, key: str, value: str) -> Size:
    """`value` is JSON as text; raises `HostError` `invalid` when it can't be kept."""
    here, packed = _here_of(organization, plugin, scope, key), pack(value)
    before = _length(connection, here)
    _SET.run(connection, **here, value=packed, version=_new_version())
    return _growth(here, before, len(packed))


def compare_and_put(
    connection: Connection, organization: str, plugin: str, scope: Scope, key: str, value: str, expected: str | None
) -> Size:
    """Writes when the entry's version is `expected` (None: when there is no entry), else raises `Conflict`."""
    here = _here_of(organization, plugin, scope, key)
    packed, version = pack(value), _new_version()
    if expected is not None:
        before = _length(connection, here)
        if not _REPLACE.run(connection, **here, expected=expected, new_value=packed, new_version=version):
            raise Conflict(f"store: {key!r} has changed")
        return _growth(here, before, len(packed))
    try:
        _INSERT.run(connection, **here, value=packed, version=version)
    except Violation:
        raise Conflict(f"store: {key!r} exists") from None
    return _growth(here, None, len(packed))


def add(connection: Connection, organization: str, plugin: str, scope: Scope, key: str, by: int) -> Size:
    """Adds to an integer that starts at zero. Raises `Conflict` when the entry is no integer (any more) or would leave 64 bits."""
    present = entry(connection, organization, plugin, scope, key)
    total = by + _integer(key, "0" if present is None else present.value)
    if total not in INTEGERS:
        raise Conflict(f"store: {key!r} leaves 64 bits")
    return put(connection, organization, plugin, scope, key, str(total))


def remove(connection: Connection, organization: str, plugin: str, scope: Scope, key: str) -> Size:
    here = _here_of(organization, plugin, scope, key)
    before = _length(connection, here)
    _DELETE.run(connection, **here)
    return _growth(here, before, None)


def _scope(organization: str, plugin: str, scope: Scope) -> dict[str, str]:
    return {"organization": organization, "plugin": plugin, "scope_kind": scope.kind, "scope_subject": scope.subject}


def _here_of(organization: str, plugin: str, scope: Scope, key: str) -> dict[str, str]:
    return {**_scope(organization, plugin, scope), "key": key}


def _length(connection: Connection, here: dict[str, str]) -> int | None:
    """Bytes of the packed value; None where there is no entry."""
    row = _LENGTH.row(connection, **here)
    return None if row is None else int(row[0])


def _growth(here: dict[str, str], before: int | None, after: int | None) -> Size:
    """From one length of a packed value to another; None is no entry."""
    keys = (after is not None) - (before is not None)
    name = len(here["scope_subject"].encode()) + len(here["key"].encode())
    return Size(keys, keys * name + (after or 0) - (before or 0))


def _entry(row: Row) -> Entry:
    key, value, version = row
    return Entry(key, unpack(value), version)


def _integer(key: str, value: str) -> int:
    try:
        return int(value)  # of JSON texts only integers are accepted here
    except ValueError:
        raise Conflict(f"store: {key!r} is no integer") from None


def _new_version() -> str:
    """Random, not counted: an entry that was deleted and made anew must not get a version that it had before."""
    return os.urandom(8).hex()


def _end_of(prefix: str) -> str | None:
    """The first text after all that start with `prefix`; None where there is none. The order of code points is that of UTF-8 bytes."""
    stem = prefix.rstrip("\U0010ffff")
    if not stem:
        return None
    last = ord(stem[-1])
    return stem[:-1] + chr(0xE000 if last == 0xD7FF else last + 1)  # between the two are halves of pairs, which UTF-8 does not have

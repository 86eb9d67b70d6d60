"""The interface `store`: key-value data of a plugin in an organisation.

A scope's subject is taken as it is: data may be written for a thing before it exists, and is this plugin's alone in any case.
"""

from host.capabilities import checks, cursors, jsontext
from host.capabilities.invocation import Invocation
from host.capabilities.registry import function
from host.model.case import Case
from host.model.effects import StoreAdd, StoreDelete, StoreSet
from host.model.entry import Entry, EntryPage, Scope
from host.model.errors import HostError

LONGEST_PAGE = 1000


@function("store", "get", grant="store")
async def get(invocation: Invocation, scope: Case, key: str) -> Entry | None:
    return await invocation.view.store.entry(checks.scope(scope), checks.text("key", key))


@function("store", "set", grant="store")
def set_value(invocation: Invocation, scope: Case, key: str, value: str) -> None:
    invocation.record(StoreSet(checks.scope(scope), checks.text("key", key), jsontext.value("value", value)))


@function("store", "compare-and-set", grant="store")
async def compare_and_set(invocation: Invocation, scope: Case, key: str, value: str, expected: str | None) -> None:
    """Compares with what the invocation sees.

    The effect guards the version that is stored, unless the invocation has set or deleted the entry itself.
    """
    where, name, kept = checks.scope(scope), checks.text("key", key), jsontext.value("value", value)
    store = invocation.view.store
    entry = await store.entry(where, name)
    if (entry.version if entry else None) != expected:
        raise HostError("conflict", f"store entry {name!r} has another version than the expected one")
    if store.is_own(where, name):
        # Effects apply in order, in one transaction: nobody gets between the earlier write and this one.
        invocation.record(StoreSet(where, name, kept))
    else:
        await _set_guarded(invocation, where, name, kept)


@function("store", "add", grant="store")
async def add(invocation: Invocation, scope: Case, key: str, by: int) -> None:
    """Looks at what is stored only to say `invalid` at once, which is no read: it commutes with every other addition.

    Where the value stops being an integer before the commit, the commit conflicts, and the next run finds out here.
    """
    where, name = checks.scope(scope), checks.text("key", key)
    await invocation.view.store.check_addition(where, name, by)
    invocation.record(StoreAdd(where, name, by))


@function("store", "delete", grant="store")
def delete(invocation: Invocation, scope: Case, key: str) -> None:
    invocation.record(StoreDelete(checks.scope(scope), checks.text("key", key)))


@function("store", "scan", grant="store")
async def scan(invocation: Invocation, scope: Case, prefix: str, cursor: str | None, limit: int) -> EntryPage:
    where = checks.scope(scope)
    checks.text("prefix", prefix, shortest=0)
    checks.between("limit", limit, 1, LONGEST_PAGE)
    query = ("store", where.kind, where.subject, prefix)
    page = await invocation.view.store.scan(where, prefix, cursors.decode(query, cursor), limit)
    return EntryPage(page.entries, None if page.next is None else cursors.encode(query, page.next))


async def _set_guarded(invocation: Invocation, scope: Scope, key: str, value: str) -> None:
    store = invocation.view.store
    added = store.is_added(scope, key)
    effect = StoreSet(scope, key, value, guarded=True, expected=await store.stored_version(scope, key))
    if added:
        invocation.replace_additions(effect)
    else:
        invocation.record(effect)

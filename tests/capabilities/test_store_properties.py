"""Random store operations through the view, beside a dictionary."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from host.capabilities import store
from host.model.case import Case
from host.model.entry import Entry
from host.model.errors import HostError
from tests.capabilities.memory import House

PLUGIN = Case("plugin")
scopes = st.sampled_from([PLUGIN, Case("customer", "c1"), Case("customer", "c2")])
keys = st.text(alphabet="ab\uffff\U00010000", min_size=1, max_size=3)
prefixes = st.text(alphabet="ab\uffff", max_size=2)
values = st.integers(-5, 5).map(str) | st.just('"text"')


class StoreMachine(RuleBasedStateMachine):
    """`model` is what the guest must see."""

    @initialize()
    def open(self) -> None:
        self.house = House()
        self.model: dict[tuple[Case, str], str] = {}
        self.runner = asyncio.Runner()
        self.invocation = self.house.invocation()

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.runner.close()

    def entry(self, scope: Case, key: str) -> Entry | None:
        return self.runner.run(store.get(self.invocation, scope, key))

    def scan(self, scope: Case, prefix: str, limit: int) -> list[Entry]:
        entries: list[Entry] = []
        cursor = None
        while True:
            page = self.runner.run(store.scan(self.invocation, scope, prefix, cursor, limit))
            assert len(page.entries) == limit or page.next is None
            entries += page.entries
            if (cursor := page.next) is None:
                return entries

    @rule(scope=scopes, key=keys, value=values)
    def set(self, scope: Case, key: str, value: str) -> None:
        store.set_value(self.invocation, scope, key, value)
        self.model[scope, key] = value

    @rule(scope=scopes, key=keys)
    def delete(self, scope: Case, key: str) -> None:
        store.delete(self.invocation, scope, key)
        self.model.pop((scope, key), None)

    @rule(scope=scopes, key=keys, by=st.integers(-5, 5))
    def add(self, scope: Case, key: str, by: int) -> None:
        before = self.model.get((scope, key), "0")
        try:
            self.runner.run(store.add(self.invocation, scope, key, by))
        except HostError:
            assert before == '"text"'
        else:
            self.model[scope, key] = str(int(before) + by)

    @rule(scope=scopes, key=keys, value=values)
    def compare_and_set(self, scope: Case, key: str, value: str) -> None:
        entry = self.entry(scope, key)
        self.runner.run(store.compare_and_set(self.invocation, scope, key, value, entry.version if entry else None))
        self.model[scope, key] = value

    @rule(scope=scopes, key=keys)
    def get(self, scope: Case, key: str) -> None:
        entry = self.entry(scope, key)
        assert (entry.value if entry else None) == self.model.get((scope, key))

    @rule(scope=scopes, prefix=prefixes, limit=st.integers(1, 4))
    def scan_by_pages(self, scope: Case, prefix: str, limit: int) -> None:
        seen = [(entry.key, entry.value) for entry in self.scan(scope, prefix, limit)]
        expected = [(key, value) for (where, key), value in self.model.items() if where == scope and key.startswith(prefix)]
        assert seen == sorted(expected, key=lambda pair: pair[0].encode())

    @rule()
    def commit(self) -> None:
        self.house.commit(self.invocation)
        self.invocation = self.house.invocation()

    @rule()
    def see_nothing_of_it_elsewhere(self) -> None:
        stranger = self.house.invocation(plugin="mailer")
        assert self.runner.run(store.scan(stranger, Case("plugin"), "", None, 10)).entries == []

    @invariant()
    def nothing_is_lost_or_left_over(self) -> None:
        if not hasattr(self, "model"):
            return
        for scope in (Case("plugin"), Case("customer", "c1"), Case("customer", "c2")):
            assert len(self.scan(scope, "", 1000)) == sum(where == scope for where, _ in self.model)


def test_a_guest_sees_what_a_dictionary_would_hold_through_writes_scans_and_commits() -> None:
    run_state_machine_as_test(StoreMachine, settings=settings(max_examples=100, stateful_step_count=30, deadline=None))


some_keys = st.sets(st.text(alphabet="ab", min_size=1, max_size=3))


@settings(deadline=None)
@given(some_keys, some_keys, some_keys, some_keys, st.sampled_from(["", "a", "ab"]), st.integers(1, 5))
def test_pages_hold_every_entry_once_and_are_full_up_to_the_last(
    stored: set[str], read: set[str], deleted: set[str], added: set[str], prefix: str, limit: int
) -> None:
    house = House()
    before, invocation = house.invocation(), house.invocation()

    async def pages() -> list[list[str]]:
        for key in stored:
            store.set_value(before, PLUGIN, key, "1")
        house.commit(before)
        for key in read:
            await store.get(invocation, PLUGIN, key)
        for key in deleted:
            store.delete(invocation, PLUGIN, key)
        for key in added:
            await store.add(invocation, PLUGIN, key, 1)
        page = await store.scan(invocation, PLUGIN, prefix, None, limit)
        found = [[entry.key for entry in page.entries]]
        while page.next is not None:
            page = await store.scan(invocation, PLUGIN, prefix, page.next, limit)
            found.append([entry.key for entry in page.entries])
        return found

    found = asyncio.run(pages())

    assert [key for page in found for key in page] == sorted(key for key in stored - deleted | added if key.startswith(prefix))
    assert {len(page) for page in found[:-1]} <= {limit}
    assert len(found) == 1 or found[-1] != []

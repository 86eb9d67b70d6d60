import pytest

from host.capabilities import store
from host.capabilities.invocation import Invocation
from host.model.case import Case
from host.model.effects import StoreAdd, StoreDelete, StoreSet
from host.model.entry import Scope
from host.model.errors import Conflict, HostError
from tests.capabilities.memory import House

PLUGIN = Case("plugin")
SCOPE = Scope("plugin")


def written(house: House, **values: str) -> House:
    """The same house, with these values committed."""
    invocation = house.invocation()
    for key, value in values.items():
        store.set_value(invocation, PLUGIN, key, value)
    house.commit(invocation)
    return house


async def value(invocation: Invocation, key: str) -> str | None:
    entry = await store.get(invocation, PLUGIN, key)
    return entry.value if entry else None


async def version(invocation: Invocation, key: str) -> str | None:
    entry = await store.get(invocation, PLUGIN, key)
    return entry.version if entry else None


async def test_an_invocation_reads_what_it_wrote_and_nobody_else_does() -> None:
    house = House()
    invocation = house.invocation()

    store.set_value(invocation, PLUGIN, "a", '{ "b" : 1.0 }')

    assert await value(invocation, "a") == '{"b":1.0}'
    assert await value(house.invocation(), "a") is None
    assert invocation.effects == [StoreSet(SCOPE, "a", '{"b":1.0}')]


async def test_what_is_deleted_is_gone_for_reads_and_scans() -> None:
    invocation = written(House(), a="1", b="2").invocation()

    store.delete(invocation, PLUGIN, "a")
    store.delete(invocation, PLUGIN, "never-there")

    assert await value(invocation, "a") is None
    assert [entry.key for entry in (await store.scan(invocation, PLUGIN, "", None, 10)).entries] == ["b"]
    assert invocation.effects == [StoreDelete(SCOPE, "a"), StoreDelete(SCOPE, "never-there")]


async def test_every_write_changes_the_version() -> None:
    invocation = written(House(), a="1").invocation()
    seen = [await version(invocation, "a")]

    for _ in range(3):
        store.set_value(invocation, PLUGIN, "a", "1")
        seen.append(await version(invocation, "a"))
    await store.add(invocation, PLUGIN, "a", 0)
    seen.append(await version(invocation, "a"))

    assert len(set(seen)) == len(seen)


@pytest.mark.promise("isolation.org.store-read")
async def test_scopes_plugins_and_organisations_have_entries_of_their_own() -> None:
    house = written(House(), a="1")
    invocation = house.invocation()
    strangers = [house.invocation(plugin="mailer"), house.invocation(organization="globex")]

    for kind in ("workspace", "task", "conversation", "customer"):
        assert await store.get(invocation, Case(kind, "1"), "a") is None
    for stranger in strangers:
        assert await value(stranger, "a") is None
        assert (await store.scan(stranger, PLUGIN, "", None, 10)).entries == []


async def test_a_single_entry_is_asked_for_once() -> None:
    house = written(House(), a="1")
    invocation = house.invocation()

    assert [await value(invocation, "a"), await value(invocation, "a")] == ["1", "1"]
    written(house, a="2")

    assert await value(invocation, "a") == "1"
    assert [entry.value for entry in (await store.scan(invocation, PLUGIN, "", None, 10)).entries] == ["1"]
    assert house.memory.asked.count("entry") == 1
    assert {read: answer.value for read, answer in invocation.view.reads.items()} == {("entry", SCOPE, "a"): "1"}


async def test_absence_is_read_once_too() -> None:
    house = House()
    invocation = house.invocation()
    assert await value(invocation, "a") is None

    written(house, a="2")

    assert await value(invocation, "a") is None
    assert (await store.scan(invocation, PLUGIN, "", None, 10)).entries == []
    assert dict(invocation.view.reads) == {("entry", SCOPE, "a"): None}


async def test_add_starts_at_zero_and_is_none_of_the_reads() -> None:
    invocation = written(House(), a="40").invocation()

    await store.add(invocation, PLUGIN, "a", 2)
    await store.add(invocation, PLUGIN, "b", -1)

    assert dict(invocation.view.reads) == {}
    assert invocation.effects == [StoreAdd(SCOPE, "a", 2), StoreAdd(SCOPE, "b", -1)]
    assert (await value(invocation, "a"), await value(invocation, "b")) == ("42", "-1")


async def test_additions_of_two_invocations_both_count() -> None:
    house = House()
    invocation, rival = house.invocation(), house.invocation()

    for each in (invocation, rival):
        await store.add(each, PLUGIN, "a", 1)
    for each in (invocation, rival):
        house.commit(each)

    assert await value(house.invocation(), "a") == "2"


@pytest.mark.parametrize("text", ["1.0", '"1"', "null", "true", "[]", "18446744073709551615", "1e3"])
@pytest.mark.parametrize("whose", ["own", "stored", "stored and read"])
async def test_add_to_what_is_no_integer_is_invalid(text: str, whose: str) -> None:
    house = House()
    invocation = house.invocation()
    store.set_value(invocation, PLUGIN, "a", text)
    if whose != "own":
        house.commit(invocation)
        invocation = house.invocation()
    if whose == "stored and read":
        await value(invocation, "a")
    effects = list(invocation.effects)

    with pytest.raises(HostError) as error:
        await store.add(invocation, PLUGIN, "a", 1)

    assert error.value.code == "invalid"
    assert invocation.effects == effects


async def test_an_entry_that_stops_being_an_integer_makes_the_commit_conflict_and_the_next_run_see_it() -> None:
    house = written(House(), a="1")
    invocation = house.invocation()
    await store.add(invocation, PLUGIN, "a", 1)
    written(house, a='"text"')

    with pytest.raises(Conflict):
        house.commit(invocation)
    with pytest.raises(HostError) as error:
        await store.add(house.invocation(), PLUGIN, "a", 1)

    assert error.value.code == "invalid"


async def test_an_entry_that_stops_being_an_integer_is_invalid_for_reads_after_the_addition() -> None:
    house = written(House(), a="1")
    invocation = house.invocation()
    await store.add(invocation, PLUGIN, "a", 1)
    written(house, a='"text"')

    for read in (store.get(invocation, PLUGIN, "a"), store.scan(invocation, PLUGIN, "", None, 10)):
        with pytest.raises(HostError) as error:
            await read
        assert error.value.code == "invalid"


@pytest.mark.parametrize("own", [True, False])
async def test_an_addition_that_leaves_64_bits_is_invalid(own: bool) -> None:
    house = written(House(), a=str(2**63 - 3))
    invocation = house.invocation()
    if own:
        store.set_value(invocation, PLUGIN, "a", str(2**63 - 3))

    await store.add(invocation, PLUGIN, "a", 2)
    with pytest.raises(HostError) as error:
        await store.add(invocation, PLUGIN, "a", 1)
    await store.add(invocation, PLUGIN, "a", -2)

    assert error.value.code == "invalid"
    assert await value(invocation, "a") == str(2**63 - 3)


async def test_additions_that_would_leave_64_bits_on_the_way_are_invalid_for_reads() -> None:
    house = House()
    invocation = house.invocation()
    await store.add(invocation, PLUGIN, "a", 2)
    await store.add(invocation, PLUGIN, "a", -2)
    written(house, a=str(2**63 - 2))

    with pytest.raises(HostError) as error:
        await value(invocation, "a")

    assert error.value.code == "invalid"


async def test_additions_that_stay_within_64_bits_on_what_is_stored_are_fine() -> None:
    invocation = written(House(), a=str(-(2**63))).invocation()

    await store.add(invocation, PLUGIN, "a", 2**63 - 1)
    await store.add(invocation, PLUGIN, "a", 2**63 - 1)

    assert await value(invocation, "a") == str(2**63 - 2)


async def test_compare_and_set_guards_the_version_that_is_stored() -> None:
    house = written(House(), a="1")
    invocation, rival = house.invocation(), house.invocation()

    await store.compare_and_set(invocation, PLUGIN, "a", "2", await version(invocation, "a"))
    await store.compare_and_set(rival, PLUGIN, "a", "3", await version(rival, "a"))
    house.commit(invocation)

    with pytest.raises(Conflict):
        house.commit(rival)
    assert await value(house.invocation(), "a") == "2"


async def test_compare_and_set_with_no_expected_version_guards_absence() -> None:
    house = House()
    invocation = house.invocation()

    await store.compare_and_set(invocation, PLUGIN, "a", "1", None)

    assert invocation.effects == [StoreSet(SCOPE, "a", "1", guarded=True, expected=None)]
    written(house, a="9")
    with pytest.raises(Conflict):
        house.commit(invocation)


@pytest.mark.parametrize("expected", [None, "v99", ""])
async def test_a_mismatch_is_a_conflict_and_records_nothing(expected: str | None) -> None:
    invocation = written(House(), a="1").invocation()

    with pytest.raises(HostError) as error:
        await store.compare_and_set(invocation, PLUGIN, "a", "2", expected)

    assert error.value.code == "conflict"
    assert invocation.effects == []
    assert await value(invocation, "a") == "1"


async def test_compare_and_set_after_an_own_set_compares_with_that_one_and_applies() -> None:
    house = written(House(), a="1")
    invocation = house.invocation()
    stored = await version(invocation, "a")
    store.set_value(invocation, PLUGIN, "a", "2")

    with pytest.raises(HostError):
        await store.compare_and_set(invocation, PLUGIN, "a", "3", stored)
    await store.compare_and_set(invocation, PLUGIN, "a", "3", await version(invocation, "a"))
    house.commit(invocation)

    assert await value(house.invocation(), "a") == "3"


async def test_compare_and_set_after_an_own_delete_expects_absence_and_applies() -> None:
    house = written(House(), a="1")
    invocation = house.invocation()
    store.delete(invocation, PLUGIN, "a")

    await store.compare_and_set(invocation, PLUGIN, "a", "2", None)
    house.commit(invocation)

    assert await value(house.invocation(), "a") == "2"


async def test_two_compare_and_sets_in_a_row_apply() -> None:
    house = written(House(), a="1")
    invocation = house.invocation()

    for next_value in ("2", "3"):
        await store.compare_and_set(invocation, PLUGIN, "a", next_value, await version(invocation, "a"))
    house.commit(invocation)

    assert await value(house.invocation(), "a") == "3"


async def test_compare_and_set_after_own_additions_replaces_them_and_still_guards() -> None:
    house = written(House(), a="1", b="1")
    invocation, rival = house.invocation(), house.invocation()
    for each in (invocation, rival):
        await store.add(each, PLUGIN, "b", 1)
        await store.add(each, PLUGIN, "a", 1)
        await store.add(each, PLUGIN, "a", 1)
        await store.compare_and_set(each, PLUGIN, "a", "30", await version(each, "a"))

    house.commit(invocation)

    assert [type(effect) for effect in invocation.effects] == [StoreAdd, StoreSet]
    assert await value(house.invocation(), "a") == "30"
    with pytest.raises(Conflict):
        house.commit(rival)


async def test_the_version_of_an_own_write_fits_nothing_of_another_invocation() -> None:
    house = House()
    first, second = house.invocation(), house.invocation()
    for each in (first, second):
        store.set_value(each, PLUGIN, "a", "1")

    with pytest.raises(HostError) as error:
        await store.compare_and_set(second, PLUGIN, "a", "2", await version(first, "a"))

    assert error.value.code == "conflict"


@pytest.mark.parametrize("key", ["", "x" * 513, "ä" * 257, "a\0b", "\ud800"])
async def test_a_key_that_is_empty_too_long_or_no_text_is_invalid_everywhere(key: str) -> None:
    invocation = House().invocation()
    calls = [
        lambda: store.set_value(invocation, PLUGIN, key, "1"),
        lambda: store.add(invocation, PLUGIN, key, 1).send(None),
        lambda: store.delete(invocation, PLUGIN, key),
        lambda: store.get(invocation, PLUGIN, key).send(None),
        lambda: store.compare_and_set(invocation, PLUGIN, key, "1", None).send(None),
        lambda: store.get(invocation, Case("task", key), "a").send(None),
    ]

    for call in calls:
        with pytest.raises(HostError) as error:
            call()
        assert error.value.code == "invalid"
    assert invocation.effects == []


async def test_the_longest_key_is_512_bytes_of_utf_8() -> None:
    invocation = House().invocation()

    store.set_value(invocation, PLUGIN, "ä" * 256, "1")

    assert await value(invocation, "ä" * 256) == "1"


async def test_a_value_that_is_no_json_is_invalid() -> None:
    invocation = House().invocation()

    with pytest.raises(HostError) as error:
        store.set_value(invocation, PLUGIN, "a", "{")
    assert error.value.code == "invalid"
    with pytest.raises(HostError):
        await store.compare_and_set(invocation, PLUGIN, "a", "{", None)
    assert invocation.effects == []


@pytest.mark.parametrize("limit", [0, 1001, 2**32 - 1])
async def test_a_page_has_one_to_a_thousand_entries(limit: int) -> None:
    with pytest.raises(HostError) as error:
        await store.scan(House().invocation(), PLUGIN, "", None, limit)

    assert error.value.code == "invalid"


async def test_a_cursor_of_another_prefix_or_scope_is_invalid() -> None:
    invocation = written(House(), a1="1", a2="1").invocation()
    cursor = (await store.scan(invocation, PLUGIN, "a", None, 1)).next
    assert cursor is not None

    for scope, prefix in ((PLUGIN, ""), (Case("task", "1"), "a")):
        with pytest.raises(HostError) as error:
            await store.scan(invocation, scope, prefix, cursor, 1)
        assert error.value.code == "invalid"


async def test_a_prefix_is_taken_literally() -> None:
    invocation = written(House(), **{"a%b": "1", "axb": "2", "a_c": "3"}).invocation()

    assert [entry.key for entry in (await store.scan(invocation, PLUGIN, "a%", None, 10)).entries] == ["a%b"]


async def test_scans_are_in_the_order_of_utf_8_bytes_also_beyond_the_basic_plane() -> None:
    house = written(House(), **{"\uffff": "1", "a": "1"})
    invocation = house.invocation()
    store.set_value(invocation, PLUGIN, "\U00010000", "1")

    assert [entry.key for entry in (await store.scan(invocation, PLUGIN, "", None, 10)).entries] == ["a", "\uffff", "\U00010000"]


async def test_a_page_is_full_although_the_invocation_deleted_what_it_would_begin_with() -> None:
    invocation = written(House(), a="1", b="2", c="3", d="4", e="5").invocation()
    for key in "abc":
        store.delete(invocation, PLUGIN, key)

    page = await store.scan(invocation, PLUGIN, "", None, 1)

    assert [entry.key for entry in page.entries] == ["d"]
    assert [entry.key for entry in (await store.scan(invocation, PLUGIN, "", page.next, 1)).entries] == ["e"]


async def test_a_page_is_not_concerned_with_additions_behind_it() -> None:
    invocation = written(House(), a="1", b="2", c="3", d="4", z="-100").invocation()
    for by in (2**63 - 1, 50):
        await store.add(invocation, PLUGIN, "z", by)

    seen = [(await store.scan(invocation, PLUGIN, "", None, limit)).entries[-1].value for limit in (1, 5)]

    assert seen == ["1", str(2**63 - 51)]

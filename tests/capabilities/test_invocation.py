from itertools import pairwise
from uuid import UUID

import pytest

from host.capabilities import clock, config, log, messages, random, store
from host.capabilities.invocation import Invocation
from host.capabilities.reads import Platform
from host.capabilities.registry import functions
from host.model.case import Case
from host.model.customer import Profile
from host.model.delivery import LogLine
from host.model.effects import StoreSet
from host.model.entry import Scope
from host.model.errors import HostError, LimitExceeded
from host.model.message import Incoming
from tests.capabilities.memory import START, CountingTape, House


def test_ids_rise_strictly_while_the_clock_stands_still_and_beyond_the_counter() -> None:
    invocation = House().invocation(tape=CountingTape(START, step=0))

    ids = [invocation.new_id() for _ in range(10_000)]

    assert all(before < after for before, after in pairwise(ids))
    assert {(UUID(id).version, UUID(id).variant) for id in ids} == {(7, "specified in RFC 4122")}


def test_ids_rise_strictly_when_the_clock_goes_back() -> None:
    invocation = House().invocation(tape=CountingTape(START, step=-1))

    ids = [invocation.new_id() for _ in range(100)]

    assert sorted(ids) == ids
    assert len(set(ids)) == 100


def test_an_id_has_the_clock_in_its_time_part() -> None:
    invocation = House().invocation(tape=CountingTape(START, step=1))

    assert UUID(invocation.new_id()).int >> 80 == START + 1
    assert UUID(random.uuid(invocation)).int >> 80 == START + 1


def test_the_same_tape_gives_the_same_ids() -> None:
    house = House()

    first = house.invocation(tape=CountingTape())
    second = house.invocation(tape=CountingTape())

    assert [random.uuid(first) for _ in range(5)] == [random.uuid(second) for _ in range(5)]


async def test_what_host_functions_take_for_themselves_is_not_taken_from_the_tape() -> None:
    """A replay answers for them without running them, so the guest's next reading would be another one."""
    tape = CountingTape()
    invocation = House().invocation(tape=tape)
    incoming = Incoming("wa", "ann", Profile("Ann", None, None, None), "wamid.1", "text", "hi", [], None, None, None)

    await messages.receive(invocation, incoming)
    await messages.update_status(invocation, "wa", "wamid.1", "read", START, None)
    log.write(invocation, "info", "received", None)

    assert (tape.now, tape.bytes) == (START, 0)


def test_without_a_clock_of_its_own_it_takes_the_machines() -> None:
    house = House()
    invocation = house.invocation()
    plain = Invocation(invocation.installation, "delivery", CountingTape(), Platform(*[house.memory] * 4))

    assert plain.new_id() != plain.new_id()
    assert plain.now_ms() > START


async def test_the_guests_reads_are_noted_with_their_answers_for_the_commit() -> None:
    invocation = House().invocation()

    await store.get(invocation, Case("plugin"), "a")
    await store.scan(invocation, Case("plugin"), "", None, 10)

    assert dict(invocation.view.reads) == {("entry", Scope("plugin"), "a"): None}


def test_an_effect_too_many_is_a_limit() -> None:
    invocation = House().invocation(effects=2)
    for key in "ab":
        invocation.record(StoreSet(Scope("plugin"), key, "1"))

    with pytest.raises(LimitExceeded) as exceeded:
        invocation.record(StoreSet(Scope("plugin"), "c", "1"))

    assert exceeded.value.code == "limit.effects"
    assert len(invocation.effects) == 2


def test_effects_that_hold_too_much_are_a_limit() -> None:
    invocation = House().invocation(effect_bytes=1000)
    invocation.record(StoreSet(Scope("plugin"), "a", f'"{"x" * 500}"'))

    with pytest.raises(LimitExceeded) as exceeded:
        invocation.record(StoreSet(Scope("plugin"), "a", f'"{"x" * 500}"'))

    assert exceeded.value.code == "limit.effect-bytes"


def test_log_lines_beyond_the_limit_are_counted_and_dropped() -> None:
    invocation = House().invocation(log_bytes=200)

    for _ in range(5):
        log.write(invocation, "info", "x" * 50, None)

    assert len(invocation.log) == 2
    assert invocation.dropped_log_lines == 3
    assert invocation.log_bytes <= 200


def test_empty_log_lines_come_to_an_end_too() -> None:
    invocation = House().invocation(log_bytes=1000)

    for _ in range(1000):
        log.write(invocation, "info", "", None)

    assert len(invocation.log) < 50
    assert len(invocation.log) + invocation.dropped_log_lines == 1000


def test_a_line_that_fits_is_kept_after_one_that_did_not() -> None:
    invocation = House().invocation(log_bytes=200)

    log.write(invocation, "info", "x" * 500, None)
    log.write(invocation, "error", "short", None)

    assert [line.message for line in invocation.log] == ["short"]


def test_a_log_line_has_time_level_and_fields() -> None:
    invocation = House().invocation(tape=CountingTape(START, step=1))

    log.write(invocation, "warn", "hot", '{ "degrees": 40 }')

    assert invocation.log == [LogLine(START + 1, "warn", "hot", '{"degrees":40}')]


@pytest.mark.parametrize("fields", ["not json", "[1]", "{", "[" * 100_000, '{"a":1,"a":2}'])
def test_log_fields_that_are_no_object_are_kept_as_text(fields: str) -> None:
    invocation = House().invocation(log_bytes=1_000_000)

    log.write(invocation, "info", "", fields)

    kept = invocation.log[0].fields
    assert kept is not None
    assert kept.startswith('{"fields": "')


def test_secret_values_are_masked_in_log_lines_also_where_json_escapes_them() -> None:
    invocation = House().invocation(secrets={"api_key": 'se"cr€t-value', "signing": 'se"cr€t'})

    log.write(invocation, "info", 'got se"cr€t-value and se"cr€t', '{"a":"se\\"cr\\u20act-value"}')

    assert invocation.log[0].message == "got [secret api_key] and [secret signing]"
    assert invocation.log[0].fields == '{"a":"[secret api_key]"}'


def test_a_secret_of_several_lines_is_masked_also_line_by_line() -> None:
    invocation = House().invocation(secrets={"signing": "-----BEGIN KEY-----\nMIIEvQ\n-----END KEY-----\n"})

    for line in ("-----BEGIN KEY-----", "MIIEvQ", "-----END KEY-----"):
        log.write(invocation, "info", line, None)

    assert {line.message for line in invocation.log} == {"[secret signing]"}


def test_the_guest_learns_who_it_is_and_its_settings() -> None:
    invocation = House().invocation()

    assert config.whoami(invocation) == config.Identity("acme", "whatsapp", "1.2.3", "production")
    assert config.settings(invocation) == '{"phone_number_id":"1"}'


def test_clock_and_random_come_from_the_tape() -> None:
    invocation = House().invocation(tape=CountingTape(START, step=1))

    assert clock.now(invocation) == START + 1
    assert clock.monotonic(invocation) == (START + 2) * 1_000_000
    assert random.number(invocation) == int.from_bytes(bytes(range(8, 16)), "little")
    assert random.hexadecimal(invocation, 2) == "0a0b"


def test_random_hex_is_cut_at_its_limit() -> None:
    assert len(random.hexadecimal(House().invocation(), 2**32 - 1)) == 2 * 4096


def test_its_repr_tells_what_it_holds() -> None:
    invocation = House().invocation()
    functions()["log"]["write"].call(invocation, "info", "x", None)

    assert repr(invocation) == f"<Invocation {invocation.delivery_id} of acme/whatsapp [0 effects, 1 log lines]>"


async def test_what_commits_together_with_it_is_seen_and_not_its_own() -> None:
    house = House()
    first = house.invocation()
    store.set_value(first, Case("plugin"), "written", "1")
    await store.add(first, Case("plugin"), "counted", 2)
    platform = Platform(house.memory, house.memory, house.memory, house.memory)
    second = Invocation(first.installation, "later", CountingTape(START), platform, earlier=first.effects)

    entry = await store.get(second, Case("plugin"), "written")
    assert (entry and entry.value, second.own_effects, len(second.effects)) == ("1", 0, 2)
    counted = await store.get(second, Case("plugin"), "counted")
    assert counted is not None
    await store.compare_and_set(second, Case("plugin"), "counted", "5", counted.version)
    assert [type(effect).__name__ for effect in second.effects] == ["StoreSet", "StoreSet"]


async def test_the_capabilities_that_it_used_are_noted_and_those_that_it_was_denied_are_not() -> None:
    invocation = House().invocation(grants=("store",))
    assert invocation.used == set()
    await store.get(invocation, Case("plugin"), "k")
    with pytest.raises(HostError, match="no grant"):
        await messages.get(invocation, "m")

    assert invocation.used == {"store"}

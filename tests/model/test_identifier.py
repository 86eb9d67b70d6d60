from uuid import RFC_4122, UUID

from host.model.identifier import COUNTED, Ids, first_id, new_id, uuid7


def test_an_id_holds_its_time_its_version_and_its_randomness() -> None:
    found = UUID(uuid7(0x0123456789AB, b"\xff" * 10))

    assert (found.version, found.variant) == (7, RFC_4122)
    assert str(found) == "01234567-89ab-7fff-bfff-ffffffffffff"
    assert uuid7(0, bytes(10)) == "00000000-0000-7000-8000-000000000000"


def test_ids_are_in_the_order_of_time() -> None:
    assert uuid7(1_700_000_000_000, b"\xff" * 10) < uuid7(1_700_000_000_001, bytes(10))


def test_new_ids_differ() -> None:
    assert len({new_id() for _ in range(1000)}) == 1000


def test_new_ids_rise_within_a_millisecond_and_when_the_clock_goes_back() -> None:
    ids = Ids()
    found = [ids.new(1000) for _ in range(3 * COUNTED)] + [ids.new(3), ids.new(1001), ids.new(2000)]

    assert found == sorted(found)
    assert len(set(found)) == len(found)
    assert UUID(found[-1]).int >> 80 == 2000


def test_a_moments_first_id_comes_before_all_of_it_and_after_all_before() -> None:
    assert uuid7(6, b"\xff" * 10) < first_id(7) <= uuid7(7, bytes(10))
    assert first_id(-1) == first_id(0)

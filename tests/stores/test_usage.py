from msgspec.structs import replace

from host.model.delivery import Delivery
from stores import deliveries, usage
from stores.page import LAST
from stores.statement import Connection
from stores.usage import DAY_MS, DayOfUse
from tests.stores.test_deliveries import RECORD


def record(connection: Connection, delivery_id: str, day: int = 0, **changes: object) -> Delivery:
    made = replace(RECORD, id=delivery_id, received_at=day * DAY_MS + 5, **changes)
    deliveries.record(connection, made)
    return made


def test_figures_are_summed_for_each_plugin_and_day(connection: Connection) -> None:
    record(connection, "d1", 10, outcome="succeeded", fuel=2**40, duration_us=1, bytes_in=2, bytes_out=3, host_calls=4, cold=True)
    record(connection, "d2", 10, outcome="failed", fuel=2**40, duration_us=10, bytes_in=20, bytes_out=30, host_calls=40, cold=False)
    record(connection, "d3", 10, outcome="refused", fuel=0, duration_us=100, bytes_in=0, bytes_out=0, host_calls=0, cold=False)
    record(connection, "d4", 11, plugin="mailer", outcome="succeeded", fuel=7, cold=False)

    chatter, mailer = usage.days(connection, "oak", None, "", LAST)

    assert chatter == DayOfUse("oak", "chatter", 10, 3, 1, 1, 2**41, 111, 22, 33, 44, 1)
    assert (mailer.plugin, mailer.day, mailer.calls, mailer.failures, mailer.fuel) == ("mailer", 11, 1, 0, 7)


def test_figures_are_of_one_plugin_and_a_span_of_ids(connection: Connection) -> None:
    for number in range(6):
        record(connection, f"d{number}", plugin="chatter" if number % 2 else "mailer")

    assert [(each.plugin, each.calls) for each in usage.days(connection, "oak", None, "d2", "d5")] == [("chatter", 1), ("mailer", 2)]
    assert [each.calls for each in usage.days(connection, "oak", "chatter", "d2", LAST)] == [2]
    assert usage.days(connection, "oak", "absent", "", LAST) == []
    assert usage.days(connection, "elm", None, "", LAST) == []


def test_a_day_ends_at_midnight_in_utc(connection: Connection) -> None:
    for number, at in enumerate((DAY_MS - 1, DAY_MS)):
        deliveries.record(connection, replace(RECORD, id=f"d{number}", received_at=at))

    assert [each.day for each in usage.days(connection, "oak", None, "", LAST)] == [0, 1]

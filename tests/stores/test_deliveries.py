import pytest
from msgspec.structs import replace

from host.model.delivery import Delivery, LogLine
from stores import deliveries
from stores.page import Page
from stores.statement import Connection, Violation
from stores.transaction import transaction

LOG = [LogLine(1, "info", "eins\0 ü", '{"a":1}'), LogLine(1, "warn", "zwei")]
RECORD = Delivery(
    id="d1",
    organization="oak",
    plugin="chatter",
    plugin_version="1.0.0",
    kind="webhook",
    name="in",
    method="POST",
    path="/in",
    outcome="failed",
    status=502,
    error_code="trap",
    error_message="unreachable",
    received_at=1_700_000_000_000,
    duration_us=1234,
    cold=True,
    runs=2,
    fuel=2**40,
    memory=5,
    host_calls=6,
    bytes_in=7,
    bytes_out=8,
    effects=7,
    log=LOG,
    dropped_log_lines=8,
)


def test_a_delivery_comes_back_with_its_log(connection: Connection) -> None:
    deliveries.record(connection, RECORD)

    assert deliveries.get(connection, "oak", "d1") == RECORD
    assert deliveries.get(connection, "oak", "d2") is None


def test_a_log_keeps_its_order_when_all_lines_have_one_time(connection: Connection) -> None:
    lines = [LogLine(1, "info", f"{number}") for number in range(300)]
    with transaction(connection):
        deliveries.record(connection, replace(RECORD, log=lines))

    found = deliveries.get(connection, "oak", "d1")

    assert found is not None
    assert found.log == lines


def test_a_delivery_is_recorded_once(connection: Connection) -> None:
    deliveries.record(connection, RECORD)

    with pytest.raises(Violation):
        deliveries.record(connection, RECORD)


def test_pages_go_from_the_newest_to_the_oldest_with_the_log_of_each(connection: Connection) -> None:
    records = [replace(RECORD, id=f"d{number}", log=LOG[:number], cold=False) for number in range(3)]
    for record in records:
        deliveries.record(connection, record)

    first = deliveries.page(connection, "oak", None, None, 2)

    assert first == Page([records[2], records[1]], "d1")
    assert deliveries.page(connection, "oak", None, first.next, 2) == Page([records[0]], None)


def test_a_page_can_be_of_one_plugin(connection: Connection) -> None:
    for number in range(6):
        deliveries.record(connection, replace(RECORD, id=f"d{number}", plugin="chatter" if number % 2 else "mailer"))

    first = deliveries.page(connection, "oak", "chatter", None, 2)

    assert [each.id for each in first.items] == ["d5", "d3"]
    assert [each.id for each in deliveries.page(connection, "oak", "chatter", first.next, 2).items] == ["d1"]
    assert deliveries.page(connection, "oak", "absent", None, 2) == Page([], None)


@pytest.mark.parametrize("plugin", [None, "chatter"])
def test_a_page_can_be_of_a_kind_an_outcome_and_a_time(connection: Connection, plugin: str | None) -> None:
    for number in range(8):
        kind, outcome = "tool" if number % 2 else "webhook", "failed" if number < 6 else "succeeded"
        deliveries.record(connection, replace(RECORD, id=f"d{number}", kind=kind, outcome=outcome))

    first = deliveries.page(connection, "oak", plugin, None, 2, kind="tool", outcome="failed")

    assert [each.id for each in first.items] == ["d5", "d3"]
    assert [each.log for each in first.items] == [LOG, LOG]
    assert [each.id for each in deliveries.page(connection, "oak", plugin, first.next, 2, kind="tool", outcome="failed").items] == ["d1"]
    assert [each.id for each in deliveries.page(connection, "oak", plugin, None, 9, outcome="failed", since="d4").items] == ["d5", "d4"]
    assert deliveries.page(connection, "oak", plugin, None, 9, kind="hook") == Page([], None)

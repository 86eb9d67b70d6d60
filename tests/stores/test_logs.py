from msgspec.structs import replace

from host.model.delivery import LogLine
from stores import deliveries, logs
from stores.logs import LoggedLine
from stores.statement import Connection
from tests.stores.test_deliveries import RECORD


def logged(connection: Connection, delivery_id: str, *messages: str, organization: str = "oak", plugin: str = "chatter") -> None:
    log = [LogLine(number, "info", message) for number, message in enumerate(messages)]
    deliveries.record(connection, replace(RECORD, id=delivery_id, organization=organization, plugin=plugin, log=log))


def messages(connection: Connection, plugin: str | None = None, since: str = "") -> list[str]:
    with logs.each(connection, "oak", plugin, since) as lines:
        return [line.message for line in lines]


def test_lines_come_in_the_order_of_deliveries_and_within_each_as_they_were_written(connection: Connection) -> None:
    logged(connection, "d2", "c", "d")
    logged(connection, "d1", "a", "b")
    logged(connection, "d3")

    assert messages(connection) == ["a", "b", "c", "d"]


def test_lines_can_be_of_one_plugin_and_since_a_delivery(connection: Connection) -> None:
    logged(connection, "d1", "a", plugin="mailer")
    logged(connection, "d2", "b")
    logged(connection, "d3", "c", plugin="mailer")

    assert messages(connection, "mailer") == ["a", "c"]
    assert messages(connection, None, "d2") == ["b", "c"]
    assert messages(connection, "mailer", "d2") == ["c"]


def test_a_line_says_whose_it_is(connection: Connection) -> None:
    line = LogLine(5, "warn", "hm", '{"a":1}')
    deliveries.record(connection, replace(RECORD, log=[line]))

    assert logs.of_delivery(connection, "oak", "d1") == [LoggedLine("oak", "chatter", "d1", 0, 5, "warn", "hm", '{"a":1}')]
    assert logs.of_delivery(connection, "elm", "d1") == []


def test_the_ids_of_deliveries_are_listed_from_one_on(connection: Connection) -> None:
    for delivery_id in ("d3", "d1", "d2"):
        logged(connection, delivery_id)
    logged(connection, "d9", organization="elm")

    assert logs.deliveries_since(connection, "oak", "d2") == ["d2", "d3"]

from msgspec.structs import replace

from host.model.delivery import LogLine
from stores import deliveries, logs
from stores.logs import LoggedLine
from stores.statement import Connection
from tests.stores.test_deliveries import RECORD


def logged(connection: Connection, delivery_id: str, *messages: str, organization: str = "oak", plugin: str = "chatter") -> None:
    log = [LogLine(number, "info", message) for number, message in enumerate(messages)]
    deliveries.record(connection, replace(RECORD, id=delivery_id, organization=organization, plugin=plugin, log=log))


def test_a_line_says_whose_it_is(connection: Connection) -> None:
    line = LogLine(5, "warn", "hm", '{"a":1}')
    deliveries.record(connection, replace(RECORD, log=[line]))

    assert logs.of_delivery(connection, "oak", "d1") == [LoggedLine("oak", "chatter", "d1", 0, 5, "warn", "hm", '{"a":1}')]
    assert logs.of_delivery(connection, "elm", "d1") == []


def test_lines_come_as_they_were_written(connection: Connection) -> None:
    logged(connection, "d1", *(f"{number}" for number in range(30)))

    assert [line.message for line in logs.of_delivery(connection, "oak", "d1")] == [f"{number}" for number in range(30)]


def test_the_ids_of_deliveries_are_listed_after_one_and_for_a_plugin(connection: Connection) -> None:
    for delivery_id, plugin in (("d3", "mailer"), ("d1", "mailer"), ("d2", "chatter"), ("d4", "mailer")):
        logged(connection, delivery_id, plugin=plugin)
    logged(connection, "d9", organization="elm")

    assert logs.delivery_ids(connection, "oak", None, "", 9) == ["d1", "d2", "d3", "d4"]
    assert logs.delivery_ids(connection, "oak", None, "d1", 2) == ["d2", "d3"]
    assert logs.delivery_ids(connection, "oak", "mailer", "d1", 9) == ["d3", "d4"]
    assert logs.delivery_ids(connection, "oak", "absent", "", 9) == []

import pytest

from host.model.customer import Customer, Identity
from host.model.effects import CustomerChanged
from host.model.errors import Conflict
from stores import customers
from stores.statement import Connection, Violation

ANN = Customer("c1", [Identity("chat", "1"), Identity("mail", "ann@x")], "Ann", "Ann@Example.com", None, '{"vip":true}', 5, 6)


def test_a_customer_is_found_by_id_and_by_each_identity(connection: Connection) -> None:
    customers.create(connection, "oak", ANN)

    assert customers.customer(connection, "oak", "c1") == ANN
    assert customers.customer_by_identity(connection, "oak", Identity("chat", "1")) == ANN
    assert customers.customer_by_identity(connection, "oak", Identity("mail", "ann@x")) == ANN


def test_what_does_not_exist_is_none(connection: Connection) -> None:
    customers.create(connection, "oak", ANN)

    assert customers.customer(connection, "oak", "c2") is None
    assert customers.customer_by_identity(connection, "oak", Identity("mail", "1")) is None
    assert customers.customers_by_email(connection, "oak", "ann") == []


def test_a_customer_without_identities_has_an_empty_list(connection: Connection) -> None:
    customers.create(connection, "oak", Customer("c1", [], None, None, None, "{}", 1, 1))

    assert customers.customer(connection, "oak", "c1") == Customer("c1", [], None, None, None, "{}", 1, 1)


def test_an_address_is_compared_in_lower_case_beyond_ascii_too(connection: Connection) -> None:
    customers.create(connection, "oak", Customer("c1", [], "Ölm", "ÖLM@Example.com", None, "{}", 1, 1))

    assert [found.id for found in customers.customers_by_email(connection, "oak", "ölm@EXAMPLE.COM")] == ["c1"]


def test_of_three_customers_with_one_address_two_are_given_whole(connection: Connection) -> None:
    for number in range(3):
        identities = [Identity("chat", f"{number}"), Identity("mail", f"{number}")]
        customers.create(connection, "oak", Customer(f"c{number}", identities, None, "a@x", None, "{}", 1, 1))

    found = customers.customers_by_email(connection, "oak", "A@X")

    assert [(each.id, len(each.identities)) for each in found] == [("c0", 2), ("c1", 2)]


def test_an_identity_has_one_customer(connection: Connection) -> None:
    customers.create(connection, "oak", ANN)

    with pytest.raises(Violation):
        customers.create(connection, "oak", Customer("c2", [Identity("chat", "1")], None, None, None, "{}", 1, 1))


def test_a_change_leaves_what_is_none_and_merges_metadata(connection: Connection) -> None:
    customers.create(connection, "oak", ANN)

    customers.change(connection, "oak", CustomerChanged("c1", None, "new@x", "123", '{"vip":false,"note":null}', 9))

    changed = customers.customer(connection, "oak", "c1")
    assert changed == Customer("c1", ANN.identities, "Ann", "new@x", "123", '{"vip":false,"note":null}', 5, 9)
    assert customers.customers_by_email(connection, "oak", "ann@example.com") == []
    assert customers.customers_by_email(connection, "oak", "NEW@X") == [changed]


def test_a_name_can_become_empty(connection: Connection) -> None:
    customers.create(connection, "oak", ANN)

    customers.change(connection, "oak", CustomerChanged("c1", "", None, None, None, 9))

    found = customers.customer(connection, "oak", "c1")
    assert found is not None
    assert found.name == ""


def test_an_older_change_does_not_move_the_time_back(connection: Connection) -> None:
    customers.create(connection, "oak", ANN)

    customers.change(connection, "oak", CustomerChanged("c1", "Anna", None, None, None, 2))

    found = customers.customer(connection, "oak", "c1")
    assert found is not None
    assert (found.name, found.updated_at) == ("Anna", 6)


def test_changing_a_customer_that_is_gone_is_a_conflict(connection: Connection) -> None:
    with pytest.raises(Conflict, match="c1"):
        customers.change(connection, "oak", CustomerChanged("c1", "Ann", None, None, None, 9))


def test_any_text_comes_back_as_it_was(connection: Connection) -> None:
    name, external_id = "a\0b 👩‍👩‍👧 \u202e\U0010ffff", "x" * 100_000 + "\0"
    whole = Customer("c1", [Identity("chat", external_id)], name, None, None, "{}", 1, 1)
    customers.create(connection, "oak", whole)

    assert customers.customer_by_identity(connection, "oak", Identity("chat", external_id)) == whole
    assert customers.customer_by_identity(connection, "oak", Identity("chat", external_id[:-1])) is None

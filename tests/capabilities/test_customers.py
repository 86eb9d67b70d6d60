import pytest

from host.capabilities import customers
from host.capabilities.invocation import Invocation
from host.model.customer import Customer, Identity, Profile
from host.model.effects import CustomerChanged, CustomerCreated, IdentityLinked
from host.model.errors import HostError
from tests.capabilities.memory import EVERYTHING, House

ANN = Identity("wa", "ann")
BOB = Identity("wa", "bob")
NO_PROFILE = Profile(None, None, None, None)


def profile(name: str | None = None, email: str | None = None, phone: str | None = None, metadata: str | None = None) -> Profile:
    return Profile(name, email, phone, metadata)


async def stored(house: House, identity: Identity, known: Profile) -> Customer:
    """A customer that is committed."""
    invocation = house.invocation(grants=("customers.write",))
    customer = await customers.upsert(invocation, identity, known)
    house.commit(invocation)
    return customer


def fields(invocation: Invocation) -> list[dict[str, object]]:
    """The fields that the changes among an invocation's effects carry."""
    changes = [effect for effect in invocation.effects if isinstance(effect, CustomerChanged)]
    names = ("name", "email", "phone", "metadata")
    return [{name: getattr(change, name) for name in names if getattr(change, name) is not None} for change in changes]


async def test_an_unknown_identity_becomes_a_customer_that_reads_find_at_once() -> None:
    invocation = House().invocation()

    customer = await customers.upsert(invocation, ANN, profile("Ann", "ann@example.com", "+43", '{ "vip" : true }'))

    assert (customer.name, customer.email, customer.phone, customer.metadata) == ("Ann", "ann@example.com", "+43", '{"vip":true}')
    assert customer.identities == [ANN]
    assert customer.created_at == customer.updated_at
    assert invocation.effects == [CustomerCreated(customer)]
    assert await customers.get(invocation, customer.id) == customer
    assert await customers.find_by_external_id(invocation, ANN) == customer


async def test_an_unchanged_profile_has_no_effect() -> None:
    house = House()
    known = profile("Ann", "ann@example.com", None, '{"a":1,"b":[1,2]}')
    customer = await stored(house, ANN, known)
    invocation = house.invocation()

    for same in (known, NO_PROFILE, profile(metadata="{}"), profile(metadata='{"b": [1, 2]}')):
        assert await customers.upsert(invocation, ANN, same) == customer

    assert invocation.effects == []


async def test_a_changed_profile_carries_what_changed_and_keeps_the_rest() -> None:
    house = House()
    before = await stored(house, ANN, profile("Ann", "ann@example.com", None, '{"a":1,"b":2}'))
    invocation = house.invocation()

    after = await customers.upsert(invocation, ANN, profile("Ann", None, "+43", '{"a":1,"b":3,"c":null}'))

    assert fields(invocation) == [{"phone": "+43", "metadata": '{"b":3,"c":null}'}]
    assert (after.name, after.email, after.phone, after.metadata) == ("Ann", "ann@example.com", "+43", '{"a":1,"b":3,"c":null}')
    assert after.updated_at > before.updated_at
    assert await customers.get(invocation, after.id) == after


@pytest.mark.parametrize(("before", "after"), [("1", "true"), ("1", "1.0"), ("0", "false"), ('"1"', "1"), ("null", "0")])
async def test_json_values_that_python_takes_for_equal_are_a_change(before: str, after: str) -> None:
    house = House()
    await stored(house, ANN, profile(metadata=f'{{"a":{before}}}'))
    invocation = house.invocation()

    customer = await customers.upsert(invocation, ANN, profile(metadata=f'{{"a":{after}}}'))

    assert customer.metadata == f'{{"a":{after}}}'


async def test_an_identity_of_another_organisation_is_another_customer() -> None:
    house = House()
    acme = await stored(house, ANN, profile("Ann"))
    house.memory.of("globex").sources.update(house.memory.of("acme").sources)
    stranger = house.invocation(organization="globex")

    assert await customers.find_by_external_id(stranger, ANN) is None
    assert (await customers.upsert(stranger, ANN, NO_PROFILE)).id != acme.id
    with pytest.raises(HostError) as error:
        await customers.get(stranger, acme.id)
    assert error.value.code == "not-found"


async def test_foreign_and_unknown_customers_give_the_same_answer() -> None:
    house = House()
    foreign = await stored(house, ANN, NO_PROFILE)
    messages = []
    for id in (foreign.id, "nothing"):
        with pytest.raises(HostError) as error:
            await customers.get(house.invocation(organization="globex"), id)
        messages.append((error.value.code, error.value.message.replace(id, "ID")))

    assert messages[0] == messages[1]


@pytest.mark.parametrize("source", ["mail", "nobodys", "", "WA"])
async def test_a_source_that_is_not_this_plugins_is_not_found(source: str) -> None:
    invocation = House().invocation()

    for call in (
        customers.find_by_external_id(invocation, Identity(source, "ann")),
        customers.upsert(invocation, Identity(source, "ann"), NO_PROFILE),
    ):
        with pytest.raises(HostError) as error:
            await call
        assert error.value.code == "not-found"
    assert invocation.effects == []


async def test_with_match_email_an_unknown_identity_joins_the_customer_with_that_address() -> None:
    house = House()
    ann = await stored(house, ANN, profile("Ann", "Ann@Example.com"))
    invocation = house.invocation()

    joined = await customers.upsert(invocation, BOB, profile("Ann B.", "ann@example.COM"))

    assert joined.id == ann.id
    assert joined.identities == [ANN, BOB]
    assert joined.name == "Ann B."
    assert invocation.effects[0] == IdentityLinked(ann.id, BOB)
    assert await customers.find_by_external_id(invocation, BOB) == joined


@pytest.mark.parametrize("missing", ["asked", "grants"])
async def test_without_match_email_in_manifest_and_grants_an_address_joins_nobody(missing: str) -> None:
    house = House()
    ann = await stored(house, ANN, profile("Ann", "ann@example.com"))
    invocation = house.invocation(**{missing: tuple(name for name in EVERYTHING if name != "customers.match-email")})

    assert (await customers.upsert(invocation, BOB, profile("Bob", "ann@example.com"))).id != ann.id


async def test_two_customers_with_an_address_are_a_conflict_and_never_a_merge() -> None:
    house = House()
    for identity in (ANN, Identity("wa", "ann-2")):
        await stored(house, identity, profile("Ann", "ann@example.com"))
    invocation = house.invocation()

    with pytest.raises(HostError) as error:
        await customers.upsert(invocation, BOB, profile("Ann", "ann@example.com"))

    assert error.value.code == "conflict"
    assert invocation.effects == []


async def test_own_and_stored_customers_with_an_address_count_together() -> None:
    house = House()
    ann = await stored(house, ANN, profile("Ann", "ann@example.com"))
    carol = await stored(house, Identity("wa", "carol"), profile("Carol", "carol@example.com"))
    invocation = house.invocation()

    await customers.upsert(invocation, Identity("wa", "carol"), profile(email="ANN@example.com"))
    with pytest.raises(HostError) as error:
        await customers.upsert(invocation, BOB, profile(email="ann@example.com"))
    await customers.upsert(invocation, ANN, profile(email="new@example.com"))
    joined = await customers.upsert(invocation, BOB, profile(email="ann@example.com"))

    assert error.value.code == "conflict"
    assert joined.id == carol.id != ann.id


async def test_several_stored_customers_stay_a_conflict_when_one_has_just_changed_its_address() -> None:
    house = House()
    for name in ("ann", "ann-2", "ann-3"):
        await stored(house, Identity("wa", name), profile(name))
        change = house.invocation(grants=("customers.write",))
        await customers.upsert(change, Identity("wa", name), profile(email="ann@example.com"))
        house.commit(change)
    invocation = house.invocation()
    await customers.upsert(invocation, ANN, profile(email="other@example.com"))

    with pytest.raises(HostError) as error:
        await customers.upsert(invocation, BOB, profile(email="ann@example.com"))

    assert error.value.code == "conflict"


@pytest.mark.parametrize("email", ["", "  ", None])
async def test_no_address_joins_nobody(email: str | None) -> None:
    house = House()
    ann = await stored(house, ANN, profile("Ann", email))

    assert (await customers.upsert(house.invocation(), BOB, profile("Bob", email))).id != ann.id


@pytest.mark.parametrize(
    "hostile",
    [
        profile(name="x" * 2049),
        profile(email="\0"),
        profile(phone="\ud800"),
        profile(metadata="[]"),
        profile(metadata='{"a":1,"a":2}'),
        profile(metadata="{" * 10_000),
    ],
)
async def test_a_profile_that_can_not_be_kept_is_invalid(hostile: Profile) -> None:
    invocation = House().invocation()

    with pytest.raises(HostError) as error:
        await customers.upsert(invocation, ANN, hostile)

    assert error.value.code == "invalid"
    assert invocation.effects == []


async def test_metadata_does_not_grow_without_end() -> None:
    house = House()
    part = "x" * 100_000
    await stored(house, ANN, profile(metadata=f'{{"a":"{part}","b":"{part}"}}'))
    invocation = house.invocation()

    with pytest.raises(HostError) as error:
        await customers.upsert(invocation, ANN, profile(metadata=f'{{"c":"{part}"}}'))
    await customers.upsert(invocation, ANN, profile(metadata=f'{{"a":"","c":"{part}"}}'))

    assert error.value.code == "invalid"
    assert len(invocation.effects) == 1


@pytest.mark.parametrize("id", ["", "x" * 513, "\0"])
async def test_an_id_that_is_none_is_invalid(id: str) -> None:
    invocation = House().invocation()

    for call in (
        customers.get(invocation, id),
        customers.upsert(invocation, Identity("wa", id), NO_PROFILE),
        customers.find_by_external_id(invocation, Identity("wa", id)),
    ):
        with pytest.raises(HostError) as error:
            await call
        assert error.value.code == "invalid"


async def test_what_is_read_by_identity_is_noted_with_its_absence() -> None:
    invocation = House().invocation()

    await customers.upsert(invocation, ANN, NO_PROFILE)

    assert invocation.view.reads[("identity", ANN)] is None
    assert invocation.view.reads[("source", "wa")] == "whatsapp"

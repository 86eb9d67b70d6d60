import pytest

from host.capabilities import sources
from host.model.effects import SourceRegistered
from host.model.errors import HostError
from host.model.source import Source
from tests.capabilities.memory import House


def source(id: str, *, name: str = "Name", metadata: str | None = None) -> Source:
    return Source(id, name, None, None, metadata)


async def test_a_source_is_this_plugins_from_its_registration_on() -> None:
    invocation = House().invocation()
    assert not await sources.is_own(invocation, "sms-2")

    await sources.register(invocation, source("sms-2", metadata=' { "a": 1 } '))

    assert invocation.effects == [SourceRegistered(source("sms-2", metadata='{"a":1}'))]
    assert await sources.is_own(invocation, "sms-2")


async def test_a_second_registration_updates_it() -> None:
    house = House()
    invocation = house.invocation()

    await sources.register(invocation, source("wa", name="Other"))
    house.commit(invocation)

    assert house.memory.of("acme").sources["wa"] == ("whatsapp", source("wa", name="Other"))


async def test_a_source_of_another_plugin_is_a_conflict() -> None:
    invocation = House().invocation()

    with pytest.raises(HostError) as error:
        await sources.register(invocation, source("mail"))

    assert error.value.code == "conflict"
    assert invocation.effects == []


async def test_another_organisations_sources_are_in_nobodys_way() -> None:
    invocation = House().invocation(organization="globex")

    await sources.register(invocation, source("mail"))

    assert len(invocation.effects) == 1


@pytest.mark.parametrize("id", ["", "A", "ä", "a_b", "a b", "a/b", "x" * 65, "wa\n", "a\0", "\u0661"])
async def test_an_id_that_is_no_sources_is_invalid(id: str) -> None:
    with pytest.raises(HostError) as error:
        await sources.register(House().invocation(), source(id))

    assert error.value.code == "invalid"


@pytest.mark.parametrize("other", [{"name": ""}, {"name": "x" * 5000}, {"metadata": "[]"}, {"metadata": "{"}])
async def test_a_name_is_needed_and_metadata_is_an_object(other: dict[str, str]) -> None:
    with pytest.raises(HostError) as error:
        await sources.register(House().invocation(), source("sms", **other))

    assert error.value.code == "invalid"

"""Pages that end by their bytes, and what an invocation may read in all."""

import pytest
from msgspec.structs import replace

from host.capabilities import messages, store
from host.capabilities.invocation import Invocation
from host.model.case import Case
from host.model.customer import Profile
from host.model.errors import HostError, LimitExceeded
from host.model.message import Incoming
from host.model.size import PAGE_BYTES
from tests.capabilities.memory import House

PLUGIN = Case("plugin")
LARGE = '"' + "x" * 250_000 + '"'
"""Five of these fill a page."""
KEYS = [f"k{n:02}" for n in range(12)]
HELLO = Incoming("wa", "491", Profile("Ada", None, None, None), None, "text", "x" * 250_000, [], None, None, None)


def stored() -> House:
    house = House()
    for key in KEYS:
        invocation = house.invocation()
        store.set_value(invocation, PLUGIN, key, LARGE)
        house.commit(invocation)
    return house


async def scanned(invocation: Invocation) -> list[list[str]]:
    """The keys on each page."""
    pages, cursor = [], None
    while True:
        page = await store.scan(invocation, PLUGIN, "", cursor, 1000)
        pages.append([entry.key for entry in page.entries])
        if (cursor := page.next) is None:
            return pages


async def test_a_scan_gives_short_pages_of_large_entries_and_all_of_them() -> None:
    pages = await scanned(stored().invocation())

    assert [key for page in pages for key in page] == KEYS
    assert max(len(page) * len(LARGE) for page in pages) < PAGE_BYTES + 2 * len(LARGE)


async def test_own_entries_join_short_pages_in_their_place() -> None:
    invocation = stored().invocation()
    for key in ("a", "k03", "k055", "z"):
        store.set_value(invocation, PLUGIN, key, LARGE)

    assert [key for page in await scanned(invocation) for key in page] == sorted({*KEYS, "a", "k055", "z"})


async def test_a_scan_goes_on_after_a_page_of_which_everything_is_deleted() -> None:
    invocation = stored().invocation()
    for key in KEYS[:11]:
        store.delete(invocation, PLUGIN, key)

    assert [key for page in await scanned(invocation) for key in page] == KEYS[11:]


async def test_messages_come_in_short_pages_too_and_own_ones_are_among_them() -> None:
    house = House()
    for _ in range(7):
        invocation = house.invocation()
        await messages.receive(invocation, HELLO)
        house.commit(invocation)
    invocation = house.invocation()
    receipts = [await messages.receive(invocation, replace(HELLO, text=f"own {n}")) for n in range(2)]
    texts, lengths, cursor = [], [], None

    while True:
        page = await messages.get_by_conversation(invocation, receipts[0].conversation_id, cursor, 200)
        lengths.append(len(page.messages))
        texts += [message.text for message in page.messages]
        if (cursor := page.next) is None:
            break

    assert texts == ["own 1", "own 0", *[HELLO.text] * 7]
    assert len(lengths) == 2


async def test_what_an_invocation_reads_stays_in_memory_and_is_limited() -> None:
    """A comparison that fails gives the guest nothing, and the host keeps what it compared with."""
    invocation = stored().invocation(answer_bytes=4 * len(LARGE))
    for key in KEYS[:3]:
        with pytest.raises(HostError, match="another version"):
            await store.compare_and_set(invocation, PLUGIN, key, "1", None)

    with pytest.raises(LimitExceeded) as exceeded:
        await store.compare_and_set(invocation, PLUGIN, KEYS[3], "1", None)

    assert exceeded.value.code == "limit.answer-bytes"

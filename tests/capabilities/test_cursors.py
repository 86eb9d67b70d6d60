from base64 import urlsafe_b64encode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from host.capabilities import cursors
from host.model.errors import HostError

QUERY = ("store", "plugin", "", "prefix")


@given(st.text())
def test_a_cursor_gives_back_the_last_key(key: str) -> None:
    assert cursors.decode(QUERY, cursors.encode(QUERY, key)) == key


def test_no_cursor_is_the_beginning() -> None:
    assert cursors.decode(QUERY, None) is None


@given(st.text() | st.binary().map(lambda data: urlsafe_b64encode(data).decode()))
def test_nonsense_is_invalid(cursor: str) -> None:
    with pytest.raises(HostError) as error:
        cursors.decode(QUERY, cursor)

    assert error.value.code == "invalid"


@given(st.integers(0, 15), st.characters())
def test_a_changed_cursor_is_invalid(place: int, character: str) -> None:
    cursor = cursors.encode(QUERY, "some-key")
    changed = cursor[:place] + character + cursor[place + 1 :]
    assume(changed != cursor)

    with pytest.raises(HostError) as error:
        cursors.decode(QUERY, changed)

    assert error.value.code == "invalid"


@pytest.mark.parametrize("other", [("store", "plugin", "", "prefi"), ("store", "plugin", "p", "refix"), ("messages", "prefix"), ()])
def test_a_cursor_of_another_query_is_invalid(other: tuple[str, ...]) -> None:
    with pytest.raises(HostError) as error:
        cursors.decode(other, cursors.encode(QUERY, "some-key"))

    assert error.value.code == "invalid"

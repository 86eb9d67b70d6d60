"""What the results of exports become."""

import pytest

from host.model.case import Case, Err, Ok
from host.model.errors import Failed, Rejected
from host.runtime.exports import LONGEST, value_of


def test_a_value_is_what_the_plugin_gave() -> None:
    assert value_of(Ok("a value")) == "a value"


@pytest.mark.parametrize(("name", "error"), [("rejected", Rejected), ("failed", Failed)])
def test_a_plugins_error_is_raised_in_its_own_words_as_far_as_anybody_will_read(name: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="in its own words"):
        value_of(Err(Case(name, "in its own words")))
    with pytest.raises(error) as long:
        value_of(Err(Case(name, "x" * 8_000_000)))
    assert len(str(long.value)) == LONGEST

"""Sizes, durations and counts as people write them."""

from collections.abc import Callable

import pytest

from host.cli.units import count, duration_ms, duration_s, size, size_text
from host.model.errors import UsageError


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (size, "1048576", 1048576), (size, "64MiB", 64 << 20), (size, "64 mib", 64 << 20), (size, "1.5GiB", 3 << 29),
        (size, "500kB", 500_000), (size, "1TiB", 1 << 40), (size, "0", 0), (size, "10B", 10), (size, "1_024", 1024),
        (duration_ms, "5s", 5000), (duration_ms, "250ms", 250), (duration_ms, "1.5min", 90_000), (duration_ms, "2h", 7_200_000),
        (duration_ms, "0.001s", 1), (duration_ms, " 1d ", 86_400_000),
        (duration_s, "300", 300), (duration_s, "5min", 300), (duration_s, "1500ms", 1.5), (duration_s, "0.5", 0.5),
        (count, "2_000_000", 2_000_000), (count, "2M", 2_000_000), (count, "1.5k", 1500), (count, "7", 7), (count, "2G", 2_000_000_000),
    ],
)  # fmt: skip
def test_what_people_write_is_understood(parse: Callable[[str], float], text: str, value: float) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (size, ""), (size, "MiB"), (size, "64M"), (size, "-1"), (size, "1e6"), (size, "0.5B"), (size, "64 MiB 2"), (size, "5s"),
        (size, "9" * 5000), (size, "٣"), (size, "inf"), (size, "1_"), (size, "0x10"),
        (duration_ms, "5"), (duration_ms, "5 minutes"), (duration_ms, "0.5ms"), (duration_ms, "nan"), (duration_ms, "5m"),
        (duration_s, "5m"), (duration_s, "10:30"), (duration_s, "-3s"),
        (count, "1.5"), (count, "many"), (count, "2MiB"), (count, "1,000"),
    ],
)  # fmt: skip
def test_what_could_mean_anything_is_one_sentence_with_examples(parse: Callable[[str, str], float], text: str) -> None:
    with pytest.raises(UsageError, match=r"^--some-option takes an? .*, as .*, not '") as error:
        parse(text, "--some-option")

    assert len(error.value.message) < 250


@pytest.mark.parametrize(("value", "text"), [(64 << 20, "64MiB"), (3 << 29, "1536MiB"), (1000, "1000"), (0, "0"), (1 << 40, "1TiB")])
def test_a_size_is_shown_as_it_can_be_written(value: int, text: str) -> None:
    assert size_text(value) == text
    assert size(text) == value

"""Values that must not be read, in the spellings that they come along in."""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.model.installation import Installation, Secrets
from host.model.limits import Limits
from host.model.manifest import Manifest
from host.model.masks import Masks

VALUE = 'se"cr€t/va+lue\\ 1?'
SPELLINGS: list[Callable[[str], str]] = [
    str,
    lambda value: json.dumps(value)[1:-1],
    lambda value: json.dumps(value).replace("/", "\\/")[1:-1],
    lambda value: msgspec.json.encode(value).decode()[1:-1].replace("/", "\\/"),
    lambda value: "".join(f"\\u{ord(letter):04x}" for letter in value),
    lambda value: "".join(f"\\u{ord(letter):04X}" for letter in value),
    lambda value: repr(value)[1:-1],
    lambda value: repr(value.encode())[2:-1],
    lambda value: value.encode().hex(),
    lambda value: value.encode().hex().upper(),
    quote,
    lambda value: quote(value, safe=""),
    lambda value: quote(value, safe="").replace("%E2%82%AC", "%e2%82%ac").replace("%2F", "%2f").replace("%2B", "%2b").replace("%3F", "%3f")
    .replace("%5C", "%5c"),
    quote_plus,
    lambda value: urlencode({"": value})[1:],
    lambda value: b64encode(value.encode()).decode(),
    lambda value: b64encode(value.encode()).decode().rstrip("="),
    lambda value: urlsafe_b64encode(value.encode()).decode(),
    lambda value: urlsafe_b64encode(value.encode()).decode().rstrip("="),
]  # fmt: skip


@pytest.mark.promise("secrets.masked")
@pytest.mark.parametrize("spell", SPELLINGS)
def test_a_value_is_masked_in_each_usual_spelling(spell: Callable[[str], str]) -> None:
    assert Masks([("key", VALUE)]).masked(f"<{spell(VALUE)}>") == "<[secret key]>"


@pytest.mark.promise("secrets.masked")
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
@pytest.mark.parametrize("before", ["", "u", "us", "use", "user:"])
@pytest.mark.parametrize("after", ["", "!", "!!"])
def test_a_value_within_something_longer_in_base64_leaves_at_most_a_byte_at_each_end(
    encode: Callable[[bytes], bytes], before: str, after: str
) -> None:
    header = encode(f"{before}{VALUE}{after}".encode()).decode()

    masked = Masks([("key", VALUE)]).masked(f"Authorization: Basic {header}")

    first, _, last = masked.removeprefix("Authorization: Basic ").partition("[secret key]")
    assert len(first) <= len(before) * 4 / 3 + 2
    assert len(last.rstrip("=")) <= len(after) * 4 / 3 + 2


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=4), st.text("xyz \n", max_size=20), st.text("xyz \n", max_size=20))
def test_no_text_around_a_value_keeps_it_from_being_masked(value: str, before: str, after: str) -> None:
    masked = Masks([("key", value)]).masked(f"{before}{value}{after}")

    assert "[secret key]" in masked
    assert len(masked.replace("[secret key]", "")) <= len(before) + len(after)


def test_the_longest_goes_first_since_one_can_be_a_part_of_another() -> None:
    masks = Masks([("short", "hunter"), ("long", "hunter2hunter2")])

    assert masks.masked("hunter2hunter2 hunter") == "[secret long] [secret short]"


def test_a_value_of_several_lines_is_masked_line_by_line_also_where_they_are_indented() -> None:
    masks = Masks([("key", "-----BEGIN KEY-----\r\n    MIIEvQ\n    \n-----END KEY-----\n")])

    assert masks.masked("> MIIEvQ <") == "> [secret key] <"
    assert masks.masked("    ") == "    "


def test_what_is_too_short_to_be_a_secret_garbles_nothing() -> None:
    masks = Masks([("key", "abc"), ("empty", "")])

    assert masks.masked("abc abcabc 616263 YWJj") == "abc abcabc 616263 YWJj"
    assert repr(masks) == "<Masks [0 spellings of nothing]>"


def test_masks_show_no_value() -> None:
    assert VALUE not in repr(Masks([("key", VALUE)]))
    assert "[secret key]" in repr(Masks([("key", VALUE)]))


def test_an_installation_makes_its_masks_once_of_both_kinds_of_secrets() -> None:
    installation = Installation(
        organization="acme", plugin="p", digest="", manifest=Manifest(name="p", version="1.0.0", description=""), settings="{}",
        grants=frozenset(), secrets=Secrets({"mine": "a value of mine"}), own_secrets=Secrets({"ours": "a value of ours"}), limits=Limits(),
    )  # fmt: skip

    assert installation.masks is installation.masks
    assert installation.masks.masked("a value of mine, a value of ours") == "[secret mine], [secret ours]"

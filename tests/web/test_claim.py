"""What the dedupe key of a request is."""

import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.model.manifest import Dedupe
from host.web.dedupe import LONGEST, claim_of

HEADER = Dedupe(header="X-Event-Id")


def in_header(*values: str) -> str | None:
    claim = claim_of(HEADER, [("host", "x"), *(("x-event-id", value) for value in values)], b"body")
    return claim and claim.key


def in_body(body: bytes | str, pointer: str = "/id") -> str | None:
    claim = claim_of(Dedupe(json=pointer), [], body if isinstance(body, bytes) else body.encode())
    return claim and claim.key


def test_a_claim_has_the_digest_of_the_raw_body() -> None:
    claim = claim_of(HEADER, [("x-event-id", "evt_1")], b'{ "a": 1 }')

    assert claim is not None
    assert (claim.key, claim.body_sha256) == ("evt_1", sha256(b'{ "a": 1 }').digest())


@pytest.mark.parametrize("values", [[], [""], ["a", "a"], ["a", "b"], ["x" * (LONGEST + 1)]], ids=["none", "empty", "twice", "two", "long"])
def test_a_header_that_is_not_there_once_with_1_to_512_bytes_is_no_key(values: list[str]) -> None:
    assert in_header(*values) is None


@pytest.mark.parametrize("value", ["a", "x" * LONGEST, " a", "A", "caf\xe9", "a,b"])
def test_a_header_is_the_key_as_it_came(value: str) -> None:
    assert in_header(value) == value


DEEP = '{"a": [{"b": "x"}, {"b/c": {"~1": "y", "": "z", "0": "o"}}], "10": "ten"}'


@pytest.mark.parametrize(
    ("pointer", "key"),
    [
        ("/a/0/b", '"x"'),
        ("/a/1/b~1c/~01", '"y"'),
        ("/a/1/b~1c/", '"z"'),
        ("/a/1/b~1c/0", '"o"'),
        ("/10", '"ten"'),
        ("/a/2", None),
        ("/a/-", None),
        ("/a/00", None),
        ("/a/+1", None),
        ("/a/\u0661", None),
        ("/a/9999999999999999999999", None),
        ("/a/0", None),
        ("/a", None),
        ("/a/0/b/0", None),
        ("/missing", None),
        ("/", None),
    ],
)
def test_a_pointer_leads_where_rfc_6901_says(pointer: str, key: str | None) -> None:
    assert in_body(DEEP, pointer) == key


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"id", b"{", b'{"id": "a"', b'{"id": "a"} x', b'{"id": "a", "b": tru}', b'{"id": "a",}', b"[1]", b'"id"', b"null",
        b'{"id": null}', b'{"id": true}', b'{"id": false}', b'{"id": {}}', b'{"id": []}', b'{"id": ""}', b'{"id": 01}', b'{"id": NaN}',
        b'\xef\xbb\xbf{"id": "a"}', b'{"id": "\xff"}', b'{"id": "a", "b": "\xff"}', b'{"id": "\\ud800"}', b'{"id": "\n"}', b"\x00\xff\xfe",
        b'{"id": "a", "b": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)  # fmt: skip
def test_a_body_that_is_no_json_or_has_no_text_or_number_there_has_no_key(body: bytes) -> None:
    assert in_body(body) is None


@pytest.mark.parametrize("number", ["1", "1.0", "10e-1", "0.1E+1", "0.0000000001e10", "1.000"])
def test_equal_numbers_are_one_key(number: str) -> None:
    assert in_body(f'{{"id": {number}}}') == "1"


def test_zero_is_zero_whatever_its_sign_and_size() -> None:
    assert {in_body(f'{{"id": {zero}}}') for zero in ("0", "-0", "0.000", "0e999999999999999999", "-0.0E-5")} == {"0"}


def test_numbers_that_no_float_tells_apart_are_two_keys() -> None:
    pairs = [("9007199254740992", "9007199254740993"), ("0.1", "0.10000000000000001"), ("1e999", "1e1000"), ("1", "-1"), ("1", "10")]

    assert all(in_body(f'{{"id": {one}}}') != in_body(f'{{"id": {other}}}') for one, other in pairs)
    assert in_body('{"id": 12345678901234567890}') == "12345678901234567890"
    assert in_body('{"id": 1200}') == "1200"


def test_a_text_and_the_number_that_it_names_are_two_keys() -> None:
    assert (in_body('{"id": "1"}'), in_body('{"id": 1}')) == ('"1"', "1")


def test_one_text_is_one_key_however_it_is_escaped() -> None:
    assert in_body(r'{"id": "\u0061\/\u00e9"}') == in_body('{"id" :\t"a/é" }') == '"a/é"'


def test_texts_in_two_normal_forms_and_texts_with_a_zero_are_keys_of_their_own() -> None:
    keys = [in_body(json.dumps({"id": text})) for text in ("caf\u00e9", "cafe\u0301", "caf\u00e9\u0000", "caf", "\U0001f600")]

    assert len(set(keys)) == 5
    assert not any("\x00" in str(key) for key in keys)


def test_a_key_of_ten_megabytes_is_its_digest_and_differs_in_its_last_byte() -> None:
    texts = [b'{"id": "' + b"x" * 10_000_000 + end + b'"}' for end in (b"a", b"b")]
    numbers = [b'{"id": ' + b"1" * 10_000_000 + end + b"}" for end in (b"1", b"2")]
    keys = [str(in_body(body)) for body in (*texts, *numbers)]

    assert [len(key) for key in keys] == [len("sha256:") + 64] * 4
    assert len(set(keys)) == 4


def test_the_longest_text_that_is_written_out_and_the_next_one_differ() -> None:
    written, digested = in_body(f'{{"id": "{"x" * (LONGEST - 2)}"}}'), in_body(f'{{"id": "{"x" * (LONGEST - 1)}"}}')

    assert written == f'"{"x" * (LONGEST - 2)}"'
    assert str(digested).startswith("sha256:")
    assert in_body(f'{{"id": "{digested}"}}') == f'"{digested}"'


def test_of_members_with_the_same_name_the_last_one_counts_as_for_the_guest() -> None:
    body = '{"id": "a", "id": "b"}'

    assert in_body(body) == f'"{json.loads(body)["id"]}"'


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_every_text_and_number_of_a_document_is_found_by_its_pointer(document: object) -> None:
    for pointer, value in _leaves(document, ""):
        key = in_body(json.dumps(document), pointer) if pointer else None
        if pointer and isinstance(value, str) and value and len(value.encode()) < 100:
            assert json.loads(str(key)) == value
        elif pointer and isinstance(value, int) and not isinstance(value, bool):
            assert key is not None
        else:
            assert pointer == "" or key is None or len(str(value).encode()) >= 100


def _leaves(value: object, pointer: str) -> list[tuple[str, object]]:
    if isinstance(value, dict):
        inner = [(f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}", each) for name, each in value.items()]
    elif isinstance(value, list):
        inner = [(f"{pointer}/{index}", each) for index, each in enumerate(value)]
    else:
        return [(pointer, value)]
    return [leaf for at, each in inner for leaf in _leaves(each, at)]

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.model.errors import HostError
from host.model.value import MAX_DEPTH, is_deeper, merge, merge_into, pack, unpack

documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), children),
    max_leaves=20,
)


def exact(document: Any) -> str:
    """Tells 1 from 1.0 and true, and 0.0 from -0.0, and keeps the order of keys."""
    return repr(document)


@given(documents)
def test_what_is_packed_comes_back_the_same(document: Any) -> None:
    for text in (json.dumps(document), json.dumps(document, ensure_ascii=False, indent=1)):
        assert exact(json.loads(unpack(pack(text)))) == exact(document)


@given(documents)
def test_what_came_back_is_kept_as_it_is(document: Any) -> None:
    once = unpack(pack(json.dumps(document)))

    assert unpack(pack(once)) == once


@given(documents | st.text('[]{}"\\n:', max_size=20), st.integers(0, 6))
def test_depth_is_that_of_the_parsed_document(document: Any, limit: int) -> None:
    def depth(node: Any) -> int:
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else None
        return 0 if children is None else 1 + max(map(depth, children), default=0)

    for text in (json.dumps(document), json.dumps([document, {"[": document}], indent=1)):
        assert is_deeper(text, limit) == (depth(json.loads(text)) > limit)


@given(st.lists(st.tuples(st.sampled_from(["a", "b", ":", "a:", "\\", "\\u003a", "[", '"']), st.integers())), st.booleans())
def test_a_key_counts_as_twice_however_it_is_spelled(pairs: list[tuple[str, int]], escaped: bool) -> None:
    def spelled(key: str) -> str:
        text = json.dumps(key)
        return text.replace(":", "\\u003A") if escaped else text

    text = "{" + ", ".join(f"{spelled(key)} : {value % 100}" for key, value in pairs) + "}"
    if len(dict(pairs)) == len(pairs):
        assert json.loads(unpack(pack(text))) == {key: value % 100 for key, value in pairs}
    else:
        with pytest.raises(HostError, match="a key twice"):
            pack(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "NaN",
        "Infinity",
        "[1,]",
        "{'a':1}",
        "1 2",
        "\ufeff1",
        '{"a":1,"a":1}',
        '[{"a":{"b":1,"c":2,"b":3}}]',
        '{"a":1,"\\u0061":2}',
        str(2**64),
        str(-(2**63) - 1),
        "1" * 5000,
        "1e400",
        "-1e400",
        '"\\ud800"',
        '{"\\udc00":1}',
        '"\ud800"',
        '"a\nb"',
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
        "[" * 1_000_000,
        '{"a":' * 100_000,
    ],
    ids=lambda text: ascii(text)[:30],
)
def test_what_can_not_be_given_back_the_same_is_invalid(text: str) -> None:
    with pytest.raises(HostError) as refused:
        pack(text)

    assert refused.value.code == "invalid"


def test_the_deepest_value_can_be_read_from_deep_in_the_stack() -> None:
    text = '{"a":[' * (MAX_DEPTH // 2) + "]}" * (MAX_DEPTH // 2)
    packed = pack(text)

    def read(frames: int) -> str:
        return unpack(packed) if frames == 0 else read(frames - 1)

    assert read(sys.getrecursionlimit() // 2) == text


def test_brackets_in_strings_are_no_levels() -> None:
    text = json.dumps("[{" * 10_000)

    assert unpack(pack(text)) == text


def test_members_of_the_second_object_go_over_those_of_the_first() -> None:
    assert json.loads(merge('{"a":1,"b":{"x":1}}', '{"b":{"y":2},"c":null}')) == {"a": 1, "b": {"y": 2}, "c": None}
    assert merge("{}", "{}") == "{}"


def test_merging_changes_no_byte_of_a_member() -> None:
    assert merge('{"a": 1.50, "b": [1 , 2]}', f'{{"c": {10**40}}}') == f'{{"a":1.50,"b":[1 , 2],"c":{10**40}}}'


@pytest.mark.parametrize("wrong", ["[]", "1", "", '{"a"}', '"\ud800"'])
def test_only_objects_can_be_merged(wrong: str) -> None:
    for base, changes in ((wrong, "{}"), ("{}", wrong)):
        with pytest.raises(HostError, match="not a JSON object"):
            merge(base, changes)


def test_merging_into_a_member_makes_it_where_it_is_no_object() -> None:
    assert merge_into("{}", "status", '{"a":1}') == '{"status":{"a":1}}'
    assert merge_into('{"status":{"a":1,"b":2},"c":3}', "status", '{"a":4}') == '{"status":{"a":4,"b":2},"c":3}'
    assert merge_into('{"status":"text"}', "status", '{"a":1}') == '{"status":{"a":1}}'

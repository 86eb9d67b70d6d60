"""Our conversion of values against the wasmtime library's own, for every type that the contract and WASI use."""

import itertools
import math
from ctypes import addressof, pointer, string_at
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from wasmtime import Store
from wasmtime import _ffi as ffi
from wasmtime.component import Component as WasmtimeComponent
from wasmtime.component import FuncType, Record, ValType, Variant

from host.model.case import Case, Err, Ok
from host.model.customer import Customer, Identity
from host.model.errors import LimitExceeded, WrongWorld
from host.model.message import Attachment, Message, Receipt
from host.model.webhook import Header, Request
from host.sandbox import raw
from host.sandbox.boundary import Lifting, Plan
from host.sandbox.boundary import types as t
from host.sandbox.engine import engine

# A WIT type is a nested tuple: its kind, then its parts.
Tree = tuple[Any, ...]
INTEGERS = {f"{sign}{bits}": (sign, bits) for sign in "us" for bits in (8, 16, 32, 64)}
SCALARS = [(name,) for name in [*INTEGERS, "bool", "f32", "f64", "char", "string"]]
NAMES = ["a", "b-c", "d2", "long-name-of-a-field", "x"]
TEXT = st.text(max_size=20) | st.sampled_from(["", "\0", "a\0b", "é", "😀😀", "👩‍👩‍👧", "x" * 5000])


def compounds(parts: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    named = st.lists(parts, min_size=1, max_size=4).map(lambda types: tuple(zip(NAMES, types, strict=False)))
    cases = st.lists(st.none() | parts, min_size=1, max_size=4).map(lambda types: tuple(zip(NAMES, types, strict=False)))
    return st.one_of(
        st.tuples(st.just("list"), parts),
        st.lists(parts, min_size=1, max_size=4).map(lambda types: ("tuple", *types)),
        named.map(lambda fields: ("record", *fields)),
        cases.map(lambda names: ("variant", *names)),
        parts.filter(lambda tree: tree[0] != "option").map(lambda tree: ("option", tree)),
        st.tuples(st.just("result"), st.none() | parts, st.none() | parts),
    )


WORDS = st.integers(1, 5).map(lambda n: NAMES[:n])
LEAVES = st.sampled_from(SCALARS) | st.just(("list", ("u8",))) | st.builds(lambda k, n: (k, *n), st.sampled_from(["enum", "flags"]), WORDS)
TREES = st.recursive(LEAVES, compounds, max_leaves=8)


def values(tree: Tree) -> st.SearchStrategy[Any]:
    """Python values of a type, as our boundary has them."""
    kind, *parts = tree
    if kind in INTEGERS:
        sign, bits = INTEGERS[kind]
        low = 0 if sign == "u" else -(2 ** (bits - 1))
        return st.integers(low, low + 2**bits - 1) | st.sampled_from([low, low + 2**bits - 1])
    match kind:
        case "bool":
            return st.booleans()
        case "f32" | "f64":
            return st.floats(allow_nan=False, width=int(kind[1:]))
        case "char":
            return st.characters(exclude_categories=["Cs"])
        case "string":
            return TEXT
        case "list" if parts == [("u8",)]:
            return st.binary(max_size=300) | st.just(bytes(range(256)) * 300)
        case "list":
            return st.lists(values(parts[0]), max_size=4)
        case "tuple":
            return st.tuples(*map(values, parts))
        case "record":
            return st.tuples(*[values(part) for _, part in parts]).map(lambda row: t.tuple_class(tuple(t.snake(n) for n, _ in parts))(*row))
        case "variant":
            return st.one_of([values(part).map(lambda v, n=name: Case(n, v)) if part else st.just(Case(name)) for name, part in parts])
        case "enum":
            return st.sampled_from(parts)
        case "flags":
            return st.frozensets(st.sampled_from(parts))
        case "option":
            return st.none() | values(parts[0])
    ok, err = (values(part) if part else st.none() for part in parts)
    return ok.map(Ok) | err.map(Err)


def wat(tree: Tree, declared: list[str]) -> str:
    """A type's text; the types that need a name are added to `declared`."""
    kind, *parts = tree
    match kind:
        case "list" | "tuple" | "option":
            return f"({kind} {' '.join(wat(part, declared) for part in parts)})"
        case "result":
            ok, err = (wat(part, declared) if part else "" for part in parts)
            return f"(result {ok} {f'(error {err})' if err else ''})"
        case "enum" | "flags":
            text = " ".join([f"({kind}", *(f'"{name}"' for name in parts), ")"])
        case "record" | "variant":
            word = "field" if kind == "record" else "case"
            members = [(name, wat(part, declared) if part else "") for name, part in parts]
            text = " ".join([f"({kind}", *(f'({word} "{name}" {text})' for name, text in members), ")"])
        case _:
            return str(kind)
    n = len(declared)
    declared.append(f'(type $t{n} {text}) (export "t{n}" (type $e{n} (eq $t{n})))')
    return f"$e{n}"


def function_type(*trees: Tree) -> FuncType:
    """Wasmtime's type of a function with these parameters, whose result is the first one's type."""
    declared: list[str] = []
    texts = [wat(tree, declared) for tree in trees]
    parameters = " ".join(f'(param "p{i}" {text})' for i, text in enumerate(texts))
    text = f'(component (import "t:t/t" (instance {" ".join(declared)} (export "f" (func {parameters} (result {texts[0]}))))))'
    component = WasmtimeComponent(engine().wasmtime, text)
    interface = component.type.imports(engine().wasmtime)["t:t/t"].ty
    function = interface.exports(engine().wasmtime)["f"].ty
    assert isinstance(function, FuncType)
    return function


def as_library(wit: ValType, value: Any) -> Any:
    """The same value as the library spells it."""
    if isinstance(wit, t.ListType):
        return value if isinstance(value, bytes) else [as_library(wit.element, part) for part in value]
    if isinstance(wit, t.TupleType):
        return tuple(as_library(part, v) for part, v in zip(wit.elements, value, strict=True))
    if isinstance(wit, t.RecordType):
        record = Record()
        for (name, part), v in zip(wit.fields, value, strict=True):
            setattr(record, name, as_library(part, v))
        return record
    if isinstance(wit, t.FlagsType):
        return set(value)
    if not isinstance(wit, (t.VariantType, t.OptionType, t.ResultType)):
        return value
    name, payload = _case_of(wit, value)
    part = dict(wit._cases())[name]
    inner = as_library(part, payload) if part is not None else None
    return Variant(name, inner) if wit._tagged() else inner


def _case_of(wit: ValType, value: Any) -> tuple[str, Any]:
    if isinstance(wit, t.OptionType):
        return ("none", None) if value is None else ("some", value)
    if isinstance(wit, t.ResultType):
        return ("ok" if isinstance(value, Ok) else "err"), value.value
    return value.name, value.value


def lowered_by_us(plan: Plan, value: Any) -> ffi.wasmtime_component_val_t:
    keep: list[bytes] = []
    packed = plan.lower_result(value, keep)
    copy = ffi.wasmtime_component_val_t()
    raw.val_clone(id(packed) + raw.BYTES_HEADER, addressof(copy))
    return copy


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_what_we_lower_the_library_lifts_to_the_same_value(data: st.DataObject) -> None:
    tree = data.draw(TREES)
    value = data.draw(values(tree))
    wit = function_type(tree)
    lowered = lowered_by_us(Plan("f", wit).check(), value)
    assert wit.result is not None
    assert exact(wit.result.convert_from_c(lowered)) == exact(as_library(wit.result, value))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_what_the_library_lowers_we_lift_to_the_same_value(data: st.DataObject) -> None:
    tree = data.draw(TREES)
    value = data.draw(values(tree))
    function = function_type(tree)
    wit = function.result
    assert wit is not None
    assume(_library_keeps(wit, as_library(wit, value)))
    theirs = ffi.wasmtime_component_val_t()
    wit.convert_to_c(Store(engine().wasmtime), as_library(wit, value), pointer(theirs))
    lifted = Plan("f", function).lift_arguments(addressof(theirs), Lifting(1 << 24, 0, "a value"))
    raw.val_delete(addressof(theirs))
    assert exact(lifted) == exact([value])


def _library_keeps(wit: ValType, value: Any) -> bool:
    """The library itself mistakes values of untagged variants: it takes `True` for a u8, and does not know some nested ones."""
    copy = ffi.wasmtime_component_val_t()
    try:
        wit.convert_to_c(Store(engine().wasmtime), value, pointer(copy))
    except ValueError:
        return False
    return bool(exact(wit.convert_from_c(copy)) == exact(value))


def exact(value: Any) -> Any:
    """Equal only to what has the same types too: `True` is not 1, and a record knows its fields."""
    if isinstance(value, Record):
        return ("record", [(name, exact(part)) for name, part in vars(value).items()])
    if isinstance(value, Variant):
        return ("variant", value.tag, exact(value.payload))
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, [exact(part) for part in value])
    return (type(value).__name__, value)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_what_we_lower_we_lift_to_the_same_value(data: st.DataObject) -> None:
    tree = data.draw(TREES)
    value = data.draw(values(tree))
    plan = Plan("f", function_type(tree)).check()
    keep: list[bytes] = []
    packed = plan.lower_result(value, keep)
    lifting = Lifting(1 << 24, 0, "a value")
    assert exact(plan.lift_arguments(id(packed) + raw.BYTES_HEADER, lifting)) == exact([value])


def test_not_a_number_stays_not_a_number() -> None:
    plan = Plan("f", function_type(("f64",))).check()
    keep: list[bytes] = []
    packed = plan.lower_result(math.nan, keep)
    assert math.isnan(plan.lift_arguments(id(packed) + raw.BYTES_HEADER, Lifting(100, 0, "a value"))[0])


OPTION_OF_TEXT = ("option", ("string",))
HEADERS = ("list", ("record", ("name", ("string",)), ("value", ("string",))))
PAYLOAD = ("variant", ("text", ("string",)), ("base64", ("string",)))
ATTACHMENT = (
    "record", ("kind", ("string",)), *((name, OPTION_OF_TEXT) for name in ("media-id", "url", "mime-type", "filename")),
    ("size-bytes", ("option", ("u64",))), ("metadata", OPTION_OF_TEXT),
)  # fmt: skip
REQUEST = (
    "record", ("method", ("string",)), ("url", ("string",)), ("path", ("string",)), ("parameters", HEADERS), ("query", HEADERS),
    ("headers", HEADERS), ("body", PAYLOAD), ("delivery-id", ("string",)),
    ("attempt", ("u32",)), ("received-at", ("u64",)), ("verified", ("bool",)),
)  # fmt: skip
MESSAGE = (
    "record", *((name, ("string",)) for name in ("id", "conversation-id", "customer-id", "source")),
    ("direction", ("enum", "inbound", "outbound")),
    ("kind", ("string",)), ("text", OPTION_OF_TEXT), ("attachments", ("list", ATTACHMENT)), ("external-id", OPTION_OF_TEXT),
    ("reply-to", OPTION_OF_TEXT), ("status", ("string",)), ("metadata", ("string",)), ("created-at", ("u64",)),
)  # fmt: skip
CUSTOMER = (
    "record", ("id", ("string",)), ("identities", ("list", ("record", ("source", ("string",)), ("external-id", ("string",))))),
    *((name, OPTION_OF_TEXT) for name in ("name", "email", "phone")), ("metadata", ("string",)),
    ("created-at", ("u64",)), ("updated-at", ("u64",)),
)  # fmt: skip
RECEIPT = (
    "record", *((name, ("string",)) for name in ("message-id", "conversation-id", "customer-id")), ("agent-id", OPTION_OF_TEXT),
    ("duplicate", ("bool",)), ("new-conversation", ("bool",)),
)  # fmt: skip
STAMP = st.integers(0, 2**64 - 1)
CONTRACT = {
    Request: (REQUEST, st.builds(
        Request, TEXT, TEXT, TEXT, *[st.lists(st.builds(Header, TEXT, TEXT), max_size=3)] * 3,
        st.builds(Case, st.sampled_from(["text", "base64"]), TEXT), TEXT, st.integers(0, 2**32 - 1), STAMP, st.booleans())),
    Message: (MESSAGE, st.builds(
        Message, TEXT, TEXT, TEXT, TEXT, st.sampled_from(["inbound", "outbound"]), TEXT, st.none() | TEXT,
        st.lists(st.builds(Attachment, TEXT, *[st.none() | TEXT] * 4, st.none() | STAMP, st.none() | TEXT), max_size=3),
        st.none() | TEXT, st.none() | TEXT, TEXT, TEXT, STAMP)),
    Customer: (CUSTOMER, st.builds(
        Customer, TEXT, st.lists(st.builds(Identity, TEXT, TEXT), max_size=3), *[st.none() | TEXT] * 3, TEXT, STAMP, STAMP)),
    Receipt: (RECEIPT, st.builds(Receipt, TEXT, TEXT, TEXT, st.none() | TEXT, st.booleans(), st.booleans())),
}  # fmt: skip


@pytest.mark.parametrize("struct", CONTRACT)
def test_records_of_the_contract_come_back_as_their_structs(struct: type[Struct]) -> None:
    tree, records = CONTRACT[struct]
    wit = function_type(tree)
    plan = Plan("f", wit, [struct], struct).check()

    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(records)
    def check(record: Any) -> None:
        lowered = lowered_by_us(plan, record)
        lifted = plan.lift_arguments(addressof(lowered), Lifting(1 << 24, 0, "a record"))
        raw.val_delete(addressof(lowered))
        assert lifted == [record]
        assert type(lifted[0]) is struct

    check()


def host_error_function(ok: Tree | None = ("string",)) -> FuncType:
    error = ("record", ("code", ("string",)), ("message", ("string",)), ("retry-after-ms", ("option", ("u32",))))
    return function_type(("result", ok, error))


def test_a_host_error_crosses_as_the_record_of_the_contract() -> None:
    plan = Plan("f", host_error_function()).check()
    lowered = lowered_by_us(plan, Err(t.tuple_class(("code", "message", "retry_after_ms"))("denied", "no", 5)))
    assert plan.answers_host_error
    assert plan.lift_arguments(addressof(lowered), Lifting(1 << 20, 0, "a result")) == [Err(("denied", "no", 5))]
    raw.val_delete(addressof(lowered))


class Pair(Struct, frozen=True):
    name: str
    value: int


class Turned(Struct, frozen=True):
    value: int
    name: str


PAIR = ("record", ("name", ("string",)), ("value", ("u8",)))


@pytest.mark.parametrize(
    ("tree", "hint"),
    [
        (("u8",), str), (("u64",), bool), (("bool",), int), (("f64",), int), (("string",), bytes), (("char",), int),
        (("list", ("u8",)), list[int]),
        (("list", ("string",)), str), (("list", ("string",)), list[int]), (("list", ("string",)), tuple[str]), (("enum", "a"), int),
        (("variant", ("a", None)), str), (("option", ("string",)), str), (("option", ("string",)), int | None),
        (("tuple", ("u8",), ("string",)), tuple[int, int]), (("tuple", ("u8",), ("string",)), tuple[int]),
        (("tuple", ("u8",)), tuple[int, str]),
        (PAIR, Turned), (PAIR, dict), (PAIR, str), (("list", PAIR), list[Turned]), (("option", PAIR), Turned | None),
        (("flags", "a"), int), (("result", None, None), str), (("result", ("string",), None), int),
    ],
)  # fmt: skip
def test_an_annotation_that_does_not_fit_is_refused(tree: Tree, hint: Any) -> None:
    with pytest.raises(WrongWorld):
        Plan("f", function_type(tree), [hint], hint).check()


@pytest.mark.parametrize(
    ("tree", "hint"),
    [
        (("u8",), int), (("list", ("u8",)), bytes), (("option", PAIR), Pair | None), (("list", PAIR), list[Pair]), (("enum", "a"), str),
        (("variant", ("a", None)), Case), (("tuple", ("u8",), ("string",)), tuple[int, str]), (("flags", "a"), frozenset[str]), (PAIR, Any),
        (("result", None, None), type(None)), (("result", PAIR, None), Pair),
    ],
)  # fmt: skip
def test_an_annotation_that_fits_is_taken(tree: Tree, hint: Any) -> None:
    assert Plan("f", function_type(tree), [Any], hint).check()


def test_a_function_with_another_number_of_parameters_is_refused() -> None:
    def two(context: Any, a: int) -> int:
        return a

    with pytest.raises(WrongWorld, match="has 2 parameters, and 1 are expected"):
        Plan.of("f", function_type(("u8",), ("u8",)), two)


def test_an_option_of_an_option_is_refused() -> None:
    with pytest.raises(WrongWorld, match="option of an option"):
        Plan("f", function_type(("option", ("option", ("u8",))))).check()


@pytest.mark.parametrize(
    ("tree", "value"),
    [
        (("string",), "x" * 1001), (("list", ("u8",)), b"x" * 1001), (("list", ("u64",)), [1] * 32), (("list", PAIR), [Pair("", 1)] * 9),
        (("list", ("tuple", ("u8",), ("u8",))), [(1, 1)] * 11), (("list", ("option", ("u8",))), [1] * 16),
        (("list", ("variant", ("a", ("u8",)))), [Case("a", 1)] * 16), (("list", ("result", ("u8",), None)), [Ok(1)] * 16),
        (("list", ("flags", "a", "b-c")), [frozenset({"a", "b-c"})] * 16),
    ],
)  # fmt: skip
def test_a_value_over_the_limit_is_refused(tree: Tree, value: Any) -> None:
    plan = Plan("f", function_type(tree)).check()
    lowered = lowered_by_us(plan, value)
    with pytest.raises(LimitExceeded) as refused:
        plan.lift_arguments(addressof(lowered), Lifting(1000, 0, "what the guest passes"))
    raw.val_delete(addressof(lowered))
    assert refused.value.code == "limit.output-bytes"


@pytest.mark.parametrize("tree", [("string",), ("list", ("u8",)), ("list", ("u64",)), ("list", PAIR)])
def test_a_length_is_refused_before_anything_is_read(tree: Tree) -> None:
    """The address is none: reading it would end the process."""
    kind = raw.STRING if tree == ("string",) else raw.LIST
    value = raw.VALUE.pack(kind, 2**40, 8, 0)
    plan = Plan("f", function_type(tree)).check()
    with pytest.raises(LimitExceeded):
        plan.lift_arguments(id(value) + raw.BYTES_HEADER, Lifting(1 << 23, 0, "what the guest passes"))


def test_what_is_charged_is_what_crossed() -> None:
    plan = Plan("f", function_type(("string",))).check()
    lowered = lowered_by_us(plan, "héllo")
    lifting = Lifting(1000, 0, "text")
    assert plan.lift_arguments(addressof(lowered), lifting) == ["héllo"]
    assert lifting.used == len("héllo".encode())
    raw.val_delete(addressof(lowered))


def test_lowered_values_are_copied_deeply() -> None:
    plan = Plan("f", function_type(("list", PAIR))).check()
    lowered = [lowered_by_us(plan, [Pair(f"n{i}{j}", j) for j in range(50)]) for i in range(50)]
    for i, copy in enumerate(lowered):
        [pairs] = plan.lift_arguments(addressof(copy), Lifting(1 << 20, 0, "pairs"))
        assert [pair.name for pair in pairs] == [f"n{i}{j}" for j in range(50)]
        raw.val_delete(addressof(copy))


def test_a_value_that_its_type_does_not_have_is_refused() -> None:
    for tree, value in itertools.product([("u8",)], [256, -1, "x", None]):
        with pytest.raises(Exception, match=r"format requires|required argument"):
            Plan("f", function_type(tree)).check().lower_result(value, [])
    with pytest.raises(KeyError):
        Plan("f", function_type(("enum", "a"))).check().lower_result("b-c", [])


def test_a_value_is_thirty_two_bytes_for_the_library_too() -> None:
    value = ffi.wasmtime_component_val_t()
    assert len(string_at(addressof(value), raw.VALUE_SIZE)) == 32

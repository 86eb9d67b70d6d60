"""The host functions beside the contract, and the check of their grants."""

import inspect
import re
import types
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from msgspec import Struct

from host.capabilities import registry, secrets, store
from host.capabilities.registry import HostFunction
from host.model.case import Case
from host.model.errors import HostError
from tests.capabilities.memory import House

WIT = Path(__file__).parents[2] / "wit"
PLUGIN = Case("plugin")
NEEDS_NO_GRANT: set[tuple[str, str]] = set()
COMES_LATER = {("messages", "send")}
LEAVES = {"string": str, "json": str, "bool": bool, "timestamp": int, "u8": int, "u16": int, "u32": int, "u64": int, "s32": int, "s64": int}


def wit(interface: str) -> str:
    return re.sub(r"//.*", "", (WIT / f"{interface}.wit").read_text())


def declared(interface: str) -> dict[str, tuple[dict[str, str], str | None]]:
    """The functions of an interface: parameters by name, and the result."""
    found = re.findall(r"([a-z-]+): func\(([^)]*)\)(?: -> ([^;]+))?;", wit(interface))
    return {name: (dict(re.findall(r"([a-z-]+): ([^,]+(?:<[^>]*>)?)", parameters)), result or None) for name, parameters, result in found}


def fields(name: str, interface: str) -> dict[str, str] | None:
    """The fields of a record, which may be declared by the interface that it is used from."""
    for place in (interface, "types", "customers"):
        if found := re.search(rf"record {name} \{{([^}}]*)\}}", wit(place)):
            return dict(re.findall(r"([a-z-]+): ([^,\n]+(?:<[^>]*>)?)", found[1]))
    return None


def fits(kind: str | None, hint: Any, interface: str) -> bool:
    """The annotation is what a value of that WIT type becomes."""
    if kind is None or kind == "_":
        return hint is type(None)
    if outer := re.fullmatch(r"(option|list|result)<(.*?)(?:, host-error)?>", kind):
        inner = {"option": lambda: optional(hint), "list": lambda: get_args(hint)[0], "result": lambda: hint}[outer[1]]()
        return (outer[1] != "list" or get_origin(hint) is list) and fits(outer[2], inner, interface)
    if kind in LEAVES:
        return hint is LEAVES[kind]
    record = fields(kind, interface)
    if record is None:
        return hint is (Case if re.search(rf"variant {kind} ", wit(interface) + wit("types")) else str)
    return issubclass(hint, Struct) and same_fields(record, hint, interface)


def optional(hint: Any) -> Any:
    assert isinstance(hint, types.UnionType)
    return next(part for part in get_args(hint) if part is not type(None))


def same_fields(record: dict[str, str], struct: type[Struct], interface: str) -> bool:
    hints = inspect.get_annotations(struct, eval_str=True)
    return [name.replace("-", "_") for name in record] == list(hints) and all(
        fits(kind, hint, interface) for kind, hint in zip(record.values(), hints.values(), strict=True)
    )


def every() -> list[HostFunction]:
    return [function for named in registry.functions().values() for function in named.values()]


def granted() -> list[HostFunction]:
    return [function for function in every() if function.grant is not None]


def test_every_interface_here_is_imported_by_the_world() -> None:
    imported = set(re.findall(r"import ([a-z-]+);", wit("worlds")))

    assert set(registry.functions()) == set(registry.INTERFACES) <= imported


@pytest.mark.parametrize("interface", registry.INTERFACES)
def test_an_interface_has_the_functions_that_the_contract_declares(interface: str) -> None:
    missing = {name for where, name in COMES_LATER if where == interface}

    assert set(registry.functions()[interface]) == set(declared(interface)) - missing != set()


@pytest.mark.parametrize("function", every(), ids=lambda function: f"{function.interface}.{function.name}")
def test_a_function_takes_and_gives_what_the_contract_declares(function: HostFunction) -> None:
    parameters, result = declared(function.interface)[function.name]

    assert [name.replace("-", "_") for name in parameters] == list(function.parameters)
    for kind, hint in zip(parameters.values(), function.parameters.values(), strict=True):
        assert fits(kind, hint, function.interface), (kind, hint)
    assert fits(result, function.result, function.interface), (result, function.result)


@pytest.mark.parametrize("function", every(), ids=lambda function: f"{function.interface}.{function.name}")
def test_a_function_that_can_be_denied_has_a_grant_and_no_other_has(function: HostFunction) -> None:
    can_fail = "host-error" in (declared(function.interface)[function.name][1] or "")
    needs_none = (function.interface, function.name) in NEEDS_NO_GRANT

    assert (function.grant is not None) == (can_fail and not needs_none)


@pytest.mark.promise("capabilities.grant")
@pytest.mark.parametrize("function", granted(), ids=lambda function: f"{function.interface}.{function.name}")
def test_a_function_with_a_grant_is_denied_without_it_whatever_its_arguments(function: HostFunction) -> None:
    arguments = ["signing" if function.interface == "secrets" else None for _ in function.parameters]
    invocation = House().invocation(grants=())

    def call() -> None:
        answer = function.call(invocation, *arguments)
        if function.waits:
            answer.send(None)

    with pytest.raises(HostError) as denied:
        call()

    assert denied.value.code == "denied"
    assert invocation.effects == []


def test_waiting_functions_say_so() -> None:
    for function in every():
        assert function.waits == inspect.iscoroutinefunction(function.call)


async def test_denied_names_the_missing_grant_the_subject_and_the_remedy() -> None:
    invocation = House().invocation(grants=("messages.read",))

    with pytest.raises(HostError) as denied:
        await store.get(invocation, PLUGIN, "a")

    assert "'store'" in denied.value.message
    assert "'acme'" in denied.value.message
    assert "innkeeper grant whatsapp store --org acme" in denied.value.message


async def test_denied_says_when_it_is_the_manifest_that_does_not_ask() -> None:
    invocation = House().invocation(asked=("messages.read",), grants=("store",))

    with pytest.raises(HostError) as denied:
        await store.get(invocation, PLUGIN, "a")

    assert denied.value.code == "denied"
    assert "manifest of whatsapp does not ask for 'store'" in denied.value.message


@pytest.mark.promise("capabilities.secret-by-name")
def test_a_secrets_grant_is_for_exactly_its_name() -> None:
    house = House()
    wider = ("secrets:*", "secrets:", "secrets", "secrets:api_key", "secrets:signing2")

    with pytest.raises(HostError) as denied:
        secrets.hmac(house.invocation(grants=wider, secrets={"signing": "s"}), "signing", "sha256", Case("text", ""), "hex")

    assert denied.value.code == "denied"

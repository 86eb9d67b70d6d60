"""The exports of a plugin that has nothing to do in them."""

import os
from pathlib import Path
from typing import Any

from msgspec import Struct

from host.model.case import Case, Err, Ok
from host.model.customer import Customer
from host.model.limits import Limits
from host.model.message import Message
from host.sandbox.cache import Cache, digest
from host.sandbox.call import Call
from host.sandbox.component import Component
from host.sandbox.instance import Instance
from host.sandbox.tape import Recording
from tests.building import artefacts, example


class Event(Struct):
    """WIT's `hooks.event`."""

    id: str
    name: str
    occurred_at: int
    data: str


def call() -> Call:
    return Call(Limits(), Recording(os.urandom(32), 0))


async def results(wanted: list[tuple[str, str, list[Any]]]) -> list[Any]:
    wasm = example("simple_http_test")
    artefact: Path = await Cache(artefacts() / "artefacts").artefact(digest(wasm), lambda: wasm)
    component = Component(artefact, {})
    instance = await Instance.start(component, call())
    try:
        return [await instance.call(component.exports[interface][name], arguments, call()) for interface, name, arguments in wanted]
    finally:
        instance.close()


async def test_what_the_plugin_does_not_declare_is_answered_so() -> None:
    message = Message("m", "c", "cu", "s", "outbound", "text", "x", [], None, None, "queued", "{}", 0)
    customer = Customer("cu", [], None, None, None, "{}", 0, 0)

    tool, hook, described, run, job, delivered = await results(
        [
            ("tools", "call", ["add", "{}"]),
            ("hooks", "handle", [Event("e", "task.created", 0, "{}")]),
            ("actions", "describe", ["redo", "{}"]),
            ("actions", "run", ["redo", "{}"]),
            ("jobs", "run", ["sweep", 0, "{}"]),
            ("channel", "deliver", [message, customer, "key", 1]),
        ]
    )

    assert tool == Err(Case("unknown-tool"))
    assert hook == Err(Case("rejected", "simple-http-test 1.0.0 declares no hook 'task.created'"))
    assert described == run == Err(Case("rejected", "simple-http-test 1.0.0 declares no action 'redo'"))
    assert job == Err(Case("rejected", "simple-http-test 1.0.0 declares no job 'sweep'"))
    assert delivered == Err(Case("permanent", "simple-http-test 1.0.0 delivers no messages"))


async def test_a_plugin_that_has_nothing_to_do_at_a_stage_of_its_life_succeeds() -> None:
    stages: list[tuple[str, str, list[Any]]] = [
        ("lifecycle", "initialize", []),
        ("lifecycle", "start", []),
        ("lifecycle", "settings-changed", []),
        ("lifecycle", "validate-auth", ["{}"]),
        ("lifecycle", "stop", []),
    ]

    assert await results(stages) == [Ok(None)] * 5

"""Hooks and tools of a Python plugin: as an author declares them, and in a whole host."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.json import decode

from host.model.entry import Scope
from host.model.errors import GuestError, InvalidArguments, ToolFailed
from host.model.schema import validate
from host.runtime.hooks import emit
from host.runtime.runtime import Runtime
from host.runtime.tools import Tools
from plugin_sdk_py import Event, Plugin, ToolResult
from plugin_sdk_py.tools import to_tool_result
from stores import entries
from tests.building import from_source
from tests.library.chat import GUEST, KEY
from tests.runtime.hosts import ORGANIZATION, a_host, installed, records

OBJECT = {"type": "object"}


def a_plugin() -> Plugin:
    return Plugin("a-plugin", version="1.0.0", description="Does something")


def test_what_is_declared_is_in_the_manifest() -> None:
    plugin = a_plugin()

    @plugin.hook("task.created")
    def on_task(event: Event) -> None: ...

    @plugin.tool(description="Adds", input_schema=OBJECT, output_schema={**OBJECT, "required": ["sum"]})
    def add_up(arguments: dict[str, Any]) -> dict[str, Any]:
        return {"sum": 1}

    @plugin.tool(name="say-hello")
    def hello(arguments: dict[str, Any]) -> str:
        """Says hello.

        Whoever is there.
        """
        return "hello"

    manifest = validate(plugin.describe())

    assert [hook.event for hook in manifest.hooks] == ["task.created"]
    assert [(tool.name, tool.description, tool.output_schema) for tool in manifest.tools] == [
        ("add_up", "Adds", {"type": "object", "required": ["sum"]}),
        ("say-hello", "Says hello.\n\nWhoever is there.", None),
    ]
    assert manifest.tools[1].input_schema == {"type": "object", "properties": {}, "additionalProperties": False}
    assert (on_task(Event(name="x", data={})), hello({}), add_up({})) == (None, "hello", {"sum": 1})


async def coroutine(given: object) -> None: ...


def handler(given: object) -> None: ...


@pytest.mark.parametrize(
    ("declare", "error", "told"),
    [
        (lambda plugin: plugin.hook("no name")(handler), ValueError, "event 'no name': letters and digits"),
        (lambda plugin: plugin.hook("e")(coroutine), TypeError, "hook 'e': a handler is a plain function"),
        (lambda plugin: plugin.hook("e")(7), TypeError, "hook 'e': a handler is a plain function"),
        (lambda plugin: (plugin.hook("e")(handler), plugin.hook("e")(handler)), ValueError, "hook 'e' is declared twice"),
        (lambda plugin: plugin.tool()(handler), ValueError, "tool 'handler': an agent chooses it by its description"),
        (lambda plugin: plugin.tool(description="d")(coroutine), TypeError, "tool 'coroutine': a handler is a plain function"),
        (lambda plugin: plugin.tool(description="d", name="a b")(handler), ValueError, "tool 'a b': letters and digits"),
        (lambda plugin: plugin.tool(description="d", input_schema={})(handler), ValueError, "input_schema is the JSON Schema of an object"),
        (lambda plugin: plugin.tool(description="d", input_schema=[])(handler), ValueError, "input_schema is the JSON Schema of an object"),
        (lambda plugin: plugin.tool(description="d", output_schema={"type": "string"})(handler), ValueError, "output_schema is the JSON"),
        (lambda plugin: [plugin.tool(description="d")(handler) for _ in range(2)], ValueError, "tool 'handler' is declared twice"),
    ],
)
def test_what_the_manifest_can_not_say_is_refused_while_it_is_declared(declare: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        declare(a_plugin())


def test_a_tools_answer_is_text_a_dict_or_a_result() -> None:
    assert to_tool_result("hello").content == [{"type": "text", "text": "hello"}]
    assert to_tool_result("hello").structured is None
    assert (to_tool_result({"a": 1}).content, to_tool_result({"a": 1}).structured) == ([{"type": "text", "text": '{"a":1}'}], {"a": 1})
    assert repr(ToolResult("no", is_error=True)) == "<ToolResult [1 blocks, an error]>"
    with pytest.raises(TypeError, match="a tool answers with text, a dict or a ToolResult, not list"):
        to_tool_result([])
    with pytest.raises(ValueError, match="each content block has a type"):
        ToolResult([{"text": "x"}])
    with pytest.raises(TypeError, match="structured is a mapping"):
        ToolResult(structured=[1])  # type: ignore[arg-type]


def stored(runtime: Runtime, key: str) -> Any:
    entry = entries.entry(runtime.reads, ORGANIZATION, "chat", Scope("plugin"), key)
    return decode(entry.value) if entry else None


async def test_hooks_and_tools_of_a_python_plugin_in_a_whole_host(tmp_path: Path) -> None:
    await installed(tmp_path / "data", from_source(tmp_path / "chat", GUEST), secrets={"key": KEY})
    async with a_host(tmp_path / "data") as runtime:
        tools = Tools(runtime)

        (heard,) = (await emit(runtime, ORGANIZATION, "task.created", {"title": "call ☎"}, id="e1", occurred_at=5)).values()
        assert heard.answer == {"title": "CALL ☎", "id": "e1", "at": 5, "name": "task.created"}
        assert stored(runtime, "last-task") == {"title": "call ☎"}
        assert (await emit(runtime, ORGANIZATION, "task.updated", {}))["chat"].answer is None

        for title, code, told in [
            ("wrong", "rejected", "no such task"),
            ("broken", "failed", "ZeroDivisionError: division by zero"),
            ("number", "failed", "TypeError: a hook answers with a dict or None, not int"),
        ]:
            result = (await emit(runtime, ORGANIZATION, "task.created", {"title": title}))["chat"]
            assert result.error is not None
            assert (result.ok, result.error.code, result.error.message) == (False, code, told)
        assert stored(runtime, "last-task") == {"title": "call ☎"}

        added = await tools.call(ORGANIZATION, "chat", "add_up", {"numbers": [1, 2.5]})
        assert (added.structured, added.text, stored(runtime, "additions")) == ({"sum": 3.5}, '{"sum":3.5}', 1)
        assert (await tools.call(ORGANIZATION, "chat", "greet", {})).text == "hello ☎"
        sorry = await tools.call(ORGANIZATION, "chat", "apologize", {})
        assert (sorry.is_error, sorry.text) == (True, "sorry")
        failures: list[tuple[str, dict[str, Any], type[GuestError], str]] = [
            ("add_up", {"numbers": []}, InvalidArguments, "give at least one number"),
            ("add_up", {"numbers": [1] * 11}, ToolFailed, "too many for today"),
            ("mistaken", {}, ToolFailed, "KeyError: 'nothing'"),
        ]
        for tool, arguments, kind, told in failures:
            with pytest.raises(kind) as failed:
                await tools.call(ORGANIZATION, "chat", tool, arguments)
            assert failed.value.message == told
        assert stored(runtime, "additions") == 1
        (traceback,) = [line.message for line in records(runtime)[-1].log]
        assert "plugin.py" in traceback

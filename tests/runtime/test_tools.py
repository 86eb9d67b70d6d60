"""Tools: arguments that are checked before the plugin sees them, results as plain data, errors with a code."""

from pathlib import Path
from typing import Any

import pytest

from host.model.errors import (
    Failed,
    InnkeeperError,
    InvalidArguments,
    NotInstalled,
    RequestError,
    ToolFailed,
    UnknownOrganization,
    UnknownTool,
)
from host.runtime.tools import ListedTool, Tools
from tests.guests_wat import Handler
from tests.guests_wat_exports import MIRROR, SPIN, TRAP, gave, manifest, plugin, tool_error
from tests.runtime.hosts import ORGANIZATION, a_host, choose, installed, records

NUMBERS = {
    "type": "object",
    "properties": {"numbers": {"type": "array", "items": {"$ref": "#/$defs/number"}}, "unit": {"type": "string"}},
    "required": ["numbers"],
    "additionalProperties": False,
    "$defs": {"number": {"type": "number", "minimum": 0}},
}
ADD = {"name": "add", "description": "Adds numbers", "inputSchema": NUMBERS}


async def has(folder: Path, tool: Handler, *tools: dict[str, Any], name: str = "calculator") -> None:
    await installed(folder, plugin(manifest(name, tools=tools or (ADD,)), tool=tool))


async def test_a_tool_gets_its_arguments_and_gives_plain_data(tmp_path: Path) -> None:
    await has(tmp_path, MIRROR)
    async with a_host(tmp_path) as runtime:
        result = await Tools(runtime).call(ORGANIZATION, "calculator", "add", {"numbers": [1, 2.5], "unit": "€"})

        assert (result.content, result.structured, result.is_error, result.text) == ([], {"numbers": [1, 2.5], "unit": "€"}, False, "")
        (record,) = records(runtime)
        assert (record.id, record.kind, record.name, record.outcome, record.status) == (result.delivery_id, "tool", "add", "succeeded", 200)


async def test_a_result_that_says_that_it_is_an_error_is_a_result(tmp_path: Path) -> None:
    content = '[{"type": "text", "text": "No such"}, {"type": "image", "data": "aGk="}, {"type": "text", "text": "unit"}]'
    await has(tmp_path, gave(content, is_error=True))
    async with a_host(tmp_path) as runtime:
        result = await Tools(runtime).call(ORGANIZATION, "calculator", "add", {"numbers": []})

        assert (result.is_error, result.structured, result.text, len(result.content)) == (True, None, "No such\nunit", 3)
        assert records(runtime)[0].outcome == "succeeded"


@pytest.mark.promise("tools.arguments")
@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ({}, r'\$: "numbers" is a required property'),
        ({"numbers": [1, "2"]}, r'\$\.numbers\[1\]: "2" is not of type "number"'),
        ({"numbers": [-1]}, r"\$\.numbers\[0\]: -1 is less than the minimum of 0"),
        ({"numbers": [], "more": 1}, r"\$: Additional properties are not allowed"),
        ({"numbers": [float("inf")]}, "arguments: not JSON"),
        ({"numbers": [2**70]}, "arguments: .*beyond 64 bits"),
        ({"numbers": [], "unit": "x" * 300_000}, "arguments: .*at most 262144"),
        ([1], "arguments: a JSON object is needed, not list"),
        (None, "arguments: a JSON object is needed, not NoneType"),
        ("{}", "arguments: a JSON object is needed, not str"),
    ],
)
async def test_arguments_that_are_not_valid_reach_no_guest_and_the_error_names_the_path(tmp_path: Path, arguments, wrong: str) -> None:
    await has(tmp_path, TRAP)
    async with a_host(tmp_path) as runtime:
        with pytest.raises(InvalidArguments, match=wrong) as refused:
            await Tools(runtime).call(ORGANIZATION, "calculator", "add", arguments)

        assert refused.value.code == "tool.invalid-arguments"
        assert records(runtime) == []


@pytest.mark.parametrize(
    ("handler", "kind", "code", "told"),
    [
        (tool_error(0), UnknownTool, "tool.unknown", "the plugin does not know it"),
        (tool_error(1, "no such unit"), InvalidArguments, "tool.invalid-arguments", "no such unit"),
        (tool_error(2, "the scale is broken"), ToolFailed, "tool.failed", "the scale is broken"),
        (tool_error(2), ToolFailed, "tool.failed", "The tool failed"),
        (gave("{}"), Failed, "failed", "an array of content blocks"),
        (gave('["text"]'), Failed, "failed", "an array of content blocks"),
        (gave('[{"type": "text"}]'), Failed, "failed", "an array of content blocks"),
        (gave("[1"), Failed, "failed", "the tool's content: "),
        (gave("[]", "[]"), Failed, "failed", "structured result: a JSON object is needed"),
        (gave("[]", "{"), Failed, "failed", "structured result: "),
        (TRAP, InnkeeperError, "trap", "unreachable"),
    ],
)
async def test_what_goes_wrong_in_a_tool_has_a_code_of_its_own_and_a_record(
    tmp_path: Path, handler: Handler, kind, code: str, told: str
) -> None:
    await has(tmp_path, handler)
    async with a_host(tmp_path) as runtime:
        with pytest.raises(kind, match=told) as failed:
            await Tools(runtime).call(ORGANIZATION, "calculator", "add", {"numbers": [1]})

        assert failed.value.code == code
        (record,) = records(runtime)
        assert (record.outcome, record.error_code, record.effects) == ("failed", code, 0)
        assert failed.value.__notes__ == [f"delivery {record.id}"]


async def test_a_tool_that_never_ends_is_stopped_at_its_deadline(tmp_path: Path) -> None:
    await has(tmp_path, SPIN)
    async with a_host(tmp_path) as runtime:
        with runtime.database.transaction() as connection:
            choose(connection, "calculator", limits={"deadline_ms": 200, "fuel": 10**15})

        with pytest.raises(InnkeeperError) as stopped:
            await Tools(runtime).call(ORGANIZATION, "calculator", "add", {"numbers": []})

        assert stopped.value.code == "deadline"


async def test_a_structured_result_is_checked_against_the_output_schema(tmp_path: Path) -> None:
    output = {"type": "object", "properties": {"numbers": {"maxItems": 2}}}
    await has(tmp_path, MIRROR, {**ADD, "outputSchema": output})
    async with a_host(tmp_path) as runtime:
        tools = Tools(runtime)
        assert (await tools.call(ORGANIZATION, "calculator", "add", {"numbers": [1, 2]})).structured == {"numbers": [1, 2]}
        with pytest.raises(Failed, match=r"not valid against its output schema: \$\.numbers"):
            await tools.call(ORGANIZATION, "calculator", "add", {"numbers": [1, 2, 3]})


async def test_tools_are_listed_with_their_schemas_for_enabled_plugins_alone(tmp_path: Path) -> None:
    await has(tmp_path, MIRROR)
    await has(tmp_path, MIRROR, {**ADD, "name": "subtract", "outputSchema": {"type": "object"}}, {**ADD, "name": "Divide"}, name="another")
    await has(tmp_path, MIRROR, name="off")
    async with a_host(tmp_path) as runtime:
        with runtime.database.transaction() as connection:
            choose(connection, "off", enabled=False)

        listed = Tools(runtime).listed(ORGANIZATION)

        assert [(tool.plugin, tool.name, tool.output_schema) for tool in listed] == [
            ("another", "subtract", {"type": "object"}), ("another", "Divide", None), ("calculator", "add", None),
        ]  # fmt: skip
        assert listed[2] == ListedTool(
            plugin="calculator", name="add", description="Adds numbers", input_schema=NUMBERS, output_schema=None
        )


async def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    await has(tmp_path, MIRROR)
    async with a_host(tmp_path) as runtime:
        tools = Tools(runtime)
        for arguments, kind, code, told in [
            (("acne", "calculator", "add", {}), UnknownOrganization, "organization.unknown", "no organisation 'acne'"),
            ((None, "calculator", "add", {}), UnknownOrganization, "organization.unknown", "no organisation None"),
            ((ORGANIZATION, "abacus", "add", {}), NotInstalled, "plugin.not-installed", "abacus is not installed in organisation 'acme'"),
            ((ORGANIZATION, ["abacus"], "add", {}), NotInstalled, "plugin.not-installed", "is not installed in organisation 'acme'"),
            ((ORGANIZATION, "calculator", ["add"], {}), UnknownTool, "tool.unknown", "has no tool"),
            ((ORGANIZATION, "calculator", "ad", {}), UnknownTool, "tool.unknown", "calculator has no tool 'ad'; its tools: add"),
        ]:
            with pytest.raises(kind, match=told) as refused:
                await tools.call(*arguments)
            assert refused.value.code == code
        with pytest.raises(UnknownOrganization):
            tools.listed("acne")


async def test_a_new_version_with_other_arguments_is_seen_at_the_next_call(tmp_path: Path) -> None:
    await has(tmp_path, MIRROR)
    async with a_host(tmp_path) as runtime:
        tools = Tools(runtime)
        await tools.call(ORGANIZATION, "calculator", "add", {"numbers": [1]})
        await has(tmp_path, MIRROR, {**ADD, "inputSchema": {"type": "object", "required": ["terms"]}})

        with pytest.raises(InvalidArguments, match='"terms" is a required property'):
            await tools.call(ORGANIZATION, "calculator", "add", {"numbers": [1]})
        assert (await tools.call(ORGANIZATION, "calculator", "add", {"terms": []})).structured == {"terms": []}


async def test_calls_of_tools_have_the_installations_rate_and_one_too_many_reaches_no_guest(tmp_path: Path) -> None:
    await has(tmp_path, MIRROR)
    async with a_host(tmp_path) as runtime:
        await runtime.writer.commit(lambda connection: choose(connection, "calculator", limits={"calls_per_minute": 2}))
        tools = Tools(runtime)
        for _ in range(2):
            await tools.call(ORGANIZATION, "calculator", "add", {"numbers": []})

        with pytest.raises(RequestError, match="calls-per-minute") as refused:
            await tools.call(ORGANIZATION, "calculator", "add", {"numbers": []})

        assert (refused.value.status, refused.value.code) == (429, "limit.calls-per-minute")
        assert len(records(runtime)) == 2

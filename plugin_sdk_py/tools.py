"""Tools: what agents can call."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from plugin_sdk_py import names
from plugin_sdk_py.text import Json, dump

__all__ = ["NO_ARGUMENTS", "Tool", "ToolHandler", "ToolResult", "to_tool_result"]

NO_ARGUMENTS: Mapping[str, Json] = {"type": "object", "properties": {}, "additionalProperties": False}


class ToolResult:
    """What a tool gives: text, or MCP's content blocks, and perhaps a structured result, a JSON object.

    `is_error` tells the agent that the tool ran and could not do it; what it did is kept all the same. Raise `Failed` to drop it.
    """

    def __init__(
        self, content: str | Sequence[Mapping[str, Json]] = (), *, structured: Mapping[str, Json] | None = None, is_error: bool = False
    ) -> None:
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else [dict(block) for block in content]
        if not all(isinstance(block.get("type"), str) for block in blocks):
            raise ValueError('ToolResult: each content block has a type, such as {"type": "text", "text": "..."}')
        if structured is not None and not isinstance(structured, Mapping):
            raise TypeError(f"ToolResult: structured is a mapping, not {type(structured).__name__}")
        self.content = blocks
        self.structured = None if structured is None else dict(structured)
        self.is_error = is_error

    def __repr__(self) -> str:
        return f"<ToolResult [{len(self.content)} blocks{', an error' if self.is_error else ''}]>"


ToolHandler: TypeAlias = Callable[[dict[str, Json]], str | dict[str, Json] | ToolResult]


@dataclass(frozen=True, kw_only=True)
class Tool:
    name: str
    description: str
    input_schema: Mapping[str, Json]
    output_schema: Mapping[str, Json] | None
    handler: ToolHandler

    def __post_init__(self) -> None:
        """Raises TypeError or ValueError for what the manifest can't say."""
        names.identifier("tool", self.name)
        names.plain_function("tool", self.name, self.handler)
        if not self.description:
            raise ValueError(f"tool {self.name!r}: an agent chooses it by its description; give one, or a docstring")
        for what, schema in (("input_schema", self.input_schema), ("output_schema", self.output_schema)):
            if schema is not None and (not isinstance(schema, Mapping) or schema.get("type") != "object"):
                raise ValueError(f"tool {self.name!r}: {what} is the JSON Schema of an object: {{'type': 'object', ...}}")

    def describe(self) -> Json:
        output = {} if self.output_schema is None else {"outputSchema": dict(self.output_schema)}
        return {"name": self.name, "description": self.description, "inputSchema": dict(self.input_schema), **output}


def to_tool_result(answer: object) -> ToolResult:
    """A handler's answer: a ToolResult as it is, text as text, a dict as a structured result and as its JSON. Raises TypeError."""
    if isinstance(answer, ToolResult):
        return answer
    if isinstance(answer, str):
        return ToolResult(answer)
    if isinstance(answer, dict):
        return ToolResult(dump(answer, "the tool's result"), structured=answer)
    raise TypeError(f"a tool answers with text, a dict or a ToolResult, not {type(answer).__name__}")

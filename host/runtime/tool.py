"""A call of one plugin's tool."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from host.model.case import Case, Err
from host.model.checker import Checker
from host.model.errors import Failed, GuestError, HostError, InvalidArguments, RequestError, ToolFailed, UnknownTool
from host.model.tool import Called, ToolResult
from host.model.value import MAX_DEPTH, document
from host.runtime.exports import CALL_TOOL
from host.runtime.hook import json_object
from host.runtime.request import InvocationRequest, Lookup


@dataclass(frozen=True, kw_only=True)
class ToolRequest(InvocationRequest):
    """`input` is the arguments, a JSON object as text that is valid against the tool's schema. `output` checks what it gives."""

    kind: ClassVar[str] = "tool"
    export: ClassVar[tuple[str, str]] = CALL_TOOL
    tool: str
    input: str
    output: Checker | None

    @property
    def name(self) -> str:
        return self.tool

    def arguments(self) -> list[Any]:
        return [self.tool, self.input]

    def value(self, result: Any) -> ToolResult:
        if isinstance(result, Err):
            raise _error(self.tool, result.value)
        called: Called = result.value
        structured = None if called.structured is None else json_object("the tool's structured result", called.structured)
        if structured is not None and self.output and (wrong := self.output.wrong(structured, called.structured or "")):
            raise Failed(f"the result of {self.tool} is not valid against its output schema: {wrong}")
        return ToolResult(content=_content(called.content), structured=structured, is_error=called.is_error, delivery_id=self.delivery_id)

    def current(self, lookup: Lookup) -> "ToolRequest":
        """Another component of the plugin may take other arguments."""
        now = lookup(self.installation.organization, self.installation.plugin)
        if now is self.installation:
            return self
        if now is None or now.manifest.tool(self.tool) != self.installation.manifest.tool(self.tool):
            raise RequestError(404, "not-found", f"{self.installation.plugin} is not there any more, or its tool {self.tool!r} has changed")
        return replace(self, installation=now)


def _content(text: str) -> list[dict[str, Any]]:
    """Raises `Failed` for what is no array of content blocks."""
    try:
        found = document("the tool's content", text, MAX_DEPTH)[0]
    except HostError as error:
        raise Failed(error.message) from None
    if not isinstance(found, list) or not all(_is_block(block) for block in found):
        raise Failed('the tool\'s content: an array of content blocks is needed, such as [{"type": "text", "text": "..."}]')
    return found


def _is_block(block: Any) -> bool:
    if not isinstance(block, dict) or not isinstance(block.get("type"), str):
        return False
    return block["type"] != "text" or isinstance(block.get("text"), str)


def _error(tool: str, case: Case) -> GuestError:
    if case.name == "unknown-tool":
        return UnknownTool(f"the plugin's manifest names the tool {tool}, but the plugin does not know it")
    kind = InvalidArguments if case.name == "invalid-arguments" else ToolFailed
    return kind(str(case.value) or None)

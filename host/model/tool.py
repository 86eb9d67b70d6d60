"""What a tool gives to whoever called it."""

from typing import Any

from msgspec import Struct


class Called(Struct, frozen=True):
    """WIT's `mcp.tool-result`, field by field. `content` and `structured` are JSON as text."""

    content: str
    structured: str | None
    is_error: bool


class ToolResult(Struct, frozen=True, kw_only=True):
    """The same as plain data: MCP's content blocks, and an object that is valid against the tool's output schema where it has one.

    `is_error`: the tool ran and says itself that it failed; `content` says why. What it did is kept.
    """

    content: list[dict[str, Any]]
    structured: dict[str, Any] | None
    is_error: bool
    delivery_id: str

    @property
    def text(self) -> str:
        """The content's texts, one under the other."""
        return "\n".join(block["text"] for block in self.content if block["type"] == "text")

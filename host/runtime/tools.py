"""The tools that an organisation's plugins have, for agents and for who embeds the host."""

from typing import Any

from msgspec import Struct

from host.model.checker import Checker
from host.model.errors import HostError, InvalidArguments, NotInstalled, UnknownTool
from host.model.installation import Installation
from host.model.manifest import Tool
from host.model.tool import ToolResult
from host.runtime.derived import Derived
from host.runtime.hooks import require_organization
from host.runtime.plain import object_text
from host.runtime.runtime import Runtime
from host.runtime.tool import ToolRequest


class ListedTool(Struct, frozen=True, kw_only=True):
    """One plugin's tool. The schemas are JSON Schemas of objects."""

    plugin: str
    name: str
    description: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any] | None


class Schemas:
    """Of one tool, ready to check."""

    def __init__(self, tool: Tool) -> None:
        self.input = Checker(tool.input_schema)
        self.output = Checker(tool.output_schema) if tool.output_schema is not None else None


class Tools:
    """Calls tools over one runtime. Schemas are prepared once for each snapshot of an installation's configuration."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._schemas: Derived[dict[str, Schemas]] = Derived(runtime.configuration, lambda installation: {})

    def listed(self, organization: str) -> list[ListedTool]:
        """Those of all enabled plugins, by plugins' names and then as their manifests have them. Raises `UnknownOrganization`."""
        require_organization(self._runtime, organization)
        return [
            ListedTool(
                plugin=found.plugin, name=tool.name, description=tool.description,
                input_schema=tool.input_schema, output_schema=tool.output_schema,
            )
            for found in self._runtime.configuration.installations(organization)
            for tool in found.manifest.tools
        ]  # fmt: skip

    async def call(self, organization: str, plugin: str, name: str, arguments: dict[str, Any]) -> ToolResult:
        """What the tool gave, once what it did is committed.

        Raises `UnknownOrganization`, `NotInstalled`, `UnknownTool`; `InvalidArguments`, which names the path, before a guest sees any;
        `ToolFailed` and every other `GuestError` where the plugin did not do it: then nothing that it did is kept. Raises `RequestError`
        with 429 where it is one call too many.
        """
        installation, tool = self._found(organization, plugin, name)
        schemas = self._of(installation, tool)
        try:
            value, text = object_text("arguments", arguments)
        except HostError as error:
            raise InvalidArguments(error.message) from None
        if wrong := schemas.input.wrong(value, text):
            raise InvalidArguments(f"the arguments of {name} are not valid: {wrong}")
        self._runtime.rates.admit(installation)
        request = ToolRequest(installation=installation, tool=name, input=text, output=schemas.output)
        run = await self._runtime.invoke(request)
        if run.error is not None:
            run.error.add_note(f"delivery {request.delivery_id}")
            raise run.error
        result: ToolResult = run.value
        return result

    def _found(self, organization: str, plugin: str, name: str) -> tuple[Installation, Tool]:
        require_organization(self._runtime, organization)
        installation = self._runtime.installation(organization, plugin) if isinstance(plugin, str) else None
        if installation is None:
            raise NotInstalled(f"{plugin} is not installed in organisation {organization!r}, or not enabled")
        tool = installation.manifest.tool(name)
        if tool is None:
            known = ", ".join(tool.name for tool in installation.manifest.tools) or "it has none"
            raise UnknownTool(f"{plugin} has no tool {name!r}; its tools: {known}")
        return installation, tool

    def _of(self, installation: Installation, tool: Tool) -> Schemas:
        known = self._schemas.of(installation)
        if tool.name not in known:
            known[tool.name] = Schemas(tool)
        return known[tool.name]

"""The component's exports, as the contract's world `plugin` has them, answering for one Plugin."""

import json
from typing import Any

from plugin_sdk_py.api.host import host
from plugin_sdk_py.api.payload import from_payload, to_payload
from plugin_sdk_py.errors import Rejected
from plugin_sdk_py.guest import report
from plugin_sdk_py.hooks import Event
from plugin_sdk_py.plugin import Plugin, Stage
from plugin_sdk_py.request import Request
from plugin_sdk_py.response import Response, to_response
from plugin_sdk_py.text import dump, load, text
from plugin_sdk_py.tools import ToolResult, to_tool_result

__all__ = ["Actions", "Channel", "Hooks", "Jobs", "Lifecycle", "Manifest", "Tools", "Webhooks", "serve"]

served: Plugin
description: str


def serve(plugin: Plugin) -> str:
    """From now on the exports answer for `plugin`. Gives its manifest."""
    global served, description
    served, description = plugin, json.dumps(plugin.describe())
    return description


class Manifest:
    def describe(self) -> str:
        return description


class Webhooks:
    def handle(self, route: str, request: Any) -> Any:
        try:
            served.settings.forget()
            return _lower(to_response(served.handler(route)(_lift(request))))
        except BaseException as error:  # boundary: what leaves an export in another way than Err is a trap
            raise host.Err(_plugin_error(error)) from None


def _lift(request: Any) -> Request:
    return Request(
        request.method,
        request.path,
        url=request.url,
        parameters=((parameter.name, parameter.value) for parameter in request.parameters),
        query=((parameter.name, parameter.value) for parameter in request.query),
        headers=((header.name, header.value) for header in request.headers),
        body=from_payload(request.body),
        delivery_id=request.delivery_id,
        attempt=request.attempt,
        received_at=request.received_at,
        verified=request.verified,
    )


def _lower(response: Response) -> Any:
    headers = [host.types.Header(text(name, "header"), text(value, f"header {name}")) for name, value in response.headers.pairs()]
    return host.webhooks.Response(response.status, headers, to_payload(response.content))


def _plugin_error(error: BaseException) -> Any:
    message = _told(error)
    return host.types.PluginError_Rejected(message) if isinstance(error, Rejected) else host.types.PluginError_Failed(message)


def _told(error: BaseException) -> str:
    """What the error says; of a failure the log has the traceback."""
    if not isinstance(error, Rejected) and (trace := report.trace(error)) is not None:
        host.log.write(host.log.Level.ERROR, text(trace, "traceback"), None)
    return text(report.message(error), "message")


def _none(kind: str, name: str) -> str:
    return f"{served.name} {served.version} declares no {kind} {name!r}"


class Lifecycle:
    """Nothing to do is no failure."""

    def initialize(self) -> None:
        _at_stage("initialize")

    def start(self) -> None:
        _at_stage("start")

    def settings_changed(self) -> None:
        _at_stage("settings-changed")

    def validate_auth(self, proposed: str) -> None:
        _at_stage("validate-auth", proposed)

    def stop(self) -> None:
        _at_stage("stop")


def _at_stage(stage: Stage, *documents: str) -> None:
    """Runs what the plugin does at that stage, with these JSON documents."""
    handler = served.at_stage(stage)
    if handler is None:
        return
    try:
        served.settings.forget()
        handler(*map(json.loads, documents))
    except BaseException as error:  # boundary: what leaves an export in another way than Err is a trap
        raise host.Err(_plugin_error(error)) from None


class Channel:
    def deliver(self, message: Any, recipient: Any, idempotency_key: str, attempt: int) -> Any:
        raise host.Err(host.channel.DeliveryError_Permanent(f"{served.name} {served.version} delivers no messages"))


class Tools:
    def call(self, name: str, arguments: str) -> Any:
        handler = served.tool_handler(name)
        if handler is None:
            raise host.Err(host.tools.ToolError_UnknownTool())
        try:
            served.settings.forget()
            return _lower_tool(to_tool_result(handler(load(arguments))))
        except BaseException as error:  # boundary: what leaves an export in another way than Err is a trap
            raise host.Err(_tool_error(error)) from None


def _lower_tool(result: ToolResult) -> Any:
    structured = None if result.structured is None else dump(result.structured, "the tool's structured result")
    return host.mcp.ToolResult(dump(result.content, "the tool's content"), structured, bool(result.is_error))


def _tool_error(error: BaseException) -> Any:
    kind = host.tools.ToolError_InvalidArguments if isinstance(error, Rejected) else host.tools.ToolError_Failed
    return kind(_told(error))


class Hooks:
    def handle(self, event: Any) -> str | None:
        handler = served.hook_handler(event.name)
        if handler is None:
            raise host.Err(host.types.PluginError_Rejected(_none("hook", event.name)))
        try:
            served.settings.forget()
            return _answer(handler(Event(id=event.id, name=event.name, occurred_at=event.occurred_at, data=load(event.data))))
        except BaseException as error:  # boundary: what leaves an export in another way than Err is a trap
            raise host.Err(_plugin_error(error)) from None


def _answer(answer: object) -> str | None:
    if answer is not None and not isinstance(answer, dict):
        raise TypeError(f"a hook answers with a dict or None, not {type(answer).__name__}")
    return None if answer is None else dump(answer, "the hook's answer")


class Actions:
    def describe(self, action: str, context: str) -> str:
        raise host.Err(host.types.PluginError_Rejected(_none("action", action)))

    def run(self, action: str, context: str) -> Any:
        raise host.Err(host.types.PluginError_Rejected(_none("action", action)))


class Jobs:
    def run(self, name: str, scheduled_at: int, data: str) -> None:
        raise host.Err(host.types.PluginError_Rejected(_none("job", name)))

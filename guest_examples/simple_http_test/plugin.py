"""Answers a few requests: the smallest plugin that shows how the parts fit."""

from plugin_sdk_py import Plugin, Request, Response, public

plugin = Plugin("simple-http-test", version="1.0.0", description="Answers a few requests, to see that everything works")
plugin.setting("greeting", str, description="Shown by GET /config", default="hello")


@plugin.get("/health", auth=public())
def health(request: Request) -> dict[str, str]:
    return {"status": "ok", "plugin": plugin.name, "version": plugin.version}


@plugin.get("/ping", auth=public())
def ping(request: Request) -> dict[str, object]:
    now = plugin.clock.now()
    return {"success": True, "message": "pong", "timestamp": now, "pluginId": plugin.name, "pluginVersion": plugin.version}


@plugin.post("/echo", auth=public())
def echo(request: Request) -> Response:
    return Response(request.body, headers={"content-type": request.headers.get("content-type", "application/octet-stream")})


@plugin.get("/config", auth=public())
def config(request: Request) -> dict[str, object]:
    return dict(plugin.settings)


@plugin.get("/headers", auth=public())
def headers(request: Request) -> dict[str, str]:
    return dict(request.headers)

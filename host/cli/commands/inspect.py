"""`innkeeper inspect`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from host.cli.options import CacheFolder, JsonFlag, cache_folder, examples
from host.cli.output import console, print_json, progress, table
from host.cli.routes import guard, methods
from host.cli.source import component

if TYPE_CHECKING:
    from host.model.manifest import Manifest
    from host.runtime.describe import Description

EXAMPLES = examples("innkeeper inspect my-plugin.wasm", "innkeeper inspect ./my-plugin --json")


def inspect(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A component (.wasm or .wat), or a source folder, which is built.")],
    cache: CacheFolder = None,
    as_json: JsonFlag = False,
) -> None:
    """Show what a component is: its manifest, the capabilities it asks for and why, its routes, imports and exports.

    It is asked in an instance that can do nothing; nothing is installed.
    """
    from host.cli.loop import run
    from host.runtime import install
    from host.sandbox.cache import Cache, digest

    folder = cache_folder(cache)
    with progress() as tell:
        wasm = component(path, folder, tell)
        description = run(install.inspect(Cache(folder / "artefacts"), wasm, tell))
    if as_json:
        print_json({"digest": digest(wasm), **_as_data(description)})
    else:
        _show(description, digest(wasm))


def _as_data(description: "Description") -> dict[str, Any]:
    from msgspec.json import decode

    return {
        "imports": description.imports,
        "exports": description.exports,
        "capabilities": description.manifest.wishes(),
        "manifest": decode(description.document),
    }


def _show(description: "Description", digest: str) -> None:
    manifest = description.manifest
    out = console()
    out.print(table("plugin", "", rows=_head(manifest, digest)))
    out.print(table("asks for", "because", rows=[(wish.name, wish.reason) for wish in manifest.wishes()]))
    routes = [(route.path, ", ".join(methods(route)), guard(route)) for route in manifest.routes]
    out.print(table("route", "methods", "", rows=routes))
    secrets = [(each.name, each.purpose, "required" if each.required else "optional", each.description) for each in manifest.secrets]
    out.print(table("secret", "purpose", "", "", rows=secrets))
    out.print(table("setting", "type", "", rows=_settings(manifest)))
    if manifest.tools:
        out.print(table("tool", "", rows=[(tool.name, tool.description.partition("\n")[0]) for tool in manifest.tools]))
    if manifest.hooks:
        out.print(table("hook", rows=[[hook.event] for hook in manifest.hooks]))
    out.print(table("imports", rows=[[name] for name in description.imports]))
    out.print(table("exports", rows=[[name] for name in description.exports if name]))


def _head(manifest: "Manifest", digest: str) -> list[tuple[str, str]]:
    known = {"author": manifest.author, "licence": manifest.license, "channel": manifest.channel.source if manifest.channel else ""}
    known["called at"] = ", ".join(manifest.lifecycle)
    return [(manifest.name, manifest.version), ("", manifest.description), *((k, v) for k, v in known.items() if v), ("digest", digest)]


def _settings(manifest: "Manifest") -> list[tuple[str, str, str]]:
    required = manifest.settings.get("required", [])
    properties = [(name, schema if isinstance(schema, dict) else {}) for name, schema in manifest.settings.get("properties", {}).items()]
    return [
        (name, str(schema.get("type", "any")), "; ".join(filter(None, [_presence(name, schema, required), schema.get("description", "")])))
        for name, schema in properties
    ]


def _presence(name: str, schema: dict[str, Any], required: list[str]) -> str:
    if name in required:
        return "required"
    return f"default {schema['default']!r}" if "default" in schema else "optional"

"""`innkeeper install`."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from host.cli import pairs
from host.cli.options import DEFAULT_DATA, CacheFolder, DataFolder, JsonFlag, Organization, cache_folder, examples, place
from host.cli.output import one_line, print_json, progress
from host.cli.routes import guard, methods
from host.cli.source import component

if TYPE_CHECKING:
    from host.model.manifest import Route
    from host.runtime.data import DataDirectory
    from host.runtime.difference import Difference
    from host.runtime.install import Installed

EXAMPLES = examples(
    "innkeeper install ./whatsapp --org acme --create-org --grant-all --set phone_number_id=1065403 --secret app_secret=@app.secret",
    "innkeeper install my-plugin.wasm --org acme --grant messages.receive --secret app_secret=@- < app.secret",
)


def install(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A source folder, which is built, or a component (.wasm or .wat).")],
    organization: Organization,
    create: Annotated[bool, typer.Option("--create-org", help="Make the organisation where there is none.")] = False,
    grant: Annotated[list[str] | None, typer.Option("--grant", metavar="CAP", help="Grant a capability that the plugin asks for.")] = None,
    grant_all: Annotated[bool, typer.Option("--grant-all", help="Grant everything that the plugin asks for.")] = False,
    setting: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting; JSON unless it is a text.")] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(
            "--secret",
            metavar="NAME=VALUE",
            help="A secret. NAME=@FILE reads it from a file, NAME=@- from standard input; what stands here itself is seen by whoever lists "
            "this machine's processes.",
        ),
    ] = None,
    data: DataFolder = DEFAULT_DATA,
    cache: CacheFolder = None,
    as_json: JsonFlag = False,
) -> None:
    """Install a plugin for an organisation, or a new version of it: all of it or nothing.

    Settings, secrets and grants that were given before stay. A server that runs on the same data directory sees it at its next request;
    what it runs just then finishes on the version before. A new version that does not start is not installed. A first one is, with what is
    wrong as its status: the exit code is 1 then.
    """
    from host.cli.loop import run
    from host.model.installation import Secrets
    from host.runtime import install as runtime
    from host.runtime.data import DataDirectory

    order = runtime.Order(
        organization=organization,
        create_organization=create,
        grants=grant or [],
        grant_all=grant_all,
        settings=pairs.settings(setting or []),
        secrets=Secrets(pairs.secrets(secret or [])),
    )
    folder, directory = cache_folder(cache), DataDirectory(data)
    with progress() as tell:
        wasm = component(path, folder, tell)
        installed = run(runtime.install(directory, folder, wasm, order, tell))
    webhooks = _webhooks(directory, installed)
    if as_json:
        from msgspec.structs import asdict

        print_json({**asdict(installed), "webhooks": [{"methods": methods(route), "url": url} for url, route in webhooks]})
    else:
        print("\n".join(one_line(line) for line in _told(installed, webhooks, place(data))))
    raise typer.Exit(1 if installed.status == "error" else 0)


def _webhooks(directory: "DataDirectory", installed: "Installed") -> "list[tuple[str, Route]]":
    """The plugin's routes, each with its URL's path."""
    from stores import plugins
    from stores.database import Database

    with closing(Database(directory.database).read_connection()) as connection:
        plugin = plugins.get(connection, installed.plugin, installed.digest)
    routes = plugin.manifest.routes if plugin else []
    return [(f"/v1/orgs/{installed.organization}/plugins/{installed.plugin}{route.path}", route) for route in routes]


def _told(installed: "Installed", webhooks: "list[tuple[str, Route]]", place: str) -> list[str]:
    """What came of it, in lines for a person; what is left to do comes with its command."""
    from host.model import remedies

    new = " (which is new)" if installed.created_organization else ""
    lines = [f"{installed.plugin} {installed.version} is installed in {installed.organization}{new}."]
    if installed.status != "running":
        lines += [f"Status: {installed.status}" + (f" ({installed.reason})" if installed.reason else "")]
    if installed.difference:
        lines += _changed(installed.difference)
    lines += [f"Granted: {', '.join(installed.grants) or 'nothing'}"]
    for wish in installed.waiting:
        lines += [
            f"Waits for your consent: {wish.name} ({wish.reason})",
            f"  {remedies.grant(installed.plugin, wish.name, installed.organization)}{place}",
        ]
    for name in installed.missing_secrets:
        lines += [f"Missing secret: {name}", f"  {remedies.set_secret(installed.plugin, name, installed.organization)}{place}"]
    return [*lines, *(f"Route: {', '.join(methods(route))} {url} ({guard(route)})" for url, route in webhooks)]


def _changed(found: "Difference") -> list[str]:
    """What is not as in the version before."""
    kinds = (("Capabilities", found.capabilities), ("Routes", found.routes), ("Settings", found.settings), ("Secrets", found.secrets))
    lines = [f"Before: {found.version} ({found.digest[:12]})"]
    for kind, changes in kinds:
        lines += [f"  {kind} that are new: {', '.join(changes.new)}"] if changes.new else []
        lines += [f"  {kind} that are gone: {', '.join(changes.gone)}"] if changes.gone else []
    lines += [f"  Settings that are required now: {', '.join(found.required_settings)}"] if found.required_settings else []
    return lines + [f"  Route {each.name}: {_reach(each.before)}; now {_reach(each.after)}" for each in found.changed_routes]


def _reach(route: "Route") -> str:
    return f"{', '.join(methods(route))} {route.path} ({guard(route)})"

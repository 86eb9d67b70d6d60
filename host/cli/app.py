"""The command line: all commands, and what they share. What is slow to import is imported inside the commands."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from host.cli.commands import (
    agents,
    build,
    call,
    deliveries,
    demo,
    doctor,
    enable,
    grants,
    inspect,
    install,
    limits,
    logs,
    orgs,
    plugins,
    secrets,
    serve,
    settings,
    token,
    uninstall,
    usage,
)
from host.cli.failures import DEBUG, Group
from host.cli.options import examples

RUN, PLUGINS, ORGANIZATIONS, LOOK, DEVELOP = PANELS = ("Run it", "Plugins", "Organisations", "Look into it", "Develop")
"""Of the help, in their order: each command is in one."""


class Commands(Group):
    def list_commands(self, ctx: Any) -> list[str]:
        """Panel by panel, as they were added."""
        return sorted(self.commands, key=lambda name: PANELS.index(getattr(self.commands[name], "rich_help_panel", DEVELOP)))


app = typer.Typer(
    name="innkeeper",
    cls=Commands,
    help="Hosts plugins that are WebAssembly components: each organisation's copy in a sandbox of its own.",
    epilog=examples(
        "innkeeper demo",
        "innkeeper serve",
        "innkeeper install ./my-plugin --org acme --create-org --grant-all",
        "innkeeper COMMAND --help",
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _add(panel: str, name: str, function: Callable[..., None], short: str, epilog: str) -> None:
    app.command(name, rich_help_panel=panel, short_help=short, epilog=epilog)(function)


def _add_group(panel: str, name: str, group: typer.Typer, short: str) -> None:
    app.add_typer(group, name=name, rich_help_panel=panel, short_help=short)


_add(RUN, "serve", serve.serve, "Run the host until Ctrl-C or SIGTERM.", serve.EXAMPLES)
_add(RUN, "demo", demo.demo, "See it work, with organisations and webhooks of its own.", demo.EXAMPLES)
_add(RUN, "doctor", doctor.doctor, "Check everything that a host needs, and say what to do.", doctor.EXAMPLES)
_add(PLUGINS, "install", install.install, "Install a plugin for an organisation, or a new version.", install.EXAMPLES)
_add(PLUGINS, "uninstall", uninstall.uninstall, "Remove an organisation's plugin, and its data if you say so.", uninstall.EXAMPLES)
_add(PLUGINS, "enable", enable.enable, "Enable and start a plugin; close its breaker.", enable.ENABLE_EXAMPLES)
_add(PLUGINS, "disable", enable.disable, "Stop and disable a plugin.", enable.DISABLE_EXAMPLES)
_add(PLUGINS, "settings", settings.settings, "Show or change an organisation's settings of a plugin.", settings.EXAMPLES)
_add(PLUGINS, "grant", grants.grant, "Give a plugin what it asks for, or show what waits.", grants.GRANT_EXAMPLES)
_add(PLUGINS, "revoke", grants.revoke, "Take capabilities away from a plugin.", grants.REVOKE_EXAMPLES)
_add(PLUGINS, "limits", limits.limits, "Show what a plugin may use, or choose it.", limits.EXAMPLES)
_add(PLUGINS, "plugins", plugins.plugins, "List what is installed, where, and whether it runs.", plugins.EXAMPLES)
_add_group(PLUGINS, "secrets", secrets.app, "Set, list and remove secrets; give them a new key.")
_add_group(ORGANIZATIONS, "orgs", orgs.app, "Organisations: make, show, set up, remove, routing keys.")
_add_group(ORGANIZATIONS, "agents", agents.app, "Who gets an organisation's conversations.")
_add_group(ORGANIZATIONS, "token", token.app, "Tokens of the operator API: make, list, revoke.")
_add_group(LOOK, "deliveries", deliveries.app, "What came in and what became of it: list, show.")
_add(LOOK, "logs", logs.logs, "What plugins logged, and what they log now.", logs.EXAMPLES)
_add(LOOK, "usage", usage.usage, "What plugins used: calls, fuel, time, bytes.", usage.EXAMPLES)
_add(DEVELOP, "build", build.build, "Turn a plugin's source folder into a component.", build.EXAMPLES)
_add(DEVELOP, "inspect", inspect.inspect, "Show what a component asks for, imports and exports.", inspect.EXAMPLES)
_add(DEVELOP, "call", call.call, "Run a route of an installed plugin in this process.", call.EXAMPLES)


def _version(wanted: bool) -> None:
    if not wanted:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        print(f"innkeeper {version('innkeeper')}")
    except PackageNotFoundError:
        print("innkeeper, from its sources")
    raise typer.Exit


@app.callback()
def innkeeper(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")] = False,
    debug: Annotated[bool, typer.Option("--debug", envvar="INNKEEPER_DEBUG", help="Print tracebacks of unexpected errors.")] = False,
) -> None:
    """Keeps for all commands what was said before their names."""
    context.meta[DEBUG] = debug

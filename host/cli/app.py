"""The command line: all commands, and what they share. What is slow to import is imported inside the commands."""

from typing import Annotated

import typer

from host.cli.commands import build, call, demo, doctor, enable, inspect, install, serve, settings, token, uninstall
from host.cli.failures import DEBUG, Group
from host.cli.options import examples

app = typer.Typer(
    name="innkeeper",
    cls=Group,
    help="Hosts plugins that are WebAssembly components: each organisation's copy in a sandbox of its own.",
    epilog=examples("innkeeper demo", "innkeeper serve", "innkeeper install ./my-plugin --org acme --create-org --grant-all"),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("serve", epilog=serve.EXAMPLES)(serve.serve)
app.command("build", epilog=build.EXAMPLES)(build.build)
app.command("inspect", epilog=inspect.EXAMPLES)(inspect.inspect)
app.command("install", epilog=install.EXAMPLES)(install.install)
app.command("enable", epilog=enable.ENABLE_EXAMPLES)(enable.enable)
app.command("disable", epilog=enable.DISABLE_EXAMPLES)(enable.disable)
app.command("settings", epilog=settings.EXAMPLES)(settings.settings)
app.command("uninstall", epilog=uninstall.EXAMPLES)(uninstall.uninstall)
app.command("call", epilog=call.EXAMPLES)(call.call)
app.command("demo", epilog=demo.EXAMPLES)(demo.demo)
app.command("doctor", epilog=doctor.EXAMPLES)(doctor.doctor)
app.add_typer(token.app, name="token")


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

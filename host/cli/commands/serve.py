"""`innkeeper serve`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from host.cli.options import DEFAULT_DATA, CacheFolder, ConfigFile, DataFolder, JsonFlag, examples
from host.cli.output import console, print_json, table

if TYPE_CHECKING:
    from host.cli.configuration import ServerConfiguration

EXAMPLES = examples(
    "innkeeper serve",
    "innkeeper serve --data /var/lib/innkeeper --host 0.0.0.0 --port 8080 --grace-s 30s",
    "innkeeper serve --config /etc/innkeeper.toml --print-config",
    'curl -H "Authorization: Bearer $(cat innkeeper-data/operator.token)" http://127.0.0.1:8080/v1/orgs/acme/conversations',
)

FRONT, GUESTS, END = "Front", "All guests together", "Log and end"


def _text(name: str, metavar: str, panel: str, help: str, default: str = "") -> Any:
    """An option that is text here, whatever it stands for: where it comes from decides how a wrong one is named."""
    shown = f" [dim]\\[default: {default}][/dim]" if default else ""
    return typer.Option(f"--{name}", metavar=metavar, rich_help_panel=panel, help=help + shown)


def _switch(name: str, panel: str, help: str) -> Any:
    return typer.Option(f"--{name}/--no-{name}", rich_help_panel=panel, help=help, show_default=False)


def serve(
    context: typer.Context,
    data: DataFolder = DEFAULT_DATA,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[str, typer.Option("--port", metavar="PORT", help="The port to listen on; 0 takes a free one.")] = "8080",
    cache: CacheFolder = None,
    config: ConfigFile = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Show every option and where it comes from, and start nothing.")
    ] = False,
    as_json: JsonFlag = False,
    base_domain: Annotated[str | None, _text("base-domain", "DOMAIN", FRONT, "Each organisation has a subdomain of it.")] = None,
    public_url: Annotated[str | None, _text("public-url", "URL", FRONT, "Where the outside world finds this host.")] = None,
    trusted_proxies: Annotated[
        str | None, _text("trusted-proxies", "ADDRESSES", FRONT, "Proxies whose X-Forwarded- headers are believed, with commas between.")
    ] = None,
    body_bytes_in_flight: Annotated[
        str | None, _text("body-bytes-in-flight", "SIZE", FRONT, "Of all requests under way.", "256MiB")
    ] = None,
    refusals_per_minute_per_address: Annotated[
        str | None, _text("refusals-per-minute-per-address", "N", FRONT, "Beyond it, an address is told to wait.", "600")
    ] = None,
    max_instances: Annotated[str | None, _text("max-instances", "N", GUESTS, "Live instances in total.", "2000")] = None,
    max_instances_per_organization: Annotated[
        str | None, _text("max-instances-per-organization", "N", GUESTS, "Live instances of one organisation.", "200")
    ] = None,
    max_instance_memory: Annotated[str | None, _text("max-instance-memory", "SIZE", GUESTS, "Measured memory of all.", "4GiB")] = None,
    max_instance_memory_per_organization: Annotated[
        str | None, _text("max-instance-memory-per-organization", "SIZE", GUESTS, "Measured memory of one organisation's.", "1GiB")
    ] = None,
    idle_s: Annotated[str | None, _text("idle-s", "TIME", GUESTS, "An unused instance goes after it.", "5min")] = None,
    idle_channel_s: Annotated[str | None, _text("idle-channel-s", "TIME", GUESTS, "The same for plugins with a channel.", "30min")] = None,
    breaker_failures: Annotated[
        str | None, _text("breaker-failures", "N", GUESTS, "Failures within the window that stop an installation; 0 for never.", "10")
    ] = None,
    breaker_window_s: Annotated[
        str | None, _text("breaker-window-s", "TIME", GUESTS, "The window in which failures count.", "1min")
    ] = None,
    access_log: Annotated[bool | None, _switch("access-log", END, "Log a line per request.")] = None,
    log_json: Annotated[bool | None, _switch("log-json", END, "Log JSON lines, on a terminal too, or never.")] = None,
    grace_s: Annotated[str | None, _text("grace-s", "TIME", END, "What requests have to finish when the host ends.", "10s")] = None,
    synchronous: Annotated[
        str | None, _text("synchronous", "FULL|NORMAL", END, "Whether a loss of power may take the last commits (NORMAL).", "FULL")
    ] = None,
) -> None:
    """Run the host until it is told to end (Ctrl-C or SIGTERM; a second signal does not wait for requests).

    The data directory may be empty or not exist yet: it gets a database, a key, and a token for the operator API in DIR/operator.token.
    When everything is ready, one line with the URL is printed. The log goes to standard error.

    Each option is taken from its flag, else from the environment (INNKEEPER_ and its name: INNKEEPER_GRACE_S), else from the file
    (grace_s = "30s"), else it has its default.
    """
    from host.cli import configuration

    found = configuration.load(given(context), config)
    if print_config:
        _print(found, as_json)
    else:
        _serve(found, as_json)


def given(context: typer.Context) -> dict[str, Any]:
    """The options that stand on the command line."""
    from host.cli.configuration import TYPES

    stands = [name for name in context.params if (source := context.get_parameter_source(name)) and source.name == "COMMANDLINE"]
    return {name: context.params[name] for name in stands if name in TYPES}


def _serve(found: "ServerConfiguration", as_json: bool) -> None:
    from structlog import get_logger

    from host.cli import logs, serving

    def ready(url: str) -> None:
        if as_json:
            print_json({"url": url, "data": str(found.place.data.resolve())})
        else:
            print(f"Innkeeper is ready at {url}", flush=True)

    logs.configure(found.options.log_json)
    if found.unknown:
        get_logger().warning("environment.unknown", names=found.unknown)
    serving.serve(found.place, found.options, ready)


def _print(found: "ServerConfiguration", as_json: bool) -> None:
    """All of it but secrets, of which it says whether they are there."""
    import os

    from stores.keys import VARIABLE

    values, key = found.values, bool(os.environ.get(VARIABLE))
    if as_json:
        options = {name: {"value": _plain(value), "from": found.origins[name]} for name, value in values.items()}
        file = str(found.file) if found.file else None
        print_json({"options": options, "file": file, "key": {"environment": key}, "unknown_environment": found.unknown})
        return
    rows = [(name, _shown(name, value), found.origins[name]) for name, value in values.items()]
    secret = ("set, and not shown", f"environment {VARIABLE}") if key else ("in the data directory", "default")
    console().print(table("option", "value", "from", rows=[*rows, ("key", *secret)]))
    for name in found.unknown:
        print(f"{name} in the environment means nothing.")


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def _shown(name: str, value: Any) -> str:
    """As the file could have it."""
    from msgspec.json import encode

    from host.cli.units import size_text
    from host.model.options import BOUNDS

    if value is None:
        return "not set"
    if name in BOUNDS and BOUNDS[name].unit == "bytes":
        return size_text(value)
    return f"{value:g}" if isinstance(value, float) else encode(_plain(value)).decode()

"""`innkeeper doctor`."""

from typing import Annotated

import typer

from host.cli.options import DEFAULT_DATA, CacheFolder, ConfigFile, DataFolder, JsonFlag, examples
from host.cli.output import console, print_json, table

EXAMPLES = examples(
    "innkeeper doctor", "innkeeper doctor --data /var/lib/innkeeper --json", "innkeeper doctor --config /etc/innkeeper.toml"
)


def doctor(
    context: typer.Context,
    data: DataFolder = DEFAULT_DATA,
    cache: CacheFolder = None,
    config: ConfigFile = None,
    host: Annotated[str, typer.Option("--host", help="The address that a server would listen on.")] = "127.0.0.1",
    port: Annotated[str, typer.Option("--port", metavar="PORT", help="The port that it would listen on.")] = "8080",
    max_instances: Annotated[
        str | None, typer.Option("--max-instances", metavar="N", help="Live instances that it would have. [dim]\\[default: 2000][/dim]")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Look at everything that a host needs, and say what is wrong and what to do about it.

    Changes nothing, and works beside a running server. Options come from flags, environment and file, as for `innkeeper serve`. Exit code 0
    when nothing is wrong (warnings are none), else 1.
    """
    from host.cli import configuration
    from host.cli.commands.serve import given
    from host.cli.doctor import examine

    findings = examine(configuration.load(given(context), config))
    good = all(finding.state != "wrong" for finding in findings)
    if as_json:
        print_json({"ok": good, "checks": findings})
    else:
        rows = [(finding.state, finding.check, finding.says + (f"\n-> {finding.remedy}" if finding.remedy else "")) for finding in findings]
        console().print(table("", "check", "", rows=rows))
    raise typer.Exit(0 if good else 1)

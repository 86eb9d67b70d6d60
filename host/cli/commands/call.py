"""`innkeeper call`."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from host.cli import pairs
from host.cli.options import DEFAULT_DATA, CacheFolder, DataFolder, JsonFlag, Organization, cache_folder, examples
from host.cli.output import console, plain, print_json, progress, table

if TYPE_CHECKING:
    from host.cli.calling import Outcome

EXAMPLES = examples(
    "innkeeper call simple-http-test /ping --org acme",
    "innkeeper call whatsapp /webhook --org acme --method POST --body @text.json --header content-type:application/json",
)


def call(
    plugin: Annotated[str, typer.Argument(metavar="PLUGIN", help="The plugin's name.")],
    path: Annotated[str, typer.Argument(metavar="ROUTE-PATH", help="A path of the plugin, as in its manifest; it may have a query.")],
    organization: Organization,
    method: Annotated[str, typer.Option("--method", "-X", help="The HTTP method.")] = "GET",
    body: Annotated[str, typer.Option("--body", metavar="TEXT", help="The body, or @FILE with it, or @- for standard input.")] = "",
    header: Annotated[list[str] | None, typer.Option("--header", "-H", metavar="NAME:VALUE", help="A header of the request.")] = None,
    data: DataFolder = DEFAULT_DATA,
    cache: CacheFolder = None,
    as_json: JsonFlag = False,
) -> None:
    """Run a route of an installed plugin, in this process, and show what it answered and what it used.

    You are the operator: no signature and no token is asked for, and the plugin is told that the request is verified. Nothing else is
    different: what the plugin stores is stored, and the delivery is recorded. Exit code 0 for a status below 400, else 1.
    """
    from host.cli.calling import Wanted, outcome
    from host.cli.data import existing
    from host.cli.loop import run

    wanted = Wanted(organization, plugin, method.upper(), path, pairs.headers(header or []), pairs.content("body", body))
    with progress() as tell:
        found = run(outcome(existing(data), cache_folder(cache), wanted, tell))
    if as_json:
        print_json(_as_data(found))
    else:
        _show(found)
    raise typer.Exit(0 if found.answer.status < 400 else 1)


def _as_data(found: "Outcome") -> dict[str, Any]:
    answer = found.answer
    return {"status": answer.status, "headers": answer.headers, "body": answer.body.decode(errors="replace"), "delivery": found.delivery}


def _show(found: "Outcome") -> None:
    answer, delivery = found.answer, found.delivery
    lines = [str(answer.status), *(f"{name}: {value}" for name, value in answer.headers), "", answer.body.decode(errors="replace")]
    print(plain("\n".join(lines)))
    if delivery is None:
        print("\nThe host answered the challenge itself: no guest ran.", file=sys.stderr)
        return
    used = {
        "instance": "cold" if delivery.cold else "warm",
        "time": f"{delivery.duration_us / 1000:.1f} ms",
        "fuel": f"{delivery.fuel:,}",
        "memory": f"{delivery.memory / 1024 / 1024:.2f} MiB",
        "host calls": str(delivery.host_calls),
        "effects": str(delivery.effects),
    }
    console(stderr=True).print(table(*used, rows=[list(used.values())]))
    if delivery.error_message:
        print(plain(f"{delivery.error_code}: {delivery.error_message}"), file=sys.stderr)
    for line in delivery.log:
        print(plain(f"{line.level}: {line.message} {line.fields or ''}"), file=sys.stderr)
    if delivery.dropped_log_lines:
        print(f"{delivery.dropped_log_lines} more lines were dropped", file=sys.stderr)

"""`innkeeper deliveries`: what came in for plugins, and what became of it."""

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from host.cli import figures, lines, lookup, moments
from host.cli.options import DEFAULT_DATA, DataFolder, JsonFlag, examples
from host.cli.output import console, one_line, print_json, table

if TYPE_CHECKING:
    from host.model.delivery import Delivery
    from stores.statement import Connection

EXAMPLES = examples(
    "innkeeper deliveries list --org acme --outcome failed --since 1d", "innkeeper deliveries show 01890a5d-ac96-774b-bcce-b302099a8057"
)
app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Look at what came in and what became of it.", epilog=EXAMPLES)


@app.command("list", epilog=EXAMPLES)
def list_deliveries(
    organization: Annotated[str | None, typer.Option("--org", metavar="ORG", help="Of this organisation only.")] = None,
    plugin: Annotated[str | None, typer.Option("--plugin", metavar="PLUGIN", help="Of this plugin only.")] = None,
    outcome: Annotated[str | None, typer.Option("--outcome", metavar="OUTCOME", help="succeeded, failed or refused.")] = None,
    kind: Annotated[str | None, typer.Option("--kind", metavar="KIND", help="webhook, lifecycle, hook or tool.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="Since then: 30min, 1d, 2025-03-01T08:30.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 20,
    data: DataFolder = DEFAULT_DATA,
    as_json: JsonFlag = False,
) -> None:
    """List deliveries, the newest first."""
    from host.model.delivery import KINDS, OUTCOMES
    from host.model.identifier import first_id

    _require(outcome, "there is no outcome", OUTCOMES)
    _require(kind, "there is no kind", KINDS)
    begin = "" if since is None else first_id(moments.since(since, moments.now()))
    with lookup.reading(data) as connection:
        organizations = lookup.organizations(connection, organization)
        name = None if plugin is None else lookup.plugin(connection, plugin).name
        wanted = {"kind": kind, "outcome": outcome, "since": begin}
        each = [_newest(connection, where, name, limit, wanted) for where in organizations]
        found = [*islice(merge(*each, key=lambda delivery: delivery.id, reverse=True), limit)]
    if as_json:
        print_json([_as_data(delivery, log=False) for delivery in found])
    elif found:
        right = ("status", "time", "fuel")
        columns = ("received", "organisation", "plugin", "what", "outcome", "status", "time", "fuel", "id")
        console().print(table(*columns, rows=map(_row, found), right=right))
    else:
        print("There is no such delivery.")


@app.command(epilog=examples("innkeeper deliveries show 01890a5d-ac96-774b-bcce-b302099a8057 --json"))
def show(
    delivery: Annotated[str, typer.Argument(metavar="ID", help="As `innkeeper deliveries list` and `innkeeper logs` show it.")],
    organization: Annotated[str | None, typer.Option("--org", metavar="ORG", help="Whose it is; else all are asked.")] = None,
    data: DataFolder = DEFAULT_DATA,
    as_json: JsonFlag = False,
) -> None:
    """Show a delivery: what was asked, how it ended and why, what it took, and its log."""
    from host.model.errors import UsageError
    from stores import deliveries

    with lookup.reading(data) as connection:
        organizations = lookup.organizations(connection, organization)
        known = (deliveries.get(connection, where, delivery) for where in organizations) if delivery.isascii() else ()
        found = next((each for each in known if each is not None), None)
    if found is None:
        whose = "" if organization is None else f" of organisation {organization!r}"
        raise UsageError(f"there is no delivery {delivery!r}{whose}: `innkeeper deliveries list` shows those that there are")
    if as_json:
        print_json(_as_data(found))
    else:
        _show(found)


def _require(name: str | None, what: str, known: tuple[str, ...]) -> None:
    if name is not None and name not in known:
        raise lookup.unknown(what, name, known, nothing="")


def _newest(connection: "Connection", organization: str, plugin: str | None, limit: int, wanted: dict[str, Any]) -> "Iterator[Delivery]":
    """Page by page, as far as somebody asks."""
    from stores import deliveries

    before = None
    while True:
        page = deliveries.page(connection, organization, plugin, before, min(limit, 200), **wanted)
        yield from page.items
        if (before := page.next) is None:
            return


def _row(delivery: "Delivery") -> tuple[str, ...]:
    ran = delivery.runs > 0
    return (
        moments.shown(delivery.received_at),
        delivery.organization,
        delivery.plugin,
        _what(delivery),
        " ".join(dict.fromkeys(filter(None, [delivery.outcome, delivery.error_code]))),
        str(delivery.status),
        figures.span(delivery.duration_us),
        figures.fuel(delivery.fuel) if ran else "",
        delivery.id,
    )


def _what(delivery: "Delivery") -> str:
    return f"{delivery.method} {delivery.path}" if delivery.method else f"{delivery.kind} {delivery.name}"


def _as_data(delivery: "Delivery", *, log: bool = True) -> dict[str, Any]:
    from msgspec.structs import asdict

    fields = asdict(delivery)
    del fields["log"]
    return fields | ({"log": [lines.as_data(line) for line in delivery.log]} if log else {})


def _show(delivery: "Delivery") -> None:
    rows = [
        ("delivery", delivery.id),
        ("for", f"{delivery.plugin} {delivery.plugin_version} in {delivery.organization}"),
        ("asked", f"{_what(delivery)} ({delivery.kind} {delivery.name}) at {moments.to_the_millisecond(delivery.received_at)}"),
        ("outcome", f"{delivery.outcome}, answered with {delivery.status}"),
        *([("because", f"{delivery.error_code}: {delivery.error_message}")] if delivery.error_code else []),
        ("took", _took(delivery)),
        ("effects", _effects(delivery)),
    ]
    print("\n".join(one_line(f"{name:<9} {value}") for name, value in rows))
    for line in delivery.log:
        print(lines.shown_whole(line))
    if delivery.dropped_log_lines:
        print(f"{figures.number(delivery.dropped_log_lines, 'more line')} did not fit into its log.")


def _took(delivery: "Delivery") -> str:
    span = figures.span(delivery.duration_us)
    if not delivery.runs:
        return f"{span}; the plugin did not run"
    return (
        f"{span}, {figures.fuel(delivery.fuel)} units of fuel and {figures.number(delivery.host_calls, 'host call')}, "
        f"{figures.size(delivery.bytes_in)} in and {figures.size(delivery.bytes_out)} out, "
        f"in {figures.number(delivery.runs, 'run')}, the last in {'a new' if delivery.cold else 'a used'} instance "
        f"({figures.size(delivery.memory)} of memory)"
    )


def _effects(delivery: "Delivery") -> str:
    """What was committed: what failed has none, whatever it wished for."""
    if delivery.outcome == "succeeded":
        return f"{figures.number(delivery.effects, 'effect')}, committed"
    return "none: what it wished for was dropped" if delivery.runs else "none"

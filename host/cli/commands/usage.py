"""`innkeeper usage`."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from host.cli import figures, lookup, moments
from host.cli.options import DEFAULT_DATA, DataFolder, JsonFlag, examples
from host.cli.output import console, print_json, table

if TYPE_CHECKING:
    from stores.usage import DayOfUse

EXAMPLES = examples(
    "innkeeper usage --since 1d", "innkeeper usage --org acme --by day --since 30d", "innkeeper usage --by plugin --since 2025-01-01 --json"
)
FIGURES: dict[str, Callable[[int], str]] = {
    "calls": str, "failures": str, "refused": str, "cold": str, "fuel": figures.fuel, "duration_us": figures.span,
    "bytes_in": figures.size, "bytes_out": figures.size, "host_calls": str,
}  # fmt: skip
"""What is summed, and how a person gets to see it."""
TITLES = {"duration_us": "time", "bytes_in": "bytes in", "bytes_out": "bytes out", "host_calls": "host calls"}
KEYS = {"plugin": ("plugin",), "org": ("organization",), "day": ("day",)}
"""What rows are of, by what `--by` takes."""
BOTH = ("organization", "plugin")


def usage(
    organization: Annotated[str | None, typer.Option("--org", metavar="ORG", help="Of this organisation only.")] = None,
    plugin: Annotated[str | None, typer.Option("--plugin", metavar="PLUGIN", help="Of this plugin only.")] = None,
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="Since then: 30min, 7d, 2025-03-01T08:30.")] = "1d",
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="WHAT", help="Sum up by plugin, org or day (UTC). [dim]\\[default: organisation and plugin][/dim]"),
    ] = None,
    data: DataFolder = DEFAULT_DATA,
    as_json: JsonFlag = False,
) -> None:
    """Sum up what plugins used: calls, failures, refused requests, new instances, fuel, time, bytes and host calls.

    A call counts with what all its runs used, a refused request with its time alone.
    """
    from host.model.identifier import first_id
    from stores import usage as sums
    from stores.page import LAST

    if by is not None and by not in KEYS:
        raise lookup.unknown("--by takes no", by, KEYS, nothing="")
    begin, columns = moments.since(since, moments.now()), BOTH if by is None else KEYS[by]
    with lookup.reading(data) as connection:
        name = None if plugin is None else lookup.plugin(connection, plugin).name
        organizations = lookup.organizations(connection, organization)
        days = [day for where in organizations for day in sums.days(connection, where, name, first_id(begin), LAST)]
    rows, total = _summed(days, columns), _summed(days, ())
    if as_json:
        print_json({"since": begin, "items": rows, "total": total[0] if total else dict.fromkeys(FIGURES, 0)})
    elif rows:
        _show(columns, rows, total[0])
    else:
        print(f"Nothing was called since {moments.shown(begin)}.")


def _summed(days: "Iterable[DayOfUse]", columns: tuple[str, ...]) -> list[dict[str, Any]]:
    """A row for each value of the columns, in their order."""
    sums: dict[tuple[str, ...], dict[str, int]] = defaultdict(lambda: dict.fromkeys(FIGURES, 0))
    for day in days:
        into = sums[tuple(_key(day, column) for column in columns)]
        for name in FIGURES:
            into[name] += getattr(day, name)
    return [dict(zip(columns, key, strict=True)) | sums[key] for key in sorted(sums)]


def _key(day: "DayOfUse", column: str) -> str:
    from stores.usage import DAY_MS

    return datetime.fromtimestamp(day.day * DAY_MS / 1000, UTC).strftime("%Y-%m-%d") if column == "day" else str(getattr(day, column))


def _show(columns: tuple[str, ...], rows: list[dict[str, Any]], total: dict[str, Any]) -> None:
    last = dict.fromkeys(columns, "") | {columns[0]: "all"} | total
    shown = [[str(row[column]) for column in columns] + [tell(row[name]) for name, tell in FIGURES.items()] for row in [*rows, last]]
    names = ["organisation" if column == "organization" else column for column in columns]
    titles = [TITLES.get(name, name) for name in FIGURES]
    console().print(table(*names, *titles, rows=shown, right=titles))

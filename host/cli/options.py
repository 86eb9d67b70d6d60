"""Options that several commands have."""

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

DataFolder = Annotated[
    Path,
    typer.Option("--data", metavar="DIR", envvar="INNKEEPER_DATA", help="The data directory: database, key, components, operator's token."),
]
DEFAULT_DATA = Path("innkeeper-data")

CacheFolder = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="DIR",
        help="Keeps what was built and compiled, for any data directory. [dim]\\[default: INNKEEPER_CACHE, else ~/.cache/innkeeper][/dim]",
    ),
]

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="A TOML file with options. [dim]\\[default: INNKEEPER_CONFIG, else DIR/innkeeper.toml][/dim]"
    ),
]

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON on standard output; all else goes to standard error.")]

Organization = Annotated[str, typer.Option("--org", metavar="ORG", help="The organisation's id.")]


def cache_folder(chosen: Path | None) -> Path:
    """The folder for what can be made again."""
    from host.cli.build import default_cache

    return chosen or default_cache()


def place(data: Path) -> str:
    """What a command that is shown needs behind it to mean the same data directory."""
    return "" if data == DEFAULT_DATA else f" --data {quote(str(data))}"


def examples(*commands: str) -> str:
    """The end of a help text: commands to copy, one per line."""
    escaped = [command.replace("[", "\\[") for command in commands]
    return "\n\n".join(["[bold]Examples[/bold]", *(f"[cyan]{command}[/cyan]" for command in escaped)])

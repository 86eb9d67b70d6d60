"""`innkeeper token`: bearer tokens of the operator API."""

import time
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from host.cli import lookup
from host.cli.options import DEFAULT_DATA, DataFolder, JsonFlag, examples
from host.cli.output import console, print_json, table

if TYPE_CHECKING:
    from stores.database import Database
    from stores.tokens import Token

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Make, list and revoke tokens of the operator API.",
    epilog=examples("innkeeper token create ci --org acme --role reader", "innkeeper token list", "innkeeper token revoke ID"),
)


class Role(StrEnum):
    operator = "operator"
    reader = "reader"


@app.command(epilog=examples("innkeeper token create alice", "innkeeper token create dashboard --org acme --role reader --json"))
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is or what it is for: shown in lists.")],
    organization: Annotated[str | None, typer.Option("--org", metavar="ORG", help="Good for this organisation only.")] = None,
    role: Annotated[Role, typer.Option("--role", help="An operator may do everything, a reader only read.")] = Role.operator,
    data: DataFolder = DEFAULT_DATA,
    as_json: JsonFlag = False,
) -> None:
    """Make a token and print its text, which can't be had again."""
    from host.model.errors import UsageError
    from stores import tokens

    if not name.strip():
        raise UsageError("a token needs a name")
    at = _now()
    database = _database(data) if organization is None else _existing(data)
    with database.transaction() as connection:
        if organization is not None:
            lookup.organization(connection, organization)
        text = tokens.create(connection, name, organization=organization, role=role.value, at=at)
        made = tokens.verify(connection, text, at)
    if as_json:
        print_json({"id": made and made.id, "name": name, "organization": organization, "role": role.value, "token": text})
    else:
        print(text)


@app.command("list", epilog=examples("innkeeper token list", "innkeeper token list --json"))
def list_tokens(data: DataFolder = DEFAULT_DATA, as_json: JsonFlag = False) -> None:
    """List all tokens, revoked ones too. Their texts are not kept."""
    from stores import tokens

    with closing(_existing(data).read_connection()) as connection:
        found = tokens.all(connection)
    if as_json:
        print_json(found)
    else:
        console().print(table("id", "name", "organisation", "role", "made", "state", rows=[_row(token) for token in found]))


@app.command(epilog=examples("innkeeper token revoke 01890a5d-ac96-774b-bcce-b302099a8057"))
def revoke(
    token: Annotated[str, typer.Argument(metavar="ID", help="As `innkeeper token list` shows it.")],
    data: DataFolder = DEFAULT_DATA,
    as_json: JsonFlag = False,
) -> None:
    """Revoke a token: it is good for nothing from now on."""
    from stores import tokens

    with _existing(data).transaction() as connection:
        tokens.revoke(connection, token, _now())
    if as_json:
        print_json({"id": token, "revoked": True})
    else:
        print(f"The token {token} is revoked.")


def _database(data: Path) -> "Database":
    """The directory's database, made where there is none."""
    from host.runtime.data import DataDirectory
    from host.runtime.runtime import open_stores

    return open_stores(DataDirectory(data))[0]


def _existing(data: Path) -> "Database":
    """Raises `UsageError` where there is none."""
    from host.cli.data import existing

    existing(data)
    return _database(data)


def _row(token: "Token") -> tuple[str, ...]:
    at = _now()
    state = "valid" if token.valid(at) else "revoked" if token.revoked_at is not None else "expired"
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(token.created_at / 1000))
    return token.id, token.name, token.organization or "all", token.role, made, state


def _now() -> int:
    return time.time_ns() // 1_000_000

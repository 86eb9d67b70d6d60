"""`innkeeper secrets`: what plugins may use without telling."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from host.cli import lookup, moments, pairs
from host.cli.options import DEFAULT_DATA, DataFolder, JsonFlag, examples
from host.cli.output import console, one_line, print_json, progress, table

if TYPE_CHECKING:
    from host.runtime.rotation import Rotated
    from host.runtime.secrets import Known, Owner
    from stores.statement import Connection

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Set, list and remove secrets, and give them a new key.",
    epilog=examples(
        "innkeeper secrets set whatsapp app_secret --org acme --from app.secret",
        "innkeeper secrets list whatsapp --org acme",
        "innkeeper secrets rotate-key",
    ),
)

Plugin = Annotated[str, typer.Argument(metavar="PLUGIN", help="The plugin's name.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="As the plugin's manifest declares it.")]
Whose = Annotated[
    str | None, typer.Option("--org", metavar="ORG", help="Of this organisation's installation; without it the plugin's own.")
]  # fmt: skip


@app.command(
    "set",
    epilog=examples(
        "innkeeper secrets set whatsapp app_secret --org acme",
        "innkeeper secrets set whatsapp app_secret --org acme --from app.secret",
        "pass show whatsapp | innkeeper secrets set whatsapp app_secret --org acme",
        "innkeeper secrets set whatsapp app_secret",
    ),
)
def set_secret(
    plugin: Plugin,
    name: Name,
    more: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    organization: Whose = None,
    file: Annotated[str | None, typer.Option("--from", metavar="FILE", help="Read the value from a file; - is standard input.")] = None,
    data: DataFolder = DEFAULT_DATA,
    as_json: JsonFlag = False,
) -> None:
    """Set a secret that the plugin declares. A running server uses it at its next request.

    The value comes from --from, else from standard input; on a terminal it is asked for twice and not shown. One line end at the end is
    dropped. Without --org it is the plugin's own, for its shared URLs, which this version does
    not answer yet; no guest can use it.
    """
    from host.model.errors import UsageError
    from host.runtime import secrets
    from stores.sealing import Sealer

    if more or "=" in name:
        raise UsageError(
            "a value on the command line is seen by whoever lists this machine's processes, and stays in the shell's history: "
            "give NAME alone, and the value with --from FILE or on standard input"
        )
    with lookup.reading(data) as connection:
        owner = _owner(connection, plugin, organization)
        secrets.check_declared(connection, owner, name)  # before anybody is asked for a value
    value, sealer = _value(name, file), Sealer.open_or_create(data)
    with lookup.changing(data) as connection:
        notes = secrets.set_secret(connection, sealer, owner, name, value, moments.now())
    if as_json:
        print_json({"plugin": plugin, "organization": organization, "name": name, "key_id": sealer.key_id, "notes": notes})
    else:
        print(one_line(f"The secret {name} of {owner} is set."))
        for note in notes:
            print(one_line(f"Note: {note}."))


@app.command("list", epilog=examples("innkeeper secrets list whatsapp --org acme", "innkeeper secrets list whatsapp --json"))
def list_secrets(plugin: Plugin, organization: Whose = None, data: DataFolder = DEFAULT_DATA, as_json: JsonFlag = False) -> None:
    """List the secrets that the plugin declares, and whether they are set. Values are never shown."""
    import os

    from host.cli.data import existing
    from host.runtime import rotation, secrets
    from stores.sealing import Sealer

    with lookup.reading(data) as connection:
        owner = _owner(connection, plugin, organization)
        found = secrets.listed(connection, Sealer(rotation.existing_keys(existing(data), os.environ)), owner)
    if as_json:
        print_json({"plugin": plugin, "organization": organization, "secrets": found})
        return
    console().print(table("name", "purpose", "required", "state", "since", "key", "description", rows=[_row(secret) for secret in found]))


@app.command(epilog=examples("innkeeper secrets remove whatsapp app_secret --org acme"))
def remove(plugin: Plugin, name: Name, organization: Whose = None, data: DataFolder = DEFAULT_DATA, as_json: JsonFlag = False) -> None:
    """Remove a secret. What needs it fails from now on: nothing verifies without its secret."""
    from host.runtime import secrets

    with lookup.changing(data) as connection:
        owner = _owner(connection, plugin, organization)
        secrets.remove_secret(connection, owner, name)
    if as_json:
        print_json({"plugin": plugin, "organization": organization, "name": name, "removed": True})
    else:
        print(one_line(f"The secret {name} of {owner} is removed."))


@app.command("rotate-key", epilog=examples("innkeeper secrets rotate-key", "INNKEEPER_KEY=NEW,OLD innkeeper secrets rotate-key --json"))
def rotate_key(data: DataFolder = DEFAULT_DATA, as_json: JsonFlag = False) -> None:
    """Seal all secrets with a new key, and drop the old one. Servers go on meanwhile and need no restart.

    It can be interrupted at any moment; run it again then. With INNKEEPER_KEY=NEW,OLD everything is sealed with the first key of the
    variable, in which the second one is needed no more afterwards.
    """
    import os

    from host.cli.data import existing
    from host.runtime import rotation

    directory = existing(data)
    with progress() as tell:
        rotated = rotation.rotate(directory, os.environ, tell)
    if as_json:
        print_json(_as_json(rotated))
    else:
        print("\n".join(one_line(line) for line in _told(rotated)))


def _value(name: str, file: str | None) -> str:
    if file is not None:
        return pairs.secret_of_file(name, file)
    if not sys.stdin.isatty():
        return pairs.secret_of_file(name, "-")
    typed: str = typer.prompt(f"Value of {name}", hide_input=True, confirmation_prompt=True, err=True)
    return pairs.secret(name, typed.encode(errors="surrogateescape"), of_file=False)


def _owner(connection: "Connection", plugin: str, organization: str | None) -> "Owner":
    """Raises `UsageError` where there is no such plugin or organisation."""
    from host.runtime.secrets import Owner

    if organization is None:
        lookup.plugin(connection, plugin)
    else:
        lookup.installation(connection, organization, plugin)
    return Owner(plugin, organization)


def _row(secret: "Known") -> tuple[str, ...]:
    states = {"set": "set", "missing": "missing", "unreadable": "does not open: set it again"}
    since = "" if secret.set_at is None else moments.shown(secret.set_at)
    purpose = secret.purpose or "not declared any more"
    return secret.name, purpose, "yes" if secret.required else "no", states[secret.state], since, secret.key_id or "", secret.description


def _as_json(rotated: "Rotated") -> dict[str, object]:
    from msgspec.structs import asdict

    shut = [{**place._asdict(), "organization": place.organization or None, "reason": reason} for place, reason in rotated.shut.items()]
    return {**asdict(rotated), "shut": shut}


def _told(rotated: "Rotated") -> list[str]:
    """What was done, and what is left to do."""
    began = "An earlier rotation was finished: " if rotated.continued else ""
    were = "1 secret was" if rotated.resealed == 1 else f"{rotated.resealed} secrets were"
    lines = [f"{began}{were} sealed anew; all that open are sealed with the key {rotated.key_id}."]
    lines += [f"Does not open, set it again: {reason}" for reason in rotated.shut.values()]
    if rotated.variable:
        return [
            *lines,
            "The other keys in INNKEEPER_KEY are needed no more: leave only the first there, for the server too. "
            "For another key put it before this one (openssl rand -base64 32), restart the server with both, and run this again.",
        ]
    return [*lines, f"Dropped: {', '.join(rotated.dropped)}. Keep a copy of the new key, and the old one as long as backups that need it."]

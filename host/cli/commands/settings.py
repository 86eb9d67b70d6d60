"""`innkeeper settings`."""

from typing import TYPE_CHECKING, Annotated

import typer

from host.cli import pairs
from host.cli.options import DEFAULT_DATA, CacheFolder, DataFolder, JsonFlag, Organization, examples
from host.cli.output import console, one_line, print_json, table

if TYPE_CHECKING:
    from host.runtime.change_settings import Setting

EXAMPLES = examples(
    "innkeeper settings whatsapp --org acme",
    "innkeeper settings whatsapp --org acme --set phone_number_id=106540352242922 --unset greeting",
)


def settings(
    plugin: Annotated[str, typer.Argument(metavar="PLUGIN", help="The plugin's name.")],
    organization: Organization,
    setting: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting; JSON unless it is a text.")] = None,
    unset: Annotated[list[str] | None, typer.Option("--unset", metavar="NAME", help="Back to the plugin's default.")] = None,
    data: DataFolder = DEFAULT_DATA,
    cache: CacheFolder = None,
    as_json: JsonFlag = False,
) -> None:
    """Show an organisation's settings of a plugin, or change them: all that are named or none.

    The plugin is asked whether it agrees, where it has an opinion, and told once they are stored; where it fails then, the exit code is 1,
    and they stay stored. A running server sees them at its next request.
    """
    from host.cli import lookup
    from host.runtime.change_settings import settings_of

    given = pairs.settings(setting or [])
    with lookup.reading(data) as connection:
        lookup.installation(connection, organization, plugin)
        found = settings_of(connection, organization, plugin)
    if given or unset:
        return _change(plugin, organization, given, unset or [], data, cache, as_json)
    if as_json:
        print_json({"organization": organization, "plugin": plugin, "settings": found})
    else:
        _show(found)


def _change(
    plugin: str, organization: str, given: dict[str, str], unset: list[str], data: DataFolder, cache: CacheFolder, as_json: bool
) -> None:
    from host.cli.operating import operate
    from host.runtime.change_settings import change_settings

    found = operate(data, cache, lambda runtime: change_settings(runtime, organization, plugin, given, unset))
    if as_json:
        print_json(found)
    else:
        said = "are changed" if found.changed else "were like that already"
        print(one_line(f"The settings of {plugin} in {organization} {said}."))
        if found.reason:
            print(one_line(f"It was told, and failed at {found.reason}"))
        _show(found.settings)
    raise typer.Exit(1 if found.reason else 0)


def _show(found: "list[Setting]") -> None:
    console().print(table("setting", "value", "", "description", rows=[_row(each) for each in found]))


def _row(setting: "Setting") -> tuple[str, str, str, str]:
    from msgspec.json import encode

    missing = "required" if setting.required else "not set"
    source = "chosen" if setting.chosen else "default" if setting.value is not None else missing
    value = "" if setting.value is None and not setting.chosen else encode(setting.value).decode()
    return setting.name, value, source, setting.description

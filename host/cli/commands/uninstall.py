"""`innkeeper uninstall`."""

from typing import TYPE_CHECKING, Annotated

import typer

from host.cli.options import DEFAULT_DATA, CacheFolder, DataFolder, JsonFlag, Organization, examples
from host.cli.output import one_line, print_json

if TYPE_CHECKING:
    from host.runtime.uninstall import Uninstalled

EXAMPLES = examples("innkeeper uninstall whatsapp --org acme", "innkeeper uninstall whatsapp --org acme --delete-data")


def uninstall(
    plugin: Annotated[str, typer.Argument(metavar="PLUGIN", help="The plugin's name.")],
    organization: Organization,
    delete_data: Annotated[bool, typer.Option("--delete-data", help="Delete what it stored too, which can't be had back.")] = False,
    data: DataFolder = DEFAULT_DATA,
    cache: CacheFolder = None,
    as_json: JsonFlag = False,
) -> None:
    """Uninstall an organisation's plugin: it is told before, then it goes, with its settings and secrets.

    Messages, customers and the records of deliveries stay. What it stored stays for when it is installed again, unless --delete-data says
    otherwise, also later. A running server sees it at its next request.
    """
    from host.cli.operating import check_installed, operate
    from host.runtime import uninstall as runtime

    if not delete_data:  # what an earlier one left can be deleted where nothing is installed
        check_installed(data, organization, plugin)
    found = operate(data, cache, lambda opened: runtime.uninstall(opened, organization, plugin, delete_data=delete_data))
    if as_json:
        print_json(found)
    else:
        print("\n".join(one_line(line) for line in _told(found, delete_data)))


def _told(found: "Uninstalled", delete_data: bool) -> list[str]:
    lines = []
    if found.installed:
        lines += [f"{found.plugin} is uninstalled from {found.organization}, with its settings and secrets."]
    if found.stop_failed:
        lines += [f"It was told before, and failed at {found.stop_failed}"]
    if delete_data:
        lines += [f"Deleted: {found.deleted_entries} store entries, {found.deleted_dedupe_keys} dedupe keys."]
    elif found.kept_data:
        again = f"innkeeper uninstall {found.plugin} --org {found.organization} --delete-data"
        lines += ["What it stored is kept, for when it is installed again. To delete it:", f"  {again}"]
    return lines

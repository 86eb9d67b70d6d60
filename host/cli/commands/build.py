"""`innkeeper build`."""

from pathlib import Path
from typing import Annotated

import typer

from host.cli.options import CacheFolder, JsonFlag, cache_folder, examples
from host.cli.output import print_json, progress
from host.cli.source import folder
from host.model.errors import UsageError

EXAMPLES = examples("innkeeper build ./my-plugin", "innkeeper build ./my-plugin --output my-plugin.wasm")


def build(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The plugin's source folder, which has a plugin.py.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to put the component.")] = None,
    cache: CacheFolder = None,
    as_json: JsonFlag = False,
) -> None:
    """Turn a plugin's source folder into a component and print where it is.

    Sources that did not change are not built again.
    """
    from host.cli.build import build as build_component

    if not folder(path):
        raise UsageError(f"{path} is a file: give the folder that has the plugin.py")
    if output is not None and output.is_dir():
        raise UsageError(f"{output} is a folder: give the path of a file")
    with progress() as tell:
        component = build_component(path, output, cache=cache_folder(cache), progress=tell)
    if as_json:
        print_json({"component": str(component.resolve()), "bytes": component.stat().st_size})
    else:
        print(component)

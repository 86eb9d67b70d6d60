"""`innkeeper demo`."""

from typing import Annotated

import typer

from host.cli.options import CacheFolder, JsonFlag, cache_folder, examples

EXAMPLES = examples("innkeeper demo", "innkeeper demo --keep --port 8080")


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the host and its data there until Ctrl-C, and print the URLs.")] = False,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port to listen on; 0 takes a free one.")] = 0,
    cache: CacheFolder = None,
    as_json: JsonFlag = False,
) -> None:
    """See it work: two organisations, the example plugins, signed WhatsApp webhooks, and what becomes of them.

    Builds the plugins, starts a host on a fresh directory, sends it webhooks over HTTP, and reads everything back through the API. Ends
    with exit code 0 when all of it came out as it should, else with 1. The first time takes up to a minute; later ones a few seconds.
    """
    from host.cli.demo import run

    raise typer.Exit(run(cache_folder(cache), port, keep=keep, as_json=as_json))

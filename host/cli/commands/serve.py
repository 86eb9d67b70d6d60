"""`innkeeper serve`."""

from typing import Annotated

import typer

from host.cli.options import DEFAULT_DATA, CacheFolder, DataFolder, JsonFlag, cache_folder, examples
from host.cli.output import print_json

EXAMPLES = examples(
    "innkeeper serve",
    "innkeeper serve --data /var/lib/innkeeper --host 0.0.0.0 --port 8080",
    'curl -H "Authorization: Bearer $(cat innkeeper-data/operator.token)" http://127.0.0.1:8080/v1/orgs/acme/conversations',
)


def serve(
    data: DataFolder = DEFAULT_DATA,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port to listen on; 0 takes a free one.")] = 8080,
    cache: CacheFolder = None,
    access_log: Annotated[bool, typer.Option("--access-log", help="Log a line per request.")] = False,
    log_json: Annotated[bool, typer.Option("--log-json", help="Log JSON lines on a terminal too.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Run the host until it is told to end (Ctrl-C or SIGTERM).

    The data directory may be empty or not exist yet: it gets a database, a key, and a token for the operator API in DIR/operator.token.
    When everything is ready, one line with the URL is printed. The log goes to standard error.
    """
    from host.cli import logs, serving

    def ready(url: str) -> None:
        if as_json:
            print_json({"url": url, "data": str(data.resolve())})
        else:
            print(f"Innkeeper is ready at {url}", flush=True)

    logs.configure(True if log_json else None, access_log=access_log)
    serving.serve(serving.Address(host, port), data, cache_folder(cache), ready, access_log=access_log)

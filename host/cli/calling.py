"""One request to a plugin in this process, through the real runtime."""

from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl

from host.cli.output import Progress
from host.cli.routes import methods
from host.model.delivery import Delivery
from host.model.errors import UsageError
from host.model.installation import Installation
from host.runtime.data import DataDirectory
from host.runtime.receipt import Answer, Receipt
from host.runtime.runtime import Runtime
from host.web.body import check_json
from host.web.challenge import answer_challenge
from host.web.contents import WITHOUT_BODY, check_content_type
from host.web.path import segments
from host.web.routes import Match, RouteTable
from stores import deliveries


class Wanted(NamedTuple):
    """A request as the operator typed it: `path` with its query, header names in lower case."""

    organization: str
    plugin: str
    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes


class Outcome(NamedTuple):
    """`delivery` is None where the host answered a challenge and no guest ran."""

    answer: Answer
    delivery: Delivery | None


async def outcome(data: DataDirectory, cache: Path, wanted: Wanted, progress: Progress) -> Outcome:
    """Runs it, with its commit. Raises `UsageError` where there is no such plugin or route."""
    async with Runtime.opened(data, cache) as runtime:
        installation = runtime.installation(wanted.organization, wanted.plugin)
        if installation is None:
            raise UsageError(f"no plugin {wanted.plugin!r} is installed in an organisation {wanted.organization!r} of {data.path}")
        path, _, query = wanted.path.partition("?")
        below = segments({"path": path, "raw_path": path.encode(errors="surrogateescape")})
        match = _match(installation, wanted, below)
        parameters = parse_qsl(query, keep_blank_values=True)
        if match.challenge and match.route.challenge:
            return Outcome(answer_challenge(match.route.challenge, installation, parameters), None)
        check_content_type(match.route, match.method, [value for name, value in wanted.headers if name == "content-type"])
        if match.route.body == "json" and (wanted.body or match.method not in WITHOUT_BODY):
            check_json(wanted.body)
        if not runtime.components.is_quick(installation.digest):
            progress("compiling the component (once per version)")
        answer = await runtime.handle(_receipt(installation, match, wanted, below, parameters))
        return Outcome(answer, deliveries.get(runtime.reads, wanted.organization, answer.delivery_id))


def _match(installation: Installation, wanted: Wanted, below: list[str]) -> Match:
    match = RouteTable(installation).match(wanted.method, below) if wanted.path.startswith("/") else None
    if match is None:
        routes = ", ".join(f"{method} {route.path}" for route in installation.manifest.routes for method in methods(route))
        raise UsageError(f"{wanted.plugin} has no route {wanted.path!r}; its routes: {routes or 'it has none'}")
    return match


def _receipt(installation: Installation, match: Match, wanted: Wanted, below: list[str], query: list[tuple[str, str]]) -> Receipt:
    return Receipt(
        installation=installation,
        route=match.route,
        method=match.method,
        url=f"http://localhost/v1/orgs/{wanted.organization}/plugins/{wanted.plugin}{wanted.path}",
        path="/" + "/".join(below),
        parameters=match.parameters,
        query=query,
        headers=wanted.headers,
        body=wanted.body,
        verified=True,
    )

"""Secrets of every purpose are planted, the host is used well and badly, and all that it left or said is searched for them.

What a guest answers to its sender itself, with any status, is its own business, if it was allowed to read the secret: there it may be.
"""

import hmac
import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from host.capabilities.invocation import Invocation
from host.runtime.install import Order
from host.runtime.reads import stored_platform
from host.sandbox.tape import Recording
from tests.attacks.planted import forms, leaks
from tests.building import from_source
from tests.cli.command import PATIENCE, Served, invoke, served, started, wat
from tests.guests_wat import Code
from tests.web.site import SECRETS_DECLARED, a_site

SECRETS = {
    "verifying": 'Planted+Verify/7d1f"é\\0a8c5e=?',
    "challenge": "Planted Challenge & 2b9e4c7a1d",
    "signing": "Planted-Sign-One-90af3c6e5b\nPlanted-Sign-Two-1c8d7e2f4a",
    "injected": "Planted-Inject-<5e1b>-c3a97f0d",
    "reading": "Planted~Read~'4f6a'~é~8b2c0d9e",
}
OTHER_KEY = "Planted-Key-of-the-host-3d5f7a9c"
AUTH = {"type": "verify", "secret": "verifying", "header": "x-signature"}
CHALLENGE = {"secret": "challenge", "token_parameter": "token", "challenge_parameter": "echo"}
PURPOSES = {"verifying": "verify", "challenge": "verify", "signing": "sign"}
TRAPPING = {
    "routes": [{"name": "hook", "path": "/hook", "auth": AUTH, "challenge": CHALLENGE, "dedupe": {"json": "/id"}}],
    "secrets": [
        *({"name": name, "purpose": purpose} for name, purpose in PURPOSES.items()),
        {"name": "injected", "purpose": "inject", "inject": {"header": "authorization", "hosts": ["api.example"]}},
    ],
}
LEAKY = """
import base64
import json
import sys

from plugin_sdk_py import Failed, Plugin, Rejected, Request, Response, hmac, token

plugin = Plugin("leaky", version="1.0.0", description="Tells what it may read wherever it can")
plugin.secret("reading", purpose="read", description="to tell it")
plugin.secret("signing", purpose="sign", description="to use it")
plugin.secret("verifying", purpose="verify", description="for the host")
plugin.needs("store", reason="to try keys")


@plugin.post("/tell", auth=token())
def tell(request: Request) -> Response:
    value = plugin.secrets.read("reading")
    return WAYS[request.text](value) or Response.text("done")


@plugin.post("/signed", auth=hmac(secret="verifying", header="x-signature"))
def signed(request: Request) -> Response:
    return WAYS[request.text](plugin.secrets.read("reading")) or Response.text("done")


def log(value):
    plugin.log.info(f"it is {value}", whole=value, listed=[value], **{value: 1})
    for encoded in encodings(value):
        plugin.log.warn(encoded, encoded=encoded)
    plugin.log.error(plugin.secrets.hmac("signing", "x"))


def say(value):
    print(value)
    print("json", json.dumps([value]), json.dumps(value, ensure_ascii=False), repr(value))
    print(*encodings(value), file=sys.stderr)
    for part in (value[:10], value[10:]):
        print(part, end="")
    print()


def encodings(value):
    raw = value.encode()
    shifted = [base64.b64encode(b"x" * offset + raw + b"y").decode() for offset in range(3)]
    return [*shifted, base64.urlsafe_b64encode(raw).decode(), raw.hex(), raw.hex().upper()]


def reject(value):
    raise Rejected(f"not with {value}")


def fail(value):
    raise Failed(" ".join([value, *encodings(value)]))


def throw(value):
    raise ValueError(value, encodings(value))


def chain(value):
    try:
        {}[value]
    except KeyError as error:
        raise RuntimeError(value) from error


def bad_header(value):
    return Response.text("", headers={"x-secret": value + "\\n"})


def bad_key(value):
    plugin.store.set(value * 200, 1)


def bad_secret(value):
    plugin.secrets.read(value)


def leave(value):
    print(value, end="")
    sys.exit(value)


def answer(value):
    return Response.text(value)


def answer_error(value):
    return Response.text(value, status=500)


WAYS = {each.__name__: each for each in (
    log, say, reject, fail, throw, chain, bad_header, bad_key, bad_secret, leave, answer, answer_error
)}
"""
WAYS = ("log", "say", "reject", "fail", "throw", "chain", "bad_header", "bad_key", "bad_secret", "leave")
OWN = ("answer", "answer_error")
"""Ways that are the guest's own business."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both plugins as files, and each secret as one."""
    folder = tmp_path_factory.mktemp("planted")
    wat(folder, Code("unreachable"), name="trapping", **TRAPPING)
    (folder / "leaky.wasm").write_bytes(from_source(folder / "leaky", LEAKY))
    for name, value in SECRETS.items():
        (folder / name).write_text(value + "\n")
    return folder


class Said:
    """All that was said, by where."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.folder, self.data = folder, data
        self.places: dict[str, bytes | str] = {}

    def command(self, *arguments: object, code: int | None = 0) -> None:
        """Runs a command for a person, and for a program that wants to know all."""
        for before, behind in (((), ()), (("--debug",), ("--json",))):
            done = invoke(*before, *arguments, *behind)
            name = f"innkeeper {' '.join(map(str, [*before, *arguments, *behind]))}"
            self.places[f"standard output of {name}"], self.places[f"standard error of {name}"] = done.stdout, done.stderr
            assert code is None or done.exit_code == code, (name, done.output)

    def install(self, file: str, *names: str) -> None:
        """From files, and one on the command line."""
        first, *others = names
        given = [f"--secret={name}=@{self.folder / name}" for name in others] + ["--secret", f"{first}={SECRETS[first]}"]
        self.command("install", self.folder / file, "--org", "acme", "--create-org", "--grant-all", *given, "--data", self.data)

    def answered(self, name: str, response: httpx2.Response) -> httpx2.Response:
        self.places[f"the answer to {name}"] = f"{response.status_code} {response.headers!r} {response.text}"
        return response

    def files(self) -> None:
        for path in self.data.rglob("*"):
            if path.is_file():
                self.places[str(path)] = path.read_bytes()


def signature(body: bytes) -> str:
    return hmac.digest(SECRETS["verifying"].encode(), body, "sha256").hex()


def use(said: Said, server: Served, route: str) -> None:
    """Good webhooks and bad ones, and the operator API about them. `route` is the one that the leaky plugin is asked by."""
    url = f"{server.url}/v1/orgs/acme/plugins"
    bearer = {"authorization": f"Bearer {server.token()}"}
    with httpx2.Client(trust_env=False, timeout=PATIENCE) as client:

        def send(name: str, method: str, path: str, **request: Any) -> httpx2.Response:
            return said.answered(name, client.request(method, path if path.startswith("http") else url + path, **request))

        for way in WAYS:
            headers = {**bearer, "x-signature": signature(way.encode())}
            answer = send(f"{route} {way}", "POST", f"/leaky/{route}", content=way, headers=headers)
            assert (answer.text == "done") == (way in ("log", "say"))
        for way in OWN:
            own = client.post(f"{url}/leaky/tell", content=way, headers=bearer)
            assert own.text == SECRETS["reading"]
        for body in (b'{"id": 1}', b'{"id": 1}', b"{", b""):
            send(f"a trap at {body!r}", "POST", "/trapping/hook", content=body, headers={"x-signature": signature(body)})
        for given in ("", "0" * 64, SECRETS["verifying"].encode(), [SECRETS["verifying"].encode()] * 2):
            values = given if isinstance(given, list) else [given]
            send(f"the signature {given!r}", "POST", "/trapping/hook", content=b"{}", headers=[("x-signature", value) for value in values])
        good = {"token": SECRETS["challenge"], "echo": "42"}
        assert send("a challenge", "GET", "/trapping/hook", params=good).text == "42"
        send("a wrong challenge", "GET", "/trapping/hook", params={"token": "wrong", "echo": "42"})
        send("a challenge without an echo", "GET", "/trapping/hook", params={"token": SECRETS["challenge"]})
        send("a challenge with a token twice", "GET", "/trapping/hook", params=[("token", SECRETS["challenge"])] * 2)
        send("a challenge elsewhere", "GET", "/leaky/signed", params=good)
        send("an unknown route", "POST", "/trapping/unknown", params=good)
        send("an unknown plugin", "POST", "/unknown/hook")
        send("no token", "POST", "/leaky/tell", content="log")
        send("a token that is none", "POST", "/leaky/tell", content="log", headers={"authorization": f"Bearer {SECRETS['injected']}"})
        for listing in ("deliveries", "conversations"):
            found = send(listing, "GET", f"{server.url}/v1/orgs/acme/{listing}?limit=200", headers=bearer).json()
            for item in found["items"]:
                send(f"a delivery of {item['name']}", "GET", f"{server.url}/v1/orgs/acme/deliveries/{item['id']}", headers=bearer)
                said.places[f"delivery {item['id']}"] = said.places.pop(f"the answer to a delivery of {item['name']}")


def commands(said: Said) -> None:
    """Every command that has to do with an installed plugin, as it should be used."""
    of = ("--data", said.data)
    for file in ("leaky.wasm", "trapping.wat"):
        said.command("inspect", said.folder / file)
    for way in ("log", "say", "reject", "throw"):
        said.command("call", "leaky", "/tell", "-X", "POST", "--body", way, "--org", "acme", *of, code=None)
    said.command("call", "trapping", "/hook", "-X", "POST", "--body", "{}", "--org", "acme", *of, code=None)
    said.command("call", "trapping", f"/hook?token={SECRETS['signing'][:27]}&echo=1", "--org", "acme", *of, code=2)
    for name in SECRETS:
        plugin = "leaky" if name == "reading" else "trapping"
        said.command("secrets", "set", plugin, name, "--org", "acme", "--from", said.folder / name, *of)
    for name in ("verifying", "challenge"):
        said.command("secrets", "set", "trapping", name, "--from", said.folder / name, *of)
    said.command("secrets", "list", "trapping", *of)
    said.command("secrets", "list", "leaky", "--org", "acme", *of)
    said.command("secrets", "rotate-key", *of)
    said.command("deliveries", "list", "--org", "acme", "--since", "1d", "--limit", 200, *of)
    for id in sorted(place.removeprefix("delivery ") for place in said.places if place.startswith("delivery "))[::4]:
        said.command("deliveries", "show", id, *of)
    said.command("logs", "--since", "1d", *of)
    said.command("usage", *of)
    said.command("orgs", "show", "acme", *of)
    said.command("orgs", "list", *of)
    said.command("orgs", "settings", "acme", *of)
    said.command("orgs", "route", "acme", "trapping", "42", *of)
    said.command("orgs", "unroute", "trapping", "42", *of, code=None)
    said.command("agents", "add", "Ada", "--org", "acme", *of, code=None)
    said.command("agents", "list", "--org", "acme", *of)
    said.command("plugins", *of)
    said.command("limits", "leaky", "--org", "acme", *of)
    said.command("limits", "leaky", "--fuel", "3G", *of)
    said.command("settings", "leaky", "--org", "acme", *of)
    said.command("token", "list", *of)
    said.command("doctor", *of, code=None)
    said.command("revoke", "leaky", "store", "--org", "acme", *of, code=None)
    said.command("grant", "leaky", "--all", "--org", "acme", *of)
    said.command("grant", "leaky", "--org", "acme", *of)
    for plugin in ("leaky", "trapping"):
        said.command("disable", plugin, *of)
        said.command("enable", plugin, *of)
        said.command("disable", plugin, "--org", "acme", *of)
        said.command("enable", plugin, "--org", "acme", *of)
    said.command("serve", "--print-config", *of)


def ending_commands(said: Said) -> None:
    """What takes secrets away, and all that is left to be shown then."""
    of = ("--data", said.data)
    said.command("secrets", "remove", "trapping", "verifying", *of, code=None)
    said.command("secrets", "remove", "trapping", "signing", "--org", "acme", *of, code=None)
    said.command("uninstall", "leaky", "--org", "acme", *of, code=None)
    said.command("uninstall", "trapping", "--org", "acme", "--delete-data", *of, code=None)
    said.command("plugins", *of)
    said.command("logs", "--since", "1d", *of)
    said.command("orgs", "remove", "acme", "--confirm", "acme", *of, code=None)
    said.command("orgs", "list", *of)


def wrong_commands(said: Said) -> None:
    """What people type by mistake, with a secret in it."""
    secret = f"reading={SECRETS['reading']}"
    leaky, of = said.folder / "leaky.wasm", ("--org", "acme", "--data", said.data)
    for arguments in (
        ("install", leaky, *of, "--secret", SECRETS["reading"]),
        ("install", leaky, *of, "--secret", f"=x{SECRETS['reading']}"),
        ("install", leaky, *of, "--secret", f"unknown={SECRETS['reading']}"),
        ("install", leaky, *of, "--secret", secret, "--secret", secret),
        ("install", leaky, *of, "--secret", secret, "--nope"),
        ("install", leaky, *of, "--secrets", secret),
        ("install", leaky, *of, f"--secrets={secret}"),
        ("install", leaky, *of, secret),
        ("install", leaky, *of, "--secret", "reading", SECRETS["reading"]),
        ("install", secret, leaky, *of),
        ("install", secret, *of),
        ("install", said.folder / "none.wasm", *of, "--secret", secret),
        ("install", leaky, "--org", "nowhere", "--data", said.data, "--secret", secret),
        ("install", leaky, *of, "--set", secret),
        ("install", leaky, *of, "--grant", secret),
        ("install", leaky, *of, "--secret", f"reading=@{SECRETS['injected']}"),
        ("secrets", "set", "leaky", "reading", SECRETS["reading"], *of),
        ("secrets", "set", "leaky", SECRETS["reading"], *of),
        ("secrets", "set", "leaky", secret, *of),
        ("secrets", "set", "leaky", "reading", *of, "--from", SECRETS["injected"]),
        ("secrets", "set", "leaky", "reading", *of, "--value", SECRETS["reading"]),
        ("secrets", "list", "leaky", SECRETS["reading"], *of),
        ("secrets", secret, *of),
        ("call", "leaky", "/tell", *of, "--header", SECRETS["reading"]),
        ("call", "leaky", "/tell", *of, "--secret", secret),
        ("call", "leaky", "/tell", *of, secret),
        ("token", "create", "--secret", secret, "--data", said.data),
        ("doctor", secret, "--data", said.data),
        ("enable", "leaky", secret, *of),
        ("uninstall", "leaky", *of, "--secret", secret),
        ("settings", "leaky", *of, "--set", secret),
        ("grant", "leaky", secret, *of),
        ("revoke", "leaky", secret, *of),
        ("secret", secret),
        (secret,),
    ):
        said.command(*arguments, code=2)


def end(said: Said, server: Served, name: str) -> None:
    code, output, errors = server.end()
    assert code == 0
    said.places[f"standard output of {name}"], said.places[f"standard error of {name}"] = output, errors


@pytest.mark.promise("secrets.planted")
def test_no_planted_secret_is_in_any_log_error_answer_delivery_output_or_file(folder: Path, tmp_path: Path) -> None:
    said = Said(folder, tmp_path / "data")
    said.install("leaky.wasm", "reading", "signing", "verifying")
    said.install("trapping.wat", "injected", "verifying", "challenge", "signing")
    for name, option, route in (("a server that logs JSON", "--log-json", "tell"), ("a server for people", "--no-log-json", "signed")):
        with served(said.data, "--access-log", option) as server:
            use(said, server, route)
            said.files()
            end(said, server, name)
    commands(said)
    wrong_commands(said)
    said.files()
    ending_commands(said)

    assert leaks(SECRETS, said.places) == []
    assert "[secret reading]" in str(said.places)
    assert "deliver" in str(said.places["standard error of a server that logs JSON"])
    assert len([place for place in said.places if place.startswith("delivery ")]) > 4 * len(WAYS)


@pytest.mark.promise("secrets.planted")
def test_a_key_of_the_host_that_is_none_is_not_repeated(folder: Path, tmp_path: Path) -> None:
    said = Said(folder, tmp_path / "data")
    said.install("trapping.wat", "injected", "verifying", "challenge", "signing")
    for arguments in (("serve", "--port", 0), ("doctor",), ("install", folder / "trapping.wat", "--org", "acme")):
        with started("--debug", *arguments, "--data", said.data, "--json", INNKEEPER_KEY=OTHER_KEY) as process:
            output, errors = process.communicate(timeout=PATIENCE)
        said.places[f"{arguments}: output"], said.places[f"{arguments}: errors"] = output, errors
        assert process.returncode in (1, 2), (output, errors)

    assert leaks(SECRETS | {"key": OTHER_KEY}, said.places) == []


@pytest.mark.promise("secrets.planted")
async def test_no_object_of_a_running_host_shows_a_secret(tmp_path: Path) -> None:
    given = {"app_secret": SECRETS["verifying"], "verify_token": SECRETS["challenge"]}
    order = Order(organization="acme", secrets=given)
    async with a_site(tmp_path, secrets=given) as site:
        await site.ask("GET", "/v1/orgs/acme/plugins/probe/webhook?hub.verify_token=x")
        runtime = site.runtime
        installation = runtime.installation("acme", "probe")
        assert installation is not None
        recording = Recording(b"seed", 1)
        invocation = Invocation(installation, "d1", recording, stored_platform(runtime.reads))
        objects = [order, runtime, installation, installation.secrets, invocation, runtime.configuration, *vars(runtime).values()]
        objects += [*vars(invocation).values(), *vars(runtime.configuration).values()]
        shown = {f"{type(each).__name__} {number}": f"{each!r} {each!s}" for number, each in enumerate(objects)}

    assert leaks(given, shown) == []
    assert "app_secret" in repr(installation)
    assert SECRETS_DECLARED[0]["name"] in repr(order)


def ways_to_write(value: str) -> Iterator[str]:
    raw = value.encode()
    yield from (value, json.dumps(value), json.dumps({"a": [value]}, ensure_ascii=False), repr(value), raw.hex(), raw.hex().upper())
    yield from (b64encode(b"x" * offset + raw + b"yz").decode() for offset in range(4))


@pytest.mark.parametrize("name", SECRETS)
def test_the_search_finds_a_secret_however_it_is_written(name: str) -> None:
    for line in SECRETS[name].splitlines():
        assert all(leaks(SECRETS, {"here": f"before{text}after"}) for text in ways_to_write(line))
    assert all(len(form) >= 12 for form in forms(SECRETS[name]))
    assert leaks(SECRETS, {"here": SECRETS[name][:8]}) == []

"""Media types that a route takes."""

import hmac
from pathlib import Path
from typing import Any

import pytest

from tests.guests_wat import Report, manifest, plugin
from tests.web.site import SECRETS_DECLARED, VERIFY, Reply, Site, a_site

BASE = "/v1/orgs/acme/plugins/probe"
PUBLIC: dict[str, Any] = {"auth": {"type": "public"}, "methods": ["GET", "POST"]}
ROUTES = [
    {"name": "json", "path": "/json", **PUBLIC, "content_types": ["application/json"]},
    {"name": "picture", "path": "/picture", **PUBLIC, "content_types": ["image/*", "application/pdf"]},
    {"name": "signed", "path": "/signed", "auth": VERIFY, "content_types": ["application/json"]},
    {"name": "token", "path": "/token", "auth": {"type": "token"}, "content_types": ["application/json"]},
    {"name": "any", "path": "/any", **PUBLIC},
]
COMPONENT = plugin(manifest(*ROUTES, secrets=SECRETS_DECLARED), Report())


async def post(site: Site, path: str, *types: str, body: bytes = b"{}", method: str = "POST") -> Reply:
    return await site.ask(method, BASE + path, headers=[("content-type", each) for each in types], body=body)


@pytest.mark.parametrize(
    ("path", "types"),
    [
        ("/json", ["application/json"]),
        ("/json", ["Application/JSON"]),
        ("/json", ["application/json; charset=utf-8"]),
        ("/json", ["application/json ;charset=utf-8; boundary=x"]),
        ("/json", [" application/json\t"]),
        ("/picture", ["image/png"]),
        ("/picture", ["image/svg+xml"]),
        ("/picture", ["application/pdf"]),
        ("/any", []),
        ("/any", ["whatever"]),
        ("/any", ["a/b", "c/d"]),
    ],
)
async def test_a_declared_type_reaches_the_guest_whatever_its_parameters(tmp_path: Path, path: str, types: list[str]) -> None:
    async with a_site(tmp_path, COMPONENT) as site:
        reply = await post(site, path, *types)

        assert reply.told.header("content-type") == types


@pytest.mark.parametrize(
    ("path", "types"),
    [
        ("/json", []),
        ("/json", [""]),
        ("/json", ["text/plain"]),
        ("/json", ["application/json", "application/json"]),
        ("/json", ["text/plain", "application/json"]),
        ("/json", ["application/json, text/plain"]),
        ("/json", ["application/jsonp"]),
        ("/json", ["application/*"]),
        ("/json", ["*/*"]),
        ("/json", ["text/plain; application/json"]),
        ("/json", ["application / json"]),
        ("/json", ["application/json\xa0"]),
        ("/json", ["x" * 60_000]),
        ("/picture", ["image"]),
        ("/picture", ["image/"]),
        ("/picture", ["image/*"]),
        ("/picture", ["image/png/x"]),
        ("/picture", ["image/png, text/html"]),
        ("/picture", ["images/png"]),
        ("/picture", ["application/pdfx"]),
    ],
)
async def test_another_type_is_415_and_recorded(tmp_path: Path, path: str, types: list[str]) -> None:
    async with a_site(tmp_path, COMPONENT) as site:
        reply = await post(site, path, *types)
        record = site.records()[0]

        takes = {"/json": "application/json", "/picture": "image/*, application/pdf"}[path]
        assert (reply.status, reply.code, reply.header("accept")) == (415, "content-type.unsupported", [takes])
        assert takes in reply.json["error"]["message"]
        assert (record.outcome, record.status, record.runs) == ("refused", 415, 0)


async def test_the_body_of_another_type_is_not_read(tmp_path: Path) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("the body was read")

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"testserver"), (b"content-type", b"text/plain"), (b"transfer-encoding", b"chunked")]
    scope = {"type": "http", "scheme": "http", "method": "POST", "path": f"{BASE}/json", "query_string": b"", "headers": headers}
    async with a_site(tmp_path, COMPONENT) as site:
        await site.app(scope, receive, send)

    assert sent[0]["status"] == 415


async def test_a_method_without_a_body_need_not_say_what_is_in_it(tmp_path: Path) -> None:
    async with a_site(tmp_path, COMPONENT) as site:
        assert (await post(site, "/json", method="GET", body=b"")).told.method == "GET"
        assert (await post(site, "/json", method="HEAD", body=b"")).status == 200
        assert (await post(site, "/json", "text/plain", method="GET", body=b"")).status == 415


async def test_who_may_call_comes_before_what_was_sent_and_a_signature_after_it(tmp_path: Path) -> None:
    async with a_site(tmp_path, COMPONENT) as site:
        stranger = await post(site, "/token", "text/plain")
        signature = "sha256=" + hmac.digest(b"s3cret", b"{}", "sha256").hex()
        wrong_type = await site.ask("POST", f"{BASE}/signed", headers=[("content-type", "a/b"), ("x-signature", signature)], body=b"{}")
        unsigned = await post(site, "/signed", "application/json")
        signed = await site.ask(
            "POST", f"{BASE}/signed", headers=[("content-type", "application/json"), ("x-signature", signature)], body=b"{}"
        )

        assert [reply.status for reply in (stranger, wrong_type, unsigned, signed)] == [401, 415, 401, 200]


@pytest.mark.promise("front.one-404")
async def test_without_consent_there_is_nothing_whatever_was_sent(tmp_path: Path) -> None:
    async with a_site(tmp_path, COMPONENT, grant_all=False) as site:
        reply = await post(site, "/json", "text/plain")
        unknown = await post(site, "/unknown", "text/plain")

    assert reply.status == 404
    assert reply == unknown

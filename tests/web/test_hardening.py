"""What of a plugin's answer goes out."""

from pathlib import Path

import pytest

from tests.guests_wat import Respond
from tests.web.site import Reply, a_site, probe

OPEN = "/v1/orgs/acme/plugins/probe/open"
HARMFUL = [
    "Set-Cookie", "set-cookie2", "Clear-Site-Data", "Strict-Transport-Security", "Public-Key-Pins", "Access-Control-Allow-Origin",
    "Access-Control-Allow-Credentials", "Content-Security-Policy", "Content-Security-Policy-Report-Only", "Report-To",
    "Reporting-Endpoints", "NEL", "Alt-Svc", "Service-Worker-Allowed", "Accept-CH", "Critical-CH", "Origin-Agent-Cluster",
    "Origin-Trial", "Permissions-Policy", "Cross-Origin-Opener-Policy", "Refresh", "WWW-Authenticate", "Proxy-Authenticate",
    "Authentication-Info", "Set-Login", "SourceMap", "Speculation-Rules", "Timing-Allow-Origin", "Use-As-Dictionary",
    "X-Accel-Redirect", "X-Sendfile", "X-Frame-Options", "X-Content-Type-Options", "X-XSS-Protection", "X-DNS-Prefetch-Control",
    "X-Permitted-Cross-Domain-Policies", "Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length", "Trailer", "Upgrade",
    "TE", "Server", "Date", "Via", "X-Envoy-Immediate-Health-Check-Fail",
]  # fmt: skip
HARMLESS = [
    ("content-type", "text/html"),
    ("cache-control", "no-store"),
    ("location", "https://example.com/"),
    ("retry-after", "5"),
    ("etag", '"1"'),
    ("vary", "accept"),
    ("content-disposition", "attachment"),
    ("x-hook-secret", "abc"),
    ("webhook-allowed-origin", "*"),
    ("x-one", "1"),
    ("x-one", "2"),
]


async def answered(folder: Path, handler: Respond, method: str = "GET") -> Reply:
    async with a_site(folder, probe(handler)) as site:
        return await site.ask(method, OPEN)


@pytest.mark.promise("front.hardened")
async def test_headers_that_speak_for_the_whole_origin_or_the_connection_do_not_go_out(tmp_path: Path) -> None:
    reply = await answered(tmp_path, Respond(headers=[(name, b"guest's") for name in HARMFUL], body=b"hello"))

    assert (reply.status, reply.body) == (200, b"hello")
    assert [name for name, value in reply.headers if value == "guest's"] == []
    assert {name for name, _ in reply.headers} == {"content-security-policy", "x-content-type-options", "vary", "content-length"}
    assert [reply.header(name) for name in ("content-length", "vary")] == [["5"], ["x-organization-id"]]


async def test_headers_that_speak_for_the_answer_go_out_as_they_are(tmp_path: Path) -> None:
    reply = await answered(tmp_path, Respond(headers=[(name, value.encode()) for name, value in HARMLESS]))

    assert reply.headers[: len(HARMLESS)] == HARMLESS


@pytest.mark.promise("front.hardened")
@pytest.mark.parametrize(
    "value",
    [
        "</x.js>; rel=preload; as=script",
        '</x.css>; rel="stylesheet"',
        '</x.css>; rel="next stylesheet"',
        "</x.css>; REL = Preload",
        "</2>; rel=next, </x.js>; rel=preload",
        "</2>; rel=next; rel=preload",
        '</2>; rel=next; title="; rel=", </x.js>; rel="preload"',
        r'</x.js>; rel="pre\load"',
        "<https://evil.example>; rel=preconnect",
        "<https://evil.example>; rel=dns-prefetch",
        "</x.js>; rel=modulepreload",
        "</2>",
        "",
    ],
)
async def test_a_link_that_browsers_follow_by_themselves_does_not_go_out(tmp_path: Path, value: str) -> None:
    reply = await answered(tmp_path, Respond(headers=[("Link", value.encode()), ("link", b'</2>; rel="next", </9>; rel=last')]))

    assert reply.header("link") == ['</2>; rel="next", </9>; rel=last']


@pytest.mark.promise("front.hardened")
async def test_a_page_of_a_plugin_is_sandboxed_and_never_sniffed(tmp_path: Path) -> None:
    reply = await answered(tmp_path, Respond(headers=[("content-type", b"text/html")], body=b"<script>alert(1)</script>"))

    [policy] = reply.header("content-security-policy")
    assert policy.split("; ")[:2] == ["sandbox", "default-src 'none'"]
    assert "allow-" not in policy
    assert reply.header("x-content-type-options") == ["nosniff"]


@pytest.mark.parametrize("target", [OPEN, f"{OPEN}/no", "/v1/plugins/probe/open", "/nowhere"])
async def test_errors_are_protected_alike(tmp_path: Path, target: str) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("PUT", target)

    assert reply.status >= 400
    assert len(reply.header("content-security-policy")) == len(reply.header("x-content-type-options")) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-split", b"a\rSet-Cookie: b=1"),
        ("location", b"/a\r\nSet-Cookie: b=1"),
        ("location", b"/a\x0bb"),
        ("location", b"/a\x7fb"),
        ("content-length", b"5\r\n\r\n"),
        ("x-split", b"a\r\nSet-Cookie: b=1"),
        ("x-split", b"a\nb"),
        ("x-nul", b"a\x00b"),
        ("x-unicode", "日".encode()),
        ("x split", b"a"),
        ("x-split:", b"a"),
        ("", b"a"),
        ("x-\u00e9", b"a"),
        ("x\r\nset-cookie", b"a"),
    ],
)
async def test_a_header_that_can_not_be_sent_fails_the_call(tmp_path: Path, name: str, value: bytes) -> None:
    async with a_site(tmp_path, probe(Respond(headers=[(name, value)]))) as site:
        reply = await site.ask("GET", OPEN)
        record = site.records()[0]

    assert (reply.status, reply.code) == (502, "failed")
    assert not any("set-cookie" in part.lower() for header in reply.headers for part in header)
    assert (record.outcome, record.error_code) == ("failed", "failed")


async def test_a_latin_1_value_goes_out_byte_for_byte(tmp_path: Path) -> None:
    reply = await answered(tmp_path, Respond(headers=[("x-name", "Zoë".encode())]))

    assert reply.header("x-name") == ["Zoë"]


@pytest.mark.parametrize(("status", "length"), [(200, ["0"]), (201, ["0"]), (204, []), (304, []), (302, ["0"]), (404, ["0"]), (599, ["0"])])
async def test_the_plugin_s_status_goes_out_with_a_length_where_there_can_be_one(tmp_path: Path, status: int, length: list[str]) -> None:
    reply = await answered(tmp_path, Respond(status))

    assert (reply.status, reply.header("content-length")) == (status, length)


@pytest.mark.parametrize("status", [0, 100, 101, 199, 600, 65535])
async def test_a_status_that_is_none_is_the_plugin_s_failure(tmp_path: Path, status: int) -> None:
    reply = await answered(tmp_path, Respond(status))

    assert (reply.status, reply.code) == (502, "failed")

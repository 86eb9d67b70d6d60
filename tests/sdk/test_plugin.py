"""What an author declares, and the manifest that comes out of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.model.manifest import Verify
from host.model.schema import validate
from host.model.signature import SCHEMES
from plugin_sdk_py import (
    Plugin,
    Request,
    challenge,
    dedupe_by,
    github,
    hmac,
    hubspot,
    inject,
    public,
    shopify,
    slack,
    standard_webhooks,
    stripe,
    token,
)


def a_plugin() -> Plugin:
    return Plugin("a-plugin", version="1.0.0", description="Does something")


def test_everything_that_can_be_declared_is_a_valid_manifest() -> None:
    plugin = Plugin("chat", version="1.2.3-rc.1+7", description="Chats", author="Somebody", license="MIT", instance="fresh")
    plugin.channel(source="chat", name="Chat", description="A chat", icon="chat")
    plugin.needs("messages.receive", reason="to take messages in")
    plugin.setting("room", str, description="Which room", required=True)
    plugin.setting("retries", int, default=3)
    plugin.setting("ratio", float)
    plugin.setting("quiet", bool, default=False)
    plugin.setting("rules", {"type": "array", "items": {"type": "string"}}, description="In order", default=["a"])
    plugin.secret("key", purpose="verify", description="From the provider's page")
    plugin.secret("signing", purpose="sign", required=False)
    plugin.secret("api", purpose=inject(header="authorization", hosts=["api.example.com"], template="Bearer {secret}"))

    @plugin.post(
        "/webhook",
        auth=hmac(secret="key", header="x-signature", hash="sha512", encoding="base64", prefix="v1="),
        challenge=challenge(secret="key", token_parameter="token", challenge_parameter="challenge", expect={"mode": "subscribe"}),
        mode="queued",
        body="json",
        dedupe=dedupe_by(json="/entry/0/id", expires_s=3600),
    )
    def take_message(request: Request) -> None:
        """Takes a message in.

        And more that is not for the manifest.
        """

    @plugin.route("/items/{item_id}", methods=["PUT", "DELETE"], auth=token(), name="items")
    def change_item(request: Request) -> None: ...

    @plugin.get("/health", auth=public())
    def health(request: Request) -> dict[str, str]:
        return {"status": "ok"}

    description = plugin.describe()
    manifest = validate(description)

    assert [(route.name, route.methods, route.path) for route in manifest.routes] == [
        ("take-message", ["POST"], "/webhook"),
        ("items", ["PUT", "DELETE"], "/items/{item_id}"),
        ("health", ["GET"], "/health"),
    ]
    assert description["routes"][0] == {
        "name": "take-message",
        "path": "/webhook",
        "methods": ["POST"],
        "auth": {"type": "verify", "secret": "key", "header": "x-signature", "hash": "sha512", "encoding": "base64", "prefix": "v1="},
        "mode": "queued",
        "body": "json",
        "challenge": {
            "secret": "key",
            "token_parameter": "token",
            "challenge_parameter": "challenge",
            "expect": {"mode": "subscribe"},
        },
        "dedupe": {"json": "/entry/0/id", "expires_s": 3600},
        "description": "Takes a message in.",
    }
    assert description["settings"] == {
        "type": "object",
        "properties": {
            "room": {"type": "string", "description": "Which room"},
            "retries": {"type": "integer", "default": 3},
            "ratio": {"type": "number"},
            "quiet": {"type": "boolean", "default": False},
            "rules": {"type": "array", "items": {"type": "string"}, "description": "In order", "default": ["a"]},
        },
        "required": ["room"],
        "additionalProperties": False,
    }
    assert description["channel"] == {"source": "chat", "name": "Chat", "description": "A chat", "icon": "chat"}
    assert [(secret.name, secret.purpose, secret.required) for secret in manifest.secrets] == [
        ("key", "verify", True),
        ("signing", "sign", False),
        ("api", "inject", True),
    ]


@given(st.text(max_size=70), st.from_regex(r"[0-9.]{0,8}([-+][0-9a-z.+-]*)?"), st.text(max_size=20))
def test_a_name_that_the_plugin_takes_the_host_takes_too(name: str, version: str, identifier: str) -> None:
    try:
        plugin = Plugin(name, version=version, description="x")
        plugin.secret(identifier, purpose="verify")
    except ValueError:
        return
    validate(plugin.describe())


@pytest.mark.parametrize(
    ("auth", "scheme"),
    [
        (standard_webhooks, "standard-webhooks"),
        (stripe, "stripe"),
        (slack, "slack"),
        (github, "github"),
        (shopify, "shopify"),
        (hubspot, "hubspot-v3"),
    ],
)
def test_a_provider_s_way_of_signing_is_one_word(auth: Any, scheme: str) -> None:
    plugin = a_plugin()
    plugin.secret("key", purpose="verify")
    declare_route(plugin, auth=auth(secret="key"), dedupe=dedupe_by(header="x-id"))

    assert plugin.describe()["routes"][0]["auth"] == {"type": "verify", "scheme": scheme, "secret": "key"}
    assert validate(plugin.describe()).routes[0].auth.signature == SCHEMES[scheme]  # type: ignore[union-attr]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_whatever_a_provider_s_scheme_says_can_be_spelled_out(scheme: str) -> None:
    """So that the schemes are declarations indeed, and any other can be declared as they are."""
    spelled, plugin = SCHEMES[scheme], a_plugin()
    plugin.secret("key", purpose="verify")
    when = spelled.timestamp
    declare_route(
        plugin,
        auth=hmac(
            secret="key",
            header=spelled.header,
            hash=spelled.hash,
            encoding=spelled.encoding,
            prefix=spelled.prefix,
            separator=spelled.separator or None,  # type: ignore[arg-type]
            signed=spelled.signed,
            timestamp=when and when.header,
            timestamp_prefix=when.prefix if when else "",
            timestamp_unit=when.unit if when else "s",
            key=spelled.key,
        ),
    )

    auth = validate(plugin.describe()).routes[0].auth
    assert isinstance(auth, Verify)
    assert all(getattr(auth.signature, field) == getattr(spelled, field) for field in spelled.__struct_fields__)


def test_a_route_says_which_media_types_it_takes() -> None:
    plugin = a_plugin()
    declare_route(plugin, content_types=["application/json", "image/*"])

    assert validate(plugin.describe()).routes[0].content_types == ["application/json", "image/*"]


def declare_route(plugin: Plugin, **changes: Any) -> None:
    plugin.route(**({"path": "/a", "methods": ["GET"], "auth": public(), "name": "a"} | changes))(lambda request: None)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"path": "a"}, r"route 'a': 'a' is no path"),
        ({"path": "/{A}"}, r"route 'a': '/\{A\}' is no path"),
        ({"methods": ["FETCH"]}, r"route 'a': methods are one or more of GET"),
        ({"methods": []}, r"route 'a': methods are one or more of GET"),
        ({"methods": "GET"}, r"route 'a': methods are one or more of GET"),
        ({"auth": public}, r"route 'a': auth is public\(\), token\(\), hmac\(\.\.\.\) or a provider's, such as stripe"),
        ({"content_types": ["json"]}, r"route 'a': content_types are media types in lower case, not \['json'\]"),
        ({"content_types": ["Application/JSON"]}, r"route 'a': content_types are media types"),
        ({"content_types": ["*/*"]}, r"route 'a': content_types are media types"),
        ({"content_types": "application/json"}, r"route 'a': content_types are media types in lower case, not \['a', 'p'"),
        ({"name": "a b"}, r"route 'a b': letters and digits"),
        (
            {"challenge": challenge(secret="key", token_parameter="t", challenge_parameter="c")},
            r"route 'a': GET belongs to the challenge",
        ),
        ({"dedupe": dedupe_by(header="x-id")}, r"route 'a': only a route whose signature the host checks can dedupe"),
    ],
)
def test_a_route_that_can_not_be_is_refused_where_it_is_declared(changes: dict[str, Any], wrong: str) -> None:
    with pytest.raises((TypeError, ValueError), match=wrong):
        declare_route(a_plugin(), **changes)


def test_a_handler_is_no_coroutine_function() -> None:
    async def handler(request: Request) -> None: ...

    with pytest.raises(TypeError, match=r"a handler is a plain function; it may call asyncio\.run"):
        a_plugin().get("/a", auth=public())(handler)  # type: ignore[arg-type]


def test_two_routes_of_one_name_are_refused() -> None:
    plugin = a_plugin()
    declare_route(plugin)

    with pytest.raises(ValueError, match="route 'a' is declared twice"):
        declare_route(plugin, path="/b")


@pytest.mark.parametrize("purpose", [None, "sign"])
def test_a_signature_needs_a_secret_that_is_declared_for_it(purpose: Any) -> None:
    plugin = a_plugin()
    declare_route(plugin, auth=hmac(secret="key", header="x-signature"))
    if purpose:
        plugin.secret("key", purpose=purpose)

    with pytest.raises(ValueError, match=r"route 'a': declare its secret with plugin\.secret\('key', purpose='verify'\)"):
        plugin.describe()


def test_a_decorated_function_stays_what_it_was() -> None:
    plugin = a_plugin()

    @plugin.get("/health", auth=public())
    def health(request: Request) -> dict[str, str]:
        return {"path": request.path}

    assert health(Request(path="/health")) == {"path": "/health"}
    assert plugin.handler("health") is health
    with pytest.raises(LookupError, match=r"a-plugin 1\.0\.0 declares no route 'other'"):
        plugin.handler("other")


@pytest.mark.parametrize(
    ("declare", "wrong"),
    [
        (lambda plugin: plugin.setting("a", list), "setting 'a': the type is str, int, float, bool or a JSON Schema, not list"),
        (lambda plugin: plugin.setting("a", str, required=True, default="b"), "setting 'a': either it is required or it has a default"),
        (lambda plugin: [plugin.setting("a", str) for _ in range(2)], "setting 'a' is declared twice"),
        (lambda plugin: plugin.secret("a b", purpose="sign"), "secret 'a b': letters and digits"),
        (lambda plugin: plugin.secret("a", purpose="inject"), "secret 'a': the purpose is 'verify', 'sign', 'read' or inject"),
        (lambda plugin: [plugin.secret("a", purpose="sign") for _ in range(2)], "secret 'a' is declared twice"),
        (lambda plugin: inject(header="a", hosts="b.example.com"), "inject: hosts is a list of host names"),
        (lambda plugin: inject(header="a", hosts=["b"], template="Bearer"), "inject: the template 'Bearer' has no '{secret}'"),
        (lambda plugin: dedupe_by(), "dedupe_by: give either header or json"),
        (lambda plugin: dedupe_by(header="a", json="/a"), "dedupe_by: give either header or json"),
        (lambda plugin: dedupe_by(header="a b"), "dedupe_by: 'a b' is no name of a header"),
        (lambda plugin: dedupe_by(json="entry"), "dedupe_by: 'entry' is no JSON Pointer of 1 to 16 steps, such as /entry/0/id"),
        (lambda plugin: dedupe_by(json="/a" * 17), f"dedupe_by: {'/a' * 17!r} is no JSON Pointer of 1 to 16 steps, such as /entry/0/id"),
        (lambda plugin: dedupe_by(json="/a", expires_s=59), "dedupe_by: expires_s is 60 to 2592000 seconds, not 59"),
        (lambda plugin: plugin.needs("message.receive", reason="x"), "capability 'message.receive': one of the contract's"),
        (lambda plugin: plugin.needs("store", reason=""), "capability 'store': an operator wants a reason"),
        (lambda plugin: [plugin.needs("store", reason="x") for _ in range(2)], "capability 'store' is declared twice"),
        (lambda plugin: plugin.channel(source="My chat", name="x"), "source 'My chat': lower-case letters"),
        (lambda plugin: [plugin.channel(source="a", name="x") for _ in range(2)], "a plugin has one channel, and 'a' is declared"),
        (lambda plugin: Plugin("A", version="1.0.0", description="x"), "plugin 'A': lower-case letters"),
        (lambda plugin: Plugin("a", version="1", description="x"), "version '1': semantic, such as 1.0.0"),
        (lambda plugin: Plugin("a", version="1.0.0", description=""), "plugin 'a': operators want a description"),
    ],
)
def test_what_the_manifest_can_not_say_is_refused_where_it_is_declared(declare: Any, wrong: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        declare(a_plugin())
    assert str(caught.value).startswith(wrong)


def test_it_shows_what_it_is() -> None:
    plugin = a_plugin()
    declare_route(plugin)

    assert repr(plugin) == "<Plugin a-plugin 1.0.0 [1 routes]>"


def test_the_stages_that_have_something_to_do_are_in_the_manifest() -> None:
    plugin = a_plugin()
    assert "lifecycle" not in plugin.describe()

    @plugin.on_stop
    def stop() -> None: ...

    @plugin.on_validate_auth
    def check(settings: dict[str, Any]) -> None: ...

    assert validate(plugin.describe()).lifecycle == ["stop", "validate-auth"]
    assert (plugin.at_stage("stop"), plugin.at_stage("validate-auth"), plugin.at_stage("start")) == (stop, check, None)
    with pytest.raises(ValueError, match="lifecycle function 'stop' is declared twice"):
        plugin.on_stop(stop)


def test_a_stage_is_declared_without_parentheses() -> None:
    with pytest.raises(TypeError, match="on_settings_changed decorates a function, and is written without parentheses"):
        a_plugin().on_settings_changed(None)  # type: ignore[type-var]


def test_a_stage_with_other_parameters_than_it_is_called_with_is_refused_where_it_is_declared() -> None:
    with pytest.raises(TypeError, match="on_validate_auth: the function takes the settings, a dict"):
        a_plugin().on_validate_auth(lambda: None)  # type: ignore[misc]
    with pytest.raises(TypeError, match="on_start: the function takes nothing"):
        a_plugin().on_start(lambda settings: None)  # type: ignore[misc]

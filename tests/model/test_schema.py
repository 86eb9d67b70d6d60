"""What a manifest may say, and how it is told what it may not."""

import json
from typing import Any

import pytest

from host.model.contract import MANIFEST_SCHEMA, WIT
from host.model.errors import InvalidManifest
from host.model.manifest import Challenge, Dedupe, Public, Verify
from host.model.schema import compiled, validate

LEAST = {"name": "a-plugin", "version": "1.0.0", "description": "Does something"}
VERIFY = {"type": "verify", "secret": "key", "header": "x-signature"}
KEY = {"name": "key", "purpose": "verify"}


def route(**changes: Any) -> dict[str, Any]:
    return {"name": "webhook", "path": "/webhook", "auth": {"type": "public"}} | changes


def verified(**changes: Any) -> dict[str, Any]:
    return route(auth=VERIFY, **changes)


def error_of(**changes: Any) -> str:
    with pytest.raises(InvalidManifest) as caught:
        validate(LEAST | changes)
    return caught.value.message


def test_the_least_manifest_has_the_defaults() -> None:
    manifest = validate(LEAST)

    assert (manifest.name, manifest.instance, manifest.routes) == ("a-plugin", "reused", [])
    assert manifest.settings == {"type": "object", "properties": {}}


def test_everything_that_a_manifest_can_say_is_decoded() -> None:
    challenge = {
        "secret": "key",
        "token_parameter": "hub.verify_token",
        "challenge_parameter": "hub.challenge",
        "expect": {"hub.mode": "x"},
    }
    manifest = validate(
        LEAST
        | {
            "author": "Somebody",
            "license": "Apache-2.0",
            "instance": "fresh",
            "routes": [
                route(
                    auth=VERIFY | {"hash": "sha1", "encoding": "base64", "prefix": "v1="}, challenge=challenge, mode="queued", body="json"
                ),
                route(name="item", path="/items/{item_id}", methods=["GET", "DELETE"], auth={"type": "token"}, description="One item"),
            ],
            "settings": {"type": "object", "properties": {"number": {"type": "string", "pattern": "^[0-9]+$"}}},
            "secrets": [KEY, {"name": "api", "purpose": "inject", "inject": {"header": "authorization", "hosts": ["*.example.com"]}}],
            "capabilities": [{"name": "http:api.example.com", "reason": "to ask"}, {"name": "messages.receive", "reason": "to take"}],
            "channel": {"source": "chat", "name": "Chat", "deliver": True, "resend_unknown": True},
            "lifecycle": ["start", "validate-auth"],
            "tools": [{"name": "add", "description": "Adds", "inputSchema": {"type": "object"}, "outputSchema": {"type": "object"}}],
            "hooks": [{"event": "task.created"}],
            "actions": [{"name": "redo", "label": "Again", "on": ["task", "approval"]}],
            "jobs": [{"name": "sweep", "every": 60}, {"name": "once"}],
            "mcp": [{}],
            "ui": {},
        }
    )

    webhook, item = manifest.routes
    assert webhook.auth == Verify(secret="key", header="x-signature", hash="sha1", encoding="base64", prefix="v1=")
    assert webhook.challenge == Challenge(
        secret="key", token_parameter="hub.verify_token", challenge_parameter="hub.challenge", expect={"hub.mode": "x"}
    )
    assert (item.methods, webhook.methods, webhook.mode) == (["GET", "DELETE"], ["POST"], "queued")
    assert manifest.tools[0].output_schema == {"type": "object"}
    assert [wish.name for wish in manifest.wishes()] == ["http:api.example.com", "messages.receive", "secrets:api"]
    assert set(manifest.exports()) == {"webhooks", "channel", "lifecycle", "tools", "hooks", "actions", "jobs"}


def test_a_public_route_is_a_wish_of_its_own() -> None:
    manifest = validate(LEAST | {"routes": [route()]})

    assert isinstance(manifest.routes[0].auth, Public)
    assert [wish.name for wish in manifest.wishes()] == ["routes.public"]


@pytest.mark.parametrize(
    ("declared", "decoded"),
    [
        ({"header": "X-Id"}, Dedupe(header="X-Id", expires_s=691_200)),
        ({"json": "/entry/0/a~1b", "expires_s": 60}, Dedupe(json="/entry/0/a~1b", expires_s=60)),
    ],
)
def test_a_verified_route_may_name_what_its_requests_are_known_by(declared: dict[str, Any], decoded: Dedupe) -> None:
    manifest = validate(LEAST | {"routes": [verified(dedupe=declared), verified(name="other", path="/other")], "secrets": [KEY]})

    assert [each.dedupe for each in manifest.routes] == [decoded, None]


@pytest.mark.parametrize(
    ("changes", "path", "wrong"),
    [
        ({"name": "A Plugin"}, "$.name", "Lower-case letters"),
        ({"name": "a" * 64}, "$.name", "at most 63"),
        ({"version": "1.0"}, "$.version", "Semantic version"),
        ({"version": "1.0.0-01"}, "$.version", "Semantic version"),
        ({"description": ""}, "$.description", "shorter than 1"),
        ({"descripton": "x"}, "$", "'descripton' was unexpected"),
        ({"instance": "shared"}, "$.instance", '"shared" is not one of'),
        ({"routes": [route(path="webhook")]}, "$.routes[0].path", "'/' first"),
        ({"routes": [route(path="/a//b")]}, "$.routes[0].path", "'/' first"),
        ({"routes": [route(path="/{a}x")]}, "$.routes[0].path", "'/' first"),
        ({"routes": [route(methods=["get"])]}, "$.routes[0].methods[0]", '"get" is not one of'),
        ({"routes": [route(methods=[])]}, "$.routes[0].methods", "less than 1"),
        ({"routes": [route(auth={"type": "secret"})]}, "$.routes[0].auth.type", '"secret" is not one of'),
        ({"routes": [route(auth={"type": "verify"})]}, "$.routes[0].auth", '"secret" is a required property'),
        ({"routes": [route(auth={"type": "token", "secret": "key"})]}, "$.routes[0].auth", "'secret' was unexpected"),
        ({"routes": [route(auth=VERIFY | {"hash": "md5"})], "secrets": [KEY]}, "$.routes[0].auth.hash", '"md5" is not one of'),
        ({"routes": [route(), route(path="/other")]}, "$.routes[1]", "'webhook' comes twice"),
        ({"routes": [route(), route(name="other")]}, "$.routes[1]", "POST /webhook belongs to $.routes[0] already"),
        ({"routes": [route(auth=VERIFY)]}, "$.routes[0].auth.secret", "no secret 'key' is declared"),
        (
            {"routes": [route(auth=VERIFY)], "secrets": [{"name": "key", "purpose": "read"}]},
            "$.routes[0].auth.secret",
            "the purpose of 'key' is 'read', not 'verify'",
        ),
        (
            {"routes": [route(challenge={"secret": "key", "token_parameter": "t", "challenge_parameter": "c"})]},
            "$.routes[0].challenge.secret",
            "no secret 'key' is declared",
        ),
        (
            {
                "routes": [route(methods=["GET"], challenge={"secret": "key", "token_parameter": "t", "challenge_parameter": "c"})],
                "secrets": [KEY],
            },
            "$.routes[0].methods",
            "GET belongs to the challenge",
        ),
        (
            {"routes": [route(dedupe={"header": "x-id"})]},
            "$.routes[0].dedupe",
            "only verified routes dedupe, and the auth of this one is 'public'",
        ),
        ({"routes": [verified(dedupe={})], "secrets": [KEY]}, "$.routes[0].dedupe", "give header or json, not both"),
        (
            {"routes": [verified(dedupe={"header": "a", "json": "/b"})], "secrets": [KEY]},
            "$.routes[0].dedupe",
            "give header or json, not both",
        ),
        ({"routes": [verified(dedupe={"header": "a b"})], "secrets": [KEY]}, "$.routes[0].dedupe.header", "Name of an HTTP header"),
        ({"routes": [verified(dedupe={"json": "id"})], "secrets": [KEY]}, "$.routes[0].dedupe.json", "JSON Pointer"),
        ({"routes": [verified(dedupe={"json": ""})], "secrets": [KEY]}, "$.routes[0].dedupe.json", "JSON Pointer"),
        ({"routes": [verified(dedupe={"json": "/a~2"})], "secrets": [KEY]}, "$.routes[0].dedupe.json", "JSON Pointer"),
        ({"routes": [verified(dedupe={"json": "/a" * 17})], "secrets": [KEY]}, "$.routes[0].dedupe.json", "JSON Pointer"),
        ({"routes": [verified(dedupe={"json": "/a", "expires_s": 59})], "secrets": [KEY]}, "$.routes[0].dedupe.expires_s", "minimum of 60"),
        (
            {"routes": [verified(dedupe={"json": "/a", "expires_s": 2592001})], "secrets": [KEY]},
            "$.routes[0].dedupe.expires_s",
            "maximum of 2592000",
        ),
        ({"secrets": [KEY, KEY]}, "$.secrets[1]", "'key' comes twice"),
        ({"secrets": [{"name": "key", "purpose": "inject"}]}, "$.secrets[0]", "needs the property 'inject'"),
        ({"secrets": [KEY | {"inject": {"header": "a", "hosts": ["b.c"]}}]}, "$.secrets[0].inject", "only for the purpose 'inject'"),
        (
            {"secrets": [{"name": "key", "purpose": "inject", "inject": {"header": "a b", "hosts": ["b.c"]}}]},
            "$.secrets[0].inject.header",
            "Name of an HTTP header",
        ),
        ({"capabilities": [{"name": "everything", "reason": "to have it"}]}, "$.capabilities[0].name", "The capability"),
        ({"capabilities": [{"name": "store", "reason": ""}]}, "$.capabilities[0].reason", "shorter than 1"),
        ({"channel": {"source": "My Chat", "name": "Chat"}}, "$.channel.source", "Lower-case letters"),
        ({"lifecycle": ["begin"]}, "$.lifecycle[0]", "is not one of"),
        ({"lifecycle": ["stop", "stop"]}, "$.lifecycle", "non-unique"),
        ({"settings": {"type": "array"}}, "$.settings.type", '"object" was expected'),
        ({"settings": {"type": "object", "properties": {"a": {"type": "strng"}}}}, "$.settings", "no JSON Schema"),
        ({"tools": [{"name": "t", "description": "d", "inputSchema": {"required": 1}}]}, "$.tools[0].inputSchema", "no JSON Schema"),
        ({"hooks": [{"event": "task.created"}, {"event": "task.created"}]}, "$.hooks[1]", "'task.created' comes twice"),
        ({"jobs": [{"name": "sweep", "every": 0}]}, "$.jobs[0].every", "less than the minimum of 1"),
    ],
)
def test_an_error_names_the_place_and_what_is_wrong_there(changes: dict[str, Any], path: str, wrong: str) -> None:
    place, _, message = error_of(**changes).partition(": ")

    assert place == path
    assert wrong in message


@pytest.mark.parametrize("data", [None, 5, "text", [], [LEAST]])
def test_what_is_no_object_is_no_manifest(data: object) -> None:
    with pytest.raises(InvalidManifest, match=r"^\$: .* is not of type \"object\"$"):
        validate(data)


@pytest.mark.parametrize("key", ["settings", "author"])
def test_what_is_nested_without_end_is_refused(key: str) -> None:
    nested: Any = {}
    for _ in range(5_000):
        nested = {"a": nested}

    assert error_of(**{key: nested}).startswith("$")


def test_what_is_no_unicode_is_refused() -> None:
    assert error_of(name="\ud800").startswith("$: ")


def test_many_errors_are_counted_and_the_first_five_told() -> None:
    message = error_of(hooks=[{"event": ""}] * 7)

    assert message.count("$.hooks[") == 5
    assert message.endswith("and 2 more")


def test_an_error_is_short_however_much_is_wrong() -> None:
    assert len(error_of(author="x" * 100_000)) < 400


@pytest.mark.parametrize("address", ["file:///etc/passwd", "http://127.0.0.1:9/schema", "https://example.com/schema"])
def test_a_schema_that_refers_to_elsewhere_is_refused_and_nothing_is_opened(address: str) -> None:
    assert "Retrieval is disabled" in error_of(settings={"type": "object", "properties": {"a": {"$ref": address}}})


def test_a_pattern_that_could_take_for_ever_takes_linear_time() -> None:
    validator = compiled({"pattern": "^(a+)+$"})

    assert not validator.is_valid("a" * 50_000 + "!")


def test_a_pattern_that_would_need_backtracking_is_refused() -> None:
    with pytest.raises(ValueError, match="no JSON Schema"):
        compiled({"pattern": "(?=a)b"})


def test_every_property_in_the_schema_is_described_and_none_other_is_allowed() -> None:
    def objects(part: Any) -> Any:
        if isinstance(part, dict):
            yield from [part] if isinstance(part.get("properties"), dict) and "if" not in part else []
            for key, inner in part.items():
                yield from objects(inner) if key != "if" else []

    found = list(objects(json.loads(MANIFEST_SCHEMA.read_text())))

    assert len(found) > 10
    undescribed = [name for part in found for name, schema in part["properties"].items() if "description" not in schema]
    assert undescribed == []
    open_objects = [part["description"] for part in found if part.get("additionalProperties") is not False]
    assert open_objects == ["JSON Schema (2020-12) of the organisation's settings, an object."]


def test_the_contract_is_where_it_says() -> None:
    assert (WIT / "worlds.wit").is_file()
    assert MANIFEST_SCHEMA.is_file()


def test_settings_that_refer_to_parts_of_themselves_are_refused() -> None:
    doubling = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n - 1}"}] * 2} for n in range(1, 40)}
    settings = {"type": "object", "properties": {}, "$defs": {"a0": {}} | doubling, "$ref": "#/$defs/a39"}

    with pytest.raises(InvalidManifest, match=r"\$ref"):
        validate({"name": "probe", "version": "1.0.0", "description": "Probes", "settings": settings})

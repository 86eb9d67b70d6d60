"""`innkeeper call`."""

import json
from pathlib import Path

import pytest

from tests.building import EXAMPLES, FIXTURES
from tests.cli.command import invoke, is_one_sentence, stored, wat
from tests.guests_wat import Code, Handler, Report, Respond, Told

ROUTES = [
    {"name": "item", "path": "/items/{id}", "methods": ["POST"], "auth": {"type": "verify", "secret": "key", "header": "x-signature"}},
    {"name": "json", "path": "/json", "body": "json", "auth": {"type": "token"}},
    {"name": "picture", "path": "/picture", "content_types": ["image/*"], "auth": {"type": "token"}},
    {
        "name": "hook", "path": "/hook", "auth": {"type": "token"},
        "challenge": {"secret": "key", "token_parameter": "token", "challenge_parameter": "echo"},
    },
]  # fmt: skip
SECRETS = [{"name": "key", "purpose": "verify"}]


def installed(folder: Path, handler: Handler) -> Path:
    """A data directory with `probe` in acme."""
    data = folder / "data"
    path = wat(folder, handler, routes=ROUTES, secrets=SECRETS)
    assert invoke("install", path, "--org", "acme", "--create-org", "--secret", "key=keys", "--data", data).exit_code == 0
    return data


def test_a_route_runs_and_what_it_used_is_said(tmp_path: Path) -> None:
    data = installed(tmp_path, Respond(201, [("x-kind", b"test")], b"made"))
    result = invoke("call", "probe", "/items/7", "--method", "post", "--org", "acme", "--data", data)

    assert result.exit_code == 0
    assert result.stdout == "201\nx-kind: test\n\nmade\n"
    assert "cold" in result.stderr
    assert "fuel" in result.stderr


def test_the_plugin_gets_the_request_as_it_was_typed_and_takes_it_for_verified(tmp_path: Path) -> None:
    data = installed(tmp_path, Report())
    result = invoke(
        "call", "probe", "/items/a%20b?x=1&x=2&y=", "-X", "POST", "--body", "hé", "-H", "Content-Type: text/plain", "-H", "X-A:b:c",
        "--org", "acme", "--data", data, "--json",
    )  # fmt: skip

    told = Told(json.loads(result.stdout)["body"].encode())
    assert (told.route, told.method, told.path, told.body, told.verified) == ("item", "POST", "/items/a b", "hé", True)
    assert told.parameters == [("id", "a b")]
    assert told.query == [("x", "1"), ("x", "2"), ("y", "")]
    assert told.headers == [("content-type", "text/plain"), ("x-a", "b:c")]


def test_with_json_the_answer_and_the_record_are_one_object(tmp_path: Path) -> None:
    data = installed(tmp_path, Respond(200, body=b"ok"))
    found = json.loads(invoke("call", "probe", "/items/7", "-X", "POST", "--org", "acme", "--data", data, "--json").stdout)

    assert (found["status"], found["body"]) == (200, "ok")
    assert found["delivery"]["outcome"] == "succeeded"
    assert found["delivery"]["cold"] is True
    assert found["delivery"]["fuel"] > 0


def test_a_status_of_400_or_more_is_exit_code_1(tmp_path: Path) -> None:
    data = installed(tmp_path, Respond(404, body=b"no"))
    result = invoke("call", "probe", "/items/7", "-X", "POST", "--org", "acme", "--data", data)

    assert (result.exit_code, result.stdout) == (1, "404\n\nno\n")


def test_a_guest_that_traps_is_exit_code_1(tmp_path: Path) -> None:
    data = installed(tmp_path, Code("unreachable"))
    result = invoke("call", "probe", "/items/7", "-X", "POST", "--org", "acme", "--data", data, "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["delivery"]["error_code"] == "trap"


def test_what_a_plugin_answers_can_not_make_a_terminal_do_anything(tmp_path: Path) -> None:
    data = installed(tmp_path, Respond(200, body=b"\x1b[2Jgone"))
    result = invoke("call", "probe", "/items/7", "-X", "POST", "--org", "acme", "--data", data)

    assert result.stdout.endswith("\\x1b[2Jgone\n")


def test_the_host_answers_a_challenge_itself(tmp_path: Path) -> None:
    data = installed(tmp_path, Code("unreachable"))
    result = invoke("call", "probe", "/hook?token=keys&echo=hello", "--org", "acme", "--data", data)

    assert result.exit_code == 0
    assert result.stdout.endswith("\nhello\n")
    assert "no guest ran" in result.stderr


def test_a_webhook_in_a_file_is_stored_as_if_it_had_come_in(tmp_path: Path) -> None:
    data, fixture = tmp_path / "data", FIXTURES / "whatsapp" / "text.json"
    install = ["--org", "acme", "--create-org", "--grant-all", "--set", "phone_number_id=106540352242922", "--data", data]
    assert invoke("install", EXAMPLES / "whatsapp", *install).exit_code == 0
    result = invoke("call", "whatsapp", "/webhook", "-X", "POST", "--body", f"@{fixture}", "--org", "acme", "--data", data, "--json")

    assert json.loads(json.loads(result.stdout)["body"]) == {"messages": 1, "statuses": 0}
    assert any("Does it come in another color?" in line for line in stored(data))


@pytest.mark.promise("dedupe.verified-only")
def test_a_call_is_nobodys_webhook_so_it_takes_no_key_and_runs_each_time(tmp_path: Path) -> None:
    data = tmp_path / "data"
    deduping = {**ROUTES[0], "path": "/items", "dedupe": {"json": "/id"}}
    path = wat(tmp_path, Report(), routes=[deduping], secrets=SECRETS)
    assert invoke("install", path, "--org", "acme", "--create-org", "--secret", "key=a key", "--data", data).exit_code == 0
    arguments = ("call", "probe", "/items", "-X", "POST", "--body", '{"id": "evt_1"}', "--org", "acme", "--data", data, "--json")
    told = [Told(json.loads(invoke(*arguments).stdout)["body"].encode()) for _ in range(2)]

    assert len({each.delivery_id for each in told}) == 2
    assert not any('INSERT INTO "dedupe_keys"' in line for line in stored(data))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("nothing /items/7 --org acme -X POST", "no plugin 'nothing' is installed"),
        ("probe /items/7 --org nowhere -X POST", "'nowhere'"),
        ("probe /nowhere --org acme", "its routes: POST /items/{id}, POST /json, POST /picture, GET /hook"),
        ("probe items/7 --org acme -X POST", "has no route"),
        ("probe /items/7 --org acme", "POST"),
        ("probe /items/.. --org acme -X POST", "not allowed"),
        ("probe /json --org acme -X POST --body {", "not JSON"),
        ("probe /json --org acme -X POST --body @/nonexistent", "can't read the body"),
        ("probe /picture --org acme -X POST", "takes bodies of image/*"),
        ("probe /picture --org acme -X POST -H content-type:text/plain", "takes bodies of image/*"),
        ("probe /items/7 --org acme -X POST --header nocolon", "--header takes NAME:VALUE"),
        ("probe /hook?token=wrong&echo=x --org acme", "challenge"),
    ],
)
def test_what_can_not_be_called_is_a_sentence_and_changes_nothing(tmp_path: Path, arguments: str, said: str) -> None:
    data = installed(tmp_path, Respond())
    before = stored(data)
    result = invoke("call", *arguments.split(), "--data", data)

    assert result.exit_code == 2
    assert is_one_sentence(result.stderr)
    assert said in result.stderr
    assert stored(data) == before


def test_no_data_directory_is_a_sentence_and_none_is_made(tmp_path: Path) -> None:
    result = invoke("call", "probe", "/ping", "--org", "acme", "--data", tmp_path / "none")

    assert (result.exit_code, is_one_sentence(result.stderr)) == (2, True)
    assert not (tmp_path / "none").exists()

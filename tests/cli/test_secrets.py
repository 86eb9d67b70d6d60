"""`innkeeper secrets`: set, list, remove, and a new key."""

import fcntl
import json
import os
import pty
import subprocess
from base64 import b64encode
from contextlib import closing
from pathlib import Path

import pytest

from host.model.installation import Installation
from stores import installations
from stores.database import Database
from stores.sealing import Sealer
from tests.cli.command import COMMAND, ENVIRONMENT, PATIENCE, PING, invoke, is_one_sentence, run, stored, wat

SIGNED = {"name": "hook", "path": "/hook", "auth": {"type": "verify", "secret": "key", "header": "x-signature"}}
DECLARED = [
    {"name": "key", "purpose": "verify", "description": "From the provider's settings"},
    {"name": "api_key", "purpose": "read", "required": False},
]
SETTINGS = {"type": "object", "properties": {"note": {"type": "string"}}}
VALUE = "correct horse battery"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Where the plugin `probe` is installed in `acme`, without secrets."""
    path = wat(tmp_path, routes=[PING, SIGNED], secrets=DECLARED, settings=SETTINGS)
    assert invoke("install", path, "--org", "acme", "--create-org", "--data", tmp_path / "data").exit_code == 0
    return tmp_path / "data"


def installation(data: Path) -> Installation:
    with closing(Database(data / "innkeeper.db").read_connection()) as connection:
        found = installations.load(connection, Sealer.open_or_create(data, {}), "acme", "probe")
    assert found is not None
    return found


def listed(data: Path, *arguments: object) -> dict[str, dict[str, object]]:
    found = json.loads(invoke("secrets", "list", "probe", "--data", data, "--json", *arguments).stdout)
    return {secret["name"]: secret for secret in found["secrets"]}


@pytest.mark.parametrize(
    ("content", "value"),
    [(b"from a pipe\n", "from a pipe"), (b"a=b=c\r\n", "a=b=c"), (b"two\nlines\n\n", "two\nlines\n"), (b"bare", "bare")],
)
def test_a_value_comes_from_standard_input_or_a_file_without_one_line_end(data: Path, content: bytes, value: str) -> None:
    (data / "value").write_bytes(content)

    assert invoke("secrets", "set", "probe", "key", "--org", "acme", "--data", data, stdin=content).exit_code == 0
    assert dict(installation(data).secrets) == {"key": value}
    assert invoke("secrets", "set", "probe", "api_key", "--org", "acme", "--from", data / "value", "--data", data).exit_code == 0
    assert dict(installation(data).secrets) == {"key": value, "api_key": value}
    assert dict(installation(data).own_secrets) == {}


@pytest.mark.promise("secrets.plugin-own")
def test_without_an_organisation_it_is_the_plugins_own(data: Path) -> None:
    result = invoke("secrets", "set", "probe", "key", "--data", data, stdin=VALUE.encode())

    assert result.stdout == "The secret key of probe itself is set.\n"
    assert dict(installation(data).own_secrets) == {"key": VALUE}
    assert dict(installation(data).secrets) == {}
    assert listed(data)["key"]["state"] == "set"
    assert listed(data, "--org", "acme")["key"]["state"] == "missing"


def test_on_a_terminal_it_is_asked_for_twice_and_not_shown(data: Path) -> None:
    ours, theirs = pty.openpty()
    command = ["setsid", "--ctty", "--wait", *COMMAND, "secrets", "set", "probe", "key", "--org", "acme", "--data", str(data)]
    with subprocess.Popen(command, env=ENVIRONMENT, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        for typed in ("a first", "another", VALUE, VALUE):
            while not shown.endswith((b"Value of key: ", b"Repeat for confirmation: ")):
                shown += os.read(ours, 1000)
            os.write(ours, f"{typed}\n".encode())
            shown += os.read(ours, 2)
        try:
            while more := os.read(ours, 1000):
                shown += more
        except OSError:  # the other end is closed
            pass
        assert process.wait(PATIENCE) == 0
    os.close(ours)

    assert b"do not match" in shown
    assert b"is set" in shown
    assert not any(each in shown for each in (b"a first", b"another", VALUE.encode()))
    assert installation(data).secrets["key"] == VALUE


def test_a_list_tells_all_but_the_value(data: Path) -> None:
    invoke("secrets", "set", "probe", "key", "--org", "acme", "--data", data, stdin=VALUE.encode())

    text = invoke("secrets", "list", "probe", "--org", "acme", "--data", data).stdout
    found = listed(data, "--org", "acme")

    assert found["key"]["key_id"] in text
    assert all(word in text for word in ("key", "verify", "yes", "From the provider's settings", "api_key", "read", "missing"))
    assert list(found) == ["key", "api_key"]
    assert (found["key"]["state"], found["key"]["required"], found["key"]["purpose"]) == ("set", True, "verify")
    assert (found["api_key"]["state"], found["api_key"]["set_at"], found["api_key"]["key_id"]) == ("missing", None, None)
    assert VALUE not in text + json.dumps(found)


def test_one_that_does_not_open_is_listed_as_such(data: Path) -> None:
    invoke("secrets", "set", "probe", "key", "--org", "acme", "--data", data, stdin=VALUE.encode())
    (data / "key").write_text("00" * 32)

    assert "does not open: set it again" in invoke("secrets", "list", "probe", "--org", "acme", "--data", data).stdout
    found = listed(data, "--org", "acme")["key"]
    assert found["state"] == "unreadable"
    assert "was sealed with the key" in str(found["reason"])


def test_one_that_a_new_version_does_not_declare_is_listed_and_can_be_removed_and_not_set(data: Path, tmp_path: Path) -> None:
    invoke("secrets", "set", "probe", "api_key", "--org", "acme", "--data", data, stdin=VALUE.encode())
    path = wat(tmp_path, routes=[PING, SIGNED], secrets=DECLARED[:1], settings=SETTINGS, version="2.0.0")
    assert invoke("install", path, "--org", "acme", "--data", data).exit_code == 0

    assert listed(data, "--org", "acme")["api_key"]["purpose"] is None
    assert invoke("secrets", "set", "probe", "api_key", "--org", "acme", "--data", data, stdin=VALUE.encode()).exit_code == 2
    assert invoke("secrets", "remove", "probe", "api_key", "--org", "acme", "--data", data).exit_code == 0
    assert list(listed(data, "--org", "acme")) == ["key"]


def test_what_is_removed_is_gone_on_one_side_only(data: Path) -> None:
    for whose in ([], ["--org", "acme"]):
        assert invoke("secrets", "set", "probe", "key", *whose, "--data", data, stdin=VALUE.encode()).exit_code == 0

    result = invoke("secrets", "remove", "probe", "key", "--data", data, "--json")

    assert json.loads(result.stdout) == {"plugin": "probe", "organization": None, "name": "key", "removed": True}
    assert (dict(installation(data).secrets), dict(installation(data).own_secrets)) == ({"key": VALUE}, {})


def test_a_value_that_stands_in_a_setting_too_is_pointed_out(data: Path, tmp_path: Path) -> None:
    assert invoke("install", tmp_path / "probe.wat", "--org", "acme", "--set", f"note=use {VALUE}!", "--data", data).exit_code == 0

    result = invoke("secrets", "set", "probe", "key", "--org", "acme", "--data", data, stdin=VALUE.encode())

    assert "Note: the setting note in organisation 'acme' holds the value of key" in result.stdout
    assert VALUE not in result.output


def test_a_secret_under_another_key_than_the_others_is_pointed_out(data: Path) -> None:
    invoke("secrets", "set", "probe", "key", "--org", "acme", "--data", data, stdin=VALUE.encode())
    (data / "key").unlink()

    assert invoke("secrets", "list", "probe", "--org", "acme", "--data", data).exit_code == 2
    result = invoke("secrets", "set", "probe", "api_key", "--org", "acme", "--data", data, stdin=VALUE.encode())

    assert "if the server has it in INNKEEPER_KEY" in result.stdout


@pytest.mark.parametrize(
    ("line", "content", "said"),
    [
        ("set probe key --org acme", b"", "the secret key is empty"),
        ("set probe key --org acme", b"\n", "the secret key is empty"),
        ("set probe key --org acme", b"abc\n", "fewer than 4 characters"),
        ("set probe key --org acme", b"hunter\xff2", "not text (UTF-8)"),
        ("set probe key --org acme", b"hunter2" * 10_000, "more than 65536 bytes"),
        ("set probe key=hunter2 --org acme", b"", "seen by whoever lists this machine's processes"),
        ("set probe key hunter2 --org acme", b"", "seen by whoever lists this machine's processes"),
        ("set probe key more hunter2 --org acme", b"", "seen by whoever lists this machine's processes"),
        ("set probe hunter2 --org acme", b"hunter2", "it declares: key, api_key"),
        ("set probe KEY --org acme", b"hunter2", "it declares: key, api_key"),
        ("set probe ../key --org acme", b"hunter2", "it declares: key, api_key"),
        ("set probe key --org elm", b"hunter2", "there is no organisation 'elm'"),
        ("set probe key --org=", b"hunter2", "there is no organisation ''"),
        ("set other key --org acme", b"hunter2", "organisation 'acme' has no plugin 'other'"),
        ("set other key", b"hunter2", "there is no plugin 'other'"),
        ("set probe api_key", b"hunter2", "can't be the plugin's own"),
        ("set probe key --org acme --from /nonexistent", b"", "can't read the secret key"),
        ("set probe key --org acme --from /", b"", "can't read the secret key"),
        ("set probe key --org acme --value hunter2", b"", "No such option"),
        ("list other", b"", "there is no plugin 'other'"),
        ("list probe --org elm", b"", "organisation 'elm'"),
        ("remove probe key", b"", "no such secret of probe itself is set"),
        ("remove probe key --org acme", b"", "no such secret of probe in organisation 'acme' is set"),
        ("remove probe hunter2 --org acme", b"", "no such secret of probe in organisation 'acme' is set"),
        ("remove other key", b"", "there is no plugin 'other'"),
        ("rotate-key now", b"", "unexpected extra argument"),
    ],
)  # fmt: skip
def test_what_can_not_be_is_a_sentence_and_changes_nothing_and_repeats_no_value(data: Path, line: str, content: bytes, said: str) -> None:
    before = stored(data)
    result = invoke("secrets", *line.split(" "), "--data", data, stdin=content)

    assert result.exit_code == 2
    assert said in result.stderr
    assert "hunter2" not in result.output
    assert stored(data) == before


@pytest.mark.parametrize("line", ["set probe key", "list probe", "remove probe key", "rotate-key"])
def test_where_there_is_no_data_directory_none_is_made(tmp_path: Path, line: str) -> None:
    result = invoke("secrets", *line.split(), "--data", tmp_path / "none", stdin=b"hunter2")

    assert result.exit_code == 2
    assert is_one_sentence(result.stderr)
    assert not (tmp_path / "none").exists()


def test_a_new_key_is_told_in_numbers(data: Path) -> None:
    for whose in ([], ["--org", "acme"]):
        invoke("secrets", "set", "probe", "key", *whose, "--data", data, stdin=VALUE.encode())
    old = Sealer.open_or_create(data, {}).key_id

    text = invoke("secrets", "rotate-key", "--data", data)
    between = Sealer.open_or_create(data, {}).key_id
    found = json.loads(invoke("secrets", "rotate-key", "--data", data, "--json").stdout)

    assert text.stdout.splitlines()[0] == f"2 secrets were sealed anew; all that open are sealed with the key {between}."
    assert f"Dropped: {old}." in text.stdout
    assert text.stderr == "re-sealed 2 of 2 secrets\n"
    assert {**found, "key_id": ""} == {
        "key_id": "", "resealed": 2, "dropped": [between], "shut": [], "continued": False, "variable": False
    }  # fmt: skip
    assert dict(installation(data).secrets) == {"key": VALUE}


def test_two_rotations_at_once_are_one(data: Path) -> None:
    before = (data / "key").read_bytes()
    with (data / "rotate.lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        result = run("secrets", "rotate-key", "--data", data)

    assert result.returncode == 2
    assert is_one_sentence(result.stderr)
    assert (data / "key").read_bytes() == before


def test_with_the_variable_it_says_what_to_do_with_it(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new, old = b64encode(os.urandom(32)).decode(), (data / "key").read_text().strip()
    invoke("secrets", "set", "probe", "key", "--org", "acme", "--data", data, stdin=VALUE.encode())
    monkeypatch.setenv("INNKEEPER_KEY", f"{new},{old}")

    result = invoke("secrets", "rotate-key", "--data", data)

    assert result.stdout.startswith("1 secret was sealed anew")
    assert "leave only the first there, for the server too" in result.stdout
    assert not any(key in result.output for key in (new, old))
    assert (data / "key").read_text().strip() == old


@pytest.mark.promise("secrets.key-not-shown")
@pytest.mark.parametrize("line", ["set probe key --org acme", "list probe", "rotate-key"])
@pytest.mark.parametrize("wrong", ["a wrong key", "c2VjcmV0", "7e" * 31, "7e" * 33, "7e" * 32 + "," + "8e" * 31, "7e" * 32])
def test_a_wrong_key_in_the_variable_is_not_repeated(data: Path, monkeypatch: pytest.MonkeyPatch, line: str, wrong: str) -> None:
    invoke("secrets", "set", "probe", "key", "--org", "acme", "--data", data, stdin=VALUE.encode())
    monkeypatch.setenv("INNKEEPER_KEY", wrong)

    shown = "".join(
        invoke(*flags, "secrets", *line.split(), "--data", data, *more, stdin=VALUE.encode()).output
        for flags in ([], ["--debug"])
        for more in ([], ["--json"])
    )

    assert not any(part in shown for part in (wrong, "7e7e7e", "8e8e8e"))
    assert VALUE not in shown


@pytest.mark.promise("secrets.key-not-shown")
@pytest.mark.parametrize("wrong", ["a wrong key", "7e" * 31, "7e" * 32 + "," + "8e" * 31])
def test_no_other_command_repeats_it_either(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("INNKEEPER_KEY", wrong)
    lines = [
        ["serve", "--port", "0"], ["serve", "--print-config"], ["call", "probe", "/ping", "--org", "acme"], ["token", "create", "x"],
        ["install", tmp_path / "probe.wat", "--org", "acme"],
    ]  # fmt: skip

    results = [invoke("--debug", *line, "--data", data) for line in lines]

    assert [result.exit_code for result in results] == [2, 0, 2, 2, 2]
    assert not any(part in result.output for part in (wrong, "7e7e7e", "8e8e8e") for result in results)


def test_a_value_of_several_lines_keeps_the_line_ends_within_it(data: Path) -> None:
    invoke("secrets", "set", "probe", "key", "--org", "acme", "--from", "-", "--data", data, stdin=b"-----BEGIN-----\nabc\n-----END-----\n")

    assert installation(data).secrets["key"] == "-----BEGIN-----\nabc\n-----END-----"

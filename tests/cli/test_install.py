"""`innkeeper install`."""

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from host.model.installation import Installation
from stores import installations
from stores.database import Database
from stores.sealing import Sealer
from tests.building import EXAMPLES
from tests.cli.command import PING, invoke, is_one_sentence, stored, wat

SIGNED = {"name": "hook", "path": "/hook", "auth": {"type": "verify", "secret": "key", "header": "x-signature"}}
SETTINGS = {"type": "object", "properties": {"greeting": {"type": "string"}, "times": {"type": "integer"}, "note": {"type": "string"}}}
SECRETS = [{"name": "key", "purpose": "verify"}, {"name": "other", "purpose": "verify", "required": False}]
CORE = b"\0asm\x01\0\0\0"


def rich_plugin(folder: Path) -> Path:
    """A plugin that asks for something of everything."""
    wishes = [{"name": "store", "reason": "keeps counts"}]
    return wat(folder, routes=[PING, SIGNED], capabilities=wishes, settings=SETTINGS, secrets=SECRETS)


def installation(data: Path, organization: str = "acme") -> Installation:
    with closing(Database(data / "innkeeper.db").read_connection()) as connection:
        found = installations.load(connection, Sealer.open_or_create(data, {}), organization, "probe")
    assert found is not None
    return found


def test_a_plugin_is_installed_with_what_was_given(tmp_path: Path) -> None:
    result = invoke(
        "install", rich_plugin(tmp_path), "--org", "acme", "--create-org", "--grant", "store", "--set", "greeting=5", "--set", "times=5",
        "--secret", "key=a=bc", "--data", tmp_path / "data",
    )  # fmt: skip

    assert result.exit_code == 0
    found = installation(tmp_path / "data")
    assert found.grants == {"store"}
    assert json.loads(found.settings) == {"greeting": "5", "times": 5}
    assert dict(found.secrets) == {"key": "a=bc"}


def test_what_is_left_to_do_is_said_with_the_command_that_does_it(tmp_path: Path) -> None:
    path, data = rich_plugin(tmp_path), tmp_path / "my data"
    result = invoke("install", path, "--org", "acme", "--create-org", "--grant", "store", "--data", data)

    place = f"--org acme --data '{data}'"
    assert result.stdout.splitlines() == [
        "probe 1.0.0 is installed in acme (which is new).",
        "Granted: store",
        "Waits for your consent: routes.public (anybody may call: ping)",
        f"  innkeeper grant probe routes.public {place}",
        "Missing secret: key",
        f"  innkeeper secrets set probe key {place}",
        "Route: GET, POST /v1/orgs/acme/plugins/probe/ping (anybody may call it)",
        "Route: POST /v1/orgs/acme/plugins/probe/hook (signed in x-signature with the secret key)",
    ]


def test_what_is_left_to_do_can_be_done_by_that_command(tmp_path: Path) -> None:
    path, data = rich_plugin(tmp_path), tmp_path / "data"
    assert invoke("install", path, "--org", "acme", "--create-org", "--grant", "store", "--data", data).exit_code == 0
    assert invoke("install", path, "--org", "acme", "--grant", "routes.public", "--secret", "key=keys", "--data", data).exit_code == 0

    found = installation(data)
    assert found.grants == {"store", "routes.public"}
    assert dict(found.secrets) == {"key": "keys"}


def test_with_json_everything_is_on_standard_output_as_one_object(tmp_path: Path) -> None:
    result = invoke("install", rich_plugin(tmp_path), "--org", "acme", "--create-org", "--grant-all", "--data", tmp_path / "data", "--json")

    found = json.loads(result.stdout)
    assert found["grants"] == ["routes.public", "store"]
    assert (found["waiting"], found["missing_secrets"], found["created_organization"]) == ([], ["key"], True)
    assert found["webhooks"] == [
        {"methods": ["GET", "POST"], "url": "/v1/orgs/acme/plugins/probe/ping"},
        {"methods": ["POST"], "url": "/v1/orgs/acme/plugins/probe/hook"},
    ]


@pytest.mark.parametrize(
    ("content", "secret"), [("value\n", "value"), ("value\r\n", "value"), ("two\nlines\n\n", "two\nlines\n"), (" a b ", " a b ")]
)
def test_a_secret_of_a_file_is_its_content_without_one_line_end(tmp_path: Path, content: str, secret: str) -> None:
    (tmp_path / "key").write_bytes(content.encode())
    arguments = ["--org", "acme", "--create-org", "--secret", f"key=@{tmp_path / 'key'}", "--data", tmp_path / "data"]

    assert invoke("install", rich_plugin(tmp_path), *arguments).exit_code == 0
    assert installation(tmp_path / "data").secrets["key"] == secret


def test_a_secret_can_come_from_standard_input(tmp_path: Path) -> None:
    arguments = ["--org", "acme", "--create-org", "--secret", "key=@-", "--data", tmp_path / "data"]

    assert invoke("install", rich_plugin(tmp_path), *arguments, stdin=b"from a pipe\n").exit_code == 0
    assert installation(tmp_path / "data").secrets["key"] == "from a pipe"


def test_a_source_folder_is_built(tmp_path: Path) -> None:
    result = invoke("install", EXAMPLES / "simple_http_test", "--org", "acme", "--create-org", "--data", tmp_path / "data", "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["plugin"] == "simple-http-test"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--org nowhere", "--create-org"),
        ("--org Acme --create-org", "not an organisation's id"),
        ("--org acme --grant everything", "it asks for: store, routes.public"),
        ("--org acme --set colour=red", "its settings: greeting, note, times"),
        ("--org acme --set times=many", "takes JSON"),
        ("--org acme --set times=1.5", "settings of probe are not valid"),
        ("--org acme --set greeting", "--set takes NAME=VALUE, not 'greeting'"),
        ("--org acme --set =x", "--set takes NAME=VALUE"),
        ("--org acme --set greeting=a --set greeting=b", "--set greeting comes twice"),
        ("--org acme --secret pin=1234", "its secrets: key, other"),
        ("--org acme --secret key=1234 --secret key=5678", "--secret key comes twice"),
        ("--org acme --secret key=@- --secret other=@-", "standard input holds one secret"),
        ("--org acme --secret key=", "the secret key is empty"),
        ("--org acme --secret key=@/nonexistent", "can't read the secret key"),
        ("--org acme --secret key=@/", "can't read the secret key"),
    ],
)
def test_what_can_not_be_changes_nothing(tmp_path: Path, arguments: str, said: str) -> None:
    data = tmp_path / "data"
    assert invoke("install", rich_plugin(tmp_path), "--org", "acme", "--create-org", "--data", data).exit_code == 0
    before = stored(data)
    result = invoke("install", rich_plugin(tmp_path), "--set", "note=new", *arguments.split(), "--data", data)

    assert result.exit_code == 2
    assert is_one_sentence(result.stderr)
    assert said in result.stderr
    assert stored(data) == before


def test_a_secret_on_the_command_line_is_not_repeated_in_an_error(tmp_path: Path) -> None:
    result = invoke("install", rich_plugin(tmp_path), "--org", "acme", "--secret", "hunter2", "--data", tmp_path / "data")

    assert result.exit_code == 2
    assert "hunter2" not in result.output


@pytest.mark.parametrize("kind", ["garbage", "core", "empty", "wat-garbage", "no-manifest", "device", "missing", "folder", "huge"])
def test_what_is_no_plugin_is_refused_and_changes_nothing(tmp_path: Path, kind: str) -> None:
    data = tmp_path / "data"
    assert invoke("install", wat(tmp_path), "--org", "acme", "--create-org", "--data", data).exit_code == 0
    before, path = stored(data), what_is_no_plugin(tmp_path, kind)
    result = invoke("install", path, "--org", "acme", "--data", data)

    assert result.exit_code == 2
    assert is_one_sentence(result.stderr)
    assert stored(data) == before


def what_is_no_plugin(folder: Path, kind: str) -> Path:
    contents = {"garbage": b"garbage", "core": CORE, "empty": b"", "wat-garbage": b"(component (", "no-manifest": b"(component)"}
    path = folder / kind
    if kind in contents:
        path.write_bytes(contents[kind])
    elif kind == "folder":
        path.mkdir()
    elif kind == "huge":
        with path.open("wb") as file:
            file.truncate(1 << 40)
    return Path("/dev/zero") if kind == "device" else path


def test_a_plugin_whose_sources_do_not_run_is_refused_with_its_traceback(tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(EXAMPLES / "simple_http_test", folder)
    (folder / "plugin.py").write_text("import nonexistent_module\n")
    result = invoke("install", folder, "--org", "acme", "--create-org", "--data", tmp_path / "data")

    assert result.exit_code == 2
    assert "nonexistent_module" in result.stderr
    assert "build.failed" in result.stderr
    assert stored(tmp_path / "data") == []

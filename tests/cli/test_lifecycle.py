"""`innkeeper enable`, `disable`, `settings`, `uninstall`, and what `install` says of another version."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.command import PING, invoke, is_one_sentence, run, served, stored, wat
from tests.cli.test_serve import READ_ONLY
from tests.guests_wat import Fail, Respond, Succeed, manifest, plugin
from tests.runtime.living import SETTINGS


def house(folder: Path, lifecycle: dict[str, Fail] | None = None, *arguments: object, **described: object) -> Path:
    """A data directory with `probe` in acme."""
    data = folder / "data"
    path = life(folder, lifecycle or {}, **described)
    assert invoke("install", path, "--org", "acme", "--create-org", "--grant-all", "--data", data, *arguments).exit_code in (0, 1)
    return data


def life(folder: Path, lifecycle: dict[str, Fail], **described: object) -> Path:
    path = folder / "probe.wat"
    found = {"settings": SETTINGS, "lifecycle": list(lifecycle), **described}
    path.write_bytes(plugin(manifest(PING, **found), Respond(body=b"pong"), lifecycle=lifecycle))
    return path


def test_a_plugin_is_disabled_and_enabled_for_an_organisation(tmp_path: Path) -> None:
    data = house(tmp_path, {"start": Succeed(), "stop": Fail("busy")})
    assert invoke("disable", "probe", "--org", "acme", "--data", data).stdout == (
        "probe is disabled in acme. Status: stopped (stop: busy (failed))\n"
    )
    assert invoke("disable", "probe", "--org", "acme", "--data", data).stdout.startswith("probe is disabled already in acme.")
    assert invoke("call", "probe", "/ping", "--org", "acme", "--data", data).exit_code == 2
    assert invoke("enable", "probe", "--org", "acme", "--data", data).stdout == "probe is enabled in acme. Status: running\n"
    assert invoke("call", "probe", "/ping", "--org", "acme", "--data", data).exit_code == 0
    found = json.loads(invoke("enable", "probe", "--org", "acme", "--data", data, "--json").stdout)
    assert (found["changed"], found["enabled"], found["status"], found["reason"]) == (False, True, "running", None)


def test_a_plugin_is_disabled_and_enabled_as_a_whole(tmp_path: Path) -> None:
    data = house(tmp_path)
    assert invoke("disable", "probe", "--data", data).stdout == "probe is disabled as a whole.\n  acme: Status: stopped\n"
    result = invoke("enable", "probe", "--org", "acme", "--data", data)
    assert "It is disabled as a whole: `innkeeper enable probe` lifts that." in result.stdout
    found = json.loads(invoke("enable", "probe", "--data", data, "--json").stdout)
    assert (found["changed"], found["enabled"]) == (True, True)
    assert [(each["organization"], each["status"]) for each in found["installations"]] == [("acme", "running")]
    assert invoke("enable", "probe", "--data", data).stdout.startswith("probe is enabled already as a whole.")


def test_where_an_organisation_disabled_it_enabling_it_as_a_whole_says_so(tmp_path: Path) -> None:
    data = house(tmp_path)
    assert invoke("disable", "probe", "--org", "acme", "--data", data).exit_code == 0
    result = invoke("enable", "probe", "--data", data)
    assert "It is disabled for acme: `innkeeper enable probe --org acme` lifts that." in result.stdout


def test_a_start_that_fails_is_told_by_the_exit_code(tmp_path: Path) -> None:
    path, data = life(tmp_path, {"start": Fail("no network")}), tmp_path / "data"
    result = invoke("install", path, "--org", "acme", "--create-org", "--data", data)
    assert (result.exit_code, "Status: error (start: no network (failed))" in result.stdout) == (1, True)
    result = invoke("enable", "probe", "--org", "acme", "--data", data)
    assert (result.exit_code, result.stdout) == (1, "probe is enabled in acme. Status: error (start: no network (failed))\n")


def test_settings_are_shown_and_changed(tmp_path: Path) -> None:
    data = house(tmp_path, None, "--set", "times=3")
    found = json.loads(invoke("settings", "probe", "--org", "acme", "--data", data, "--json").stdout)
    assert [(each["name"], each["value"], each["chosen"]) for each in found["settings"]] == [
        ("greeting", "hello", False),
        ("times", 3, True),
    ]
    result = invoke("settings", "probe", "--org", "acme", "--set", "greeting=\x1b[31mhi", "--unset", "times", "--data", data)
    assert result.exit_code == 0
    assert "The settings of probe in acme are changed." in result.stdout
    assert "\x1b" not in result.stdout
    found = json.loads(invoke("settings", "probe", "--org", "acme", "--data", data, "--set", "greeting=hello", "--json").stdout)
    assert [(each["name"], each["value"]) for each in found["settings"]] == [("greeting", "hello"), ("times", None)]
    assert "not set" in invoke("settings", "probe", "--org", "acme", "--data", data).stdout


def test_settings_that_the_plugin_rejects_stay_as_they_were(tmp_path: Path) -> None:
    data = house(tmp_path)
    assert invoke("install", life(tmp_path, {"validate-auth": Fail("that key\nis not ours", "rejected")}, version="1.1.0"), "--org", "acme",
                  "--data", data).exit_code == 0  # fmt: skip
    result = invoke("settings", "probe", "--org", "acme", "--set", "times=4", "--data", data)
    assert result.exit_code == 2
    assert "rejects these settings for acme: that key" in result.stderr
    assert '"times":4' not in "".join(stored(data))


def test_a_plugin_is_uninstalled_and_what_is_left_is_told(tmp_path: Path) -> None:
    data = house(tmp_path)
    result = invoke("uninstall", "probe", "--org", "acme", "--data", data)
    assert result.stdout == "probe is uninstalled from acme, with its settings and secrets.\n"
    assert invoke("uninstall", "probe", "--org", "acme", "--data", data).exit_code == 2
    data = house(tmp_path)
    found = json.loads(invoke("uninstall", "probe", "--org", "acme", "--delete-data", "--data", data, "--json").stdout)
    assert (found["installed"], found["deleted_entries"], found["stop_failed"]) == (True, 0, None)


def test_an_upgrade_shows_the_difference(tmp_path: Path) -> None:
    data = house(tmp_path)
    second = wat(
        tmp_path, version="2.0.0", capabilities=[{"name": "store", "reason": "keeps"}], secrets=[{"name": "key", "purpose": "verify"}],
        routes=[{**PING, "auth": {"type": "token"}}],
    )  # fmt: skip
    lines = invoke("install", second, "--org", "acme", "--data", data).stdout.splitlines()
    assert lines[0] == "probe 2.0.0 is installed in acme."
    assert lines[1].startswith("Before: 1.0.0 (")
    assert lines[2:7] == [
        "  Capabilities that are new: store",
        "  Capabilities that are gone: routes.public",
        "  Settings that are gone: greeting, times",
        "  Secrets that are new: key",
        "  Route ping: GET, POST /ping (anybody may call it); now GET, POST /ping (with a token of the operator API)",
    ]
    assert json.loads(invoke("install", second, "--org", "acme", "--data", data, "--json").stdout)["difference"] is None


def test_an_upgrade_that_fails_is_one_sentence_and_the_version_before_goes_on(tmp_path: Path) -> None:
    data = house(tmp_path)
    result = invoke("install", life(tmp_path, {"start": Fail("no\n\x1b[31mway")}, version="2.0.0"), "--org", "acme", "--data", data)
    assert result.exit_code == 2
    assert is_one_sentence(result.stderr)
    assert "\x1b" not in result.stderr
    assert "probe 2.0.0 is not installed in acme, and 1.0.0 goes on: its lifecycle.start: no" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("disable nothing --org acme", "did you mean|has no plugin 'nothing'"),
        ("disable probe --org nowhere", "there is no organisation 'nowhere'"),
        ("enable nothing", "there is no plugin 'nothing'"),
        ("disable nothing", "there is no plugin 'nothing'"),
        ("enable probe --org nowhere", "there is no organisation 'nowhere'"),
        ("uninstall nothing --org acme", "has no plugin 'nothing'"),
        ("uninstall probe --org nowhere", "there is no organisation 'nowhere'"),
        ("uninstall nothing --org acme --delete-data", "nothing is not installed in organisation 'acme', and has no data there"),
        ("settings nothing --org acme", "has no plugin 'nothing'"),
        ("settings probe --org nowhere --set times=1", "there is no organisation 'nowhere'"),
        ("settings probe --org acme --set colour=red", "has no setting colour; its settings: greeting, times"),
        ("settings probe --org acme --unset colour", "has no setting colour"),
        ("settings probe --org acme --set times=x", "takes JSON of the type integer, and 'x' is none"),
        ("settings probe --org acme --set times", "--set takes NAME=VALUE, not 'times'"),
        ("settings probe --org acme --set times=1 --unset times", "set it or unset it, not both"),
    ],
)
def test_what_can_not_be_is_a_sentence_and_changes_nothing(tmp_path: Path, arguments: str, said: str) -> None:
    data = house(tmp_path)
    before = stored(data)
    result = invoke(*arguments.split(), "--data", data)
    assert result.exit_code == 2
    assert is_one_sentence(result.stderr)
    assert any(each in result.stderr for each in said.split("|"))
    assert stored(data) == before


@pytest.mark.parametrize("command", ["enable probe", "disable probe --org acme", "uninstall probe --org acme", "settings probe --org acme"])
def test_without_a_data_directory_none_is_made(tmp_path: Path, command: str) -> None:
    result = invoke(*command.split(), "--data", tmp_path / "none")
    assert (result.exit_code, (tmp_path / "none").exists()) == (2, False)
    assert is_one_sentence(result.stderr)


@pytest.mark.parametrize("command", ["disable probe --org acme", "uninstall probe --org acme", "settings probe --org acme --set times=1"])
@pytest.mark.skipif(bool(READ_ONLY) and not shutil.which("setpriv"), reason="root can write everywhere, and setpriv is not here")
def test_in_a_directory_that_can_not_be_written_nothing_is_changed(tmp_path: Path, command: str) -> None:
    data = house(tmp_path)
    before = stored(data)
    data.chmod(0o500)
    try:
        done = run(*command.split(), "--data", data, prefix=READ_ONLY)
    finally:
        data.chmod(0o700)
    assert (done.returncode, is_one_sentence(done.stderr), stored(data) == before) == (2, True, True)


def test_a_running_server_sees_each_change_at_its_next_request(tmp_path: Path) -> None:
    data = house(tmp_path)
    with served(data) as server:
        path = "/v1/orgs/acme/plugins/probe/ping"
        assert server.get(path).text == "pong"
        for command, expected in (
            ("disable probe --org acme", 404), ("enable probe --org acme", 200), ("disable probe", 404), ("enable probe", 200),
            ("uninstall probe --org acme", 404),
        ):  # fmt: skip
            assert invoke(*command.split(), "--data", data).exit_code == 0
            assert server.get(path).status_code == expected

"""Where a server's options come from, and what is said about those that can't be."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from host.cli.commands.serve import serve
from host.cli.configuration import TYPES, Place, load
from host.model.errors import UsageError
from host.model.options import HostOptions
from tests.cli.command import invoke, is_one_sentence


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test starts in an empty folder, with nothing about Innkeeper in the environment."""
    with monkeypatch.context() as patch:
        patch.chdir(tmp_path)
        for name in ("CACHE", "CONFIG", "DATA", "KEY"):
            patch.delenv(f"INNKEEPER_{name}", raising=False)
        yield


def file(text: str, path: str = "innkeeper.toml") -> Path:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
    return Path(path)


def shown(*arguments: object) -> dict[str, Any]:
    """What `--print-config --json` prints."""
    result = invoke("serve", "--print-config", "--json", *arguments)
    assert result.exit_code == 0, result.stderr
    return dict(json.loads(result.stdout))


def test_without_anything_said_there_are_the_defaults() -> None:
    found = load({})

    assert (found.place, found.options) == (Place(), HostOptions())
    assert set(found.origins.values()) == {"default"}
    assert found.file is None


def test_a_flag_goes_before_the_environment_that_before_the_file_and_that_before_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    path = file('grace_s = "1s"\nidle_s = "1min"\nmax_instances = 7\n')
    monkeypatch.setenv("INNKEEPER_GRACE_S", "2s")
    monkeypatch.setenv("INNKEEPER_IDLE_S", "2min")
    found = load({"grace_s": "3s"}, path)

    assert (found.options.grace_s, found.options.idle_s, found.options.max_instances, found.options.breaker_failures) == (3, 120, 7, 10)
    assert [found.origins[name] for name in ("grace_s", "idle_s", "max_instances", "breaker_failures")] == [
        "flag --grace-s", "environment INNKEEPER_IDLE_S", "file innkeeper.toml, line 3", "default",
    ]  # fmt: skip


def test_every_option_can_be_said_in_each_of_the_three_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        "data": "there", "cache": "here", "host": "::1", "port": "0", "base_domain": "innkeeper.example", "public_url": "https://a.example",
        "trusted_proxies": "10.0.0.0/8, ::1", "max_instances": "3k", "max_instances_per_organization": "30", "max_instance_memory": "2GiB",
        "max_instance_memory_per_organization": "512MiB", "idle_s": "2min", "idle_channel_s": "1h", "breaker_failures": "0",
        "breaker_window_s": "5min", "body_bytes_in_flight": "64MiB", "refusals_per_minute_per_address": "10", "grace_s": "1.5",
        "synchronous": "NORMAL", "access_log": "true", "log_json": "no",
    }  # fmt: skip
    assert set(texts) == set(TYPES)
    defaults = load({}).values
    by_flag = load(texts)
    by_file = load({}, file("\n".join(f"{name} = {json.dumps(text)}" for name, text in texts.items())))
    for name, text in texts.items():
        monkeypatch.setenv(f"INNKEEPER_{name.upper()}", text)
    by_environment = load({})

    assert by_flag.options == by_environment.options == by_file.options
    assert by_flag.place == by_environment.place == by_file.place
    assert all(value != defaults[name] for name, value in by_flag.values.items())
    assert by_flag.options.trusted_proxies == ("10.0.0.0/8", "::1")
    assert by_flag.options.max_instance_memory == 2 << 30


def test_a_file_can_have_values_of_their_own_types() -> None:
    found = load({}, file('max_instances = 10\ngrace_s = 2.5\ntrusted_proxies = ["10.0.0.1"]\naccess_log = true\nport = 0\n'))

    assert (found.options.max_instances, found.options.grace_s, found.options.access_log, found.place.port) == (10, 2.5, True, 0)
    assert found.options.trusted_proxies == ("10.0.0.1",)


def test_the_command_has_a_flag_for_every_option_and_shows_their_defaults() -> None:
    help = invoke("serve", "--help").stdout
    flags = set(re.findall(r"--([a-z-]+)", help)) - {"config", "print-config", "json", "help"}
    defaults = re.findall(r"--([a-z-]+) [^-]*?\[default: ([\w.]+)\]", " ".join(help.replace("│", " ").split()))
    parsed = load({name.replace("-", "_"): text for name, text in defaults if name.replace("-", "_") in HostOptions.__struct_fields__})

    assert {name.replace("-", "_") for name in flags if not name.startswith("no-")} == set(TYPES)
    assert serve.__annotations__.keys() >= set(TYPES)
    assert parsed.options == HostOptions()
    assert len([origin for origin in parsed.origins.values() if origin.startswith("flag")]) == 12


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("port = 8080\nport = 1", "can't be TOML"), ("port = ", "is not TOML"), ("prot = 1", "line 1: there is no option 'prot'"),
        ("\n\n[limits]\nfuel = 1", "line 3: there is no option 'limits'"), ("config = 'x'", "line 1: there is no option 'config'"),
        ("# idle_s\nidle_s = 'soon'", "line 2: idle_s takes a duration"), ("idle_s = nan", "line 1: idle_s takes 1 to 2592000 seconds"),
        ("idle_s = 1979-05-27", "line 1: idle_s takes 1 to"), ("max_instances = 1.5", "line 1: max_instances takes 1 to 100000, not 1.5"),
        ("max_instances = true", "line 1: max_instances takes 1 to 100000, not True"), ("port = true", "line 1: port takes 0 to 65535"),
        ("port = -1", "line 1: port takes"), ("synchronous = 'OFF'", "line 1: synchronous takes FULL or NORMAL, not 'OFF'"),
        ("access_log = 'often'", "line 1: access_log takes true or false"), ("host = ''", "line 1: host takes an address"),
        ("data = 3", "line 1: data takes the path"), ("trusted_proxies = ['*']", "line 1: trusted_proxies takes IP addresses"),
        ("max_instances = 5\nmax_instances_per_organization = 6", "line 2: max_instances_per_organization is 6, but"),
        ("[port]\na = 1", "line 1: port takes 0 to 65535"), ("port.a = 1", "line 1: port takes 0 to 65535"), ("\xff", "is not TOML"),
        ("PORT = 1", "line 1: there is no option 'PORT'"), ("'port' = 'x'", "line 1: port takes a number"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_is_one_sentence_with_file_and_line(text: str, told: str) -> None:
    result = invoke("serve", "--config", file(text, "some/where.toml"))

    assert (result.exit_code, result.stdout) == (2, "")
    assert is_one_sentence(result.stderr)
    assert "some/where.toml" in result.stderr
    assert told.replace("can't be TOML", "is not TOML") in result.stderr
    assert [path.name for path in Path().iterdir()] == ["some"]


@pytest.mark.parametrize(("content", "told"), [(b"\xff\xfe", "it is not UTF-8"), (b"#" * (2 << 20), "more than"), (None, "there is no")])
def test_a_file_that_can_not_be_read_is_one_sentence(content: bytes | None, told: str) -> None:
    if content is not None:
        Path("innkeeper.toml").write_bytes(content)
    result = invoke("serve", "--config", "innkeeper.toml")

    assert result.exit_code == 2
    assert is_one_sentence(result.stderr)
    assert told in result.stderr


def test_a_folder_is_no_file() -> None:
    with pytest.raises(UsageError, match="can't read the configuration file"):
        load({}, Path())


def test_a_wrong_flag_and_a_wrong_variable_are_named_as_they_are_spelled(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"^--breaker-window-s takes a duration, .*, not 'soon'$"):
        load({"breaker_window_s": "soon"})
    monkeypatch.setenv("INNKEEPER_PORT", "tcp://10.0.0.1:80")  # as a service of that name in Kubernetes has it
    with pytest.raises(UsageError, match=r"^INNKEEPER_PORT takes a number"):
        load({})


def test_the_data_directorys_own_file_is_read_and_another_one_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    file("max_instances = 1", "data/innkeeper.toml")
    assert load({"data": "data"}).options.max_instances == 1
    monkeypatch.setenv("INNKEEPER_DATA", "data")
    assert load({}).options.max_instances == 1
    monkeypatch.setenv("INNKEEPER_CONFIG", str(file("max_instances = 2", "second.toml")))
    assert load({}).options.max_instances == 2
    assert load({}, file("max_instances = 3", "third.toml")).options.max_instances == 3


def test_a_named_file_can_name_the_data_directory_from_where_it_is() -> None:
    assert load({}, file("data = 'data'\ncache = '/var/cache'", "etc/innkeeper.toml")).place == Place(
        data=Path("etc/data"), cache=Path("/var/cache")
    )


def test_the_file_of_a_data_directory_can_not_name_another() -> None:
    file("data = '/elsewhere'", "data/innkeeper.toml")
    with pytest.raises(UsageError, match=r"^file data/innkeeper.toml, line 1: data can't stand in the file of a data directory"):
        load({"data": "data"})


def test_print_config_shows_every_value_and_where_it_came_from_and_touches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNKEEPER_IDLE_S", "1min")
    path = file("max_instance_memory = '2GiB'")
    found = shown("--config", path, "--port", 0, "--access-log", "--data", "new")
    table = invoke("serve", "--print-config", "--config", path).stdout

    assert set(found["options"]) == set(TYPES)
    assert found["options"]["port"] == {"value": 0, "from": "flag --port"}
    assert found["options"]["access_log"] == {"value": True, "from": "flag --access-log"}
    assert found["options"]["idle_s"] == {"value": 60, "from": "environment INNKEEPER_IDLE_S"}
    assert found["options"]["max_instance_memory"] == {"value": 2 << 30, "from": "file innkeeper.toml, line 1"}
    assert found["options"]["grace_s"] == {"value": 10, "from": "default"}
    assert found["file"] == "innkeeper.toml"
    assert re.search(r"max_instance_memory +2GiB +file innkeeper.toml, line 1", table)
    assert all(name in table for name in TYPES)
    assert [each.name for each in Path().iterdir()] == ["innkeeper.toml"]


@pytest.mark.promise("secrets.configuration")
def test_print_config_tells_of_the_key_only_that_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I="
    assert shown()["key"] == {"environment": False}
    monkeypatch.setenv("INNKEEPER_KEY", key)

    assert shown()["key"] == {"environment": True}
    for arguments in ([], ["--json"]):
        result = invoke("serve", "--print-config", *arguments)
        assert key not in result.output
    assert "set, and not shown" in invoke("serve", "--print-config").stdout


def test_a_variable_that_means_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNKEEPER_IDEL_S", "1")

    assert shown()["unknown_environment"] == ["INNKEEPER_IDEL_S"]
    assert "INNKEEPER_IDEL_S in the environment means nothing." in invoke("serve", "--print-config").stdout


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNKEEPER_PORT", "")

    assert structs.asdict(load({}).place)["port"] == 8080

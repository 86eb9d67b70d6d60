"""`innkeeper inspect`."""

import json
from pathlib import Path

import pytest

from tests.building import EXAMPLES
from tests.cli.command import PING, invoke, is_one_sentence, wat
from tests.guests_wat_exports import manifest, plugin

FOREIGN = b'(component (import "other:package/thing@1.0.0" (instance (export "f" (func)))))'
EMPTY = b"(component)"


def test_a_plugin_is_shown_with_what_it_asks_for_and_why(tmp_path: Path) -> None:
    wishes = [{"name": "http:api.example.com", "reason": "looks up prices"}]
    secrets = [{"name": "key", "purpose": "read", "description": "from the settings page"}]
    result = invoke("inspect", wat(tmp_path, capabilities=wishes, secrets=secrets))

    assert result.exit_code == 0
    for said in ("probe", "1.0.0", "A plugin for tests", "http:api.example.com", "looks up prices", "routes.public", "secrets:key"):
        assert said in result.stdout
    for said in ("/ping", "GET, POST", "anybody may call it", "from the settings page", "manifest", "webhooks"):
        assert said in result.stdout


def test_tools_and_hooks_are_shown(tmp_path: Path) -> None:
    tool = {"name": "add_up", "description": "Adds numbers\nand more", "inputSchema": {"type": "object"}}
    (tmp_path / "both.wasm").write_bytes(plugin(manifest("both", events=("task.created",), tools=(tool,))))
    result = invoke("inspect", tmp_path / "both.wasm")

    assert result.exit_code == 0
    for said in ("add_up", "Adds numbers", "task.created"):
        assert said in result.stdout
    assert "and more" not in result.stdout


def test_with_json_it_is_one_object(tmp_path: Path) -> None:
    found = json.loads(invoke("inspect", wat(tmp_path), "--json").stdout)

    assert found["imports"] == []
    assert found["exports"] == ["manifest", "webhooks"]
    assert found["capabilities"] == [{"name": "routes.public", "reason": "anybody may call: ping"}]
    assert found["manifest"]["routes"] == [PING]
    assert len(found["digest"]) == 64


def test_a_source_folder_is_built_and_asked() -> None:
    result = invoke("inspect", EXAMPLES / "whatsapp", "--json")

    found = json.loads(result.stdout)
    assert found["manifest"]["name"] == "whatsapp"
    assert {"name": "messages.receive", "reason": "customers' messages and the statuses of ours come in by the webhook"} in found[
        "capabilities"
    ]
    assert any(name.startswith("innkeeper:plugin/messages") for name in found["imports"])


def test_no_text_of_a_plugin_makes_a_terminal_do_anything(tmp_path: Path) -> None:
    path = wat(tmp_path, capabilities=[{"name": "store", "reason": "\x1b[31mred\x07 [bold]bold[/bold] :warning:"}])
    result = invoke("inspect", path)

    assert "\x1b" not in result.stdout
    assert "\\x1b[31mred\\x07 [bold]bold[/bold] :warning:" in result.stdout


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"garbage", "component.not-a-component"),
        (b"\0asm\x01\0\0\0", "component.not-a-component"),
        (b"\0asm\x0d\0\x01\0garbage", "component.not-a-component"),
        (EMPTY, "component.wrong-world"),
        (FOREIGN, "component.wrong-world"),
    ],
)
def test_what_is_no_plugin_is_said_with_a_code(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "other.wasm").write_bytes(content)
    result = invoke("inspect", tmp_path / "other.wasm", "--json")

    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["code"] == code
    assert is_one_sentence(result.stderr)


def test_a_manifest_that_is_not_valid_is_said_with_its_place(tmp_path: Path) -> None:
    result = invoke("inspect", wat(tmp_path, routes=[{"name": "ping"}]))

    assert result.exit_code == 2
    assert "$.routes[0]" in result.stderr
    assert "(manifest.invalid)" in result.stderr


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    result = invoke("inspect", tmp_path / "nothing.wasm")

    assert (result.exit_code, is_one_sentence(result.stderr)) == (2, True)

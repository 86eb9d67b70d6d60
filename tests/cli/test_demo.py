"""`innkeeper demo`: what it shows, that it cleans up, and that it notices when something is wrong."""

import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import httpx2
import pytest

from host.cli.demo import expected
from host.cli.demo.client import Seen
from host.cli.demo.material import EXAMPLES, FIXTURES, fixtures
from host.cli.demo.post import Sent
from tests.cli.command import COMMAND, ENVIRONMENT, PATIENCE, started

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def demo(temporary: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = ENVIRONMENT | {"TMPDIR": str(temporary)}
    return subprocess.run([*COMMAND, "demo", *arguments], env=environment, capture_output=True, text=True, timeout=10 * PATIENCE)


def test_it_shows_conversations_and_deliveries_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = demo(tmp_path)

    assert done.returncode == 0, done.stderr
    assert not CONTROL.search(done.stdout + done.stderr)
    for said in ("Sheena Nelson", "Amélie Müller 🌻", "Größe 42 — ist das auf Lager? 🙏", "for the second number", "Main Street Beach"):
        assert said in done.stdout
    assert "All as it should be. Messages: 12 in acme, 1 in globex" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_with_json_it_is_one_object_with_everything_that_was_read_back(tmp_path: Path) -> None:
    found = json.loads(demo(tmp_path, "--json").stdout)

    assert found["wrong"] == []
    assert [(each["organization"], each["status"]) for each in found["sent"]].count(("acme", 401)) == 1
    names = {name: {each["customer"]["name"] for each in seen["conversations"]} for name, seen in found["organizations"].items()}
    assert names == {"acme": {"Sheena Nelson", "Amélie Müller 🌻"}, "globex": {"Amélie Müller 🌻"}}
    assert [each["outcome"] for each in found["organizations"]["acme"]["deliveries"]].count("refused") == 1


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_kept_it_serves_until_ctrl_c_and_then_cleans_up(tmp_path: Path, how: signal.Signals) -> None:
    with started("demo", "--keep", TMPDIR=str(tmp_path)) as process:
        assert process.stdout is not None
        shown = {}
        for line in iter(process.stdout.readline, "Ctrl-C ends it and removes its data.\n"):
            assert line
            name, _, value = line.strip().partition("  ")
            shown.setdefault(name, value.strip())
        headers = {"authorization": f"Bearer {Path(shown['operator token']).read_text().strip()}"}
        conversations = httpx2.get(shown["conversations"], headers=headers, trust_env=False).json()["items"]
        process.send_signal(how)
        process.communicate(timeout=PATIENCE)

    assert len(conversations) == 2
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_stopped_while_it_prepares_it_cleans_up_too(tmp_path: Path) -> None:
    with started("demo", "--cache", tmp_path / "cache", TMPDIR=str(tmp_path)) as process:
        assert process.stderr is not None
        assert "building" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)

    assert process.returncode == 130
    assert "Traceback" not in errors
    assert list(tmp_path.glob("innkeeper-demo-*")) == []


def test_a_host_that_does_not_start_is_a_sentence_that_says_why(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = demo(tmp_path, "--port", str(taken.getsockname()[1]))

    assert done.returncode == 2
    assert "is in use" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_that_knows_only_ascii_shows_escapes(tmp_path: Path) -> None:
    environment = ENVIRONMENT | {"PYTHONIOENCODING": "ascii", "TMPDIR": str(tmp_path)}
    done = subprocess.run([*COMMAND, "demo"], env=environment, capture_output=True, text=True, timeout=10 * PATIENCE)

    assert done.returncode == 0, done.stderr
    assert "Am\\xe9lie M\\xfcller \\U0001f33b" in done.stdout


def test_the_examples_and_the_webhooks_of_the_source_tree_are_found() -> None:
    assert (EXAMPLES / "whatsapp" / "plugin.py").is_file()
    assert (EXAMPLES / "simple_http_test" / "plugin.py").is_file()
    assert {path.stem for path in FIXTURES.glob("*.json")} == {fixture.name for fixture in fixtures()}
    assert os.path.commonpath([EXAMPLES, FIXTURES]) != "/"


def test_the_conversation_begins_with_the_first_message() -> None:
    names = [fixture.name for fixture in fixtures()]

    assert names[:2] == ["text", "text_unicode"]
    assert names.index("text") < names.index("reaction") < names.index("status_sent")


def as_it_should_be() -> tuple[list[Sent], dict[str, Seen]]:
    """What differs in nothing."""
    wanted = [each for fixture in fixtures() for each in fixture.messages.get("106540352249999", [])]
    messages = [{"external_id": each} for each in wanted]
    return [Sent("globex", "text", 200, 200)], {"globex": Seen([{"messages": messages}], [{"status": 200}])}


def test_nothing_wrong_is_found_where_nothing_is() -> None:
    assert expected.differences(*as_it_should_be()) == []


def test_a_message_too_few_or_twice_is_found() -> None:
    sent, seen = as_it_should_be()
    messages = seen["globex"].conversations[0]["messages"]
    messages.append(messages[0])
    assert ["1 twice" in sentence for sentence in expected.differences(sent, seen)] == [True]

    messages.clear()
    assert ["missing" in sentence for sentence in expected.differences(sent, seen)] == [True]


def test_a_wrong_answer_and_a_delivery_too_few_are_found() -> None:
    _, seen = as_it_should_be()
    sent = [Sent("globex", "text", 500, 200), Sent("globex", "challenge", 200, 200, body_right=False)]

    assert len(expected.differences(sent, seen)) == 3

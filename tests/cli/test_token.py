"""`innkeeper token`."""

import json
import time
from contextlib import closing
from pathlib import Path

import pytest

from stores import tokens
from stores.database import Database
from stores.tokens import Token
from tests.cli.command import invoke, is_one_sentence, stored, wat


def verified(data: Path, text: str) -> Token | None:
    with closing(Database(data / "innkeeper.db").read_connection()) as connection:
        return tokens.verify(connection, text, time.time_ns() // 1_000_000)


def test_a_token_is_printed_once_and_is_good(tmp_path: Path) -> None:
    result = invoke("token", "create", "alice", "--data", tmp_path)

    text = result.stdout.strip()
    token = verified(tmp_path, text)
    assert token is not None
    assert (token.name, token.organization, token.role) == ("alice", None, "operator")
    assert not any(text in line for line in stored(tmp_path))


def test_a_token_can_be_for_one_organisation_and_only_for_reading(tmp_path: Path) -> None:
    assert invoke("install", wat(tmp_path), "--org", "acme", "--create-org", "--data", tmp_path).exit_code == 0
    made = json.loads(invoke("token", "create", "wall", "--org", "acme", "--role", "reader", "--data", tmp_path, "--json").stdout)

    token = verified(tmp_path, made["token"])
    assert token is not None
    assert (token.id, token.organization, token.role) == (made["id"], "acme", "reader")


def test_all_tokens_are_listed_without_their_texts(tmp_path: Path) -> None:
    texts = [invoke("token", "create", name, "--data", tmp_path).stdout.strip() for name in ("alice", "bob")]
    listed, table = invoke("token", "list", "--data", tmp_path, "--json"), invoke("token", "list", "--data", tmp_path).stdout

    assert [token["name"] for token in json.loads(listed.stdout)] == ["alice", "bob"]
    assert "alice" in table
    assert "valid" in table
    assert not any(text in listed.stdout + table for text in texts)


def test_a_revoked_token_is_good_for_nothing_and_listed_as_revoked(tmp_path: Path) -> None:
    made = json.loads(invoke("token", "create", "alice", "--data", tmp_path, "--json").stdout)
    assert invoke("token", "revoke", made["id"], "--data", tmp_path).exit_code == 0

    assert verified(tmp_path, made["token"]) is None
    assert "revoked" in invoke("token", "list", "--data", tmp_path).stdout


def test_what_is_not_there_is_answered_with_where_to_look(tmp_path: Path) -> None:
    assert invoke("install", wat(tmp_path), "--org", "acme", "--create-org", "--data", tmp_path).exit_code == 0

    assert "did you mean 'acme'?" in invoke("token", "create", "wall", "--org", "acne", "--data", tmp_path).stderr
    assert "`innkeeper token list`" in invoke("token", "revoke", "wall", "--data", tmp_path).stderr


@pytest.mark.parametrize("arguments", [["create", "x", "--org", "nowhere"], ["create", " "], ["revoke", "nothing"]])
def test_what_can_not_be_is_a_sentence_and_changes_nothing(tmp_path: Path, arguments: list[str]) -> None:
    assert invoke("token", "create", "alice", "--data", tmp_path).exit_code == 0
    before = stored(tmp_path)
    result = invoke("token", *arguments, "--data", tmp_path)

    assert (result.exit_code, is_one_sentence(result.stderr)) == (2, True)
    assert stored(tmp_path) == before


@pytest.mark.parametrize("arguments", [["list"], ["revoke", "nothing"], ["create", "x", "--org", "acme"]])
def test_no_data_directory_is_a_sentence_and_none_is_made(tmp_path: Path, arguments: list[str]) -> None:
    result = invoke("token", *arguments, "--data", tmp_path / "none")

    assert (result.exit_code, is_one_sentence(result.stderr)) == (2, True)
    assert not (tmp_path / "none").exists()


def test_a_file_that_is_no_database_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "innkeeper.db").write_bytes(b"this is no database" * 100)
    result = invoke("token", "list", "--data", tmp_path)

    assert (result.exit_code, is_one_sentence(result.stderr)) == (2, True)

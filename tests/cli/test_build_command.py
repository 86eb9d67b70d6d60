"""`innkeeper build` as a command; what building does is tested with the SDK."""

import json
from pathlib import Path

import pytest

from tests.building import EXAMPLES, example
from tests.cli.command import invoke, is_one_sentence, wat


def test_the_path_of_the_component_is_all_that_is_on_standard_output() -> None:
    result = invoke("build", EXAMPLES / "simple_http_test")

    assert result.exit_code == 0
    assert Path(result.stdout.removesuffix("\n")).read_bytes() == example("simple_http_test")


def test_the_component_goes_where_it_should(tmp_path: Path) -> None:
    result = invoke("build", EXAMPLES / "simple_http_test", "--output", tmp_path / "made.wasm", "--json")

    assert json.loads(result.stdout) == {"component": str(tmp_path / "made.wasm"), "bytes": len(example("simple_http_test"))}
    assert (tmp_path / "made.wasm").read_bytes() == example("simple_http_test")


def test_a_file_is_no_source_folder(tmp_path: Path) -> None:
    result = invoke("build", wat(tmp_path))

    assert (result.exit_code, is_one_sentence(result.stderr)) == (2, True)


@pytest.mark.parametrize("path", ["nothing", "."])
def test_a_folder_without_a_plugin_is_a_sentence(tmp_path: Path, path: str) -> None:
    result = invoke("build", tmp_path / path)

    assert (result.exit_code, is_one_sentence(result.stderr)) == (2, True)


@pytest.mark.parametrize("output", [".", "file/below.wasm"])
def test_an_output_that_can_not_be_written_is_a_sentence(tmp_path: Path, output: str) -> None:
    (tmp_path / "file").write_text("")
    result = invoke("build", EXAMPLES / "simple_http_test", "--output", tmp_path / output)

    assert (result.exit_code, is_one_sentence(result.stderr)) == (2, True)

"""Components as files: in their place whole, or not at all."""

from pathlib import Path

import pytest

from host.model.errors import ComponentError
from host.runtime.components import Components
from host.sandbox.cache import Cache, digest
from tests.building import artefacts
from tests.guests_wat import Respond, manifest, plugin


def components(folder: Path) -> Components:
    return Components(folder / "components", Cache(artefacts() / "artefacts"))


def names(folder: Path) -> list[str]:
    return [path.name for path in (folder / "components").iterdir()]


def test_a_file_that_is_put_in_its_place_is_there_alone_and_whole(tmp_path: Path) -> None:
    for _ in range(2):
        with components(tmp_path).written(b"content") as put_in_place:
            put_in_place()

    assert names(tmp_path) == [f"{digest(b'content')}.wasm"]
    assert (tmp_path / "components" / names(tmp_path)[0]).read_bytes() == b"content"


def test_a_file_that_is_removed_while_it_is_installed_again_is_put_back(tmp_path: Path) -> None:
    found = components(tmp_path)
    with found.written(b"content") as put_in_place:
        put_in_place()
    with found.written(b"content") as put_in_place:
        found.remove(digest(b"content"))
        assert names(tmp_path) == []
        put_in_place()
    assert (tmp_path / "components" / names(tmp_path)[0]).read_bytes() == b"content"
    found.remove("nothing")


def test_whatever_fails_between_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ComponentError), components(tmp_path).written(b"content"):
        raise ComponentError

    assert names(tmp_path) == []


async def test_a_loaded_component_is_kept_until_it_is_forgotten(tmp_path: Path) -> None:
    wasm = plugin(manifest(), Respond())
    loaded = components(tmp_path)
    with loaded.written(wasm) as put_in_place:
        put_in_place()
    first = await loaded.load(digest(wasm))

    loaded.forget_others([digest(wasm)])
    assert await loaded.load(digest(wasm)) is first
    loaded.forget_others([])
    assert repr(loaded) == "<Components [0 loaded, 0 loading]>"
    assert await loaded.load(digest(wasm)) is not first

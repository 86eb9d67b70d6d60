"""The configuration of a server: from its flags, the environment, a file and the defaults, in this order, each value with its origin."""

import os
import re
import tomllib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_type_hints

from msgspec import Struct, field, structs
from pydantic import BeforeValidator, ValidationError, create_model
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from host.cli import units
from host.cli.build import default_cache
from host.cli.options import DEFAULT_DATA
from host.model.errors import UsageError
from host.model.options import BOUNDS, HostOptions, OptionError, checked, checked_value

PREFIX = "INNKEEPER_"
FILE = "innkeeper.toml"
"""The file's name in a data directory."""
LARGEST = 1024 * 1024
"""Bytes of the file: more is the wrong one."""
OTHER_VARIABLES = ("CONFIG", "KEY", "DEBUG")
"""What else the environment may say, after `INNKEEPER_`."""

TRUTHS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
UNITS = {"bytes": units.size, "seconds": units.duration_s, "": units.count}


class Place(Struct, frozen=True, kw_only=True):
    """The options that only a server of its own has: where it listens, and which folders are its own."""

    data: Path = DEFAULT_DATA
    cache: Path = field(default_factory=default_cache)
    host: str = "127.0.0.1"
    port: int = 8080


TYPES = get_type_hints(Place) | get_type_hints(HostOptions)
MOST_PORT = 65_535


class File(NamedTuple):
    """A file's values, and its text for the lines on which they stand. Without a path: there is none."""

    path: Path | None
    values: dict[str, Any]
    text: str

    def origin(self, name: str) -> str:
        """The path, and the line where it can be told."""
        found = re.search(rf"^[ \t]*[\"']?{re.escape(name)}[\"']?[ \t]*[=.]|^[ \t]*\[+[ \t]*{re.escape(name)}\b", self.text, re.MULTILINE)
        return f"file {self.path}" + (f", line {self.text.count(chr(10), 0, found.start()) + 1}" if found else "")


class ServerConfiguration(NamedTuple):
    """`origins` says for each option where its value comes from; `unknown` are variables of the environment that mean nothing."""

    place: Place
    options: HostOptions
    origins: dict[str, str]
    file: Path | None
    unknown: list[str]

    @property
    def values(self) -> dict[str, Any]:
        """All options by name."""
        return structs.asdict(self.place) | structs.asdict(self.options)


def load(flags: Mapping[str, Any], config: Path | None = None) -> ServerConfiguration:
    """What is configured. `flags` are those that were given, by the options' names; `config` is the file that was named by one.

    Reads the environment and that file, and nothing else. Raises `UsageError`, which names the key, its origin and what it takes.
    """
    file = _file(flags, config)
    origins: dict[str, str] = dict.fromkeys(TYPES, "default")
    try:
        values = _settings(file, origins)(**flags).model_dump()
        options = checked(HostOptions(**{name: values[name] for name in HostOptions.__struct_fields__}))
    except ValidationError as error:
        first = error.errors()[0]
        raise _located(str(first["loc"][0]), first["ctx"]["error"].args[0], origins) from None
    except OptionError as error:
        raise _located(error.option, error.wrong, origins) from None
    place = Place(**{name: values[name] for name in Place.__struct_fields__})
    return ServerConfiguration(place, options, origins, file.path, _unknown_variables())


def _settings(file: File, origins: dict[str, str]) -> type[BaseSettings]:
    """The model of all options, over their sources; it notes the `origins` while it reads them."""

    class Sources(BaseSettings):
        model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, enable_decoding=False)

        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, env_settings: PydanticBaseSettingsSource,
            *others: PydanticBaseSettingsSource, **more: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
            origins.update({name: file.origin(name) for name in file.values})
            origins.update({name: f"environment {PREFIX}{name.upper()}" for name in env_settings()})
            origins.update({name: f"flag {flag(name)}" for name in init_settings()})
            return init_settings, env_settings, InitSettingsSource(settings_cls, file.values)

    defaults = structs.asdict(Place()) | structs.asdict(HostOptions())
    fields: dict[str, Any] = {
        name: (Annotated[kind, BeforeValidator(partial(_read, name, file))], defaults[name]) for name, kind in TYPES.items()
    }
    return create_model("Settings", __base__=Sources, **fields)


def flag(name: str) -> str:
    """How an option is spelled on the command line."""
    return "--" + name.replace("_", "-")


def _read(name: str, file: File, given: Any) -> Any:
    """One value, in its type, from what a person wrote. Raises ValueError, which says what is wrong, for pydantic to collect."""
    try:
        return _place(name, given) if name in Place.__struct_fields__ else checked_value(name, _from_text(name, given))
    except OptionError as error:
        raise ValueError(error.wrong) from None
    except UsageError as error:
        raise ValueError(error.message.removeprefix(f"{name} ")) from None


def _from_text(name: str, given: Any) -> Any:
    """Text as what it stands for, where the option is no text itself."""
    if not isinstance(given, str):
        return given
    if name in BOUNDS:
        value = UNITS[BOUNDS[name].unit](given, name)
        return int(value) if float(value).is_integer() else value
    if name == "trusted_proxies":
        return [part.strip() for part in given.split(",") if part.strip()]
    return TRUTHS.get(given.lower(), given) if bool in getattr(TYPES[name], "__args__", [TYPES[name]]) else given


def _place(name: str, given: Any) -> Any:
    if name == "port":
        value = units.count(given, name) if isinstance(given, str) else given
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_PORT:
            return value
        raise OptionError(name, f"takes 0 to {MOST_PORT} (0: a free one), not {repr(given)[:100]}")
    if isinstance(given, str | Path) and str(given) and "\0" not in str(given):
        return given
    raise OptionError(name, f"takes {'an address' if name == 'host' else 'the path of a folder'}, not {repr(given)[:100]}")


def _file(flags: Mapping[str, Any], config: Path | None) -> File:
    """The file that was named, else the data directory's own where it has one."""
    named = config or (Path(os.environ[f"{PREFIX}CONFIG"]) if os.environ.get(f"{PREFIX}CONFIG") else None)
    data = Path(flags.get("data") or os.environ.get(f"{PREFIX}DATA") or DEFAULT_DATA)
    path = named or data / FILE
    try:
        with path.open("rb") as opened:
            content = opened.read(LARGEST + 1)
        text = content.decode() if len(content) <= LARGEST else ""
    except (FileNotFoundError, NotADirectoryError):
        if named:
            raise UsageError(f"there is no configuration file {named}") from None
        return File(None, {}, "")
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise UsageError(f"can't read the configuration file {path}: {reason}") from None
    if len(content) > LARGEST:
        raise UsageError(f"the configuration file {path} has more than {LARGEST} bytes")
    return _checked_file(File(path, _toml(path, text), text), of_data=None if named else data)


def _toml(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise UsageError(f"the configuration file {path} is not TOML: {error}") from None


def _checked_file(file: File, of_data: Path | None) -> File:
    """Raises `UsageError` for a key that means nothing, or a data directory that names another one. Paths in it start from its folder."""
    for name in file.values:
        if name not in TYPES:
            raise UsageError(f"{file.origin(name)}: there is no option {name[:100]!r}; the options are: {', '.join(sorted(TYPES))}")
    assert file.path is not None, "it was read"
    for name in ("data", "cache"):
        if isinstance(file.values.get(name), str) and file.values[name]:
            file.values[name] = file.path.parent / file.values[name]
    if of_data is not None and "data" in file.values:
        where = file.origin("data")
        raise UsageError(f"{where}: data can't stand in the file of a data directory; name the file with --config, and it can")
    return file


def _located(name: str, wrong: str, origins: Mapping[str, str]) -> UsageError:
    """The sentence, in the spelling of where the value was given."""
    kind, _, where = origins[name].partition(" ")
    return UsageError(f"{where}: {name} {wrong}" if kind == "file" else f"{where or name} {wrong}")


def _unknown_variables() -> list[str]:
    known = {PREFIX + name.upper() for name in (*TYPES, *OTHER_VARIABLES)}
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)

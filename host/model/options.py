"""What a host as a whole is told: where it is found, what all guests together may take, how it ends, what it logs.

An option has one name everywhere: the field here, the key in a file, the flag with hyphens, the environment's INNKEEPER_ in capitals.
"""

import re
from ipaddress import ip_network
from typing import Any, Literal, NamedTuple, get_type_hints
from urllib.parse import urlsplit

from msgspec import Struct, ValidationError, convert, structs

from host.model.errors import UsageError
from host.model.limits import GIB, MIB

DAY_S = 86_400
LONGEST = 100
"""Characters of a wrong value that an error repeats."""


class HostOptions(Struct, frozen=True, kw_only=True):
    """Options of one host. What may differ from plugin to plugin is in `Limits`. `checked` tells whether they can work."""

    base_domain: str | None = None
    """Each organisation has a subdomain of it: with `innkeeper.example`, `acme.innkeeper.example` is acme's."""
    public_url: str | None = None
    """Where the outside world finds this host, without a slash at the end. None: where it listens."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."""
    max_instances: int = 2_000
    """Live instances of all organisations together. Each takes 4 to 7 memory maps of the process."""
    max_instances_per_organization: int = 200
    """Live instances of one organisation."""
    max_instance_memory: int = 4 * GIB
    """Bytes of measured memory of all live instances together."""
    max_instance_memory_per_organization: int = 1 * GIB
    """Bytes of measured memory of one organisation's live instances."""
    idle_s: float = 300
    """Seconds after which an instance that nobody used goes."""
    idle_channel_s: float = 1_800
    """The same, for plugins with a channel."""
    breaker_failures: int = 10
    """Failures within the window that open an installation's breaker. 0: it never opens."""
    breaker_window_s: float = 60
    """Seconds within which failures count together."""
    body_bytes_in_flight: int = 256 * MIB
    """Bytes of the bodies of all requests that are under way. One address holds a quarter of them, or 4 MiB where that is more."""
    refusals_per_minute_per_address: int = 600
    """Refused requests of one address in a minute, at one installation or about none, beyond which it has to wait there or everywhere."""
    grace_s: float = 10
    """Seconds that requests have to finish when the host ends."""
    synchronous: Literal["FULL", "NORMAL"] = "FULL"
    """SQLite's: with FULL a loss of power takes nothing that was answered, with NORMAL perhaps the last commits."""
    access_log: bool = False
    """A log line per request."""
    log_json: bool | None = None
    """JSON lines as the log. None: unless standard error is a terminal."""


class OptionError(UsageError):
    """An option can't be what it was given: `option`, and what is `wrong` with it. The message is both."""

    def __init__(self, option: str, wrong: str) -> None:
        super().__init__(f"{option} {wrong}")
        self.option = option
        self.wrong = wrong


class Bounds(NamedTuple):
    """The least and the most that an option can be, in `unit`."""

    least: int
    most: int
    unit: Literal["", "bytes", "seconds"] = ""

    def __str__(self) -> str:
        return f"{self.least} to {self.most} {self.unit}".rstrip()


BOUNDS = {
    "max_instances": Bounds(1, 100_000),
    "max_instances_per_organization": Bounds(1, 100_000),
    "max_instance_memory": Bounds(64 * MIB, 4096 * GIB, "bytes"),
    "max_instance_memory_per_organization": Bounds(32 * MIB, 4096 * GIB, "bytes"),
    "idle_s": Bounds(1, 30 * DAY_S, "seconds"),
    "idle_channel_s": Bounds(1, 30 * DAY_S, "seconds"),
    "breaker_failures": Bounds(0, 100_000),
    "breaker_window_s": Bounds(1, DAY_S, "seconds"),
    "body_bytes_in_flight": Bounds(8 * MIB, 1024 * GIB, "bytes"),
    "refusals_per_minute_per_address": Bounds(1, 1_000_000),
    "grace_s": Bounds(0, 3_600, "seconds"),
}
"""No typing error passes for a choice. Both ends are possible."""

TAKES = {
    "base_domain": "a domain name in lower case, as innkeeper.example",
    "public_url": "an http or https URL without query and slash at the end, as https://hooks.example",
    "trusted_proxies": "IP addresses or networks, as 127.0.0.1 or 10.0.0.0/8",
    "synchronous": "FULL or NORMAL",
    "access_log": "true or false",
    "log_json": "true or false",
} | {name: str(bounds) for name, bounds in BOUNDS.items()}
"""What each option takes, for a sentence that says that it was given something else."""

_TYPES = get_type_hints(HostOptions)
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")


def checked(options: HostOptions) -> HostOptions:
    """The same, once it is certain that they can work. Raises `OptionError`, which names the option and what it takes."""
    for name, value in structs.asdict(options).items():
        checked_value(name, value)
    _refuse_conflicts(options)
    return options


def checked_value(name: str, value: object) -> Any:
    """The value of one option, in its type. Raises `OptionError`."""
    try:
        found = convert(value, _TYPES[name])
        if _can_be(name, found):
            return found
    except (ValidationError, ValueError):
        pass
    raise OptionError(name, f"takes {TAKES[name]}, not {repr(value)[:LONGEST]}")


def _can_be(name: str, value: Any) -> bool:
    if value is None:
        return True
    if name in BOUNDS:
        return bool(BOUNDS[name].least <= value <= BOUNDS[name].most)
    if name == "base_domain":
        return _DOMAIN.fullmatch(value) is not None
    if name == "public_url":
        return _is_base_url(value)
    if name == "trusted_proxies":
        return all(ip_network(each) for each in value)
    return True


def _is_base_url(url: str) -> bool:
    parts = urlsplit(url)
    bare = url == f"{parts.scheme}://{parts.netloc}{parts.path}" and url.isascii() and url.isprintable() and " " not in url
    return bare and parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and "@" not in url and url[-1] != "/"


def _refuse_conflicts(options: HostOptions) -> None:
    """One organisation may have more than all together. Only where that was chosen: a default that is too large changes nothing."""
    for whole in ("max_instances", "max_instance_memory"):
        part = f"{whole}_per_organization"
        chosen, all_together = getattr(options, part), getattr(options, whole)
        if chosen > all_together and chosen != getattr(HostOptions(), part):
            raise OptionError(
                part, f"is {chosen}, but all organisations together may have {all_together} ({whole}): choose less, or raise that"
            )

"""Options of a host: defaults that work, and one sentence for what does not."""

import math
from typing import Any

import pytest
from msgspec import structs

from host.model.errors import UsageError
from host.model.options import BOUNDS, TAKES, HostOptions, checked, checked_value


def test_the_defaults_can_work() -> None:
    assert checked(HostOptions()) == HostOptions()


def test_every_option_says_what_it_takes_and_every_number_has_bounds() -> None:
    options = structs.asdict(HostOptions())

    assert set(TAKES) == set(options)
    assert set(BOUNDS) == {name for name, value in options.items() if isinstance(value, int | float) and not isinstance(value, bool)}


@pytest.mark.parametrize("name", BOUNDS)
def test_both_ends_of_a_bound_are_possible_and_nothing_beyond(name: str) -> None:
    least, most, _ = BOUNDS[name]

    for value in (least, most):
        assert checked_value(name, value) == value
    for value in (least - 1, most + 1):
        with pytest.raises(UsageError, match=rf"^{name} takes {least} to {most}.*, not {value}$"):
            checked_value(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_instances", "many"), ("max_instances", True), ("max_instances", 1.5), ("max_instances", None), ("max_instances", 10**400),
        ("grace_s", math.nan), ("grace_s", math.inf), ("grace_s", "10"), ("idle_s", [1]),
        ("base_domain", ""), ("base_domain", "Example.com"), ("base_domain", "a..b"), ("base_domain", "-a.b"), ("base_domain", "a.b\n"),
        ("base_domain", "a" * 64), ("base_domain", ".".join(["abcdefg"] * 32)), ("base_domain", "https://a.b"), ("base_domain", 7),
        ("public_url", ""), ("public_url", "hooks.example"), ("public_url", "ftp://a"), ("public_url", "https://"), ("public_url", "https://a/"),
        ("public_url", "https://a?b"), ("public_url", "https://a#b"), ("public_url", "https://u:p@a"), ("public_url", "https://a:99999"),
        ("public_url", "https://a b"), ("public_url", "https://a\r\nb"), ("public_url", "https://[a"),
        ("trusted_proxies", ("*",)), ("trusted_proxies", ("10.0.0.1/8",)), ("trusted_proxies", "10.0.0.0/8"), ("trusted_proxies", (7,)),
        ("synchronous", "OFF"), ("synchronous", "full"), ("access_log", "yes"), ("access_log", 1), ("log_json", 0),
    ],
)  # fmt: skip
def test_what_can_not_be_is_one_sentence_that_names_the_option_and_what_it_takes(name: str, value: Any) -> None:
    with pytest.raises(UsageError) as error:
        checked(alone(name, value))

    assert error.value.message.startswith(f"{name} takes {TAKES[name]}, not ")
    assert "\n" not in error.value.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base_domain", "innkeeper.example"), ("base_domain", "localhost"), ("public_url", "https://hooks.example"),
        ("public_url", "http://[::1]:8080/below/here"), ("trusted_proxies", ("127.0.0.1", "10.0.0.0/8", "fd00::/8")),
        ("synchronous", "NORMAL"), ("access_log", True), ("log_json", False), ("breaker_failures", 0), ("grace_s", 0.5),
    ],
)  # fmt: skip
def test_what_can_be_stays_as_it_is(name: str, value: Any) -> None:
    assert getattr(checked(alone(name, value)), name) == value


def test_one_organisation_can_not_be_given_more_than_all_together() -> None:
    with pytest.raises(UsageError, match=r"max_instances_per_organization is 20, but .* 10 \(max_instances\)"):
        checked(HostOptions(max_instances=10, max_instances_per_organization=20))
    assert checked(HostOptions(max_instances=10)).max_instances_per_organization == 200  # a default that does not matter then


def alone(name: str, value: Any) -> HostOptions:
    return HostOptions(**{name: value})

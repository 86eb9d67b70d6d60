"""Commands in messages: a shell takes them as they are."""

import shlex

import pytest

from host.model import remedies


def test_the_commands_are_those_that_there_are() -> None:
    assert remedies.grant("whatsapp", "messages.receive", "acme") == "innkeeper grant whatsapp messages.receive --org acme"
    assert remedies.grant("whatsapp", ["store", "tasks"], "acme") == "innkeeper grant whatsapp store tasks --org acme"
    assert remedies.set_secret("whatsapp", "app_secret", "acme") == "innkeeper secrets set whatsapp app_secret --org acme"
    assert remedies.set_secret("whatsapp", "app_secret", None) == "innkeeper secrets set whatsapp app_secret"
    assert remedies.unroute("whatsapp", "106540352242922") == "innkeeper orgs unroute whatsapp 106540352242922"


@pytest.mark.parametrize("hostile", ["http:*.example.com", "$(reboot)", "a; b", "it's", "-x y", "\n"])
def test_a_name_with_characters_that_mean_something_to_a_shell_means_itself(hostile: str) -> None:
    assert shlex.split(remedies.grant("p", hostile, "acme")) == ["innkeeper", "grant", "p", hostile, "--org", "acme"]
    assert shlex.split(remedies.set_secret("p", hostile, "acme")) == ["innkeeper", "secrets", "set", "p", hostile, "--org", "acme"]

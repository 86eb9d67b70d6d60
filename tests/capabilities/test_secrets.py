from base64 import b64decode

import pytest

from host.capabilities import secrets
from host.model.case import Case
from host.model.errors import HostError
from tests.capabilities.memory import EVERYTHING, House

DATA = Case("text", "what do ya want for nothing?")


def test_hmac_gives_the_digests_of_rfc_4231() -> None:
    invocation = House().invocation(secrets={"signing": "Jefe"})

    digest = secrets.hmac(invocation, "signing", "sha256", DATA, "hex")

    assert digest == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def test_hmac_speaks_both_kinds_of_base64() -> None:
    invocation = House().invocation(secrets={"signing": "Jefe"})
    digest = bytes.fromhex("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")  # RFC 2202, test case 2

    assert b64decode(secrets.hmac(invocation, "signing", "sha1", DATA, "base64")) == digest
    assert secrets.hmac(invocation, "signing", "sha1", DATA, "base64") == "7/zfauXrL6LSdBbV8YTfnCWafHk="
    assert secrets.hmac(invocation, "signing", "sha1", DATA, "base64url") == "7_zfauXrL6LSdBbV8YTfnCWafHk="


def test_hmac_takes_the_bytes_of_a_base64_payload() -> None:
    invocation = House().invocation(secrets={"signing": "Jefe"})

    as_text = secrets.hmac(invocation, "signing", "sha512", Case("text", "hi"), "hex")

    assert secrets.hmac(invocation, "signing", "sha512", Case("base64", "aGk="), "hex") == as_text


def test_hmac_of_a_payload_that_is_no_base64_is_invalid() -> None:
    invocation = House().invocation(secrets={"signing": "Jefe"})

    with pytest.raises(HostError) as error:
        secrets.hmac(invocation, "signing", "sha256", Case("base64", "?"), "hex")

    assert error.value.code == "invalid"


@pytest.mark.parametrize("name", ["api_key", "app_secret"])
def test_hmac_is_denied_for_a_secret_of_another_purpose_even_when_granted(name: str) -> None:
    grants = (*EVERYTHING, "secrets:app_secret")
    invocation = House().invocation(asked=grants, grants=grants, secrets={name: "value"})

    with pytest.raises(HostError) as error:
        secrets.hmac(invocation, name, "sha256", DATA, "hex")

    assert error.value.code == "denied"


def test_read_gives_a_secret_of_purpose_read() -> None:
    assert secrets.read(House().invocation(secrets={"api_key": "value"}), "api_key") == "value"


def test_read_is_denied_for_a_secret_that_only_signs() -> None:
    with pytest.raises(HostError) as error:
        secrets.read(House().invocation(secrets={"signing": "value"}), "signing")

    assert error.value.code == "denied"
    assert "value" not in error.value.message


def test_a_secret_that_is_not_set_is_not_found() -> None:
    with pytest.raises(HostError) as error:
        secrets.read(House().invocation(), "api_key")

    assert error.value.code == "not-found"


def test_a_secret_that_is_granted_but_not_declared_is_not_found() -> None:
    invocation = House().invocation(asked=("secrets:other",), grants=("secrets:other",), secrets={"other": "value"})

    with pytest.raises(HostError) as error:
        secrets.read(invocation, "other")

    assert error.value.code == "not-found"


def test_exists_tells_of_declared_and_set_secrets_without_a_grant() -> None:
    invocation = House().invocation(grants=(), secrets={"app_secret": "value", "other": "value"})

    assert secrets.exists(invocation, "app_secret")
    assert not secrets.exists(invocation, "api_key")
    assert not secrets.exists(invocation, "other")

"""Values of secrets in what goes out and in what is recorded: a plugin's errors, its log, a request's path, the host's own log."""

from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest
from structlog.testing import capture_logs

from stores import epoch, plugin_secrets
from stores.sealing import Sealer
from tests.guests_wat import Handler, Memory, Respond
from tests.web.site import Site, a_site, probe

VALUE = 'correct "horse" battery+staple?'
SPELLINGS = [VALUE, VALUE.encode().hex(), b64encode(VALUE.encode()).decode(), quote(VALUE, safe="")]
OPEN = "/v1/orgs/acme/plugins/probe/open"
SECRETS = {"app_secret": VALUE, "verify_token": "let me in"}


class Error(Handler):
    """Answers every request with an error: `rejected` with this text, or `failed`."""

    def __init__(self, text: str, failed: bool = False) -> None:
        self._text, self._failed = text, failed

    def build(self, memory: Memory) -> str:
        result = (1).to_bytes(4, "little") + int(self._failed).to_bytes(4, "little") + memory.text(self._text.encode())
        return f"(i32.const {memory.place(result)})"


def hidden(text: str) -> bool:
    """Whether no spelling of the value is in it, also where JSON has escaped its quotes."""
    return not any(each in text.replace('\\"', '"') for each in SPELLINGS)


@pytest.mark.promise("secrets.masked")
@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("failed", [False, True])
async def test_an_error_of_the_plugin_tells_no_value_to_the_sender_the_record_or_the_hosts_log(
    tmp_path: Path, spelling: str, failed: bool
) -> None:
    async with a_site(tmp_path, probe(Error(f"bad key <{spelling}>", failed)), secrets=SECRETS) as site:
        with capture_logs() as log:
            reply = await site.ask("POST", OPEN)
        (record,) = site.records()

    assert reply.status == (502 if failed else 422)
    assert failed or reply.json["error"]["message"] == "bad key <[secret app_secret]>"
    assert record.error_message == "bad key <[secret app_secret]>"
    assert "[secret app_secret]" in str(log)
    assert hidden(reply.body.decode() + str(log))


@pytest.mark.promise("secrets.masked", "secrets.plugin-own")
async def test_an_error_tells_nothing_of_the_plugins_own_secrets_either(tmp_path: Path) -> None:
    async with a_site(tmp_path, probe(Error(f"bad key <{VALUE}>")), secrets={}) as site:
        before = await site.ask("POST", OPEN)
        own_secret(tmp_path, site)
        after = await site.ask("POST", OPEN)

    assert before.json["error"]["message"] == f"bad key <{VALUE}>"
    assert after.json["error"]["message"] == "bad key <[secret app_secret]>"


@pytest.mark.promise("secrets.masked")
async def test_a_path_with_a_value_in_it_is_recorded_without(tmp_path: Path) -> None:
    items = f"/v1/orgs/acme/plugins/probe/items/{quote(VALUE, safe='')}"
    async with a_site(tmp_path, probe(Respond(body=b"found")), secrets=SECRETS) as site:
        with capture_logs() as log:
            answered = await site.ask("GET", items)
            wrong = await site.ask("POST", f"/v1/orgs/acme/plugins/probe/webhook?hub.verify_token={quote(VALUE)}")
        paths = [record.path for record in site.records()]

    assert (answered.status, wrong.status) == (200, 401)
    assert paths == ["/items/[secret app_secret]", "/webhook"]
    assert hidden(str(log))


@pytest.mark.promise("secrets.plugin-own")
async def test_the_plugins_own_secret_verifies_nothing_at_an_organisations_own_url(tmp_path: Path) -> None:
    import hmac

    signature = hmac.digest(VALUE.encode(), b"{}", "sha256").hex()
    async with a_site(tmp_path, secrets={}) as site:
        own_secret(tmp_path, site)
        reply = await site.ask(
            "POST", "/v1/orgs/acme/plugins/probe/any", headers=[("x-signature", f"sha256={signature}")], body=b"{}"
        )  # fmt: skip

    assert (reply.status, reply.code) == (401, "signature.invalid")


async def test_a_secret_that_does_not_open_is_said_to_the_plugins_log_and_not_to_the_sender(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        with site.runtime.database.transaction() as connection:
            connection.execute("UPDATE secrets SET sealed = zeroblob(60) WHERE name = 'app_secret'")
            epoch.bump(connection)
        reply = await site.ask("POST", "/v1/orgs/acme/plugins/probe/any", headers=[("x-signature", "sha256=00")], body=b"{}")
        (record,) = site.records()

    assert (reply.status, reply.code) == (401, "signature.invalid")
    assert "app_secret does not open any more" in record.log[0].message
    assert "innkeeper secrets set probe app_secret --org acme" in record.log[0].message


def own_secret(folder: Path, site: Site) -> None:
    """Gives the plugin itself the secret `app_secret`."""
    with site.runtime.database.transaction() as connection:
        plugin_secrets.set(connection, Sealer.open_or_create(folder, {}), "probe", "app_secret", VALUE, 1)

"""A key that is lost costs the secrets that were sealed under it, and nothing else."""

from pathlib import Path

from structlog.testing import capture_logs

from host.model.installation import Secrets
from stores import epoch
from tests.building import example
from tests.runtime.hosts import ORGANIZATION, a_host, installed, send


async def test_secrets_that_do_not_open_are_as_if_they_were_not_set_until_they_are_set_again(tmp_path: Path) -> None:
    secrets = {"app_secret": "an app secret", "webhook_verify_token": "a token"}
    await installed(tmp_path, example("whatsapp"), secrets=secrets)
    await installed(tmp_path, example("simple_http_test"))
    (tmp_path / "key").unlink()
    async with a_host(tmp_path) as runtime:
        await runtime.warm_up()
        lost = runtime.installation(ORGANIZATION, "whatsapp")
        assert lost is not None
        assert lost.secrets == Secrets({})
        assert (await send(runtime, "simple-http-test", "health")).status == 200
    await installed(tmp_path, example("whatsapp"), secrets=secrets)
    async with a_host(tmp_path) as runtime:
        found = runtime.installation(ORGANIZATION, "whatsapp")
        assert found is not None
        assert found.secrets == Secrets(secrets)


async def test_a_secret_that_does_not_open_costs_itself_and_no_other(tmp_path: Path) -> None:
    secrets = {"app_secret": "an app secret", "webhook_verify_token": "a token"}
    await installed(tmp_path, example("whatsapp"), secrets=secrets)
    async with a_host(tmp_path) as runtime:
        with runtime.database.transaction() as connection:
            connection.execute("UPDATE secrets SET sealed = zeroblob(60) WHERE name = 'app_secret'")
            epoch.bump(connection)
        with capture_logs() as log:
            found = runtime.installation(ORGANIZATION, "whatsapp")
            again = runtime.installation(ORGANIZATION, "whatsapp")

    assert found is not None
    assert found is again
    assert dict(found.secrets) == {"webhook_verify_token": "a token"}
    assert list(found.secrets.shut) == ["app_secret"]
    (line,) = [line for line in log if line["event"] == "secret.unreadable"]
    assert (line["organization"], line["plugin"], line["secret"]) == (ORGANIZATION, "whatsapp", "app_secret")
    assert "set it again" in line["reason"]

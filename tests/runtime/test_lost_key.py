"""A key that is lost costs the secrets that were sealed under it, and nothing else."""

from pathlib import Path

from host.model.installation import Secrets
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

"""A new key while a server answers signed webhooks, and while what rotates it is killed."""

import hmac
import signal
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import pytest

from stores import installations, organizations, plugin_secrets, plugins, rotation, secrets
from stores.database import Database
from stores.sealing import Sealer
from tests.cli.command import PATIENCE, Served, invoke, run, served, started, wat

SIGNED = {"name": "hook", "path": "/hook", "auth": {"type": "verify", "secret": "key", "header": "x-signature"}}
VALUE = "correct horse battery"
BODY = b'{"n":1}'
SIGNATURE = hmac.digest(VALUE.encode(), BODY, "sha256").hex()
OTHERS = 30
"""Organisations beside the one that is asked, with a hundred secrets each: fifteen batches."""


def settled(folder: Path) -> Path:
    """A data directory with the plugin `probe` in `acme`, its secret, and many secrets of others."""
    data = folder / "data"
    path = wat(folder, routes=[SIGNED], secrets=[{"name": "key", "purpose": "verify"}])
    assert invoke("install", path, "--org", "acme", "--create-org", "--data", data).exit_code == 0
    assert invoke("secrets", "set", "probe", "key", "--org", "acme", "--data", data, stdin=VALUE.encode()).exit_code == 0
    sealer = Sealer.open_or_create(data, {})
    with Database(data / "innkeeper.db").transaction() as connection:
        digest = plugins.all(connection)[0].digest
        plugin_secrets.set(connection, sealer, "probe", "key", "the plugin's own", 1)
        for number in range(OTHERS):
            organizations.create(connection, f"org-{number}", 1)
            installations.upsert(connection, f"org-{number}", "probe", digest=digest, at=1)
            for name in range(100):
                secrets.set(connection, sealer, f"org-{number}", "probe", f"name-{name}", f"a value {name}", 1)
    return data


class Senders:
    """Threads that send signed webhooks, one after the other, until they are told to stop."""

    def __init__(self, server: Served, count: int) -> None:
        self.statuses: list[int] = []
        self.more = threading.Condition()
        self._url = f"{server.url}/v1/orgs/acme/plugins/probe/hook"
        self._stopped = False
        self._threads = [threading.Thread(target=self._send) for _ in range(count)]

    def _send(self) -> None:
        with httpx2.Client(trust_env=False, timeout=PATIENCE) as client:
            while not self._stopped:
                status = client.post(self._url, content=BODY, headers={"x-signature": SIGNATURE}).status_code
                with self.more:
                    self.statuses.append(status)
                    self.more.notify_all()

    def wait_for_more(self, count: int) -> None:
        with self.more:
            wanted = len(self.statuses) + count
            assert self.more.wait_for(lambda: len(self.statuses) >= wanted, PATIENCE)

    @contextmanager
    def at_work(self) -> Iterator["Senders"]:
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._stopped = True
            for thread in self._threads:
                thread.join()


def left_under(data: Path, key: str) -> int:
    """How many secrets a key opens."""
    with closing(Database(data / "innkeeper.db").read_connection()) as connection:
        every = [(each, secrets.load_all(connection, Sealer.open_or_create(data, {"INNKEEPER_KEY": key}), each, "probe"))
                 for each in ("acme", *(f"org-{number}" for number in range(OTHERS)))]  # fmt: skip
        own = plugin_secrets.load_all(connection, Sealer.open_or_create(data, {"INNKEEPER_KEY": key}), "probe")
    return sum(len(found) for _, found in every) + len(own)


@pytest.mark.promise("secrets.rotation")
def test_every_signed_webhook_is_answered_before_during_and_after_and_the_old_key_opens_nothing(tmp_path: Path) -> None:
    data = settled(tmp_path)
    old = (data / "key").read_text().strip()
    assert left_under(data, old) == OTHERS * 100 + 2
    with served(data) as server:
        with Senders(server, 3).at_work() as senders:
            senders.wait_for_more(20)
            done = run("secrets", "rotate-key", "--data", data)
            senders.wait_for_more(20)
            again = run("secrets", "rotate-key", "--data", data)
            senders.wait_for_more(20)
        log = server.end()[2]
    new = (data / "key").read_text().strip()

    assert (done.returncode, again.returncode) == (0, 0), done.stderr + again.stderr
    assert "secret.unreadable" not in log
    assert set(senders.statuses) == {200}
    assert left_under(data, old) == 0
    assert left_under(data, new) == OTHERS * 100 + 2


@pytest.mark.promise("secrets.rotation")
@pytest.mark.parametrize("batches", [1, 7])
def test_one_that_is_killed_in_its_midst_is_finished_by_the_next(tmp_path: Path, batches: int) -> None:
    data = settled(tmp_path)
    with started("secrets", "rotate-key", "--data", data) as process:
        assert process.stderr is not None
        for _ in range(batches):
            assert process.stderr.readline().startswith("re-sealed")
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
    done = run("secrets", "rotate-key", "--data", data)

    (key,) = (data / "key").read_text().split()
    assert done.returncode == 0, done.stderr
    assert left_under(data, key) == OTHERS * 100 + 2
    with closing(Database(data / "innkeeper.db").read_connection()) as connection:
        assert len(rotation.key_ids(connection)) == 1

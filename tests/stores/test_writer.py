import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from host.model.errors import Conflict, InnkeeperError, UsageError
from stores import organizations
from stores.database import Database
from stores.statement import Connection
from stores.writer import CommitFailed, JobInterrupted, Ticket, Writer, WriterClosed

PATIENCE = 20
"""Seconds until a wait that should end at once counts as hanging."""


def made(name: str) -> Callable[[Connection], str]:
    return lambda connection: organizations.create(connection, name, 1).id


def stored(database: Database) -> set[str]:
    reader = database.read_connection()
    found = {each.id for each in organizations.all(reader)} - {"oak", "elm"}
    reader.close()
    return found


class Gate:
    """A job that holds the writer's thread until it is opened, so that others queue up behind it."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, connection: Connection) -> None:
        self.entered.set()
        assert self.opened.wait(PATIENCE)

    async def held(self, writer: Writer) -> "asyncio.Task[None]":
        """The gate's own commit, once the thread is in it."""
        task = asyncio.create_task(writer.commit(self))
        assert await asyncio.to_thread(self.entered.wait, PATIENCE)
        return task


async def queued(*commits: "asyncio.Task[object]") -> None:
    """Lets each of these tasks run until it waits."""
    for _ in commits:
        await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_a_commit_gives_what_its_job_gave_and_others_can_read_it(database: Database) -> None:
    async with Writer(database) as writer:
        assert await writer.commit(made("ash")) == "ash"
        assert stored(database) == {"ash"}


async def test_jobs_that_wait_are_committed_as_one_group(database: Database) -> None:
    gate, seen = Gate(), []

    def look(connection: Connection) -> None:
        seen.append(({each.id for each in organizations.all(connection)} - {"oak", "elm"}, stored(database)))

    async with Writer(database) as writer:
        first = await gate.held(writer)
        group = [asyncio.create_task(writer.commit(job)) for job in (made("ash"), look, made("yew"), look)]
        await queued(*group)
        gate.opened.set()
        await asyncio.gather(first, *group)

    assert seen == [({"ash"}, set()), ({"ash", "yew"}, set())]
    assert stored(database) == {"ash", "yew"}


async def test_a_job_that_raises_leaves_its_neighbours_alone(database: Database) -> None:
    def fails(connection: Connection) -> None:
        organizations.create(connection, "bad", 1)
        raise Conflict("lost")

    async with Writer(database) as writer:
        jobs = [made("ash"), fails, made("yew"), made("ash"), made("fir")]
        results = await asyncio.gather(*(writer.commit(job) for job in jobs), return_exceptions=True)

    assert [repr(result) for result in results] == [
        "'ash'",
        "Conflict('lost')",
        "'yew'",
        """UsageError("organisation 'ash' exists already: `innkeeper orgs show ash` shows it")""",
        "'fir'",
    ]
    assert stored(database) == {"ash", "yew", "fir"}


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError, BaseException])
async def test_nothing_that_a_job_raises_ends_the_thread(database: Database, kind: type[BaseException]) -> None:
    def fails(connection: Connection) -> None:
        organizations.create(connection, "bad", 1)
        raise kind

    async with Writer(database) as writer:
        with pytest.raises(JobInterrupted, match=kind.__name__) as caught:
            await writer.commit(fails)
        assert await writer.commit(made("ash")) == "ash"

    assert isinstance(caught.value.__cause__, kind)
    assert stored(database) == {"ash"}


async def test_a_savepoint_of_the_jobs_own_may_be_rolled_back(database: Database) -> None:
    def tries(connection: Connection) -> str:
        connection.execute("SAVEPOINT own")
        organizations.create(connection, "bad", 1)
        connection.execute("ROLLBACK TO own")
        connection.execute("RELEASE own")
        return organizations.create(connection, "ash", 1).id

    async with Writer(database) as writer:
        await writer.commit(tries)

    assert stored(database) == {"ash"}


async def test_when_the_commit_fails_every_job_of_the_group_fails_with_it(database: Database) -> None:
    def leaves_a_reference_to_nothing(connection: Connection) -> None:
        connection.execute("PRAGMA defer_foreign_keys = ON")
        connection.execute("INSERT INTO agents VALUES ('nobody', 'a', 'Ada', 1, 0)")

    gate = Gate()
    async with Writer(database) as writer:
        first = await gate.held(writer)
        group = [asyncio.create_task(writer.commit(job)) for job in (made("ash"), leaves_a_reference_to_nothing, made("ash"))]
        await queued(*group)
        gate.opened.set()
        await first
        results = await asyncio.gather(*group, return_exceptions=True)

        assert [type(result) for result in results] == [CommitFailed, CommitFailed, UsageError]
        assert results[0] is not results[1]
        assert stored(database) == set()
        assert await writer.commit(made("yew")) == "yew"

    assert stored(database) == {"yew"}


async def test_a_job_that_ends_the_transaction_fails_and_the_writer_goes_on(database: Database) -> None:
    async with Writer(database) as writer:
        for job in (lambda connection: connection.rollback(), lambda connection: connection.commit()):
            with pytest.raises(CommitFailed, match="no such savepoint"):
                await writer.commit(job)
        assert await writer.commit(made("ash")) == "ash"


async def test_a_lock_that_is_held_too_long_fails_the_group_and_not_the_next(database: Database) -> None:
    other = database.connect()
    other.execute("BEGIN IMMEDIATE")

    async with Writer(Database(database.path, busy_timeout_ms=1)) as writer:
        results = await asyncio.gather(*(writer.commit(made(name)) for name in ("ash", "yew")), return_exceptions=True)
        other.rollback()
        assert await writer.commit(made("fir")) == "fir"

    assert [(type(result), getattr(result, "code", "")) for result in results] == [(CommitFailed, "unavailable")] * 2
    assert "locked" in str(results[0])
    assert stored(database) == {"fir"}
    other.close()


async def test_a_full_database_stores_exactly_what_was_acknowledged(database: Database) -> None:
    async with Writer(database) as writer:
        await writer.commit(lambda connection: connection.execute("PRAGMA max_page_count = 1").fetchone())

        def large(name: str) -> Callable[[Connection], str]:
            def job(connection: Connection) -> str:
                connection.execute("UPDATE organizations SET settings = ? WHERE id = 'oak'", ("x" * 100_000,))
                return organizations.create(connection, name, 1).id

            return job

        gate = Gate()
        first = await gate.held(writer)
        names = ["a1", "a2", "large", "a3"]
        group = [asyncio.create_task(writer.commit((large if name == "large" else made)(name))) for name in names]
        await queued(*group)
        gate.opened.set()
        await first
        results = await asyncio.gather(*group, return_exceptions=True)

        assert isinstance(results[2], CommitFailed)
        assert "full" in results[2].message
        assert stored(database) == {result for result in results if isinstance(result, str)}
        await writer.commit(lambda connection: connection.execute("PRAGMA max_page_count = 100000").fetchone())
        assert await writer.commit(large("large")) == "large"


FULL_DISK = """
import asyncio, resource, sys
from pathlib import Path
from stores import organizations
from stores.database import Database
from stores.writer import CommitFailed, Writer

async def main():
    database = Database(Path(sys.argv[1]))
    def job(name, size):
        def write(connection):
            organizations.create(connection, name, 1)
            connection.execute("UPDATE organizations SET settings = ? WHERE id = ?", ("x" * size, name))
        return write
    async with Writer(database) as writer:
        await writer.commit(job("before", 10))
        used = max(path.stat().st_size for path in database.path.parent.iterdir())
        resource.setrlimit(resource.RLIMIT_FSIZE, (used, resource.RLIM_INFINITY))
        jobs = [writer.commit(job(name, 200_000)) for name in ("one", "two")]
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert [type(result) for result in results] == [CommitFailed] * 2, results
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await writer.commit(job("after", 200_000))
    connection = database.connect()
    print([each.id for each in organizations.all(connection)], connection.execute("PRAGMA integrity_check").fetchone())

asyncio.run(main())
"""


def test_a_disk_that_is_full_at_the_commit_fails_the_group_and_harms_nothing(database: Database) -> None:
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(database.path)], capture_output=True, text=True)

    assert done.stderr == ""
    assert done.stdout == "['after', 'before', 'elm', 'oak'] ('ok',)\n"


async def test_a_caller_that_is_cancelled_before_its_job_began_leaves_nothing(database: Database) -> None:
    gate, ran, ticket = Gate(), [], Ticket()
    async with Writer(database) as writer:
        first = await gate.held(writer)
        task = asyncio.create_task(writer.commit(lambda connection: ran.append(1), ticket))
        await queued(task)

        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.opened.set()
        await first
        await writer.commit(made("ash"))

    assert ran == []
    assert not ticket.stored


async def test_a_caller_that_is_cancelled_while_its_job_runs_learns_that_it_was_stored(database: Database) -> None:
    gate, ticket = Gate(), Ticket()

    def job(connection: Connection) -> None:
        organizations.create(connection, "ash", 1)
        gate(connection)

    async with Writer(database) as writer:
        task = asyncio.create_task(writer.commit(job, ticket))
        assert await asyncio.to_thread(gate.entered.wait, PATIENCE)
        for _ in range(3):
            task.cancel()
            await queued(task)
        assert not task.done()
        gate.opened.set()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert ticket.stored
        assert stored(database) == {"ash"}


async def test_a_caller_that_is_cancelled_while_its_job_fails_learns_that_it_was_not(database: Database) -> None:
    gate, ticket = Gate(), Ticket()

    def job(connection: Connection) -> None:
        organizations.create(connection, "ash", 1)
        gate(connection)
        raise Conflict

    async with Writer(database) as writer:
        task = asyncio.create_task(writer.commit(job, ticket))
        assert await asyncio.to_thread(gate.entered.wait, PATIENCE)
        task.cancel()
        gate.opened.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert not ticket.stored
    assert stored(database) == set()


async def test_a_deadline_around_a_commit_is_a_time_out_like_any_other(database: Database) -> None:
    gate = Gate()
    async with Writer(database) as writer:
        first = await gate.held(writer)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await writer.commit(made("ash"))
        gate.opened.set()
        await first

    assert stored(database) == set()


async def test_cancelling_at_any_moment_keeps_promises_and_leaks_nothing(database: Database) -> None:
    tickets = {f"n{number}": Ticket() for number in range(200)}
    async with Writer(database, limit=8) as writer:
        tasks = {name: asyncio.create_task(writer.commit(made(name), ticket)) for name, ticket in tickets.items()}
        for turn, task in enumerate(tasks.values()):
            if turn % 2:
                task.cancel()
            if turn % 7 == 0:
                await asyncio.sleep(0)
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        assert await writer.commit(made("last")) == "last"

    assert stored(database) == {name for name, ticket in tickets.items() if ticket.stored} | {"last"}
    assert {name for name, task in tasks.items() if not task.cancelled()} <= stored(database)


async def test_no_more_jobs_than_the_limit_are_queued_and_all_get_their_turn(database: Database) -> None:
    gate = Gate()
    async with Writer(database, limit=3) as writer:
        first = await gate.held(writer)
        tasks = [asyncio.create_task(writer.commit(made(f"n{number}"))) for number in range(10)]
        await queued(*tasks)

        assert repr(writer) == "<Writer [open, 2 waiting]>"
        gate.opened.set()
        await asyncio.gather(first, *tasks)

    assert len(stored(database)) == 10


async def test_closing_finishes_what_is_queued_and_refuses_what_comes_later(database: Database) -> None:
    gate, writer = Gate(), Writer(database)
    await writer.start()
    first = await gate.held(writer)
    tasks = [asyncio.create_task(writer.commit(made(f"n{number}"))) for number in range(5)]
    await queued(*tasks)

    closing = asyncio.create_task(writer.close())
    await queued(closing)
    with pytest.raises(WriterClosed):
        await writer.commit(made("late"))
    gate.opened.set()
    await asyncio.gather(first, closing, *tasks)
    await writer.close()

    assert stored(database) == {f"n{number}" for number in range(5)}
    assert repr(writer) == "<Writer [closed, 0 waiting]>"
    assert "innkeeper-writer" not in {thread.name for thread in threading.enumerate()}


async def test_who_waits_for_a_place_when_the_writer_closes_is_told(database: Database) -> None:
    gate, writer = Gate(), Writer(database, limit=1)
    await writer.start()
    first = await gate.held(writer)
    waiting = asyncio.create_task(writer.commit(made("ash")))
    await queued(waiting)

    closing = asyncio.create_task(writer.close())
    await queued(closing)
    gate.opened.set()
    await asyncio.gather(first, closing)

    with pytest.raises(WriterClosed):
        await waiting
    assert stored(database) == set()


async def test_a_writer_that_was_never_started_stores_nothing_and_closes(database: Database) -> None:
    writer = Writer(database)

    with pytest.raises(WriterClosed):
        await writer.commit(made("ash"))
    await writer.close()

    assert repr(writer) == "<Writer [closed, 0 waiting]>"


async def test_a_start_that_is_cancelled_leaves_no_thread_behind(database: Database) -> None:
    writer = Writer(database)
    starting = asyncio.create_task(writer.start())
    await queued(starting)

    starting.cancel()
    await asyncio.wait([starting])
    await writer.close()

    assert "innkeeper-writer" not in {thread.name for thread in threading.enumerate()}


async def test_a_database_that_can_not_be_opened_is_said_at_the_start(tmp_path: Path) -> None:
    writer = Writer(Database(tmp_path / "absent" / "innkeeper.db"))

    with pytest.raises(UsageError, match="can't open the database"):
        await writer.start()
    with pytest.raises(InnkeeperError):
        await writer.commit(made("ash"))
    await writer.close()


async def test_readers_other_processes_and_groups_do_not_disturb_each_other(database: Database) -> None:
    """Each commit makes two organisations, so a reader must always see an even number, never fewer than before."""
    counts: list[int] = []
    stop = threading.Event()

    def two(name: str) -> Callable[[Connection], object]:
        return lambda connection: [organizations.create(connection, f"{name}-{half}", 1) for half in "ab"]

    def read() -> None:
        reader = database.read_connection()
        while not stop.is_set():
            counts.append(len(organizations.all(reader)))
        reader.close()

    def write_elsewhere() -> None:
        for number in range(30):
            with database.transaction() as connection:
                two(f"elsewhere-{number}")(connection)

    async with Writer(database) as writer:
        reading = asyncio.create_task(asyncio.to_thread(read))
        elsewhere = asyncio.create_task(asyncio.to_thread(write_elsewhere))
        for turn in range(10):
            await asyncio.gather(*(writer.commit(two(f"here-{turn}-{number}")) for number in range(10)))
        await elsewhere
        stop.set()
        await reading

    assert counts == sorted(counts)
    assert [count for count in counts if count % 2] == []
    assert len(stored(database)) == 2 * (100 + 30)

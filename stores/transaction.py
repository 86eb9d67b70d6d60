"""Transactions on a connection that begins none by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from stores.statement import Connection


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """All of it or nothing. Takes the write lock first: a transaction that reads and then writes can't get it, whatever the time-out."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:  # boundary: whatever ends the block, the transaction ends with it
        connection.rollback()
        raise
    _commit(connection)


@contextmanager
def snapshot(connection: Connection) -> Iterator[None]:
    """Several reads that see the same state. Within a transaction they do anyway."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.rollback()  # nothing was written


def _commit(connection: Connection) -> None:
    try:
        connection.commit()
    except BaseException:  # boundary: a commit that failed leaves the transaction open
        connection.rollback()
        raise

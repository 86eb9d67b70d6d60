"""An embedder's own platform: messages and customers that are kept elsewhere than in the host's tables.

Reads are those that the capabilities ask for; writes are effects, handed over while they commit. What is not given the host keeps itself.
"""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, get_args

from host.capabilities.reads import CustomerReads, MessageReads
from host.model.effects import CustomerEffect, MessageEffect
from host.model.errors import InnkeeperError, PlatformFailed, UsageError
from stores.effects import Appliers, Target
from stores.statement import Connection, Violation, is_race


class CustomerWrites(Protocol):
    """See `MessageWrites`."""

    def apply(self, connection: Connection, organization: str, plugin: str, effect: CustomerEffect, at: int) -> None: ...


class MessageWrites(Protocol):
    """Called once for each effect of an invocation that succeeded, in their order, in the writer's thread, within the commit's transaction.

    `connection` is the one that commits: what is written through it is stored together with the delivery's record, or not at all. It must
    neither end the transaction nor be kept. `at` is the time of the commit, in milliseconds since 1970.

    Whatever is written elsewhere is written before the commit is certain, and again when it has to be repeated: at least once, under ids
    that are made anew in each run. What names the same thing in each run is what the plugin said: a message's `source` and `external_id`,
    an identity of a customer.

    Raises `Conflict` (or the connection's IntegrityError, for a key that is taken or a reference that is gone) when somebody else was
    faster: the invocation runs again, on what is there by then. Whatever else it raises fails the call, and nothing of it is stored.
    """

    def apply(self, connection: Connection, organization: str, plugin: str, effect: MessageEffect, at: int) -> None: ...


class Customers(CustomerReads, CustomerWrites, Protocol):
    """An embedder's customers."""


class Messages(MessageReads, MessageWrites, Protocol):
    """An embedder's conversations and their messages, with the choice of an agent for each."""


@dataclass(frozen=True)
class OwnPlatform:
    """What an embedder keeps itself. Customers only together with messages: the host's own conversations refer to the host's customers."""

    messages: Messages | None = None
    customers: Customers | None = None

    def appliers(self) -> Appliers:
        """For the effects that are not the host's own business."""
        given = ((self.messages, MessageEffect), (self.customers, CustomerEffect))
        return {kind: _applier(writes) for writes, kinds in given if writes is not None for kind in get_args(kinds)}


def checked(platform: OwnPlatform) -> OwnPlatform:
    """The same, once it is certain that it has every function. Raises `UsageError`, which names what is missing or of the wrong kind."""
    if platform.customers is not None and platform.messages is None:
        raise UsageError("a platform with customers of its own needs messages of its own: the host's conversations refer to its customers")
    for name, part, protocol in (("messages", platform.messages, Messages), ("customers", platform.customers, Customers)):
        if part is not None and (wrong := list(_wrong(part, protocol))):
            raise UsageError(f"the platform's {name} ({type(part).__name__}) can't be used: {'; '.join(wrong)}")
    return platform


def _wrong(part: object, protocol: type) -> Iterator[str]:
    declared = {name: function for base in protocol.__mro__ for name, function in vars(base).items() if not name.startswith("_")}
    for name, function in declared.items():
        found = getattr(part, name, None)
        if not callable(found):
            yield f"it has no function {name}"
        elif inspect.iscoroutinefunction(found) != inspect.iscoroutinefunction(function):
            yield f"{name} has to be {'an async' if inspect.iscoroutinefunction(function) else 'a plain'} function"


def _applier(writes: CustomerWrites | MessageWrites) -> Any:
    def apply(target: Target, effect: Any) -> None:
        try:
            writes.apply(*target[:3], effect, target.at)
        except InnkeeperError:
            raise
        except Exception as error:  # boundary: the embedder's code can raise anything, and it fails this call alone
            if isinstance(error, Violation) and is_race(error):
                raise
            raise PlatformFailed(f"{type(writes).__name__} did not take {type(effect).__name__}: {error!r}") from error

    return apply

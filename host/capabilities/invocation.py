"""One run of a guest: what its host functions get."""

from collections.abc import Sequence
from functools import cached_property

import msgspec

from host.capabilities.ids import Ids
from host.capabilities.journal import Journal
from host.capabilities.reads import Platform
from host.capabilities.tape import Tape, Unrecorded
from host.capabilities.view import View
from host.model.delivery import LogLine
from host.model.effects import Effect, StoreAdd, StoreSet
from host.model.errors import LimitExceeded
from host.model.installation import Installation


class Invocation:
    """Who runs, what it has been told, and what it wishes for: made anew for each run, also of the same delivery.

    One guest call uses it at a time. `environment` is `production` or `development`.

    `tape` is what the guest reads through `clock` and `random`, and nothing else reads it: a replay takes the answers of host functions
    from its recording without running them, so what their making needs of clock and randomness comes from `unrecorded`.

    `earlier` are the effects of invocations that commit together with this one, before it: it sees them, and its own follow them in
    `effects`. `used` are the capabilities that it has had need of, and had.
    """

    def __init__(
        self,
        installation: Installation,
        delivery_id: str,
        tape: Tape,
        platform: Platform,
        *,
        environment: str = "production",
        unrecorded: Tape | None = None,
        earlier: Sequence[Effect] = (),
    ) -> None:
        self.installation = installation
        self.delivery_id = delivery_id
        self.tape = tape
        self.environment = environment
        self.effects: list[Effect] = [*earlier]
        self._earlier = len(earlier)
        self.used: set[str] = set()
        self._effect_bytes = 0
        self.view = View(platform, installation.organization, installation.plugin, delivery_id, installation.limits.answer_bytes)
        self._journal = Journal(installation.limits.log_bytes, installation.masks)
        self._unrecorded = unrecorded or Unrecorded()
        self._ids = Ids(self._unrecorded)
        self._guest_ids = Ids(tape)
        for effect in earlier:
            self.view.see(effect)

    def __repr__(self) -> str:
        who = f"{self.installation.organization}/{self.installation.plugin}"
        return f"<Invocation {self.delivery_id} of {who} [{len(self.effects)} effects, {len(self.log)} log lines]>"

    @cached_property
    def wishes(self) -> frozenset[str]:
        """The capabilities that the manifest asks for."""
        return frozenset(wish.name for wish in self.installation.manifest.wishes())

    @property
    def own_effects(self) -> int:
        """How many are its own."""
        return max(0, len(self.effects) - self._earlier)

    @property
    def log(self) -> list[LogLine]:
        return self._journal.lines

    @property
    def log_bytes(self) -> int:
        return self._journal.bytes

    @property
    def dropped_log_lines(self) -> int:
        """Lines that did not fit into `Limits.log_bytes`."""
        return self._journal.dropped

    def write_log(self, level: str, message: str, fields: str | None = None) -> None:
        """A line for the plugin's log. Beyond the limit it is counted and dropped."""
        self._journal.write(self.now_ms(), level, message, fields)

    def now_ms(self) -> int:
        """The time for effects and log lines, in milliseconds since 1970."""
        return self._unrecorded.now_ms()

    def new_id(self) -> str:
        """A version 7 UUID for an effect, greater than the one before."""
        return self._ids.new()

    def new_guest_id(self) -> str:
        """A version 7 UUID that the guest asked for, from the tape, greater than the one before."""
        return self._guest_ids.new()

    def record(self, effect: Effect) -> None:
        """Adds a wish; from now on reads see it.

        Raises `HostError` `invalid` where the effect can't follow the earlier ones, `LimitExceeded` `effects` or `effect-bytes` where there
        are too many or they hold too much.
        """
        limits = self.installation.limits
        if self.own_effects >= limits.effects:
            raise LimitExceeded("effects", f"more than {limits.effects} effects in one call")
        self._effect_bytes += len(msgspec.msgpack.encode(effect))
        if self._effect_bytes > limits.effect_bytes:
            raise LimitExceeded("effect-bytes", f"effects of more than {limits.effect_bytes} bytes in one call")
        self.view.see(effect)
        self.effects.append(effect)

    def replace_additions(self, effect: StoreSet) -> None:
        """Records a guarded write in place of the additions to its key.

        Its value was made with them in sight, and applying them first would change the version that it expects.
        """
        self.effects[:] = [
            earlier
            for earlier in self.effects
            if not (isinstance(earlier, StoreAdd) and earlier.scope == effect.scope and earlier.key == effect.key)
        ]
        self.record(effect)

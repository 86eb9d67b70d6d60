"""The interface `sources`: channels that messages come from."""

from msgspec.structs import replace

from host.capabilities import checks, jsontext
from host.capabilities.invocation import Invocation
from host.capabilities.registry import function
from host.model.effects import SourceRegistered
from host.model.errors import HostError, not_found
from host.model.source import Source


@function("sources", "register", grant="sources.register")
async def register(invocation: Invocation, source: Source) -> None:
    kept = _checked(source)
    owner = await invocation.view.sources.owner(kept.id)
    if owner not in (None, invocation.installation.plugin):
        raise HostError("conflict", f"another plugin has the source {kept.id!r}")
    invocation.record(SourceRegistered(kept))


async def require_own(invocation: Invocation, source_id: str) -> None:
    """Raises `HostError` `not-found` unless this plugin registered the source: the same for one that is another plugin's."""
    checks.text("source", source_id, shortest=0)
    if not await is_own(invocation, source_id):
        raise not_found("source", source_id)


async def is_own(invocation: Invocation, source_id: str) -> bool:
    return await invocation.view.sources.owner(source_id) == invocation.installation.plugin


def _checked(source: Source) -> Source:
    checks.source_id(source.id)
    checks.text("name", source.name, longest=checks.PROFILE_BYTES)
    checks.optional_text("description", source.description, shortest=0, longest=checks.PROFILE_BYTES)
    checks.optional_text("icon", source.icon, shortest=0, longest=jsontext.VALUE_BYTES)
    return replace(source, metadata=jsontext.optional_object("metadata", source.metadata))

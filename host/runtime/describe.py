"""What a component says of itself, and whether that is true."""

import os
from pathlib import Path

from msgspec import MsgspecError, Struct
from msgspec.json import decode
from wasmtime.component import ComponentInstanceType

from host.model.errors import GuestError, InvalidManifest, MissingExport, WrongWorld
from host.model.limits import MIB, Limits
from host.model.manifest import Manifest
from host.model.schema import validate
from host.runtime.exports import DESCRIBE, TYPES, export
from host.sandbox.call import Call
from host.sandbox.component import Component
from host.sandbox.instance import Instance
from host.sandbox.tape import Recording

LIMITS = Limits(output_bytes=1 * MIB, deadline_ms=10_000)


class Description(Struct, frozen=True):
    """`imports` and `exports` are names of interfaces as the component spells them; `document` is the manifest as it came, JSON as text."""

    manifest: Manifest
    document: str
    imports: list[str]
    exports: list[str]


async def describe(artefact: Path) -> Description:
    """Asks a component for its manifest, in an instance without any capability, and checks that it exports what that names.

    Raises `WrongWorld`, `InvalidManifest` or `MissingExport`.
    """
    component = Component(artefact, {}, TYPES)
    text = await _document(component)
    try:
        data = decode(text)
    except MsgspecError as error:
        raise InvalidManifest(f"the manifest is not JSON: {error}") from None
    manifest = validate(data)
    _check_exports(component, manifest)
    interfaces = [name for name, wit in component.imports.items() if isinstance(wit, ComponentInstanceType)]
    return Description(manifest, text, interfaces, sorted(component.exports))


async def _document(component: Component) -> str:
    if component.export(*DESCRIBE) is None:
        raise WrongWorld("this is no plugin: the component does not export innkeeper:plugin/manifest with describe")
    try:
        return await document(component, LIMITS)
    except GuestError as error:
        raise InvalidManifest(f"manifest.describe failed: {error.message}") from error


async def document(component: Component, limits: Limits) -> str:
    """What `manifest.describe` of a new instance gives within these limits. Raises `GuestError`."""
    instance = await Instance.start(component, Call(limits, Recording(os.urandom(32), 0)))
    try:
        return str(await instance.call(export(component, DESCRIBE), [], Call(limits, Recording(os.urandom(32), 0))))
    finally:
        instance.close()


def _check_exports(component: Component, manifest: Manifest) -> None:
    for interface, reason in manifest.exports().items():
        if interface not in component.exports:
            raise MissingExport(f"the manifest names {reason}, but the component does not export innkeeper:plugin/{interface}")

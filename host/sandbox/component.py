"""Components: what they import and export, and the linker that gives them WASI and the host's functions."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

from wasmtime.component import Component as WasmtimeComponent
from wasmtime.component import ComponentInstanceType, ExportIndex, FuncType, Linker, LinkerInstance, ResourceType

from host.model.errors import HostError, WrongWorld
from host.sandbox import callbacks, raw, wasi
from host.sandbox.boundary import Plan
from host.sandbox.boundary.types import Scales
from host.sandbox.engine import engine

MAX_WEIGHT = 20_000
"""Of a component's functions and their types. One that imports and exports the whole contract weighs a sixth of it."""
PACKAGE = "innkeeper:plugin/"
VERSION = "0.1.0"
HostFunctions = Mapping[str, Mapping[str, Callable[..., Any]]]
"""The host's functions by interface and WIT name: `{"store": {"get": ...}}`. A plain function runs inside the guest's call, on whatever
thread polls it; an `async def` runs on the event loop while the guest is suspended. The first argument is the call's context."""
ExportTypes = Mapping[str, tuple[list[Any], Any]]
"""Python types for the values of exported functions: `{"webhooks.handle": ([str, Request], Response)}`. The others take any type."""


def unversioned(name: str) -> str:
    """`wasi:io/poll@0.2.9` -> `wasi:io/poll`."""
    return name.partition("@")[0]


@dataclass(frozen=True, eq=False)
class Export:
    """A function that a component exports."""

    name: str
    index: ExportIndex
    wit: FuncType
    plan: Plan


class Component:
    """A compiled component, linked to the host's functions. Instances are made of it, and share it.

    Nothing of it changes but `calls_elsewhere`, what its instances learn of it: how many of the next calls start on a worker thread.
    """

    def __init__(self, artefact: Path, functions: HostFunctions, types: ExportTypes | None = None) -> None:
        """Loads a checked artefact of the cache. Raises `WrongWorld` when the component wants what the contract does not have.

        With no functions at all every call of one is refused, and nothing but WASI is in reach: that is how a component is described.
        """
        self._has_functions = bool(functions)
        self._types = types or {}
        self.calls_elsewhere = 0
        self.wasmtime = WasmtimeComponent.deserialize_file(engine().wasmtime, str(artefact))
        self.address = raw.pointer_of(self.wasmtime)
        self.imports = {name: item.ty for name, item in self.wasmtime.type.imports(engine().wasmtime).items()}
        self._scales = Scales(MAX_WEIGHT)
        self.exports = self._find_exports()
        self.functions: list[callbacks.HostFunction] = []
        self.linker = Linker(engine().wasmtime)
        self._link(functions)
        self.linker_address = raw.pointer_of(self.linker)

    def __repr__(self) -> str:
        return f"<Component [{len(self.imports)} imports, exports: {', '.join(self.exports)}]>"

    def export(self, interface: str, function: str) -> Export | None:
        """An exported function of our package, or None."""
        return self.exports.get(interface, {}).get(function)

    def _find_exports(self) -> dict[str, dict[str, Export]]:
        """Functions by interface of our package, those outside of any under ""; what else is exported is nobody's business."""
        found: dict[str, dict[str, Export]] = {}
        for name, item in self.wasmtime.type.exports(engine().wasmtime).items():
            index = self.wasmtime.get_export_index(name)
            if isinstance(item.ty, ComponentInstanceType) and name.startswith(PACKAGE) and index is not None:
                _check_version(name, "exports")
                interface = unversioned(name).removeprefix(PACKAGE)
                found[interface] = dict(self._functions_of(interface, item.ty, index))
            elif isinstance(item.ty, FuncType) and index is not None:
                self._scales.weigh(item.ty)
                found.setdefault("", {})[name] = Export(name, index, item.ty, Plan(name, item.ty))
        return found

    def _functions_of(self, interface: str, wit: ComponentInstanceType, parent: ExportIndex) -> Iterator[tuple[str, Export]]:
        for name, item in wit.exports(engine().wasmtime).items():
            index = self.wasmtime.get_export_index(name, parent)
            if isinstance(item.ty, FuncType) and index is not None:
                self._scales.weigh(item.ty, ours=True)
                full = f"{interface}.{name}"
                types = self._types.get(full)
                plan = Plan(full, item.ty, *types).check_export() if types else Plan(full, item.ty)
                yield name, Export(full, index, item.ty, plan)

    def _link(self, functions: HostFunctions) -> None:
        with self.linker.root() as root:
            for name, wit in self.imports.items():
                if not isinstance(wit, ComponentInstanceType):
                    raise WrongWorld(f"the component imports {name!r}, which is no interface of {PACKAGE.rstrip('/')} or WASI")
                with root.add_instance(name) as instance:
                    self._link_interface(instance, name, wit, functions)

    def _link_interface(self, instance: LinkerInstance, name: str, wit: ComponentInstanceType, functions: HostFunctions) -> None:
        interface = unversioned(name)
        ours = interface.startswith(PACKAGE)
        if not ours and not interface.startswith("wasi:"):
            raise WrongWorld(f"the component imports {interface!r}: a guest has {PACKAGE}* and WASI, nothing else")
        if ours:
            _check_version(name, "imports")
        known = functions.get(interface.removeprefix(PACKAGE), {}) if ours else {}
        for name, item in wit.exports(engine().wasmtime).items():
            if isinstance(item.ty, ResourceType):
                self._add_resource(instance, name)
            elif isinstance(item.ty, FuncType):
                self._scales.weigh(item.ty, ours)
                function = self._ours(interface, name, item.ty, known) if ours else self._wasi(f"{interface}.{name}", item.ty)
                self._add_function(instance, name, function)

    def _ours(self, interface: str, name: str, wit: FuncType, known: Mapping[str, Callable[..., Any]]) -> callbacks.HostFunction:
        full = f"{interface.removeprefix(PACKAGE)}.{name}"
        function = known.get(name)
        if function is not None:
            return callbacks.HostFunction(full, function, Plan.of(full, wit, function).check(), iscoroutinefunction(function), False)
        plan = Plan(full, wit)
        if self._has_functions and not plan.answers_host_error:
            raise WrongWorld(f"the component imports {interface}.{name}, which this host does not have")
        return callbacks.HostFunction(full, _unavailable(full), plan.check(), False, False)

    def _wasi(self, name: str, wit: FuncType) -> callbacks.HostFunction:
        plan = Plan(name, wit)
        if waits := wasi.ASYNC_FUNCTIONS.get(name):
            return callbacks.HostFunction(name, waits, plan.check(), True, True)
        if function := wasi.FUNCTIONS.get(name):
            return callbacks.HostFunction(name, function, plan.check(), False, True)
        return callbacks.HostFunction(name, wasi.refusal(name, wit), plan, False, True)

    def _add_function(self, instance: LinkerInstance, name: str, function: callbacks.HostFunction) -> None:
        self.functions.append(function)
        address, size, keeper = raw.name_bytes(name)
        add, callback = (
            (raw.linker_add_func_async, callbacks.ASYNC_CALLBACK) if function.waits else (raw.linker_add_func, callbacks.SYNC_CALLBACK)
        )
        if error := add(raw.pointer_of(instance), address, size, callback, callbacks.register(self, function), None):
            raise WrongWorld(f"{function.name}: {raw.take_error(error)}")
        del keeper

    def _add_resource(self, instance: LinkerInstance, name: str) -> None:
        kind = wasi.RESOURCES.get(name, wasi.OTHER)
        address, size, keeper = raw.name_bytes(name)
        with _resource_type(kind) as resource_type:
            error = raw.linker_add_resource(
                raw.pointer_of(instance), address, size, resource_type, callbacks.DESTRUCTOR_CALLBACK, kind, None
            )
        if error:
            raise WrongWorld(f"{name}: {raw.take_error(error)}")
        del keeper


def _check_version(name: str, does: str) -> None:
    if name.partition("@")[2] != VERSION:
        raise WrongWorld(f"the component {does} {name}; this host has innkeeper:plugin@{VERSION}")


@contextmanager
def _resource_type(kind: int) -> Iterator[int]:
    resource = ResourceType.host(kind)
    yield raw.pointer_of(resource)
    resource.close()


def _unavailable(name: str) -> Callable[..., Any]:
    def answer(context: Any, *arguments: Any) -> Any:
        raise HostError("unavailable", f"{name} is not offered by this host yet")

    return answer

"""What the machine and what is installed have to be like."""

import platform
import re
import resource
import shutil
import sys
import time
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from host.cli.doctor.finding import Finding, ok, warning, wrong
from host.model.errors import UsageError
from host.runtime.lock import Holder

OLDEST, TOO_NEW = (3, 11), (3, 14)
MIB, GIB = 1024**2, 1024**3
LITTLE, TOO_LITTLE = 2 * GIB, 200 * MIB
"""Bytes of a disk that are free: with the second it will be full soon, since a component and what is compiled of it take some 60 MiB."""
FEW_FILES = 4096
MAPS_PER_INSTANCE, OTHER_MAPS = 7, 2_000
"""Memory maps: of a Python guest's instance, and of the process itself with its components."""
MAPS = Path("/proc/sys/vm/max_map_count")
NOT_BEFORE = 1_767_225_600_000
"""2026-01-01 in milliseconds: this program is younger."""
TOLERANCE_MS = 60_000


def python() -> Finding:
    """Of 3.11 to 3.13 it is known that guests run on fibers."""
    if OLDEST <= sys.version_info[:2] < TOO_NEW and sys.implementation.name == "cpython":
        return ok(f"Python {platform.python_version()}")
    return wrong(f"this is {sys.implementation.name} {platform.python_version()}", "make an environment with CPython 3.11, 3.12 or 3.13")


def packages() -> Finding:
    """Those that the project pins to one version have it, and all others are there."""
    try:
        wanted = [text for text in requires("innkeeper") or [] if "extra ==" not in text]
    except PackageNotFoundError:
        return warning("innkeeper runs from its sources, without its pins", "install it as a package")
    problems = [problem for text in wanted if (problem := _problem(text))]
    if problems:
        return wrong("; ".join(problems), "install again with the lock file: pip install --require-hashes -r requirements.txt")
    return ok(f"wasmtime {version('wasmtime')}, and all {len(wanted)} packages are as they should be")


def _problem(requirement: str) -> str | None:
    name, pin = re.match(r"([A-Za-z0-9_.-]+)", requirement), re.search(r"==\s*([\w.]+)", requirement)
    assert name is not None, "a requirement begins with its package"
    try:
        installed = version(name[1])
    except PackageNotFoundError:
        return f"{name[1]} is missing"
    return f"{name[1]} is {installed}, and {pin[1]} is needed" if pin and pin[1] != installed else None


def sandbox() -> Finding:
    """The engine, and the proof on a real guest that its limits are where they are set."""
    try:
        from host.sandbox.engine import engine

        hidden = engine().hidden
    except ImportError as error:
        return wrong(f"the sandbox does not work with this wasmtime: {error}", "install the version that the project pins")
    return ok(f"guests are stopped at their limits (proven at the offsets {hidden.trap_on_growth} and {hidden.copying})")


def disk(*folders: Path) -> Finding:
    """Of the data directory and the cache, or of what they would be made in."""
    free = {folder: shutil.disk_usage(_existing(folder)).free for folder in folders}
    folder = min(free, key=lambda each: free[each])
    says = f"{free[folder] / GIB:.1f} GiB are free where {folder} is"
    if free[folder] < TOO_LITTLE:
        return wrong(says, "make room: what can't be written is not answered")
    return warning(says, "make room before it is full") if free[folder] < LITTLE else ok(says)


def _existing(path: Path) -> Path:
    return next(each for each in (path.absolute(), *path.absolute().parents) if each.exists())


def open_files() -> Finding:
    """What the process may ask for is what counts: a server raises its soft limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= hard < FEW_FILES:
        return warning(f"a server may have {hard} open files, connections included", "raise the hard limit (LimitNOFILE=, ulimit -Hn)")
    return ok("a server may have as many open files as it wants" if hard < 0 else f"a server may have {hard} open files")


def memory_maps(max_instances: int) -> Finding:
    try:
        there = int(MAPS.read_text())
    except (OSError, ValueError):
        return warning(f"{MAPS} can't be read", "see that it allows 7 maps for each of max_instances")
    needed = max_instances * MAPS_PER_INSTANCE + OTHER_MAPS
    if needed > there:
        remedy = f"sysctl -w vm.max_map_count={needed}, or --max-instances {max((there - OTHER_MAPS) // MAPS_PER_INSTANCE, 1)}"
        return wrong(f"{max_instances} instances need up to {needed} memory maps, and a process may have {there}", remedy)
    return ok(f"{max_instances} instances need up to {needed} memory maps, and a process may have {there}")


def clock(newest: int | None) -> Finding:
    """Signatures with a time, tokens and ids need it. `newest` is the last delivery's time in milliseconds."""
    now = time.time_ns() // 1_000_000
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now / 1000))
    if now < NOT_BEFORE or (newest is not None and newest > now + TOLERANCE_MS):
        return wrong(f"the clock says {shown}, and that is before what has happened already", "set it, and keep it by NTP")
    return ok(f"the clock says {shown}")


def port(host: str, number: int, holder: Holder | None) -> Finding:
    from host.cli.serving import Address, bound

    if holder is not None:
        return ok(f"a server runs ({holder})" if holder.pid else "a server runs")
    try:
        with bound(Address(host, number)):
            return ok(f"{host} port {number} is free" if number else f"{host} can be listened on")
    except UsageError as error:
        return wrong(error.message, "end who has it, or choose another")

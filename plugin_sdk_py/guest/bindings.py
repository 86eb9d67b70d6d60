"""What componentize-py generates from the contract, in one place: nothing else here fails to be imported outside a component."""

from componentize_py_types import Err  # type: ignore[import-not-found, unused-ignore]
from wit_world.exports import channel, tools, webhooks  # type: ignore[import-not-found, unused-ignore]
from wit_world.imports import (  # type: ignore[import-not-found, unused-ignore]
    clock,
    config,
    customers,
    log,
    mcp,
    messages,
    random,
    secrets,
    sources,
    store,
    types,
)

__all__ = [
    "Err",
    "channel",
    "clock",
    "config",
    "customers",
    "log",
    "mcp",
    "messages",
    "random",
    "secrets",
    "sources",
    "store",
    "tools",
    "types",
    "webhooks",
]

"""What every test has without asking: `async def` tests run in an event loop of their own, and Ctrl-C reaches what tests start."""

import asyncio
import inspect
import signal

import pytest


def pytest_configure() -> None:
    """A shell starts what runs in the background with SIGINT ignored, and every process below inherits that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a coroutine test to its end. Anything else goes on to pytest, which fails what it can't run and what returns a value."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    asyncio.run(pyfuncitem.obj(**arguments))
    return True

"""The host's own log, on standard error: for people on a terminal, as JSON lines elsewhere. Other libraries' loggers go the same way."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.typing import Processor

from host.cli.output import visible_json

QUIET = {
    "alembic": logging.WARNING, "httpx2": logging.WARNING, "httpcore2": logging.WARNING, "asyncio": logging.WARNING,
    "uvicorn": logging.ERROR,  # it warns of each request that is no HTTP: strangers would write as much of the log as they like
}  # fmt: skip
"""Loggers that have something to say only when something is wrong, and from which level on."""


class StandardError(logging.Handler):
    """Writes to what standard error is at that moment, which need not be what it was when logging was configured."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            print(self.format(record), file=sys.stderr, flush=True)
        except Exception:  # boundary: as all handlers of the standard library do, a line that can't be written ends nothing
            self.handleError(record)


def configure(as_json: bool | None = None) -> None:
    """`as_json` None: unless standard error is a terminal. A second call replaces the first."""
    as_json = not sys.stderr.isatty() if as_json is None else as_json
    steps: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*steps, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = StandardError()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=_rendering(as_json), foreign_pre_chain=steps))
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.handlers = [handler, *(other for other in root.handlers if not isinstance(other, StandardError))]
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(level)


def _rendering(as_json: bool) -> list[Processor]:
    first: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if as_json:
        return [*first, structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False), _visible]
    # Not rich's tracebacks: they show the values of local variables, secrets too.
    return [*first, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]


def _visible(logger: object, method: str, line: MutableMapping[str, Any] | str | bytes) -> str:
    """The line without characters that a terminal obeys or nobody sees: what strangers sent may be in it."""
    return visible_json(str(line))

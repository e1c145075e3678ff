"""Loggers that import structlog when something is logged: most short commands log nothing.

Importing it takes a quarter of the CPU time of a command that shows how a campaign stands.
"""

import logging
from typing import TYPE_CHECKING, Any, Literal, cast

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

LogFormat = Literal["auto", "json", "console"]

_wanted: list[tuple[LogFormat, str]] = []


def get_logger(name: str) -> "FilteringBoundLogger":
    """Make a module's logger."""
    return cast("FilteringBoundLogger", _Logger(name))


def set_up_when_needed(*, log_format: LogFormat = "auto", level: str) -> None:
    """Do as `dialer.logs.set_up` before the first line, whoever writes it."""
    _wanted[:] = [(log_format, level)]
    logging.getLogger().handlers = [_SetsUpFirst()]


def is_set_up() -> None:
    """Note that logging was set up: what was wanted before counts no more."""
    _wanted.clear()


def _set_up_now() -> None:
    if _wanted:
        from dialer import logs  # noqa: PLC0415 - what this module is for

        log_format, level = _wanted[0]
        logs.set_up(log_format=log_format, level=level)


class _Logger:
    def __init__(self, name: str) -> None:
        self._name = name
        self._log: Any = None

    def __getattr__(self, method: str) -> Any:
        if self._log is None:
            import structlog  # noqa: PLC0415 - what this module is for

            _set_up_now()
            self._log = structlog.get_logger(self._name)
        return getattr(self._log, method)


class _SetsUpFirst(logging.Handler):
    """Takes the first line of another library, and hands it to what is set up for it."""

    def emit(self, record: logging.LogRecord) -> None:
        _set_up_now()
        logging.getLogger(record.name).handle(record)

"""Loggers that import structlog when something is logged: most short commands log nothing.

Importing it takes a quarter of the CPU time of a command that shows how a campaign stands.
"""

import logging
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from dialer.logs import LogFormat


def get_logger(name: str) -> "FilteringBoundLogger":
    """Make a module's logger."""
    return cast("FilteringBoundLogger", _Logger(name))


def set_up_when_needed(*, log_format: "LogFormat" = "auto", level: str) -> None:
    """Do as `dialer.logs.set_up` before the first line, whoever writes it."""
    logging.getLogger().handlers = [_SetsUpFirst(log_format, level)]


class _SetsUpFirst(logging.Handler):
    """Takes the first line of another library, and hands it to what is set up for it.

    Whoever sets logging up meanwhile puts a handler in its place: then nothing is left to do.
    """

    def __init__(self, log_format: "LogFormat", level: str) -> None:
        super().__init__()
        self._wanted = (log_format, level)

    def set_up(self) -> None:
        from dialer import logs  # noqa: PLC0415 - what this module is for

        log_format, level = self._wanted
        logs.set_up(log_format=log_format, level=level)

    def emit(self, record: logging.LogRecord) -> None:
        self.set_up()
        logging.getLogger(record.name).handle(record)


class _Logger:
    def __init__(self, name: str) -> None:
        self._name = name
        self._log: Any = None

    def __getattr__(self, method: str) -> Any:
        if self._log is None:
            import structlog  # noqa: PLC0415 - what this module is for

            for waiting in logging.getLogger().handlers:
                if isinstance(waiting, _SetsUpFirst):
                    waiting.set_up()
            self._log = structlog.get_logger(self._name)
        return getattr(self._log, method)

"""structlog for every process: one line per fact, numbers masked whatever the code does.

The masking stands last in the chain, but for the time and the rendering, so a number that slipped into a
message, an exception or a library's own line is masked too.
"""

import json
import logging
import sys
import threading
from collections import Counter
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, Literal, TextIO, cast

import orjson
import structlog

from dialer.masking import masked

LogFormat = Literal["auto", "json", "console"]

_QUIET = ("httpx", "httpcore", "asyncio", "multipart", "python_multipart")


def set_up(
    *,
    log_format: LogFormat = "auto",
    level: str = "info",
    role: str = "",
    to: TextIO | None = None,
) -> None:
    """Set logging up for this process; standard-library loggers go the same way.

    Args:
        log_format: `auto` is console on a terminal and JSON elsewhere.
        role: What this process is; on every line.
        to: Where lines go; None: to standard error.
    """
    to = to or sys.stderr
    as_console = log_format == "console" or (log_format == "auto" and to.isatty())
    to = cast("TextIO", _Patient(to))
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer(pad_event_to=24)
        if as_console
        else structlog.processors.JSONRenderer(as_json)
    )
    rendered: list[structlog.types.Processor] = [
        structlog.processors.format_exc_info,
        mask,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        renderer,
    ]
    structlog.configure(
        processors=[*shared, _count, *rendered],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # not by way of the standard library, which costs as much again for each line
        logger_factory=structlog.WriteLoggerFactory(to),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(to)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    if role:
        structlog.contextvars.bind_contextvars(role=role)


class _Patient:
    """A stream that may take no line: its disk is full, its terminal was closed, its reader has gone.

    Then the line is lost and nothing else, or a log would stop us between a call and its record.
    """

    def __init__(self, to: TextIO) -> None:
        self._to = to

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._to.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._to.flush()


_counted: dict[str, Counter[tuple[str, str]]] = {}
_counting = threading.Lock()


def _count(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Count warnings and errors of our own; other libraries' lines are sentences, not names."""
    if event["level"] in {"warning", "error"}:
        with _counting:
            of_account = _counted.setdefault(str(event.get("account", "")), Counter())
            of_account[event["level"], str(event["event"])] += 1
    return event


def take_counted(*accounts: str) -> Counter[tuple[str, str]]:
    """Take how often each (level, event) was logged since it was asked last.

    Args:
        accounts: Whose names stood on the lines; '' = none.
    """
    with _counting:
        return sum((_counted.pop(one, Counter()) for one in accounts), Counter())


_escaped = json.JSONEncoder(default=repr).encode


def as_json(event: MutableMapping[str, Any], **_: Any) -> str:
    """Write a line in ASCII: a terminal obeys some of the characters that JSON need not escape.

    orjson escapes none of them, and takes neither large numbers nor half a character; of what is
    logged hardly a line has any of that, and the others cost it a tenth.
    """
    try:
        line = orjson.dumps(event, default=repr)
    except orjson.JSONEncodeError:
        return _escaped(event)
    return line.decode() if line.isascii() else _escaped(event)


def mask(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask phone numbers and secrets in every field, however deep; what cannot be told fails no line."""
    return {name: _masked(value) for name, value in event.items()}


def _masked(value: Any) -> Any:
    try:
        return masked(value)
    except Exception:  # noqa: BLE001  # of whatever class is logged; or it holds itself
        return f"<{type(value).__name__}>"

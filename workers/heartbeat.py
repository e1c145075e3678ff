"""Each process tells that it lives; `status`, `doctor` and the health page read it."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib import metadata

import redis

from dialer import logs
from dialer.meters import LOG_EVENTS
from dialer.store import scripts
from dialer.store.measured import add_measured
from dialer.store.processes import Process, record_of
from workers.wiring import Wiring, process_name

_EVERY_S = 9.0  # two of them, one of which may be lost, are less than silence


@cache
def version() -> str:
    """Name the version of this code."""
    return metadata.version("dialer")


@contextmanager
def beating(wirings: Sequence[Wiring], *, role: str) -> Iterator[None]:
    """Beat in each account that the process serves, while the block runs."""
    scripts.read_all()
    stop = threading.Event()
    name = process_name()

    def lines_of(wiring: Wiring) -> Sequence[str]:
        # those of no account, as of the start, are told as the first one's
        return (wiring.name, "") if wiring is wirings[0] else (wiring.name,)

    def beat(wiring: Wiring) -> None:
        since = None
        while not stop.is_set():
            with suppress(redis.RedisError):  # the missing beat is the message
                since = since or wiring.db.now()
                now = Process(role, name, since, wiring.pulse.trouble, version())
                _tell(wiring, record_of(now), lines_of(wiring))
            stop.wait(_EVERY_S)

    for one in wirings:
        threading.Thread(target=beat, args=(one,), name="heartbeat", daemon=True).start()
    try:
        yield
    finally:
        stop.set()
        with suppress(redis.RedisError):
            for one in wirings:
                _tell(one, "", lines_of(one))  # what was measured last
                one.agreeing.leave()


def _tell(wiring: Wiring, record: str, lines_of: Sequence[str]) -> None:
    """Tell that we live, what we measured, and our terms: one write to Redis' disk.

    Args:
        record: What we are; '' = as it was told before.
        lines_of: The accounts whose warnings and errors are told with it.
    """
    meters = wiring.db.meters
    for (level, event), times in logs.take_counted(*lines_of).items():
        meters.count(LOG_EVENTS, level, event, by=times)
    measured = meters.take()
    try:
        pipe = wiring.redis.pipeline(transaction=False) if measured else None
        if pipe is not None:
            add_measured(wiring.db, pipe, measured)
        wiring.agreeing.compare(pipe, record=record)
    except redis.RedisError:
        meters.give_back(measured)
        raise

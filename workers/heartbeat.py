"""Each process tells that it lives; `status`, `doctor` and the health page read it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import redis

from dialer.store.processes import Process, note_alive, note_ended
from workers.wiring import Wiring, process_name

_EVERY_S = 7.0


@contextmanager
def beating(wiring: Wiring, *, role: str) -> Iterator[None]:
    """Beat while the block runs."""
    stop = threading.Event()
    name = process_name()

    def beat() -> None:
        since = None
        while not stop.is_set():
            with suppress(redis.RedisError):  # the missing beat is the message
                since = since or wiring.db.now()
                beat = wiring.redis.pipeline(transaction=False)  # one write to Redis' disk
                note_alive(wiring.db, beat, Process(role, name, since))
                wiring.agreeing.compare(beat)
            stop.wait(_EVERY_S)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        with suppress(redis.RedisError):
            note_ended(wiring.db, role=role, name=name)
            wiring.agreeing.leave()

"""Each process tells that it lives; `status`, `doctor` and the health page read it."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import redis

from dialer.store.processes import Process, note_alive, note_ended
from workers.wiring import Wiring, process_name

_EVERY_S = 7.0


@contextmanager
def beating(wirings: Sequence[Wiring], *, role: str) -> Iterator[None]:
    """Beat in each account that the process serves, while the block runs."""
    stop = threading.Event()
    name = process_name()

    def beat(wiring: Wiring) -> None:
        since = None
        while not stop.is_set():
            with suppress(redis.RedisError):  # the missing beat is the message
                since = since or wiring.db.now()
                beat = wiring.redis.pipeline(transaction=False)  # one write to Redis' disk
                note_alive(wiring.db, beat, Process(role, name, since))
                wiring.agreeing.compare(beat)
            stop.wait(_EVERY_S)

    for one in wirings:
        threading.Thread(target=beat, args=(one,), name="heartbeat", daemon=True).start()
    try:
        yield
    finally:
        stop.set()
        with suppress(redis.RedisError):
            for one in wirings:
                note_ended(one.db, role=role, name=name)
                one.agreeing.leave()

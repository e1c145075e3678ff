"""Each process tells that it lives; `status`, `doctor` and the health page read it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import redis

from workers.wiring import Wiring, process_name

_EVERY_S = 7.0
_KEPT_S = 20


@contextmanager
def beating(wiring: Wiring, *, role: str) -> Iterator[None]:
    """Beat while the block runs."""
    stop = threading.Event()
    key = wiring.db.key("heartbeat", role, process_name())

    def beat() -> None:
        since = None
        while not stop.is_set():
            with suppress(redis.RedisError):  # the missing beat is the message
                since = since or wiring.db.now()
                beat = wiring.redis.pipeline(transaction=False)  # one write to Redis' disk
                beat.set(key, json.dumps({"role": role, "since": since}), ex=_KEPT_S)
                wiring.agreeing.compare(beat)
            stop.wait(_EVERY_S)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        with suppress(redis.RedisError):
            wiring.redis.delete(key)
            wiring.agreeing.leave()

"""Each process tells that it lives; `status`, `doctor` and the health page read it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import redis

from workers.wiring import Wiring, process_name

_EVERY_S = 5.0
_KEPT_S = 15


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
                wiring.redis.set(key, json.dumps({"role": role, "since": since}), ex=_KEPT_S)
            stop.wait(_EVERY_S)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        with suppress(redis.RedisError):
            wiring.redis.delete(key)

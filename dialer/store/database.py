"""One account's keys and scripts on one Redis."""

import re
from collections.abc import Sequence
from importlib import resources
from typing import Any, cast

import redis
from redis.client import Pipeline

from dialer.store import keys

_SCRIPTS = (
    "create",
    "begin_load",
    "load",
    "commit",
    "release",
    "approach",
    "gate",
    "record",
    "take_slot",
    "answered",
    "close_gate",
    "steer",
    "change_rules",
    "call_back",
    "cancel_chunk",
    "open_window",
    "due_looks",
    "restore",
    "hold",
    "archive",
    "replace_lines",
)

Argument = str | bytes | int | float
_LASTING = re.compile(r"(?:^|caused error: )(?:WRONGTYPE |user_script:)")


class Database:
    """A Redis client, the account's key prefix, and the scripts ready to run.

    Args:
        client: With `decode_responses=False`; contact records are bytes.
        account: The Exotel account Sid.
    """

    def __init__(self, client: "redis.Redis", account: str) -> None:
        self.client = client
        self.account = account
        self.prefix = keys.prefix(account)
        shared = _source("prelude")
        self._scripts = {
            name: client.register_script(shared + "\n" + _source(name)) for name in _SCRIPTS
        }

    def key(self, *parts: str | int) -> str:
        """Name a key of this account."""
        return self.prefix + ":".join(str(part) for part in parts)

    def run(self, script: str, *args: Argument, pipeline: "Pipeline | None" = None) -> Any:
        """Run a script; in a pipeline its answer comes from `execute`."""
        return self._scripts[script](keys=[self.prefix], args=args, client=pipeline or self.client)

    def run_all(self, script: str, calls: Sequence[Sequence[Argument]]) -> list[Any]:
        """Run a script once for each of these arguments, in one round trip."""
        if len(calls) < 2:
            return [self.run(script, *args) for args in calls]
        with self.client.pipeline(transaction=False) as pipe:
            for args in calls:
                self.run(script, *args, pipeline=pipe)
            return pipe.execute()

    def run_again(self, script: str, *args: Argument, tries: int) -> Any:
        """Run a script that is safe to repeat, again when its answer was lost on the way."""
        for left in reversed(range(tries)):
            try:
                return self.run(script, *args)
            except (redis.ConnectionError, redis.TimeoutError):
                if not left:
                    raise
        raise AssertionError("tries must be at least 1")

    def now(self) -> float:
        """Read Redis' clock, epoch s."""
        seconds, micros = cast("Sequence[int]", self.client.time())
        return seconds + micros / 1e6

    def replicas_in_step(self, *, least: int, within_ms: int) -> int:
        """Tell how many replicas have everything that is written by now; wait for `least`."""
        with self.client.pipeline(transaction=False) as pipe:
            # WAIT speaks of what its own connection wrote, so that one must write something
            pipe.set(self.key("in_step"), 1)
            pipe.wait(least, within_ms)
            return int(pipe.execute()[1])


def _source(name: str) -> str:
    return resources.files("dialer").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")


def is_lasting(error: Exception) -> bool:
    """Tell whether the same would fail again: a command or script met data it cannot work on."""
    return isinstance(error, redis.ResponseError) and bool(_LASTING.search(str(error)))


def text(value: bytes | str | None) -> str:
    """Decode what Redis answered; nothing becomes ''."""
    if value is None:
        return ""
    return value.decode() if isinstance(value, bytes) else value

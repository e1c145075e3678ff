"""One account's keys and scripts on one Redis."""

import re
from collections.abc import Callable, Sequence
from typing import Any, cast

import redis
from redis.client import Pipeline
from redis.commands.core import Script

from dialer.meters import Meters
from dialer.store import keys
from dialer.store.functions import KeptScript, Written
from dialer.store.refusals import refusal_of
from dialer.store.scripts import KEPT, SCRIPTS, Given, arguments, source
from dialer.store.server_clock import ServerClock, this_boot

_READ_TOGETHER = 500

_LASTING = re.compile(
    r"(?:^|caused error: )(?:WRONGTYPE |user_(?:script|function):)| script: .*on @user_"
)


class Database:
    """A Redis client, the account's key prefix, and its scripts.

    Args:
        client: With `decode_responses=False`; contact records are bytes.
        account: The Exotel account Sid.
        shares_phones: Whether other accounts on this Redis may be ringing the same numbers.
        tells: Whether scripts write events of what they change.
    """

    def __init__(
        self,
        client: "redis.Redis",
        account: str,
        *,
        shares_phones: bool = False,
        tells: bool = True,
    ) -> None:
        self.client = client
        self.account = account
        self.prefix = keys.prefix(account)
        self.shared_prefix = keys.SHARED_PHONES if shares_phones else None
        self._tells = str(tells).lower()
        self.meters = Meters()
        """What this process measures of the account, until its next heartbeat tells it."""
        self.clock = ServerClock(self, machine=this_boot())
        self._scripts: dict[type[Given], Script | KeptScript] = {}

    def key(self, *parts: str | int) -> str:
        """Name a key of this account."""
        return self.prefix + ":".join(str(part) for part in parts)

    def run(self, given: Given, *, pipeline: "Pipeline | None" = None) -> Any:
        """Run the script that is given this; in a pipeline its answer comes from `execute`."""
        script = self._script(type(given))
        return script(keys=[self.prefix], args=arguments(given), client=pipeline or self.client)

    def _script(self, given: type[Given]) -> Script | KeptScript:
        if given not in self._scripts:
            written = self.written(given)
            self._scripts[given] = (
                KeptScript(self.client, SCRIPTS[given], written)
                if given in KEPT
                else self.client.register_script(written.as_script)
            )
        return self._scripts[given]

    def written(self, given: type[Given]) -> Written:
        """Write a script out for this account."""
        shared = f"'{self.shared_prefix}'" if self.shared_prefix else "nil"
        return Written(f"local SHARED, TELLS = {shared}, {self._tells}\n{source(given)}")

    def run_for_each(self, given: Given) -> list[Any]:
        """Run a script that takes many at once; gives the answer for each of them.

        Raises:
            redis.ResponseError: It failed for one of them; the others were done.
        """
        answers: list[Any] = self.run(given)
        for answer in answers:
            if answer and answer[0] == b"failed":
                raise redis.ResponseError(text(answer[1]))
        return answers

    def run_again(self, given: Given, *, tries: int) -> Any:
        """Run a script that is safe to repeat, again when its answer was lost on the way."""
        for left in reversed(range(tries)):
            try:
                return self.run(given)
            except (redis.ConnectionError, redis.TimeoutError):
                if not left:
                    raise
        raise AssertionError("tries must be at least 1")

    def read_hashes(self, keys: Sequence[str]) -> list[dict[bytes, bytes]]:
        """Read whole hashes, some hundreds in a round trip; one that is not there is empty."""
        found = self.read_whole_hashes(keys)
        for one in found:
            if isinstance(one, redis.ResponseError):
                raise one
        return cast("list[dict[bytes, bytes]]", found)

    def read_whole_hashes(
        self, keys: Sequence[str]
    ) -> "list[dict[bytes, bytes] | redis.ResponseError]":
        """Read the same; in place of what is no hash, why it could not be read."""
        return self._read(Pipeline.hgetall, keys)

    def read_field(self, field: str, keys: Sequence[str]) -> list[bytes | None]:
        """Read one field of many hashes, some hundreds in a round trip; None of what is no hash."""
        found = self._read(Pipeline.hget, keys, field)
        return [None if isinstance(one, redis.ResponseError) else one for one in found]

    def read_fields(self, wanted: Sequence[tuple[str, str]]) -> list[bytes | None]:
        """Read fields, each a hash's key and its name, in one round trip and one command a hash."""
        places: dict[str, list[int]] = {}
        for place, (key, _) in enumerate(wanted):
            places.setdefault(key, []).append(place)
        with self.client.pipeline(transaction=False) as pipe:
            for key, its in places.items():
                pipe.hmget(key, [wanted[place][1] for place in its])
            answers = pipe.execute()
        found: list[bytes | None] = [None] * len(wanted)
        for its, values in zip(places.values(), answers, strict=True):
            for place, value in zip(its, values, strict=True):
                found[place] = value
        return found

    def _read(self, command: Callable[..., Any], keys: Sequence[str], *args: str) -> list[Any]:
        found: list[Any] = []
        for at in range(0, len(keys), _READ_TOGETHER):
            with self.client.pipeline(transaction=False) as pipe:
                for key in keys[at : at + _READ_TOGETHER]:
                    command(pipe, key, *args)
                found += pipe.execute(raise_on_error=False)
        for one in found:
            if isinstance(one, Exception) and not is_lasting(one):
                raise one
        return found

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


def is_lasting(error: Exception) -> bool:
    """Tell whether the same would fail again: a command or script met data it cannot work on."""
    if not isinstance(error, redis.ResponseError) or refusal_of(error):
        return False
    return bool(_LASTING.search(str(error)))


def may_pass(error: Exception) -> bool:
    """Tell whether it is Redis that is away, full or read-only; then what is to be done waits for it."""
    return isinstance(error, redis.RedisError) and not is_lasting(error)


# redis-py types each answer as what either of its clients gives, so these take any


def text(value: Any) -> str:
    """Decode what Redis answered; nothing becomes ''."""
    if value is None:
        return ""
    return value.decode() if isinstance(value, bytes) else str(value)


def texts(values: Any) -> list[str]:
    """Decode many."""
    return [text(one) for one in values]


def text_fields(stored: Any) -> dict[str, str]:
    """Decode a hash."""
    return {text(name): text(value) for name, value in stored.items()}

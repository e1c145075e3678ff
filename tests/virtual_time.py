"""The clock in the test's hand: the one database whose scripts read an instant the test sets."""

from datetime import UTC, datetime
from typing import Any

import redis
from redis.client import Pipeline
from redis.commands.core import Script

from dialer.store import Database
from dialer.store.scripts import Given, arguments
from dialer.store.server_clock import ServerClock

START_S = 1_800_000_000.0  # a full minute, as fixed windows begin
_REAL_TIME = "redis.call('TIME')"
_VIRTUAL_TIME = "{ KEYS[2], '0' }"


class VirtualDatabase(Database):
    """A database whose scripts read `clock_s` where they would ask Redis for the time.

    Nothing in production knows of it: the one line of prelude/words.lua that reads the clock is replaced
    here, and the instant travels as a second key.
    """

    def __init__(
        self,
        client: "redis.Redis",
        account: str,
        *,
        shares_phones: bool = False,
        tells: bool = True,
    ) -> None:
        super().__init__(client, account, shares_phones=shares_phones, tells=tells)
        self.clock_s = START_S
        self.set_by_s = 0.0
        self.clock = ServerClock(self, boottime=lambda: self.clock_s - self.set_by_s)

    def _script(self, given: type[Given]) -> Script:
        if given not in self._scripts:
            text = self.written(given).as_script
            assert text.count(_REAL_TIME) == 1, "the scripts read the clock in one place"
            virtual = text.replace(_REAL_TIME, _VIRTUAL_TIME)
            self._scripts[given] = self.client.register_script(virtual)
        return self._scripts[given]

    def run(self, given: Given, *, pipeline: "Pipeline | None" = None) -> Any:
        """Run a script at the virtual instant."""
        keys = [self.prefix, f"{self.clock_s:.6f}"]
        script = self._script(type(given))
        return script(keys=keys, args=arguments(given), client=pipeline or self.client)

    def now(self) -> float:
        """Tell the virtual instant, epoch s."""
        return self.clock_s

    def set_clock(self, by_s: float) -> None:
        """Have somebody set it ahead by that, below 0 back, while no time passes."""
        self.clock_s = round(self.clock_s + by_s, 6)
        self.set_by_s += by_s

    def pass_time(self, seconds: float) -> None:
        """Let time pass, in whole microseconds, as Redis counts it."""
        self.clock_s = round(self.clock_s + seconds, 6)

    def in_s(self, seconds: float) -> datetime:
        """Give the instant so long from now."""
        return datetime.fromtimestamp(self.now() + seconds, UTC)


def commands_run(client: "redis.Redis") -> int:
    """Count what was asked of the server, scripts' own commands included."""
    return sum(one["calls"] for one in client.info("commandstats").values())

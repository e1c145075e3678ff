"""`dialer campaign status --watch`: the panel, live, until the campaign ends."""

from contextlib import suppress
from typing import Self

import redis
from rich.console import Group
from rich.live import Live
from rich.text import Text

from dialer.clock import boottime_s
from dialer.store.refusals import refusal_of
from dialer.watching.status import Status
from workers.cli.printing import console
from workers.cli.status_view import line, panel
from workers.wiring import Wiring

_EVERY_S = 1.0
_A_LINE_EVERY_S = 5.0


def watch(wiring: Wiring, campaign: str) -> None:
    """Follow a campaign until it is over; Ctrl-C leaves it to itself.

    On a terminal the panel is drawn anew every second; elsewhere a line is written now and then.

    Raises:
        CampaignNotFound: There is none of this id or name.
    """
    with suppress(KeyboardInterrupt), Follower(wiring, campaign) as follower:
        while not follower.look().is_over:
            wiring.sleep(_EVERY_S)


class Follower:
    """Shows a campaign's status, as often as it is told to look."""

    def __init__(self, wiring: Wiring, campaign: str) -> None:
        self._wiring = wiring
        self._campaign = campaign
        self._status = wiring.statuses.of(campaign)
        self._console = console()
        self._live = Live(console=self._console, auto_refresh=False)
        self._next_line_at_s = float("-inf")

    def look(self) -> Status:
        """Read and show how it stands; while Redis is away, how it stood."""
        lost = None
        try:
            self._status = self._wiring.statuses.of(self._campaign)
        except redis.RedisError as error:
            why = refusal_of(error) or f"Redis does not answer ({error})"
            lost = Text(f"{why}; this is how it stood.", style="red")
        if self._console.is_terminal:
            self._draw(lost)
        elif self._status.is_over or boottime_s() >= self._next_line_at_s:
            self._console.print(line(self._status), soft_wrap=True, markup=False)
            self._next_line_at_s = boottime_s() + _A_LINE_EVERY_S
        return self._status

    def _draw(self, lost: Text | None) -> None:
        history = [] if lost else self._wiring.pacing.history(minutes=5)
        shown = panel(self._status, history, self._wiring.allowance)
        self._live.update(Group(shown, lost) if lost else shown, refresh=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

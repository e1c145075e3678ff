"""When a receiver that took nothing is asked again: after seconds, then minutes, for three days."""

from dataclasses import replace
from secrets import SystemRandom

from dialer.store.webhooks import Standing

GIVEN_UP_S = 3 * 86_400.0
FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 300.0
LONGEST_WAIT_ASIDE_S = 3_600.0
SPREAD = 0.3
SILENT = "the receiver took nothing for three days; everything since waits for it"

_random = SystemRandom()


def wait_s(tries: int, *, most_s: float) -> float:
    """Give how long to wait after so many failures; spread, so that not all come back at once."""
    doubled = FIRST_WAIT_S * 2.0 ** min(tries - 1, 20)
    return min(doubled, most_s) * _random.uniform(1 - SPREAD, 1 + SPREAD)


def after_silence(standing: Standing, *, wished_s: float, now_s: float) -> Standing:
    """Tell where a receiver stands that took nothing: it is asked again later, or paused after three days.

    Args:
        wished_s: How long it wants to be left alone at least.
    """
    since_s = standing.failing_since or now_s
    if now_s - since_s > GIVEN_UP_S:
        return replace(standing, paused=SILENT)
    tries = standing.tries + 1
    waits_s = max(wished_s, wait_s(tries, most_s=LONGEST_WAIT_S))
    return replace(standing, tries=tries, failing_since=since_s, next_at=now_s + waits_s)

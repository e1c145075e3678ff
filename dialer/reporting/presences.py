"""When agents were there while a campaign ran, within its hours: what reports need of the log of presence."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise

from campaigns.agents.agent import Agent, Presence
from campaigns.campaign_rules import CampaignRules
from campaigns.reports.occupancy import Presences, There, WrapUp, within
from campaigns.rules.turns import WrapUpUntil
from dialer.store import Campaign
from dialer.store.agents import Told

_AWAY = frozenset({Presence.OFF, Presence.SHIFT, Presence.FULL})
"""Neither at work nor on a break."""


def presences_of(
    campaign: Campaign, agents: list[Agent], told: Mapping[str, Told], *, as_of_s: float
) -> Presences:
    """Tell when agents were there.

    Args:
        told: Where they were, by their ids; who is not among them was there all the time.
    """
    from_s, until_s = campaign.time_span(as_of_s)
    rules, span = campaign.rules, (int(from_s), int(until_s))
    open_ = list(_open_hours(rules, *span))
    waits = rules.wrap_up_until is WrapUpUntil.DISPOSITION
    there = {one.number: _there(told[one.id], span[1], open_) for one in agents if one.id in told}
    wrap_up = WrapUp(int(rules.wrap_up_s), int(rules.wrap_up_longest_s) if waits else None)
    return Presences(There(open_), there, wrap_up, int(as_of_s))


def _there(told: Told, until_s: int, open_: list[tuple[int, int]]) -> There:
    on, breaks = [], []
    for (from_s, state), (ends_s, _) in pairwise([*told, (until_s, "")]):
        if state == Presence.ON:
            on.append((from_s, ends_s))
        elif state not in _AWAY:
            breaks.append((from_s, ends_s))
    return There(within(on, open_), within(breaks, open_))


def _open_hours(rules: CampaignRules, from_s: int, until_s: int) -> Iterator[tuple[int, int]]:
    at_s = from_s
    while at_s < until_s:
        window = rules.hours.next_open(datetime.fromtimestamp(at_s, UTC), rules.zone)
        if window is None or window.from_at.timestamp() >= until_s:
            return
        ends_s = min(int(window.until_at.timestamp()), until_s)
        yield max(at_s, int(window.from_at.timestamp())), ends_s
        at_s = ends_s

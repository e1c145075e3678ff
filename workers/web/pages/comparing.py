"""Campaigns side by side, by their rates: as of now, from the counts that each campaign's own page shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from campaigns.attempt import Outcome
from campaigns.sentence import told
from dialer.access.api_keys import Scope
from dialer.store import Campaign, Counts
from dialer.store.campaign import CampaignNotFound
from dialer.store.events import Told
from dialer.store.events import told as told_of
from workers.web.charts.bars import side_by_side
from workers.web.charts.shapes import Bars, Grid
from workers.web.pages import views
from workers.web.pages.declaring import Answer, Asked, Pages, page
from workers.wiring import Wiring

pages = Pages()

_MOST = 6
"""More bars than that side by side nobody compares."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A campaign among others.

    Args:
        calls: Calls that ended, result known; `answered` of them by the agent, `connected` by both.
        talk_s: What was talked, and `spend` what was paid, as far as it is known by now; None: it was
            not summed up from the campaign's start.
    """

    campaign: Campaign
    counts: Counts
    calls: int
    answered: int
    connected: int
    talk_s: int | None
    spend: float | None

    @classmethod
    def of(cls, campaign: Campaign, counts: Counts, told: Told) -> "Compared":
        """Count as the campaign's own page does."""
        calls = views.agent_side(campaign.id, counts)
        connected = counts.attempt_outcomes.get(Outcome.CONNECTED, 0)
        talk_s, spend = (told.talk_s, told.spend) if told.is_whole else (None, None)
        return cls(campaign, counts, calls.total, calls.segments[0].count, connected, talk_s, spend)


@dataclass(frozen=True, slots=True)
class ComparedRate:
    """A rate of all of them."""

    name: str
    title: str
    note: str
    bars: Bars


@pages.get("/campaigns/compare", Scope.READ_MASKED)
def compare(asked: Asked) -> Answer:
    """Show two to six campaigns side by side."""
    ids = list(dict.fromkeys(asked.request.query_params.getlist("campaign")))
    found = _found(asked.wiring, ids[:_MOST])
    return page(
        "compare.html",
        compared=found,
        rates=_rates(found),
        grid=_grid(found),
        most=_MOST,
        left_out=max(0, len(ids) - _MOST),
    )


def _found(wiring: Wiring, ids: Sequence[str]) -> list[Compared]:
    campaigns = []
    for id_ in ids:
        try:
            campaigns.append(wiring.campaigns.find(id_))
        except CampaignNotFound:  # deleted meanwhile, or no campaign of this account
            continue
    ids = [one.id for one in campaigns]
    counts, happened = wiring.campaigns.counts_of(ids), told_of(wiring.db, ids)
    return [Compared.of(*one) for one in zip(campaigns, counts, happened, strict=True)]


def _rates(compared: Sequence[Compared]) -> list[ComparedRate]:
    def bars(name: str, part: str, whole: str) -> Bars:
        parts = [(one.campaign.name, _count(one, part), _count(one, whole)) for one in compared]
        return side_by_side(parts, name)

    return [
        ComparedRate(name, title, note, bars(told("campaign"), part, whole))
        for name, title, note, part, whole in _COMPARED_BY
    ]


_COMPARED_BY = (
    (
        "agent_answer_rate",
        told("Agents answered"),
        told("Of calls that ended"),
        "answered",
        "calls",
    ),
    (
        "customer_answer_rate",
        told("Customers answered"),
        told("Of calls that an agent had answered"),
        "connected",
        "answered",
    ),
    ("connect_rate", told("Connected"), told("Of calls that ended"), "connected", "calls"),
    (
        "reached",
        told("Contacts that ended in a conversation"),
        told("Of all accepted"),
        "reached",
        "accepted",
    ),
    ("completion", told("Contacts that are final"), told("Of all accepted"), "final", "accepted"),
)


def _count(one: Compared, name: str) -> int:
    match name:
        case "reached":
            return one.counts.outcomes.get(Outcome.CONNECTED, 0)
        case "accepted" | "final":
            return int(getattr(one.counts, name))
        case _:
            return int(getattr(one, name))


def _grid(compared: Sequence[Compared]) -> Grid:
    counted = ("accepted", "final", "reached", "calls", "answered", "connected")
    rates = [name for name, *_ in _COMPARED_BY]
    return Grid(
        ("campaign", "state", "attempts", *counted, "talk_s", "spend", *rates),
        tuple(
            (
                one.campaign.name,
                str(one.campaign.state),
                one.counts.attempts,
                *(_count(one, name) for name in counted),
                one.talk_s,
                None if one.spend is None else Decimal(str(one.spend)),
                *(
                    _count(one, part) / whole_count if (whole_count := _count(one, whole)) else None
                    for *_, part, whole in _COMPARED_BY
                ),
            )
            for one in compared
        ),
    )

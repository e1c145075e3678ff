"""What an agent sees on their own page: whom they are about to talk to, what is asked of them, their day.

It is read for all who look at once, in a handful of round trips, however many they are.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from campaigns.agents.agent import Agent
from campaigns.attempt import Outcome
from campaigns.dispositions import Disposition, choices
from campaigns.numbers.mask import Mask, NumberMask
from campaigns.rules.turns import names_in
from dialer.ids import AttemptId, ContactId
from dialer.store import Attempts, Campaign, Campaigns, Database
from dialer.store.agent_desk import AgentDay, DeskNotes, DeskStore
from dialer.store.agents import AgentStore, Whereabouts
from dialer.store.contact_rows import Row
from dialer.store.record import ContactRecord
from dialer.watching.overview import AgentNow, agent_states

_MASK = NumberMask(Mask.MASKED)
_Cards = Mapping[ContactId, tuple[ContactRecord, Row]]


@dataclass(frozen=True, slots=True)
class Card:
    """A customer, as their agent may see them.

    Args:
        number: Masked.
        told: What the campaign shows of the row: column and cell.
    """

    contact: ContactId
    campaign: str
    name: str
    number: str
    told: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation of which the agent is to say what came.

    Args:
        ended_at: Epoch s; None: not known.
        zone: Of the campaign, in which a call back is agreed.
    """

    attempt: AttemptId
    card: Card
    ended_at: float | None
    talk_s: int | None
    choices: tuple[Disposition, ...]
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class DeskView:
    """An agent's page; two that are equal show the same.

    Args:
        call: Who is being called now.
        next_one: Who is likely to be called next.
    """

    agent: Agent
    presence: Whereabouts
    now: AgentNow
    call: Card | None
    next_one: Card | None
    talks: tuple[Talk, ...]
    today: AgentDay
    notice: str


def desk_views(db: Database, agents: Sequence[Agent], zone: ZoneInfo) -> list[DeskView]:
    """Read the pages of some agents.

    Args:
        zone: The account's, whose day it is.
    """
    if not agents:
        return []
    store, numbers = DeskStore(db), [one.number for one in agents]
    day = datetime.fromtimestamp(db.now(), UTC).astimezone(zone).date().isoformat()
    notes, notice = store.notes([one[1:] for one in numbers], day=day)
    states, presences = agent_states(db, numbers), AgentStore(db).presence_of(numbers)
    upcoming = _upcoming(store, numbers, notes)
    asked = _asked(db, [id_ for one in notes for id_ in one.talks])
    calls = {n: now.attempt.contact for n, now in states.items() if now.attempt}
    wanted = {*calls.values(), *upcoming.values(), *(id_.contact for id_ in asked)}
    cards = store.cards(sorted(wanted, key=str))
    campaigns = Campaigns(db).read(sorted({id_.campaign for id_ in cards}))
    drawn = _drawn(cards, {one.id: one for one in campaigns})
    views = []
    for agent, presence, noted in zip(agents, presences, notes, strict=True):
        now = states[agent.number]
        call, next_one = calls.get(agent.number), upcoming.get(agent.number)
        views.append(
            DeskView(
                agent=agent,
                presence=presence,
                now=now,
                call=drawn[call][0] if call in drawn else None,
                next_one=drawn[next_one][0] if next_one in drawn else None,
                talks=tuple(_talks(noted, asked, drawn)),
                today=noted.today,
                notice=notice,
            )
        )
    return views


def _upcoming(
    store: DeskStore, numbers: Sequence[str], notes: Sequence[DeskNotes]
) -> dict[str, ContactId]:
    wanted = [(n, one.wanted_by) for n, one in zip(numbers, notes, strict=True) if one.wanted_by]
    found = store.first_in_line([(campaign, number[1:]) for number, campaign in wanted])
    return {number: id_ for (number, _), id_ in zip(wanted, found, strict=True) if id_}


def _asked(
    db: Database, ids: Collection[AttemptId]
) -> dict[AttemptId, tuple[float | None, int | None]]:
    """Find the conversations that still lack a word: when they ended, and how long they were."""
    ordered = list(ids)
    found = Attempts(db).get_many(ordered) if ordered else []
    return {
        id_: (one.ended_at or one.settled_at, one.talk_s)
        for id_, one in zip(ordered, found, strict=True)
        if one and one.outcome is Outcome.CONNECTED and one.disposition is None
    }


def _drawn(
    cards: _Cards, campaigns: Mapping[str, Campaign]
) -> dict[ContactId, tuple[Card, Campaign]]:
    return {
        id_: (_card(id_, *one, campaigns[id_.campaign]), campaigns[id_.campaign])
        for id_, one in cards.items()
        if id_.campaign in campaigns
    }


def _card(id_: ContactId, record: ContactRecord, row: Row, campaign: Campaign) -> Card:
    known = tuple(one.removeprefix("+") for one in record.numbers)
    cells = dict(zip(campaign.columns, row.cells, strict=False))
    return Card(
        contact=id_,
        campaign=campaign.name,
        name=_MASK.text(campaign.name_in(row.cells), known=known),
        number=_MASK.number(record.customer.removeprefix("+")),
        told=tuple(
            (name, _MASK.text(cells[name], known=known))
            for name in names_in(campaign.rules.agent_sees)
            if cells.get(name)
        ),
    )


def _talks(
    noted: DeskNotes,
    asked: Mapping[AttemptId, tuple[float | None, int | None]],
    drawn: Mapping[ContactId, tuple[Card, Campaign]],
) -> Iterable[Talk]:
    for id_ in noted.talks:
        if id_ in asked and id_.contact in drawn:
            card, campaign = drawn[id_.contact]
            if words := choices(campaign.rules.disposition):
                yield Talk(id_, card, *asked[id_], words, campaign.rules.zone)

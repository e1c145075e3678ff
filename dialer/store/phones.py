"""Phones of the account: who is on a call, who rests until when, who is parked, who missed calls.

A phone is an agent's or a customer's, and is named by its E.164 digits without the plus.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from dialer.store.database import Database, text, text_fields, texts


class PhoneNow(NamedTuple):
    """What is known of one phone; all instants are epoch s, 0 = there is none.

    Args:
        holder: The attempt's id or the release's token that has it; '' = it is on no call.
        rests_until: End of its wrap-up or gap.
        parked_until: Until when an agent who missed too many calls is left alone.
    """

    holder: str
    rests_until: float
    parked_until: float


class Taken(NamedTuple):
    """Phones nobody may ring at present.

    Args:
        on_call: With who has each, see `PhoneNow.holder`.
        resting: Agents after a call, and customers between two.
        agents: Those of them who are agents.
        parked: They may stand there for a while after their time is over.
        away: Agents on a break, off, out of their shift or done for the day, and until when, epoch s;
            inf: until somebody says otherwise.
    """

    on_call: dict[str, str]
    resting: frozenset[str]
    agents: frozenset[str]
    parked: frozenset[str]
    away: dict[str, float]


def read_phones(db: Database, digits: Sequence[str]) -> list[PhoneNow]:
    """Tell what some phones do, in one round trip."""
    with db.client.pipeline(transaction=False) as pipe:
        pipe.hmget(db.key("busy"), list(digits))
        pipe.zmscore(db.key("resting"), list(digits))
        pipe.hmget(db.key("parked"), list(digits))
        found = cast("tuple[list[Any], list[Any], list[Any]]", pipe.execute())
    return [
        PhoneNow(text(holder), rests_until or 0.0, float(parked_until or 0))
        for holder, rests_until, parked_until in zip(*found, strict=True)
    ]


def read_taken(db: Database, *, resting_after: float = float("-inf")) -> Taken:
    """Read which phones are on a call, at rest, parked or away, in one round trip.

    Args:
        resting_after: Leave out those whose rest, or absence, ends before, epoch s.
    """
    with db.client.pipeline(transaction=False) as pipe:
        pipe.hgetall(db.key("busy"))
        pipe.zrangebyscore(db.key("resting"), resting_after, "+inf")
        pipe.hkeys(db.key("wrapping_up"))
        pipe.hkeys(db.key("parked"))
        pipe.zrangebyscore(db.key("away"), resting_after, "+inf", withscores=True)
        busy, resting, agents, parked, away = pipe.execute()
    return Taken(
        on_call=text_fields(busy),
        resting=frozenset(texts(resting)),
        agents=frozenset(texts(agents)).intersection(texts(resting)),
        parked=frozenset(texts(parked)),
        away={text(number): until for number, until in away},
    )


def calls_missed(db: Database, agents: Sequence[str]) -> list[int]:
    """Tell how many calls in a row agents missed, in their order."""
    if not agents:
        return []
    found = texts(db.client.hmget(db.key("missed"), list(agents)))
    return [int(one or 0) for one in found]

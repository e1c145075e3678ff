"""Agents and turns: when an agent is rung again, what they say and see, and which campaign goes first."""

from enum import StrEnum
from functools import partial
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from campaigns.dispositions import MOST_DISPOSITIONS, split_dispositions
from campaigns.rules.declaring import Hurried, Panel, declared
from campaigns.rules.kinds import Seconds, SomeRules, Word
from campaigns.sentence import told

_rule = partial(declared, Panel.AGENTS)


class WrapUpUntil(StrEnum):
    """When an agent who has talked to a customer may be rung again."""

    TIME = "time"  # after the wrap-up
    DISPOSITION = "disposition"  # once they said what came of it


class TurnRules(SomeRules):
    """What agents are spared and asked, and whose turn it is."""

    wrap_up_s: Seconds = _rule(
        Field(10, ge=0, le=3600),
        "Wrap-up",
        "an agent's rest after each call that rang them",
        "S",
        "20",
        setting="DIALER_WRAP_UP_S",
        hurried=Hurried.SHRINKS,
    )
    wrap_up_until: WrapUpUntil = _rule(
        Field(WrapUpUntil.TIME),
        "Wrap-up ends",
        "when an agent who talked to a customer is rung again: after the wrap-up, or once "
        "they gave a disposition as well",
        "WORD",
        "disposition",
        words=tuple(WrapUpUntil),
    )
    wrap_up_longest_s: Seconds = _rule(
        Field(300, ge=1, le=3600),
        "Longest wrap-up",
        "for how long a wrap-up waits for a disposition at most",
        "S",
        "3m",
        hurried=Hurried.SHRINKS,
    )
    disposition: Annotated[tuple[Word, ...], BeforeValidator(split_dispositions)] = _rule(
        Field((), max_length=MOST_DISPOSITIONS),
        "Dispositions",
        "what agents may say came of a conversation, with commas between, each with what "
        "follows: nothing (the outcome's rule), final, suppress, retry=DELAY; "
        "do_not_call:suppress is always one of them",
        "NAME[:FOLLOWS]",
        "sale,wrong_number:final,call_back:retry=1d",
        several=True,
        hurried=Hurried.SHRINKS,
    )
    disposition_within_s: Seconds = _rule(
        Field(900, ge=1, le=7 * 86400),
        "Dispositions within",
        "for how long after a conversation its contact stays open for a disposition; then "
        "the outcome's rule holds",
        "S",
        "1h",
        hurried=Hurried.SHRINKS,
    )
    agent_sees: str = _rule(
        Field("", max_length=500),
        "Agents see",
        "columns of the list that the agent's page shows of a customer beside the name, with "
        "commas between",
        "COLUMNS",
        "plan,due amount",
    )
    park_after: int = _rule(
        Field(5, ge=0, le=100),
        "Park after",
        "calls in a row an agent misses before they are left alone; 0: never",
        "N",
        "3",
    )
    park_s: Seconds = _rule(
        Field(300, ge=1, le=86400),
        "Park for",
        "for how long they are left alone; their contacts wait and use up nothing",
        "S",
        "10m",
        hurried=Hurried.SHRINKS,
    )
    same_agent: bool = _rule(
        Field(False),
        "Same agent",
        "of a group, ring who spoke with the customer before, in this or an earlier campaign "
        "with this rule, where they are free",
        "",
        "yes",
    )
    stand_in_when_busy: bool = _rule(
        Field(False),
        "Stand-in when busy",
        "ring a stand-in also while the agent is on a call, and not only away; of lists "
        "loaded from then on",
        "",
        "yes",
    )
    priority: int = _rule(
        Field(0, ge=-99, le=99),
        "Priority",
        "-99 to 99; the higher campaign goes first, always",
        "N",
        "10",
    )
    weight: float = _rule(
        Field(1.0, gt=0, le=1000),
        "Weight",
        "share of turns among campaigns of one priority",
        "W",
        "3",
    )

    @model_validator(mode="after")
    def _has_what_it_waits_for(self) -> Self:
        names = [one.name for one in self.disposition]
        if len(set(names)) < len(names):
            raise ValueError(told("disposition: name each once"))
        if self.wrap_up_until is WrapUpUntil.DISPOSITION and not names:
            raise ValueError(told("wrap_up_until disposition needs dispositions to wait for"))
        return self


def names_in(text: str) -> tuple[str, ...]:
    """Read names with commas between, as `agent_sees` has them."""
    return tuple(one.strip() for one in text.split(",") if one.strip())

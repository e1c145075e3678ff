"""A campaign as Redis has it, read back: its record, its rules and their versions, its counts."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from pydantic import ValidationError

from campaigns.campaign import CampaignState
from campaigns.campaign_rules import CampaignRules
from campaigns.lists.column_choice import NOTHING_SAID, ColumnChoice
from campaigns.lists.headings import customers_name
from campaigns.sentence import told
from dialer.errors import NotDone
from dialer.store.database import text_fields


class CampaignNotFound(Exception):
    """No campaign has this id or name.

    Args:
        asked: What was looked for.
        names: Those that there are.
    """

    def __init__(self, message: str = "", *, asked: str = "", names: Collection[str] = ()) -> None:
        super().__init__(message)
        self.asked = asked
        self.names = names


class RulesUnreadable(NotDone):
    """A campaign whose rules a newer version wrote; the message names what is not known."""


class CampaignDamaged(RulesUnreadable):
    """A campaign of which Redis has what no version can work on; the others go on without it."""

    def __init__(self, campaign: str, why: object) -> None:
        super().__init__(
            told(
                "what Redis has of campaign {campaign} is damaged ({why}), so nothing of it is dialled; "
                "restore it from a backup",
                campaign=campaign,
                why=str(why),
            )
        )
        self.campaign, self.why = campaign, str(why)


class SameContent(Exception):
    """A file's very bytes are a campaign already."""

    def __init__(self, campaign: "Campaign") -> None:
        super().__init__(campaign)
        self.campaign = campaign


class WrongState(Exception):
    """A campaign cannot go there from where it stands; `state` tells where that is."""

    def __init__(self, message: str, *, state: CampaignState) -> None:
        super().__init__(message)
        self.state = state


@dataclass(frozen=True, slots=True)
class Roll:
    """A campaign in a list."""

    id: str
    name: str
    state: CampaignState
    tags: tuple[str, ...] = ()


PARTS = ("waiting", "in_flight", "unresolved", "open", "final")
"""Of `Counts`: they add up to all that were accepted."""


@dataclass(frozen=True, slots=True)
class Counts:
    """A campaign's contacts by state and outcome, its attempts by outcome, right now."""

    waiting: int = 0
    released: int = 0
    dialing: int = 0
    unresolved: int = 0
    open: int = 0
    final: int = 0
    attempts: int = 0
    charged: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    attempt_outcomes: dict[str, int] = field(default_factory=dict)
    dispositions: dict[str, int] = field(default_factory=dict)

    @property
    def in_flight(self) -> int:
        """Released or dialing."""
        return self.released + self.dialing

    @property
    def accepted(self) -> int:
        """The sum of all states."""
        return self.waiting + self.in_flight + self.unresolved + self.open + self.final


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as it stands.

    Args:
        columns: The upload's own header, in its order.
        rows: Data lines judged: accepted, rejected and duplicate; of a file on its way in, those that
            are stored.
        loading: Contacts of a file on its way in, or broken off there; `accepted` includes them.
        in_part: SHA-256 of the file of which only a part is here: on its way in, broken off there, or
            kept out by a cancellation; '' = none is.
        added: Contacts that were added one at a time; `added_confirmed`: by when two people started it.
        confirmed: How many contacts two people have started it with.
        asked_by: Who has started it and waits for a second person; '' = nobody.
        chosen: Which of the columns are the agent's, the customer's, the name; those of a list that
            an earlier version loaded are not known.
        created_at: Epoch s, as are the other instants; None = not yet.
        started_at: When it was started first; `running_at`: last, or resumed.
        why: What the last change of state was for, where it was not the user's wish.
        ready_s: How long only the pace kept it from dialling; None: not for a tick.
        archived_at: When its contacts left Redis for files; None: they are here.
        purged_at: When its personal data was taken out.
        rewritten: How often something of it was written anew that was over.
        open_from: When release may dial it next, and `open_until` how long, epoch s; zeros when
            release knows nothing of it.
    """

    id: str
    name: str
    state: CampaignState
    rules: CampaignRules
    rules_version: int
    columns: tuple[str, ...]
    rows: int
    accepted: int
    rejected: int
    duplicate: int
    created_at: float
    started_at: float | None = None
    running_at: float | None = None
    ended_at: float | None = None
    why: str = ""
    ready_s: float | None = None
    archived_at: float | None = None
    purged_at: float | None = None
    rewritten: int = 0
    open_from: float = 0.0
    open_until: float = 0.0
    loading: int = 0
    in_part: str = ""
    confirmed: int = 0
    added: int = 0
    added_confirmed: int = 0
    asked_by: str = ""
    chosen: ColumnChoice = NOTHING_SAID
    tags: tuple[str, ...] = ()

    @property
    def name_at(self) -> int | None:
        """Which column holds the customers' names; None: none does."""
        return _name_index(self.columns, self.chosen.name)

    def name_in(self, cells: Sequence[str]) -> str:
        """Give the customer's name in a row; '' where there is none."""
        return self.names_in([cells])[0]

    def names_in(self, rows: Iterable[Sequence[str]]) -> list[str]:
        """Give the customers' names of many rows."""
        index = self.name_at
        if index is None:
            return ["" for _ in rows]
        return [cells[index].strip() if index < len(cells) else "" for cells in rows]

    def needs_second(self, *, above: int) -> bool:
        """It has more contacts than one person may start; lua/prelude/ends.lua asks the same.

        Args:
            above: Contacts that one person may start, or add to what two have confirmed; 0: any.
        """
        allowed = self.confirmed + min(self.added - self.added_confirmed, above)
        return above > 0 and self.accepted > max(above, allowed)

    def time_span(self, as_of_s: float) -> tuple[float, float]:
        """Give from when until when it ran, epoch s; empty before its start."""
        until_s = min(as_of_s, self.ended_at or as_of_s)
        return min(self.started_at or until_s, until_s), until_s

    @property
    def has_a_start_ahead(self) -> bool:
        """It starts by itself, now or later; one that ran since has to be started by somebody."""
        at = self.rules.starts_at
        return at is not None and (self.running_at is None or self.running_at < at.timestamp())


def campaign_of(id_: str, stored: Mapping[bytes, bytes]) -> Campaign:
    fields = text_fields(stored)
    size, accepted = (int(fields.get(name, 0)) for name in ("size", "accepted"))
    loading = size - accepted  # they are dialled, so they count
    return Campaign(
        id=id_,
        name=fields["name"],
        state=CampaignState(fields["state"]),
        rules=read_rules(fields["rules"]),
        rules_version=int(fields["rules_version"]),
        columns=tuple(json.loads(fields["columns"])),
        rows=int(fields.get("rows", 0)) + loading,
        accepted=size,
        rejected=int(fields.get("rejected", 0)),
        duplicate=int(fields.get("duplicate", 0)),
        created_at=float(fields["created_at"]),
        started_at=_number(fields.get("started_at")),
        running_at=_number(fields.get("running_at")),
        ended_at=_number(fields.get("ended_at")),
        why=fields.get("why", ""),
        ready_s=_number(fields.get("ready_s")),
        archived_at=_number(fields.get("archived_at")),
        purged_at=_number(fields.get("purged_at")),
        rewritten=int(fields.get("rewritten", 0)),
        open_from=float(fields.get("open_from", 0)),
        open_until=float(fields.get("open_until", 0)),
        loading=loading,
        confirmed=int(fields.get("confirmed", 0)),
        added=int(fields.get("added", 0)),
        added_confirmed=int(fields.get("added_confirmed", 0)),
        asked_by=fields.get("asked_by", ""),
        chosen=ColumnChoice(
            agent=fields.get("agent_column") or None,
            customer=fields.get("customer_column") or None,
            name=fields.get("name_column") or None,
            why="as in the campaign",
        ),
        tags=tags_in(fields.get("tags", "")),
        in_part=fields.get("loading", "").rpartition(":")[0] or fields.get("in_part", ""),
    )


@lru_cache(maxsize=1024)
def _name_index(columns: tuple[str, ...], name_column: str | None) -> int | None:
    return columns.index(name_column) if name_column in columns else customers_name(columns)


@lru_cache(maxsize=1024)  # judging the rules takes longer than reading them from Redis
def read_rules(stored: str | bytes) -> CampaignRules:
    """Decode a campaign's rules.

    Raises:
        RulesUnreadable: There is something in them that this version does not know.
    """
    try:
        return CampaignRules.model_validate_json(stored)
    except ValidationError as error:
        unknown = ", ".join(".".join(map(str, one["loc"])) for one in error.errors())
        raise RulesUnreadable(
            f"this version does not know its rules ({unknown}), so nothing of it is dialled here; "
            "install the version of the other hosts"
        ) from error


def tags_in(stored: str) -> tuple[str, ...]:
    return tuple(json.loads(stored)) if stored else ()


def _number(value: str | None) -> float | None:
    return float(value) if value else None


def counts_in(stored: dict[str, int]) -> Counts:
    by_kind: dict[str, dict[str, int]] = {"outcome": {}, "attempt": {}, "disposition": {}}
    plain = {}
    for name, number in stored.items():
        kind, _, outcome = name.partition(":")
        if outcome and not number:
            continue  # taken back: a call-back opened the contact, or call details were right
        if outcome:
            by_kind[kind][outcome] = number
        else:
            plain[name] = number
    return Counts(
        **plain,
        outcomes=by_kind["outcome"],
        attempt_outcomes=by_kind["attempt"],
        dispositions=by_kind["disposition"],
    )

"""Campaigns in Redis: what they are, where they stand, how many contacts are where."""

import json
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, cast

from pydantic import ValidationError

from campaigns.campaign import CampaignState, same_name
from campaigns.campaign_rules import CampaignRules
from campaigns.contact_state import NotDialled
from campaigns.lists.column_choice import ColumnChoice
from campaigns.lists.headings import customers_name
from dialer.deeds import tell
from dialer.errors import NotDone
from dialer.logger import get_logger
from dialer.store.archived import archived_ids, archived_with_content
from dialer.store.database import Database, text
from dialer.store.packing import PACKED, Unpacked, unpacked
from dialer.store.scripts import Argument, gives

log = get_logger(__name__)

_CANCELLED = frozenset({CampaignState.CANCELLING, CampaignState.CANCELLED})
_NONE_CHOSEN = ColumnChoice()
_READ_TOGETHER = 500
_TURNS_TOGETHER = 200  # a script holds everybody up while it runs

MOST_VERSIONS = 50
"""Of a campaign's rules that are kept; the audit trail has all."""

RULES_MAY_CHANGE = (CampaignState.LOADED, CampaignState.RUNNING, CampaignState.PAUSED)

_MAY_COME_FROM = {
    CampaignState.RUNNING: (CampaignState.LOADED, CampaignState.PAUSED),
    CampaignState.PAUSED: (CampaignState.RUNNING,),
    CampaignState.CANCELLING: (
        CampaignState.LOADING,
        CampaignState.LOADED,
        CampaignState.RUNNING,
        CampaignState.PAUSED,
    ),
}


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
class LoadMark:
    """A file on its way into a campaign.

    Args:
        content_hash: Of the file.
        base: Contacts the campaign had before it.
        size: Contacts the campaign has now.
    """

    content_hash: str
    base: int
    size: int


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """The rules of a campaign as they were from an instant on.

    Args:
        at: Epoch s.
        by: Who made them so, for people; '' = not known, or whoever loaded the campaign.
    """

    version: int
    at: float
    by: str
    rules: CampaignRules

    @property
    def stored(self) -> str:
        """It as it is kept, JSON."""
        rules = self.rules.model_dump(mode="json")
        return json.dumps(
            {"version": self.version, "at": self.at, "by": self.by, "rules": rules},
            ensure_ascii=False,
        )


@dataclass(frozen=True, slots=True)
class Roll:
    """A campaign in a list."""

    id: str
    name: str
    state: CampaignState
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that was not taken, rejected or duplicate; its cells are as the file had them."""

    line: int
    cells: tuple[str, ...]
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Mended:
    """Rows that were not taken, and that a file of mended rows has again.

    Args:
        left: By block, the rows that stay in it.
        gone: How many leave: `rows`, and of these `rejected` and `duplicate`.
    """

    left: Mapping[str, Sequence[RejectedRow]]
    gone: Mapping[str, int]


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
    chosen: ColumnChoice = _NONE_CHOSEN
    tags: tuple[str, ...] = ()

    @property
    def name_at(self) -> int | None:
        """Which column holds the customers' names; None: none does."""
        return _name_index(self.columns, self.chosen.name)

    def name_in(self, cells: Sequence[str]) -> str:
        """Give the customer's name in a row; '' where there is none."""
        index = self.name_at
        return cells[index].strip() if index is not None and index < len(cells) else ""

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


@gives("create")
class Create(NamedTuple):
    """A campaign.

    Args:
        compared: The name as names are compared.
        hash: Of its first file; '' = none yet.
        again: Another campaign may have that.
        fields: And values, in turn.
    """

    campaign: str
    name: str
    compared: str
    hash: str
    again: bool
    fields: Sequence[Argument]


@gives("begin_load")
class BeginLoad(NamedTuple):
    """Which file is to be loaded, and whether who loads it may start calls."""

    campaign: str
    hash: str
    may_start: bool


@gives("commit")
class Commit(NamedTuple):
    """A file that is loaded.

    Args:
        entry: For the history, JSON.
        rows: That it adds to the campaign's sums, as the others.
        blocks: Of rows not taken, for which others stand now, and what is left of each, in turn.
    """

    campaign: str
    hash: str
    entry: str
    rows: int
    accepted: int
    rejected: int
    duplicate: int
    blocks: Sequence[Argument]


@gives("steer")
class Steer(NamedTuple):
    """Where a campaign is to go.

    Args:
        sources: States it may come from, commas between.
        why: For people.
        closing: The end of contacts that still wait when it is cancelled.
        ends_as: The state it ends in then.
    """

    campaign: str
    target: str
    sources: str
    why: str
    closing: str
    ends_as: str


@gives("change_rules")
class ChangeRules(NamedTuple):
    """Rules in place of the version that was read.

    Args:
        states: In which they may change, commas between.
        before: The version that was read, JSON, where none is kept yet; `entry`: the new one.
        kept: Versions, at most.
        fields: And values in turn.
    """

    campaign: str
    version: int
    states: str
    before: str
    entry: str
    kept: int
    fields: Sequence[Argument]


class OpenWindow(NamedTuple):
    """When a campaign may dial next, epoch s; zeros: never; None: as known."""

    campaign: str
    open_from: float | None
    open_until: float | None


@gives("open_windows")
class OpenWindows(NamedTuple):
    """When campaigns may dial next."""

    campaigns: Sequence[OpenWindow]


@gives("cancel_chunk")
class CancelChunk(NamedTuple):
    """Whose waiting contacts are to be closed, and of how many hundreds now."""

    campaign: str
    chunks: int


class Campaigns:
    """Creates, finds and steers campaigns."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def create(
        self,
        campaign: str,
        *,
        name: str,
        rules: CampaignRules,
        columns: Iterable[str],
        chosen: ColumnChoice = _NONE_CHOSEN,
        content_hash: str = "",
        again: bool = False,
        tags: Sequence[str] = (),
    ) -> bool:
        """Reserve a name for a campaign and write it down as loading; False when it is taken.

        Args:
            chosen: Which of the columns are the agent's, the customer's, the name.
            content_hash: Of its first file; '' leaves it to `begin_loading`.
            again: Another campaign may have the same content.

        Raises:
            SameContent: Another campaign has it.
        """
        if self.id_of(name):
            return False
        fields = {
            "columns": json.dumps(list(columns)),
            "agent_column": chosen.agent or "",
            "customer_column": chosen.customer or "",
            "name_column": chosen.name or "",
            **({"tags": json.dumps(tags, ensure_ascii=False)} if tags else {}),
            **_rules_fields(rules, version=1),
        }
        flat = (part for item in fields.items() for part in item)
        answer = self._db.run(
            Create(campaign, name, same_name(name), content_hash, again, list(flat))
        )
        if isinstance(answer, bytes):
            raise SameContent(self.find(text(answer)))
        return bool(answer)

    def with_content(self, content_hash: str) -> list[Campaign]:
        """Read the campaigns that a file of this content was loaded into, or is on its way into.

        Those cancelled before anybody was called are left out.
        """
        ids = self.ids()
        with self._db.client.pipeline(transaction=False) as pipe:
            for id_ in ids:
                pipe.sismember(self._db.key("c", id_, "hashes"), content_hash)
                pipe.hget(self._db.key("c", id_), "loading")
            answers = pipe.execute()
        found = [
            id_
            for id_, is_loaded, mark in zip(ids, answers[::2], answers[1::2], strict=True)
            if is_loaded or text(mark).rpartition(":")[0] == content_hash
        ]
        found += archived_with_content(self._db, content_hash)
        return [
            one for one in self.readable(found) if one.started_at or one.state not in _CANCELLED
        ]

    def find(self, id_or_name: str) -> Campaign:
        """Read a campaign by id or name.

        Raises:
            CampaignNotFound: There is none.
            RulesUnreadable: A newer version wrote it.
        """
        found = self.read([id_or_name])
        if not found and (by_name := self.id_of(id_or_name)):
            found = self.read([by_name])
        if not found:
            names = cast("list[bytes]", self._db.client.hkeys(self._db.key("names")))
            raise CampaignNotFound(
                f"no campaign {id_or_name!r}", asked=id_or_name, names=[text(one) for one in names]
            )
        return found[0]

    def id_of(self, name: str) -> str:
        """Tell the id a name is reserved for, in whatever case and spaces; '' when it is free."""
        key, wanted = self._db.key("names"), same_name(name)
        if found := cast("bytes | None", self._db.client.hget(key, wanted)):
            return text(found)
        # names that an earlier version reserved stand there as they were written
        names = cast("dict[bytes, bytes]", self._db.client.hgetall(key))
        return next((text(id_) for one, id_ in names.items() if same_name(text(one)) == wanted), "")

    def ids(self) -> list[str]:
        """Read the ids of the campaigns that are not archived, the newest first."""
        ids = cast("list[bytes]", self._db.client.zrevrange(self._db.key("campaigns"), 0, -1))
        return [text(one) for one in ids]

    def read(self, ids: Sequence[str]) -> list[Campaign]:
        """Read campaigns by id, many in a round trip; ids that are none's are left out.

        Raises:
            RulesUnreadable: A newer version wrote one of them.
        """
        found = self._read(ids)
        for one in found:
            if isinstance(one, RulesUnreadable):
                raise one
        return [one for one in found if isinstance(one, Campaign)]

    def readable(self, ids: Sequence[str]) -> list[Campaign]:
        """Read the same, and leave those out that a newer version wrote, with a line in the log."""
        found = self._read(ids)
        for one in found:
            if isinstance(one, RulesUnreadable):
                _say_once(str(one))
        return [one for one in found if isinstance(one, Campaign)]

    def _read(self, ids: Sequence[str]) -> "list[Campaign | RulesUnreadable]":
        stored = self._db.read_hashes(self._records(ids))
        found: list[Campaign | RulesUnreadable] = []
        for id_, record in zip(ids, stored, strict=True):
            fields = unpacked(record).fields or record
            try:
                if b"rules" in fields:
                    found.append(_campaign(id_, fields))
            except (RulesUnreadable, ValueError) as error:  # or a state it does not know
                name = text(fields.get(b"name"))
                found.append(RulesUnreadable(f"campaign {name} ({id_}): {error}"))
        return found

    def states(self, ids: Sequence[str]) -> list[CampaignState | None]:
        """Read where campaigns stand, many in a round trip; None for an id that is none's."""
        found = self._db.read_field("state", self._records(ids))
        return [CampaignState(text(state)) if state else None for state in found]

    def unarchived(self) -> list[Campaign]:
        """Read the campaigns whose contacts are in Redis, the newest first."""
        return self.read(self.ids())

    def all(self) -> Iterator[Campaign]:
        """Read all campaigns, some hundreds at a time: first those in Redis, then those archived."""
        return self._several([*self.ids(), *archived_ids(self._db)])

    def with_people(self) -> Iterator[Campaign]:
        """Read all campaigns whose personal data was not taken out."""
        ids = [*self.ids(), *archived_ids(self._db)]
        purged = self._db.read_field("purged_at", self._records(ids))
        return self._several([id_ for id_, at in zip(ids, purged, strict=True) if at is None])

    def _several(self, ids: Sequence[str]) -> Iterator[Campaign]:
        for at in range(0, len(ids), _READ_TOGETHER):
            yield from self.read(ids[at : at + _READ_TOGETHER])

    def counted(self, *states: CampaignState) -> "list[tuple[Campaign, Counts]]":
        """Read campaigns in one of these states, or all in Redis, each with its counts."""
        return self._with_counts(list(self.in_state(*(states or CampaignState))))

    def archived(self, first: int, most: int) -> "list[tuple[Campaign, Counts]]":
        """Read archived campaigns with their counts, the last archived first, from the `first` on."""
        return self._with_counts(self.readable(archived_ids(self._db, first, most)))

    def _with_counts(self, found: list[Campaign]) -> "list[tuple[Campaign, Counts]]":
        return list(zip(found, self.counts_of([one.id for one in found]), strict=True))

    def rolls(self) -> list["Roll"]:
        """Read what campaigns in Redis are called and where they stand, and no more of them."""
        ids = self.ids()
        with self._db.client.pipeline(transaction=False) as pipe:
            for id_ in ids:
                pipe.hmget(self._db.key("c", id_), "name", "state", "tags")
            stored = cast("list[list[bytes | None]]", pipe.execute())
        return [
            Roll(id_, text(name), CampaignState(text(state)), _tags(text(tags)))
            for id_, (name, state, tags) in zip(ids, stored, strict=True)
            if name and text(state) in set(CampaignState)
        ]

    def put_tags(self, campaign: str, tags: Sequence[str]) -> None:
        """Give a campaign these tags in place of those it has."""
        stored = json.dumps(tags, ensure_ascii=False)
        self._db.client.hset(self._db.key("c", campaign), "tags", stored)

    def in_state(self, *states: CampaignState) -> Iterator[Campaign]:
        """Read the campaigns that stand in one of these states."""
        ids = self.ids()
        standing = zip(ids, self._db.read_field("state", self._records(ids)), strict=True)
        return (
            campaign
            for campaign in self.readable([id_ for id_, state in standing if text(state) in states])
            if campaign.state in states
        )

    def _records(self, ids: Sequence[str]) -> list[str]:
        return [self._db.key("c", id_) for id_ in ids]

    def size(self, campaign: str) -> int:
        """Read how many contacts a campaign has."""
        return int(cast("Any", self._db.client.hget(self._db.key("c", campaign), "size")) or 0)

    def sizes_of_active(self) -> dict[str, int]:
        """Read how many contacts each campaign has that is not over."""
        ids = self.ids()
        sizes = self._db.read_field("size", self._records(ids))
        return {
            id_: int(size or 0)
            for id_, state, size in zip(ids, self.states(ids), sizes, strict=True)
            if state and not state.is_over
        }

    def begin_loading(
        self, campaign: str, *, content_hash: str, may_start: bool = True
    ) -> LoadMark | None:
        """Mark that a file is being loaded, or find the mark of a load that broke off.

        Args:
            may_start: Whoever loads may start calls; else a running campaign takes no file of theirs.

        Returns:
            The mark as it stands: the caller's, or another file's that must be finished first;
            None when this content was loaded to its end before.

        Raises:
            WrongState: The campaign takes no more files.
        """
        answer = self._db.run(BeginLoad(campaign, content_hash, may_start))
        if not answer:
            return None
        if len(answer) == 1:
            state = CampaignState(text(answer[0]))
            raise WrongState(f"campaign {campaign} is {state}", state=state)
        found, _, base = text(answer[0]).rpartition(":")
        return LoadMark(found, int(base), int(answer[1]))

    def commit(
        self,
        campaign: str,
        *,
        counts: dict[str, int],
        entry: dict[str, Any],
        mended: "Mended | None" = None,
    ) -> None:
        """Make a loaded file count; committing it twice counts it once.

        Args:
            counts: `rows`, `accepted`, `rejected` and `duplicate` of this file; they are added.
            entry: For the history, with its `hash`.
            mended: What it has again of rows that were not taken before; these leave the sums.
        """
        left, gone = (mended.left, mended.gone) if mended else ({}, {})
        blocks: list[Argument] = [
            part for block, rows in left.items() for part in (block, _packed(rows))
        ]
        self._db.run(
            Commit(
                campaign=campaign,
                hash=entry["hash"],
                entry=json.dumps({**entry, **counts, "at": self._db.now()}),
                **{name: counts[name] - gone.get(name, 0) for name in counts},
                blocks=blocks,
            )
        )

    def files(self, campaign: str) -> int:
        """Count the files that were loaded into a campaign to their end."""
        return self._db.client.llen(self._db.key("c", campaign, "imports"))

    def widen(self, campaign: str, columns: Sequence[str]) -> None:
        """Give a campaign more columns, behind those it has; rows that lack them are empty there."""
        self._db.client.hset(self._db.key("c", campaign), "columns", json.dumps(list(columns)))

    def has_imported(self, campaign: str, content_hash: str) -> bool:
        """Whether a file of this content was loaded into the campaign to its end."""
        return bool(self._db.client.sismember(self._db.key("c", campaign, "hashes"), content_hash))

    def knows_import(self, campaign: str, content_hash: str) -> bool:
        """Whether a file of this content was loaded into the campaign, or is on its way in."""
        mark = self._db.client.hget(self._db.key("c", campaign), "loading")
        is_loading = text(cast("bytes | None", mark)).rpartition(":")[0] == content_hash
        return is_loading or self.has_imported(campaign, content_hash)

    def keep_rejected(self, campaign: str, block: str, rows: Sequence[RejectedRow]) -> None:
        """Keep rows that were not taken; a block kept before is replaced."""
        key = self._db.key("c", campaign, "rejected")
        with self._db.client.pipeline(transaction=True) as pipe:
            if rows:
                pipe.hset(key, block, _packed(rows))
            else:
                pipe.hdel(key, block)
            pipe.hincrby(self._db.key("c", campaign), "rewritten", 1)
            pipe.execute()

    def rejected_rows(self, campaign: str) -> Iterator[RejectedRow]:
        """Read rows that were not taken, in the order of the files and their lines."""
        for _, rows in self.rejected_blocks(campaign):
            yield from rows

    def rejected_blocks(self, campaign: str) -> Iterator[tuple[str, list[RejectedRow]]]:
        """Read the same block by block, as they were kept."""
        key = self._db.key("c", campaign, "rejected")
        blocks = sorted(text(one) for one in cast("list[bytes]", self._db.client.hkeys(key)))
        for block in blocks:
            packed = cast("bytes", self._db.client.hget(key, block))
            yield (
                block,
                [
                    RejectedRow(line, tuple(cells), code, message)
                    for line, cells, code, message in json.loads(zlib.decompress(packed))
                ],
            )

    def imports(self, campaign: str) -> list[dict[str, Any]]:
        """Read the history of a campaign's files: hash, time (epoch s) and counts of each."""
        stored = cast(
            "list[bytes]", self._db.client.lrange(self._db.key("c", campaign, "imports"), 0, -1)
        )
        return [json.loads(one) for one in stored or self._unpacked([campaign])[0].imports]

    def move(self, campaign: Campaign, to: CampaignState, *, why: str = "") -> CampaignState:
        """Steer a campaign; asking for what already is changes nothing.

        Raises:
            WrongState: It cannot go there from where it stands.
        """
        before, after = self._steer(campaign.id, to, _MAY_COME_FROM[to], why=why)
        arrived = {to, CampaignState.COMPLETED, CampaignState.CANCELLED}
        was_cancelled = to is CampaignState.CANCELLING and after is CampaignState.CANCELLED
        if after not in arrived or (before == after != to and not was_cancelled):
            stands = "archived" if campaign.archived_at else after
            raise WrongState(f"campaign {campaign.name} is {stands}", state=after)
        tell(
            on=f"campaign {campaign.name} {campaign.id}",
            before={"state": before},
            after={"state": after, **({"why": why} if why else {})},
        )
        return after

    def end(self, campaign: Campaign) -> None:
        """Close what still waits, because the campaign's end has come; calls that live run out."""
        self._steer(
            campaign.id,
            CampaignState.CANCELLING,
            _MAY_COME_FROM[CampaignState.CANCELLING],
            why="its end has come",
            closing=NotDialled.ENDED,
            ends_as=CampaignState.COMPLETED,
        )

    def _steer(
        self,
        campaign: str,
        to: CampaignState,
        sources: Iterable[CampaignState],
        *,
        why: str = "",
        closing: NotDialled = NotDialled.CANCELLED,
        ends_as: CampaignState = CampaignState.CANCELLED,
    ) -> tuple[CampaignState, CampaignState]:
        answer = self._db.run(
            Steer(campaign, to, ",".join(sources), why, closing=closing, ends_as=ends_as)
        )
        if not answer:
            raise CampaignNotFound(f"no campaign {campaign!r}")
        return CampaignState(text(answer[0])), CampaignState(text(answer[1]))

    def change_rules(
        self, campaign: Campaign, rules: CampaignRules, *, by: str = ""
    ) -> CampaignState | None:
        """Write new rules as the next version; every gate from now on knows it.

        Args:
            by: Who changes them, for people.

        Returns:
            None; or its state, where it may not change, or somebody changed it meanwhile.
        """
        fields = _rules_fields(rules, version=campaign.rules_version + 1)
        after = RuleVersion(campaign.rules_version + 1, self._db.now(), by, rules)
        answer = self._db.run(
            ChangeRules(
                campaign.id,
                campaign.rules_version,
                ",".join(RULES_MAY_CHANGE),
                before=_first_version(campaign).stored,
                entry=after.stored,
                kept=MOST_VERSIONS,
                fields=[part for item in fields.items() for part in item],
            )
        )
        return CampaignState(text(answer)) if answer else None

    def rule_versions(self, campaign: Campaign) -> list[RuleVersion]:
        """Read the last versions of a campaign's rules, the newest first; one of an archive is alone."""
        key = self._db.key("c", campaign.id, "versions")
        stored = cast("list[bytes]", self._db.client.lrange(key, 0, -1))
        found = [_rule_version(one) for one in reversed(stored)]
        return found or [_first_version(campaign)]

    def ask_to_start(self, campaign: Campaign, *, who: str) -> str:
        """Note who wants a campaign to start, and tell who wanted it first."""
        key = self._db.key("c", campaign.id)
        self._db.client.hsetnx(key, "asked_by", who)
        return text(cast("bytes | None", self._db.client.hget(key, "asked_by")))

    def confirm_start(self, campaign: Campaign, *, by: str) -> None:
        """Note that two people want it to start with the contacts it has."""
        key = self._db.key("c", campaign.id)
        noted = {
            "confirmed": campaign.accepted,
            "added_confirmed": campaign.added,
            "confirmed_by": by,
        }
        self._db.client.hset(key, mapping=cast("dict[Any, Any]", noted))
        self._db.client.hdel(key, "asked_by")

    def note_zones(self, campaign: str, zones: Collection[str]) -> None:
        """Remember zones that contacts of a campaign have of their own."""
        if zones and self._db.client.sadd(self._db.key("c", campaign, "zones"), *zones):
            # it may be open now where it was closed: the feeder finds out
            self._db.client.hdel(self._db.key("c", campaign), "open_from", "open_until")

    def note_teams(self, campaign: str, teams: Collection[str]) -> None:
        """Note for which teams contacts of a campaign are, by what stands for an agent's number."""
        if teams:
            where = self._db.key("c", campaign, "teams")
            self._db.client.sadd(where, *(one[1:] for one in teams))

    def teams(self, campaign: str) -> list[str]:
        """Give the numbers of the teams that contacts of a campaign are for."""
        found = self._db.client.smembers(self._db.key("c", campaign, "teams"))
        return sorted(map(text, cast("set[bytes]", found)))

    def zones(self, campaign: str) -> list[str]:
        """Read the zones that contacts of a campaign have of their own."""
        stored = self._db.client.smembers(self._db.key("c", campaign, "zones"))
        return sorted(text(one) for one in cast("set[bytes]", stored))

    def take_turns(self, windows: Mapping[str, tuple[float, float] | None]) -> None:
        """Let running campaigns take turns, where they may: one has opened, or its cap is over.

        Args:
            windows: By campaign, when release may dial it next, from and until, epoch s, zeros for
                never; None: as release knows it.
        """
        opening = [OpenWindow(id_, *(window or (None, None))) for id_, window in windows.items()]
        for at in range(0, len(opening), _TURNS_TOGETHER):
            self._db.run_for_each(OpenWindows(opening[at : at + _TURNS_TOGETHER]))

    def cancel_some(self, campaign: str, *, chunks: int = 50) -> bool:
        """Close some hundreds of waiting contacts of a cancelling campaign; True while more wait."""
        return bool(self._db.run(CancelChunk(campaign, chunks)))

    def counts(self, campaign: str) -> Counts:
        """Read how many contacts and attempts are where, all at one instant."""
        return self.counts_of([campaign])[0]

    def counts_of(self, campaigns: Sequence[str]) -> list[Counts]:
        """Read the same of many campaigns, in few round trips."""
        stored = self._db.read_hashes([self._db.key("c", id_, "counts") for id_ in campaigns])
        away = [id_ for id_, one in zip(campaigns, stored, strict=True) if not one]
        short = dict(zip(away, self._unpacked(away), strict=True))
        return [
            _counts({text(name): int(n) for name, n in (one or short[id_].counts).items()})
            for id_, one in zip(campaigns, stored, strict=True)
        ]

    def _unpacked(self, ids: Sequence[str]) -> list[Unpacked]:
        packed = self._db.read_field(text(PACKED), self._records(ids))
        return [unpacked({PACKED: one} if one else {}) for one in packed]


def _packed(rows: Sequence[RejectedRow]) -> bytes:
    """Pack a block of rows that were not taken; without a row it is empty, and no block."""
    plain = [[row.line, row.cells, row.code, row.message] for row in rows]
    return zlib.compress(json.dumps(plain, ensure_ascii=False).encode(), 1) if rows else b""


def _campaign(id_: str, stored: Mapping[bytes, bytes]) -> Campaign:
    fields = {text(name): text(value) for name, value in stored.items()}
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
        tags=_tags(fields.get("tags", "")),
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


@lru_cache(maxsize=256)
def _say_once(message: str) -> None:
    log.warning("rules_unreadable", message=message)


def _rules_fields(rules: CampaignRules, *, version: int) -> "dict[Any, Any]":
    return {
        "rules": rules.model_dump_json(),
        "rules_version": version,
        "priority": rules.priority,
        "weight": rules.weight,
        "most_live": rules.max_concurrent_calls,
    }


def _tags(stored: str) -> tuple[str, ...]:
    return tuple(json.loads(stored)) if stored else ()


def _first_version(campaign: Campaign) -> RuleVersion:
    return RuleVersion(campaign.rules_version, campaign.created_at, "", campaign.rules)


def _rule_version(stored: bytes) -> RuleVersion:
    plain = json.loads(stored)
    rules = read_rules(json.dumps(plain["rules"]))
    return RuleVersion(plain["version"], plain["at"], plain["by"], rules)


def _number(value: str | None) -> float | None:
    return float(value) if value else None


def _counts(stored: dict[str, int]) -> Counts:
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

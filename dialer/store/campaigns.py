"""Campaigns in Redis: what they are, where they stand, how many contacts are where."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from redis import ResponseError

from campaigns.campaign import CampaignState, same_name
from campaigns.campaign_rules import CampaignRules
from campaigns.contact_state import NotDialled
from campaigns.lists.column_choice import NOTHING_SAID, ColumnChoice
from campaigns.sentence import told
from dialer.deeds import tell
from dialer.logger import get_logger
from dialer.store.archived import archived_ids, archived_with_content, tag_archived
from dialer.store.campaign import (
    Campaign,
    CampaignDamaged,
    CampaignNotFound,
    Counts,
    Roll,
    RulesUnreadable,
    SameContent,
    WrongState,
    campaign_of,
    counts_in,
    tags_in,
)
from dialer.store.database import Database, text, text_fields, texts
from dialer.store.packing import read_unpacked, unpacked
from dialer.store.rule_versions import rules_fields
from dialer.store.scripts import Argument, gives

log = get_logger(__name__)

_READ_TOGETHER = 500

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
        chosen: ColumnChoice = NOTHING_SAID,
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
            **rules_fields(rules, version=1),
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
        return [one for one in self.readable(found) if one.started_at or not one.state.is_cancelled]

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
            names = texts(self._db.client.hkeys(self._db.key("names")))
            raise CampaignNotFound(f"no campaign {id_or_name!r}", asked=id_or_name, names=names)
        return found[0]

    def id_of(self, name: str) -> str:
        """Tell the id a name is reserved for, in whatever case and spaces; '' when it is free."""
        key, wanted = self._db.key("names"), same_name(name)
        if found := text(self._db.client.hget(key, wanted)):
            return found
        # names that an earlier version reserved stand there as they were written
        names = text_fields(self._db.client.hgetall(key))
        return next((id_ for name, id_ in names.items() if same_name(name) == wanted), "")

    def ids(self) -> list[str]:
        """Read the ids of the campaigns that are not archived, the newest first."""
        return texts(self._db.client.zrevrange(self._db.key("campaigns"), 0, -1))

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
        """Read the same; those that are damaged, or a newer version wrote, are left out and logged."""
        found = self._read(ids)
        for one in found:
            if isinstance(one, RulesUnreadable):
                _say_once(one)
        return [one for one in found if isinstance(one, Campaign)]

    def _read(self, ids: Sequence[str]) -> "list[Campaign | RulesUnreadable]":
        stored = self._db.read_whole_hashes(self._records(ids))
        found: list[Campaign | RulesUnreadable] = []
        for id_, record in zip(ids, stored, strict=True):
            if isinstance(record, ResponseError):
                found.append(CampaignDamaged(id_, record))
                continue
            fields = unpacked(record).fields or record
            try:
                if b"rules" in fields:
                    found.append(campaign_of(id_, fields))
            except (RulesUnreadable, ValueError) as error:  # or a state it does not know
                name = text(fields.get(b"name"))
                found.append(RulesUnreadable(f"campaign {name} ({id_}): {error}"))
            except (KeyError, TypeError) as error:
                found.append(CampaignDamaged(id_, f"{type(error).__name__}: {error}"))
        return found

    def damaged(self, ids: Sequence[str]) -> list[CampaignDamaged]:
        """Tell of which of these campaigns the record or the counts are damaged."""
        return [
            one
            for one in (*self._read(ids), *self._counts(ids))
            if isinstance(one, CampaignDamaged)
        ]

    def states(self, ids: Sequence[str]) -> list[CampaignState | None]:
        """Read where campaigns stand, many in a round trip; None for an id that is none's."""
        found = self._db.read_field("state", self._records(ids))
        return [CampaignState(text(state)) if state else None for state in found]

    def unarchived(self) -> list[Campaign]:
        """Read the campaigns whose contacts are in Redis, the newest first."""
        return self.read(self.ids())

    def all(self) -> Iterator[Campaign]:
        """Read all campaigns, some hundreds at a time: first those in Redis, then those archived."""
        return self.several([*self.ids(), *archived_ids(self._db)])

    def with_people(self) -> Iterator[Campaign]:
        """Read all campaigns whose personal data was not taken out."""
        ids = [*self.ids(), *archived_ids(self._db)]
        purged = self._db.read_field("purged_at", self._records(ids))
        return self.several([id_ for id_, at in zip(ids, purged, strict=True) if at is None])

    def several(self, ids: Sequence[str]) -> Iterator[Campaign]:
        """Read campaigns, some hundreds at a time."""
        for at in range(0, len(ids), _READ_TOGETHER):
            yield from self.read(ids[at : at + _READ_TOGETHER])

    def counted(self, *states: CampaignState) -> "list[tuple[Campaign, Counts]]":
        """Read campaigns in one of these states, or all in Redis, each with its counts."""
        return self.with_counts(list(self.in_state(*(states or CampaignState))))

    def archived(self, first: int, most: int) -> "list[tuple[Campaign, Counts]]":
        """Read archived campaigns with their counts, the last archived first, from the `first` on."""
        return self.with_counts(self.readable(archived_ids(self._db, first, most)))

    def with_counts(self, found: Sequence[Campaign]) -> "list[tuple[Campaign, Counts]]":
        """Read campaigns' counts; those of which they are damaged are left out and logged."""
        counted: list[tuple[Campaign, Counts]] = []
        for campaign, counts in zip(found, self._counts([one.id for one in found]), strict=True):
            if isinstance(counts, CampaignDamaged):
                _say_once(counts)
            else:
                counted.append((campaign, counts))
        return counted

    def rolls(self) -> list["Roll"]:
        """Read what campaigns in Redis are called and where they stand, and no more of them."""
        ids = self.ids()
        with self._db.client.pipeline(transaction=False) as pipe:
            for id_ in ids:
                pipe.hmget(self._db.key("c", id_), "name", "state", "tags")
            stored = pipe.execute(raise_on_error=False)
        read = (
            (id_, *texts(one))
            for id_, one in zip(ids, stored, strict=True)
            if not isinstance(one, ResponseError)  # damaged
        )
        return [
            Roll(id_, name, CampaignState(state), tags_in(tags))
            for id_, name, state, tags in read
            if name and state in set(CampaignState)
        ]

    def put_tags(self, campaign: str, tags: Sequence[str]) -> None:
        """Give a campaign these tags in place of those it has."""
        stored = json.dumps(tags, ensure_ascii=False)
        self._db.client.hset(self._db.key("c", campaign), "tags", stored)
        tag_archived(self._db, campaign, stored)

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
        return int(text(self._db.client.hget(self._db.key("c", campaign), "size")) or 0)

    def sizes_of_active(self) -> dict[str, int]:
        """Read how many contacts each campaign has that is not over."""
        return self.sizes_in(*(one for one in CampaignState if not one.is_over))

    def sizes_in(self, *states: CampaignState) -> dict[str, int]:
        """Read how many contacts each campaign has that stands in one of these states."""
        ids = self.ids()
        sizes = self._db.read_field("size", self._records(ids))
        return {
            id_: int(size or 0)
            for id_, state, size in zip(ids, self.states(ids), sizes, strict=True)
            if state in states
        }

    def widen(self, campaign: str, columns: Sequence[str]) -> None:
        """Give a campaign more columns, behind those it has; rows that lack them are empty there."""
        self._db.client.hset(self._db.key("c", campaign), "columns", json.dumps(list(columns)))

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
            where = told(str(stands))
            raise WrongState(
                told("campaign {name} is {state}", name=campaign.name, state=where), state=after
            )
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

    def cancel_some(self, campaign: str, *, chunks: int = 10) -> bool:
        """Close some hundreds of waiting contacts of a cancelling campaign; True while more wait.

        Args:
            chunks: How many hundreds; for as long as one step takes, nobody else is answered.
        """
        return bool(self._db.run(CancelChunk(campaign, chunks)))

    def counts(self, campaign: str) -> Counts:
        """Read how many contacts and attempts are where, all at one instant."""
        return self.counts_of([campaign])[0]

    def counts_of(self, campaigns: Sequence[str]) -> list[Counts]:
        """Read the same of many campaigns, in few round trips.

        Raises:
            CampaignDamaged: Those of one are.
        """
        found = self._counts(campaigns)
        for one in found:
            if isinstance(one, CampaignDamaged):
                raise one
        return [one for one in found if isinstance(one, Counts)]

    def _counts(self, campaigns: Sequence[str]) -> "list[Counts | CampaignDamaged]":
        keys = [self._db.key("c", id_, "counts") for id_ in campaigns]
        stored = self._db.read_whole_hashes(keys)
        away = [id_ for id_, one in zip(campaigns, stored, strict=True) if not one]
        short = dict(zip(away, read_unpacked(self._db, away), strict=True))
        return [
            _counts_in(id_, short[id_].counts if id_ in short else one)
            for id_, one in zip(campaigns, stored, strict=True)
        ]


def _counts_in(id_: str, stored: Mapping[bytes, bytes] | ResponseError) -> Counts | CampaignDamaged:
    if isinstance(stored, ResponseError):
        return CampaignDamaged(id_, f"counts: {stored}")
    try:
        return counts_in({text(name): int(n) for name, n in stored.items()})
    except (ValueError, TypeError, KeyError) as error:
        return CampaignDamaged(id_, f"counts: {error}")


def _say_once(unreadable: RulesUnreadable) -> None:
    _warn_once(str(unreadable), is_damaged=isinstance(unreadable, CampaignDamaged))


@lru_cache(maxsize=256)
def _warn_once(message: str, *, is_damaged: bool) -> None:
    if is_damaged:
        log.warning("campaign_damaged", message=message)
    else:
        log.warning("rules_unreadable", message=message)

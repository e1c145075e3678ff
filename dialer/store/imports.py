"""The files of campaigns: how one comes in, the history of those that did, their rows that were not taken."""

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from campaigns.campaign import CampaignState
from dialer.store.campaign import WrongState
from dialer.store.database import Database, text, texts
from dialer.store.packing import read_unpacked
from dialer.store.scripts import Argument, gives


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


class Imports:
    """The files that were loaded into an account's campaigns."""

    def __init__(self, db: Database) -> None:
        self._db = db

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

    def has_imported(self, campaign: str, content_hash: str) -> bool:
        """Whether a file of this content was loaded into the campaign to its end."""
        return bool(self._db.client.sismember(self._db.key("c", campaign, "hashes"), content_hash))

    def knows_import(self, campaign: str, content_hash: str) -> bool:
        """Whether a file of this content was loaded into the campaign, or is on its way in."""
        mark = self._db.client.hget(self._db.key("c", campaign), "loading")
        is_loading = text(mark).rpartition(":")[0] == content_hash
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

    def forget_rejected(self, campaign: str, blocks: str) -> None:
        """Forget rows that a load of a file kept which broke off: the file is judged from its beginning."""
        key = self._db.key("c", campaign, "rejected")
        kept = texts(self._db.client.hkeys(key))
        if stale := [one for one in kept if one.startswith(f"{blocks}-")]:
            self._db.client.hdel(key, *stale)

    def rejected_rows(self, campaign: str) -> Iterator[RejectedRow]:
        """Read rows that were not taken, in the order of the files and their lines."""
        for _, rows in self.rejected_blocks(campaign):
            yield from rows

    def rejected_blocks(self, campaign: str) -> Iterator[tuple[str, list[RejectedRow]]]:
        """Read the same block by block, as they were kept."""
        key = self._db.key("c", campaign, "rejected")
        for block in sorted(texts(self._db.client.hkeys(key))):
            packed = cast("bytes", self._db.client.hget(key, block))
            yield (
                block,
                [
                    RejectedRow(line, tuple(cells), code, message)
                    for line, cells, code, message in json.loads(zlib.decompress(packed))
                ],
            )

    def history(self, campaign: str) -> list[dict[str, Any]]:
        """Read the history of a campaign's files: hash, time (epoch s) and counts of each."""
        stored = self._db.client.lrange(self._db.key("c", campaign, "imports"), 0, -1)
        return [json.loads(one) for one in stored or read_unpacked(self._db, [campaign])[0].imports]


def _packed(rows: Sequence[RejectedRow]) -> bytes:
    """Pack a block of rows that were not taken; without a row it is empty, and no block."""
    plain = [[row.line, row.cells, row.code, row.message] for row in rows]
    return zlib.compress(json.dumps(plain, ensure_ascii=False).encode(), 1) if rows else b""

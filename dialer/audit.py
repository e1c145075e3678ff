"""Who did what: every action of a person or a key, in a trail that shows what was taken out of it.

    begun ──▶ done | refused | failed

An action is written down twice: before anything is done, so that one which cannot be recorded is not
done, and once it is known how it ended, with what was before and what is after.
"""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import redis

from dialer.deeds import Deed, DeedOutcome, Did, deed_under_way, under_way
from dialer.errors import NotDone
from dialer.logger import get_logger
from dialer.masking import mask_text
from dialer.settings import SettingsError
from dialer.store import Database
from dialer.store.campaign import CampaignNotFound, WrongState
from dialer.store.trail import Ends, Line, Trail, TrailBusy

log = get_logger(__name__)

_DAY_S = 86_400.0
_LONGEST_TEXT = 300
_MOST_ITEMS = 60
_DEEPEST = 4

_REFUSALS = (NotDone, WrongState, CampaignNotFound, SettingsError)
"""Nothing was done; whatever else goes wrong may have been in the middle."""


class Audit:
    """Records actions. Its methods ask Redis, so in an event loop they are called from threads."""

    def __init__(self, db: Database) -> None:
        self.trail = Trail(db)
        self._now_s = db.now

    @contextmanager
    def recording(self, deed: Deed) -> Iterator[Deed]:
        """Record an action around what does it; what goes wrong there is recorded, and raised.

        Raises:
            RedisError: It cannot be recorded, and was not begun.
        """
        self.begin(deed)
        try:
            with under_way(deed):
                yield deed
        except BaseException as error:
            outcome = DeedOutcome.REFUSED if isinstance(error, _REFUSALS) else DeedOutcome.FAILED
            self.end(deed, outcome, why=str(error) or type(error).__name__)
            raise
        else:
            self.end(deed, DeedOutcome.DONE)

    @contextmanager
    def part(self, what: Did) -> Iterator[None]:
        """Record what is done in the block as a deed of its own, by whoever does what is under way.

        Raises:
            RedisError: It cannot be recorded, and was not begun.
        """
        whole = deed_under_way()
        if whole is None:
            yield
            return
        with self.recording(Deed(what, whole.actor, on=whole.on)):
            yield

    def begin(self, deed: Deed) -> None:
        """Write that an action is begun, before anything is done.

        Raises:
            RedisError: It is not written, so nothing must be done.
        """
        self._write(deed, DeedOutcome.BEGUN, action=deed.id, asked=deed.asked)

    def end(self, deed: Deed, outcome: DeedOutcome, *, why: str = "") -> None:
        """Write how an action ended. What is done is done, so a Redis that is away is only logged."""
        with _only_logged(deed, outcome):
            self._write(
                deed, outcome, action=deed.id, **_told(deed) | ({"why": why} if why else {})
            )

    def note(self, deed: Deed, outcome: DeedOutcome) -> None:
        """Write an action in one record: one that was over before it could begin.

        Raises:
            RedisError: It is not written.
        """
        self._write(deed, outcome, asked=deed.asked, **_told(deed))

    def forget(self, *, days: int) -> int:
        """Drop what is older; the check begins at the last that went. Gives how many went."""
        gone = self.trail.trim(before_s=self._now_s() - days * _DAY_S)
        if gone:
            log.info("audit_trimmed", records=gone, days=days)
        return gone

    def note_quietly(self, deed: Deed, outcome: DeedOutcome) -> None:
        """Do as `note`, of what was turned away anyway."""
        with _only_logged(deed, outcome):
            self.note(deed, outcome)

    def _write(self, deed: Deed, outcome: DeedOutcome, **more: Any) -> None:
        told = {name: value for name, value in more.items() if value}
        line = self.trail.append(
            {
                "what": deed.what,
                "outcome": outcome,
                "who": _plain(deed.actor.as_json()),
                "from": _plain(deed.actor.place),
                "on": _plain(deed.on),
                **_plain(told),
            }
        )
        # whoever rewrites the whole trail in Redis does not reach the logs
        log.info("audit_written", what=deed.what, outcome=outcome, hash=line.hash)


def _told(deed: Deed) -> dict[str, Any]:
    return {"before": deed.before, "after": deed.after, "why": deed.why}


@contextmanager
def _only_logged(deed: Deed, outcome: DeedOutcome) -> Iterator[None]:
    try:
        yield
    except (redis.RedisError, TrailBusy) as error:
        told = {"what": deed.what, "outcome": outcome}
        log.error("audit_not_written", **told, message=str(error))  # noqa: TRY400 - that is all


def _plain(value: Any, depth: int = 0) -> Any:
    """Make JSON of a value: numbers masked, long texts cut, large collections cut."""
    match value:
        case None | bool() | int() | float():
            return value
        case dict() if depth < _DEEPEST:
            some = list(value.items())[:_MOST_ITEMS]
            return {mask_text(str(name)): _plain(one, depth + 1) for name, one in some}
        case list() | tuple() | set() | frozenset() if depth < _DEEPEST:
            return [_plain(one, depth + 1) for one in list(value)[:_MOST_ITEMS]]
        case _:
            text = str(value)
            cut = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
            return mask_text(cut)


def faults_of(lines: Iterable[Line], ends: Ends | None = None) -> Iterator[str]:
    """Tell, a line each, where a trail is not as it was written.

    Args:
        ends: Where it begins and ends; None for a part of it, which begins and ends anywhere.
    """
    no, last_hash = (ends.trimmed_no, ends.trimmed_hash) if ends else (None, None)
    for line in lines:
        record = line.as_json() if line.is_genuine else {}
        found = int(record.get("no", 0)) or (no or 0) + 1
        if not line.is_genuine:
            yield f"record {found} was changed"
        elif no is not None and found > no + 1:
            yield _missing(no + 1, found - 1)
        elif no is not None and found <= no:
            yield f"record {found} stands where another should"
        elif no is not None and record.get("prev") != last_hash:
            yield f"record {found} does not follow record {no} as it stands"
        no, last_hash = found, line.hash
    if ends and (no or 0) < ends.no:
        yield _missing((no or 0) + 1, ends.no)
    elif ends and no == ends.no and last_hash != ends.hash:  # more may be written meanwhile
        yield f"record {no} is not the last that was written"


def _missing(first: int, last: int) -> str:
    return (
        f"record {first} is missing" if first == last else f"records {first} to {last} are missing"
    )


def by(
    lines: Iterable[Line], who: str, *, without: Collection[str] = frozenset()
) -> Iterator[Line]:
    """Keep the records of one actor: their id, or a part of their name or place; '' keeps all.

    Args:
        without: Words for what was done that are left out.
    """
    sought = who.casefold()
    for line in lines:
        record = line.as_json()
        if record["what"] in without:
            continue
        about = (record["who"]["id"], record["who"]["name"], record["from"])
        if any(sought in one.casefold() for one in about):
            yield line


def actions(newest_first: Iterable[Line]) -> Iterator[dict[str, Any]]:
    """Give one record for each action: how it ended, and what was asked; else that it is begun."""
    ended: dict[str, dict[str, Any]] = {}
    for line in newest_first:
        record = line.as_json()
        if "action" not in record:
            yield record
        elif record["outcome"] == DeedOutcome.BEGUN:
            yield {**record, **ended.pop(record["action"], {}), "begun_at": record["at"]}
        else:
            ended[record["action"]] = record
    yield from ended.values()  # their beginning is too old, or gone

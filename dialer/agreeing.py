"""Use case: processes whose settings are not the account's dial nothing, and say which and where.

Each process tells its terms with its heartbeat, and hears whether they are the account's: those of
whoever came first, for as long as anybody lives who has them. The gate, releases and look-ups compare
them once more, in the very step that would let a request go, so nothing leaves in between. Settings
that are changed process by process hold once the last one with the old ones has gone.
"""

import json
import secrets
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from redis.client import Pipeline
from redis.exceptions import RedisError

from campaigns.sentence import joined, told
from dialer.clock import boottime_s
from dialer.logger import get_logger
from dialer.store import Database
from dialer.store.account import read_terms
from dialer.store.database import text
from dialer.store.processes import SILENT_S
from dialer.store.scripts import gives

if TYPE_CHECKING:
    from dialer.terms import Terms

log = get_logger(__name__)

_AGAIN_S = 1.0
_REMIND_S = 60.0
_NOBODY = "the account's processes, none of which has given a sign of life lately"


class Difference(NamedTuple):
    """A setting that is not the account's.

    Args:
        here: What the process in question has; '' = it does not know the setting, as is `there`.
    """

    setting: str
    here: str
    there: str

    def __str__(self) -> str:
        return f"{self.setting} is {self.here or 'not known'} here and {self.there or 'not known'}"


class Dissenter(NamedTuple):
    """A living process that dials nothing, since its settings are not the account's."""

    process: str
    differences: tuple[Difference, ...]

    @property
    def sentence(self) -> str:
        """Tell it to a person."""
        differs = [
            told(
                "{setting} is {here} there, {there} elsewhere",
                setting=one.setting,
                here=one.here or told("not known"),
                there=one.there or told("not known"),
            )
            for one in self.differences
        ]
        why = joined("; ", differs)
        return told("{process} dials nothing: {why}", process=self.process, why=why)


@gives("agree")
class Agree(NamedTuple):
    """What a process tells of itself and its terms.

    Args:
        record: What it is, see dialer/store/processes.py; '' = as it told before, if it did.
        terms: JSON.
        allowance: For requests, text.
        silent_s: Who has told nothing for so long is taken to be gone.
        leaves: It ends now.
    """

    process: str
    record: str
    fingerprint: str
    terms: str
    allowance: str
    silent_s: float
    leaves: bool


class Agreeing:
    """One process's part: it tells its terms, and knows whether it may take part.

    Args:
        name: Of the process, for people; another may have the same.
    """

    def __init__(self, db: Database, terms: "Terms", *, name: str) -> None:
        self._db = db
        self.terms = terms
        self._member = f"{name}#{secrets.token_hex(4)}"
        self._lock = threading.Lock()
        self._asked_s = float("-inf")
        self._told_s = float("-inf")
        self._agrees = False
        self.says = ""
        """Why this process dials nothing; '' where its settings are the account's, or not compared."""

    def compare(self, pipeline: "Pipeline | None" = None, *, record: str = "") -> None:
        """Tell the account this process's terms, and hear whether they are its own.

        Args:
            pipeline: Commands that go along.
            record: What the process is, where it is to be told.

        Raises:
            redis.RedisError: They were not compared.
        """
        with self._lock:
            self._asked_s = boottime_s()
            answer = self._tell(pipeline, record=record)
            if pipeline is not None:
                answer = pipeline.execute()[-1]
            self._hear(cast("list[bytes]", answer))

    def agrees(self) -> bool:
        """Tell whether this process may take part; one that may not compares again, each second."""
        if not self._agrees and boottime_s() - self._asked_s >= _AGAIN_S:
            try:
                self.compare()
            except RedisError:
                return False
        return self._agrees

    def doubt(self) -> None:
        """Note that a script found other terms than this process has: it is compared anew."""
        self._agrees = False

    def leave(self) -> None:
        """Tell that this process ends: it lives no more, and its terms bind nobody."""
        self._tell(None, leaves=True)

    def _tell(self, pipe: "Pipeline | None", *, record: str = "", leaves: bool = False) -> Any:
        terms = self.terms
        return self._db.run(
            Agree(
                process=self._member,
                record=record,
                fingerprint=terms.fingerprint,
                terms=terms.as_json,
                allowance=terms.allowance,
                silent_s=SILENT_S,
                leaves=leaves,
            ),
            pipeline=pipe,
        )

    def _hear(self, answer: list[bytes]) -> None:
        if not answer:
            if self.says:
                log.warning("settings_agree", message="the account's settings are this process's")
            self.says, self._agrees = "", True
            return
        at, theirs = _plain(answer[0]) or _NOBODY, json.loads(answer[1])
        differences = "; ".join(map(str, _differences(self.terms.values, theirs)))
        says = f"{differences} at {at}: nothing is dialled from here until they are the same"
        if says != self.says or boottime_s() - self._told_s >= _REMIND_S:
            log.error("settings_differ", message=says)
            self._told_s = boottime_s()
        self.says, self._agrees = says, False


def dissenters(db: Database) -> tuple[Dissenter, ...]:
    """Name the living processes that dial nothing, since their settings are not the account's."""
    account, told, living = _read(db)
    if account is None:
        return ()
    found = {_plain(one): _values(told[one]) for one in sorted(told.keys() & living)}
    differing = {one: _differences(values, account) for one, values in found.items()}
    return tuple(Dissenter(one, those) for one, those in differing.items() if those)


def own_differences(db: Database, terms: "Terms") -> tuple[Difference, ...]:
    """Tell in which settings we differ from the account's living processes, taking no part."""
    account, _, living = _read(db)
    return _differences(terms.values, account) if account is not None and living else ()


def _read(db: Database) -> tuple[dict[str, str] | None, dict[bytes, bytes], set[bytes]]:
    """Read the account's terms, everybody's, and who lives."""
    found = read_terms(db, seen_after=db.now() - SILENT_S)
    return json.loads(found.account) if found.account else None, found.told, found.living


def _differences(here: Mapping[str, str], there: Mapping[str, str]) -> tuple[Difference, ...]:
    names = sorted(here.keys() | there.keys())
    return tuple(
        Difference(name, here.get(name, ""), there.get(name, ""))
        for name in names
        if here.get(name) != there.get(name)
    )


def _values(record: bytes) -> dict[str, str]:
    """Read the terms in a record; see agree.lua."""
    values: dict[str, str] = json.loads(text(record).split(" ", maxsplit=2)[2])
    return values


def _plain(member: bytes) -> str:
    return text(member).rpartition("#")[0]

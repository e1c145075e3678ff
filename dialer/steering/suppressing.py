"""Use case: lists of numbers that are never called: of all accounts, the account's, one for each campaign.

An entry counts at once: the gate asks the list right before every call.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any, BinaryIO

import phonenumbers

from campaigns.lists.headings import squeezed
from campaigns.lists.open_file import open_source
from campaigns.lists.source import AS_FOUND, CampaignFileError, ListLimits, ReadingChoice, Row
from campaigns.numbers.phone import Phone, PhoneProblem, parse_phone
from campaigns.numbers.phone_rules import PhoneRules
from campaigns.plain_text import LONGEST_REASON, harmless, plain_line
from campaigns.sentence import told
from dialer.deeds import tell
from dialer.errors import NotDone
from dialer.store import Database
from dialer.store.suppressed import SuppressionList
from dialer.workbooks.apart import open_workbook_apart

_BATCH = 1_000
_MOST_BAD_TOLD = 100
_MOST_FOUND_CHARS = 60
_WORDS = ("number", "phone", "phonenumber", "phoneno", "mobile", "mobilenumber", "msisdn")
_NUMBER_COLUMNS = frozenset((*_WORDS, "customer", *(f"customer{word}" for word in _WORDS)))


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A number that is never called.

    Args:
        number: E.164 with its plus.
        at: Since when; None: not known.
        source: A file's name, `provider`, or who else put it there.
    """

    number: str
    at: datetime | None
    source: str
    why: str


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that holds no number."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a file.

    Args:
        already: Numbers that stood on the list before, or earlier in the file.
        bad: The first hundred of the lines without a number.
        bad_count: All of them.
    """

    added: int
    already: int
    bad: tuple[BadLine, ...]
    bad_count: int = 0


class Suppressing:
    """Changes and reads the lists; `campaign` is an id, and None means the account's list.

    Args:
        default_country: ISO code of numbers written without a country code.
        for_all: The list of all accounts is meant in place of the account's.

    Raises:
        NotDone: Of all accounts, and there is one alone.
    """

    def __init__(self, db: Database, *, default_country: str, for_all: bool = False) -> None:
        self._db = db
        self._of_all = SuppressionList.of_all_accounts(db) if for_all else None
        if for_all and self._of_all is None:
            raise NotDone(
                told(
                    "There is no list of all accounts where one is alone, or each looks after its "
                    "own phones: use the account's."
                )
            )
        # a number of any country may be put there: which ones are called is another question
        self._rules = PhoneRules(default_country, frozenset(phonenumbers.SUPPORTED_REGIONS))

    def add(
        self,
        file: BinaryIO,
        *,
        source: str,
        why: str,
        column: str | None = None,
        campaign: str | None = None,
        reading: ReadingChoice = AS_FOUND,
    ) -> Added:
        """Add a file's numbers: one a line, or a table with a column of numbers.

        Args:
            column: Its name; None: by the usual ones.
            reading: Where the numbers stand in a workbook, as far as a person says.

        Raises:
            CampaignFileError: The file as a whole cannot be used.
            NotPlain: The reason is longer than a line, or holds control characters.
        """
        why = plain_line(why, told("the reason"), most=LONGEST_REASON)
        entry = json.dumps({"at": self._db.now(), "source": harmless(source), "why": why})
        numbers = self._list(campaign)
        added = already = bad_count = 0
        bad: list[BadLine] = []
        listed = open_source(file, ListLimits(), reading=reading, workbooks=open_workbook_apart)
        with closing(listed):
            numbered = _numbers(listed.rows(), column, self._rules)
            while batch := list(islice(numbered, _BATCH)):
                good: list[str] = []
                for line, cell in batch:
                    match parse_phone(cell, self._rules):
                        case Phone(e164):
                            good.append(e164[1:])
                        case problem:
                            bad_count += 1
                            if len(bad) < _MOST_BAD_TOLD:
                                bad.append(BadLine(line, _told(problem)))
                new = numbers.add(good, entry)
                added += new
                already += len(good) - new
        counts = {
            "added": added,
            "already": already,
            "bad": bad_count,
            "source": source,
            "why": why,
        }
        tell(on=f"list {campaign or self._name}", after=counts)
        return Added(added, already, tuple(bad), bad_count)

    def read_number(self, written: str) -> str | None:
        """Read a number in any of its spellings, of any country: E.164, or None where it is none."""
        found = parse_phone(written, self._rules)
        return found.e164 if isinstance(found, Phone) else None

    def entry_of(self, e164: str) -> Suppressed | None:
        """Read what the account's list says of a number; None: it does not stand there."""
        entry = self._list(None).entry_of(e164[1:])
        return _suppressed(e164[1:], json.loads(entry)) if entry else None

    def all(self, *, campaign: str | None = None) -> Iterator[Suppressed]:
        """Read a list, in no order."""
        for digits, entry in self._list(campaign).entries():
            yield _suppressed(digits, json.loads(entry))

    def remove(self, number: str, *, campaign: str | None = None) -> bool:
        """Take a number off a list; False when it was not on it.

        Raises:
            ValueError: It is no phone number.
        """
        match parse_phone(number, self._rules):
            case Phone(e164):
                was_listed = self._list(campaign).remove(e164[1:])
                after = {"listed": False, "list": campaign or self._name}
                tell(on=f"number {e164}", before={"listed": was_listed}, after=after)
                return was_listed
            case problem:
                raise ValueError(_told(problem))

    def _list(self, campaign: str | None) -> SuppressionList:
        return self._of_all or SuppressionList.of(self._db, campaign)

    @property
    def _name(self) -> str:
        return "of all accounts" if self._of_all else "of the account"


def _told(problem: PhoneProblem) -> str:
    found = problem.found
    shown = found if len(found) <= _MOST_FOUND_CHARS else f"{found[:_MOST_FOUND_CHARS]}…"
    return told("found {found!r}, expected {expected}", found=shown, expected=problem.expected)


def _numbers(
    rows: Iterator[Row], column: str | None, rules: PhoneRules
) -> Iterator[tuple[int, str]]:
    """Find the cells that should be numbers, with their lines."""
    filled = (row for row in rows if any(map(str.strip, row.cells)))
    first = next(filled, None)
    if first is None:
        raise CampaignFileError("The file is empty. Write one number a line.")
    index = _column(first.cells, column)
    is_header = not isinstance(parse_phone(first.cells[index], rules), Phone) and (
        column is not None or not any(mark.isdigit() for mark in first.cells[index])
    )
    for row in filled if is_header else chain((first,), filled):
        yield row.line, row.cells[index] if index < len(row.cells) else ""


def _column(first: Sequence[str], chosen: str | None) -> int:
    names = [squeezed(cell) for cell in first]
    wanted = _NUMBER_COLUMNS if chosen is None else {squeezed(chosen)}
    fitting = [index for index, name in enumerate(names) if name in wanted]
    if len(fitting) == 1:
        return fitting[0]
    if len(names) == 1 and chosen is None:
        return 0
    listed = ", ".join(f"'{cell}'" for cell in first[:20])
    raise CampaignFileError(
        "Which column holds the numbers? The columns are {listed}.",
        listed=listed,
        line=1,
        choice="column",
    )


def _suppressed(digits: str, entry: Mapping[str, Any]) -> Suppressed:
    at = entry.get("at")
    return Suppressed(
        number=f"+{digits}",
        at=None if at is None else datetime.fromtimestamp(at, UTC),
        source=_source(str(entry.get("source", ""))),
        why=str(entry.get("why", "")),
    )


def _source(source: str) -> str:
    """Say who or what put a number there, which is stored in English."""
    by = source.removeprefix("by ")
    return source if by == source else told("by {name}", name=by)

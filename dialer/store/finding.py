"""Finds contacts: by digits of a number, in the records as they are packed; by words, in the compressed lines.

The search index leaves out the hundreds that hold nobody who fits; the others are looked through, some
thousands of contacts in one round trip, of however many campaigns.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, islice
from typing import NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from campaigns.contact_state import ContactState
from dialer.store.contact_rows import Row, rows_with
from dialer.store.database import Database
from dialer.store.record import PER_CHUNK, RECORD_BYTES, STATE_CODES
from dialer.store.record_table import RECORD_TYPE
from dialer.store.search_index import bits_of_name, bits_of_number, fitting

_TOGETHER = 500  # hundreds of contacts in one round trip: 1.8 MB at most
_WHOLE = PER_CHUNK * RECORD_BYTES

Item = TypeVar("Item")


class Part(NamedTuple):
    """Contacts to look among.

    Args:
        size: Number of the last one.
        after: Contacts to pass over.
    """

    campaign: str
    size: int
    after: int = 0


class _Hundred(NamedTuple):
    part: Part
    chunk: int

    def number(self, place: int) -> int | None:
        """Give the number of the contact at a place; None: it is none of the part's."""
        n = self.chunk * PER_CHUNK + place + 1
        return n if self.part.after < n <= self.part.size else None


def contacts_with(
    db: Database,
    parts: Iterable[Part],
    *,
    digits: str,
    is_whole: bool = False,
    is_agents: bool = False,
    state: ContactState | None = None,
) -> Iterator[tuple[str, int]]:
    """Find contacts by digits of their numbers, each by campaign and number, in the files' order.

    Args:
        is_whole: They are all digits of the number, its country's included.
        is_agents: The agent's number is meant, or the team's, and not the customer's as well.
        state: Where they stand; None: anywhere.
    """
    names = ("agent",) if is_agents else ("agent", "customer")
    for some in _likely(db, parts, bits_of_number(digits)):
        packed = _read(db, some, "contacts")
        # a hundred that is not there, or the last one's rest, reads as nobody's
        records = np.frombuffer(b"".join(one.ljust(_WHOLE, b"\0") for one in packed), RECORD_TYPE)
        fits = np.zeros(len(records), dtype=np.bool_)
        for name in names:
            fits |= _fit(records[name].astype(np.int64), digits, is_whole=is_whole)
        if state:
            fits &= records["state"] == STATE_CODES[state]
        for at in np.flatnonzero(fits).tolist():
            hundred = some[at // PER_CHUNK]
            if n := hundred.number(at % PER_CHUNK):
                yield hundred.part.campaign, n


def rows_with_words(
    db: Database, parts: Iterable[Part], *, words: str
) -> Iterator[tuple[str, int, Row]]:
    """Find contacts in whose line some words stand that may be in a name, by campaign and number.

    Args:
        words: Case-folded.
    """
    for some in _likely(db, parts, bits_of_name(words)):
        for hundred, packed in zip(some, _read(db, some, "rows"), strict=True):
            for place, row in rows_with(packed, words) if packed else ():
                if n := hundred.number(place):
                    yield hundred.part.campaign, n, row


def _likely(
    db: Database, parts: Iterable[Part], bits: Sequence[int]
) -> Iterator[Sequence[_Hundred]]:
    """Give the hundreds that may hold what has these bits, as many together as are read together."""
    hundreds = _hundreds(parts)
    if bits:
        hundreds = _in_index(db, hundreds, bits)
    return _batches(hundreds)


def _hundreds(parts: Iterable[Part]) -> Iterator[_Hundred]:
    for part in parts:
        for chunk in range(part.after // PER_CHUNK, (part.size + PER_CHUNK - 1) // PER_CHUNK):
            yield _Hundred(part, chunk)


def _in_index(
    db: Database, hundreds: Iterator[_Hundred], bits: Sequence[int]
) -> Iterator[_Hundred]:
    for some in _batches(hundreds):
        yield from compress(some, fitting(_read(db, some, "index"), bits).tolist())


def _read(db: Database, hundreds: Sequence[_Hundred], kind: str) -> list[bytes]:
    begins = {part: db.key("c", part.campaign, kind, "") for part in {part for part, _ in hundreds}}
    keys = [f"{begins[part]}{chunk}" for part, chunk in hundreds]
    return [one or b"" for one in cast("list[bytes | None]", db.client.mget(keys))]


def _batches(items: Iterator[Item]) -> Iterator[Sequence[Item]]:
    while some := tuple(islice(items, _TOGETHER)):
        yield some


def _fit(numbers: NDArray[np.int64], digits: str, *, is_whole: bool) -> NDArray[np.bool_]:
    wanted, whose = int(digits), numbers > 0
    if is_whole:
        return cast("NDArray[np.bool_]", numbers == wanted)
    fits = np.zeros(len(numbers), dtype=np.bool_)
    length, longest = 10 ** len(digits), len(str(numbers.max(initial=0)))
    for _ in range(longest - len(digits) + 1):
        # a remainder as numpy takes it costs three times as much as this
        fits_here = numbers - numbers // length * length == wanted
        if digits[0] == "0":  # below this the digits would begin with zeros that it does not have
            fits_here &= numbers >= length // 10
        fits |= fits_here
        numbers = numbers // 10
    return fits & whose

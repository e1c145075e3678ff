"""A campaign as files: all that Redis held of it, and enough to report on it for ever.

<name>_<id>/campaign.json      what it was, its rules, files loaded, counts, hash of each file
            contacts.parquet   a row a contact: its record and its own line, cell by cell
            attempts.parquet   a row an attempt, in the contacts' order, as it was stored
            rejected.parquet   a row a line that was not taken
"""

import fcntl
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Self, TypeVar, get_type_hints

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from campaigns.attempt import Attempt, AttemptState, Outcome
from campaigns.contact_state import ContactState, NotDialled
from dialer.errors import NotDone
from dialer.file_set import FileSet, plain_name, sha256_of
from dialer.ids import AttemptId
from dialer.store.agents import Told
from dialer.store.attempts import OpenAttempt
from dialer.store.callback_inbox import Orphan
from dialer.store.campaign import Campaign
from dialer.store.contact_rows import Row
from dialer.store.imports import RejectedRow
from dialer.store.record import ContactRecord
from dialer.store.snapshot import ContactLine

Kept = TypeVar("Kept", Attempt, ContactRecord)

CARD = "campaign.json"
CONTACTS, ATTEMPTS, REJECTED = "contacts.parquet", "attempts.parquet", "rejected.parquet"


class ArchiveDamaged(NotDone):
    """An archive is not there, or not as it was written."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What stands in `campaign.json`.

    Args:
        campaign: Its fields, the rules among them.
        imports: Hash, time and counts of each file loaded.
        counts: Contacts by state and end, attempts by outcome, as Redis counted them.
        orphans: Callbacks that belong to no call we know.
        archived_at: Epoch s, as is `purged_at`, when personal data was taken out; None: it is all there.
        files: Rows and SHA-256 of each.
        presence: Where agents were while it ran, by their ids; None: an earlier version wrote it.
    """

    campaign: dict[str, Any]
    imports: list[dict[str, Any]]
    counts: dict[str, Any]
    orphans: list[dict[str, Any]]
    archived_at: float
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    purged_at: float | None = None
    presence: dict[str, Told] | None = None


class Archive:
    """Reads and writes one campaign's folder."""

    def __init__(self, folder: Path, campaign: str) -> None:
        self.folder = folder
        self._campaign = campaign

    @classmethod
    def of(cls, campaign: Campaign, archives: Path) -> Self:
        """Name the folder of a campaign; the id makes it its own, whatever the name."""
        return cls(archives / f"{plain_name(campaign.name)}_{campaign.id}", campaign.id)

    def write(
        self, contacts: Iterable[ContactLine], rejected: Iterable[RejectedRow], card: Manifest
    ) -> Manifest:
        """Write a campaign, whole or not at all; what stood there before is replaced.

        Args:
            card: Without `files`; these are told in what is returned.

        Raises:
            ArchiveDamaged: It would not hold every contact.
        """
        with FileSet(self.folder) as files:
            paths = {name: files.place(name) for name in _SCHEMAS}
            rows = _write_lines(contacts, paths[CONTACTS], paths[ATTEMPTS])
            if rows[CONTACTS] != (accepted := card.campaign["accepted"]):
                told = f"{rows[CONTACTS]:,} of {accepted:,} contacts"
                raise ArchiveDamaged(f"{self.folder} would hold {told}")
            rows[REJECTED] = _write_rejected(rejected, paths[REJECTED])
            card = replace(
                card,
                files={
                    name: {"rows": rows[name], "sha256": sha256_of(path)}
                    for name, path in paths.items()
                },
            )
            text = json.dumps(asdict(card), ensure_ascii=False, indent=2)
            files.place(CARD).write_text(text + "\n", encoding="utf-8")
            files.publish()
        return card

    def card(self) -> Manifest:
        """Read what the archive is.

        Raises:
            ArchiveDamaged: There is none.
        """
        try:
            told = json.loads((self.folder / CARD).read_text(encoding="utf-8"))
            return Manifest(
                **{one.name: told[one.name] for one in fields(Manifest) if one.name in told}
            )
        except (OSError, ValueError, TypeError) as error:
            raise ArchiveDamaged(f"no archive in {self.folder}: {error}") from error

    def check(self) -> Manifest:
        """Compare every file with the hash it was given.

        Raises:
            ArchiveDamaged: One differs, or is not there.
        """
        card = self.card()
        for name, known in card.files.items():
            path = self.folder / name
            if not path.exists() or sha256_of(path) != known["sha256"]:
                raise ArchiveDamaged(f"{path} is not as it was written")
        return card

    def contacts(self) -> Iterator[ContactLine]:
        """Read every contact with its attempts, in the file's order."""
        attempts = groupby(self._rows(ATTEMPTS), key=itemgetter("n"))
        n_of_next, of_next = next(attempts, (None, iter(())))
        for told in self._rows(CONTACTS):
            n = told["n"]
            made: tuple[OpenAttempt, ...] = ()
            if n == n_of_next:
                made = tuple(self._attempt(n, one) for one in of_next)
                n_of_next, of_next = next(attempts, (None, iter(())))
            yield self._line(told, made)

    def people(self) -> Iterator[tuple[str, str, list[str]]]:
        """Read each contact's agent, customer and cells."""
        for told in self._rows(CONTACTS, ["agent", "customer", "cells"]):
            yield told["agent"], told["customer"], told["cells"]

    def written_at(self) -> tuple[int, int]:
        """Tell the archive as it was written from one that is written anew.

        Raises:
            ArchiveDamaged: There is none.
        """
        try:
            known = (self.folder / CONTACTS).stat()
        except OSError as error:
            raise ArchiveDamaged(f"no archive in {self.folder}: {error}") from error
        return known.st_ino, known.st_mtime_ns

    def with_number(self, digits: str, *, is_whole: bool) -> list[ContactLine]:
        """Find contacts by the agent's or customer's number, attempts included.

        Args:
            is_whole: These are all its digits; else its last ones.
        """

        def has(column: str) -> pc.Expression:
            number = pc.field(column)
            return number == f"+{digits}" if is_whole else pc.ends_with(number, pattern=digits)

        return self._at(has("customer") | has("agent"))

    def contact(self, n: int) -> ContactLine | None:
        """Read one contact by its number; None when there is none."""
        return next(iter(self._at(pc.field("n") == n)), None)

    def with_cell(self, words: str) -> list[ContactLine]:
        """Find contacts one of whose cells holds some words, whatever their case."""
        path = self.folder / CONTACTS
        try:
            table = pq.read_table(path, columns=["n", "cells"])
        except (OSError, pa.ArrowInvalid) as error:
            raise ArchiveDamaged(f"{path} cannot be read: {error}") from error
        cells = table["cells"].combine_chunks()
        holds = pc.match_substring(cells.flatten(), words, ignore_case=True)
        rows = pc.unique(pc.list_parent_indices(cells).filter(holds))
        return self._at(pc.field("n").isin(table["n"].take(rows).to_pylist()))

    def _at(self, wanted: pc.Expression) -> list[ContactLine]:
        try:
            told = pq.read_table(self.folder / CONTACTS, filters=wanted).to_pylist()
            asked = pc.field("n").isin([one["n"] for one in told])
            made = pq.read_table(self.folder / ATTEMPTS, filters=asked).to_pylist() if told else []
        except (OSError, pa.ArrowInvalid) as error:
            raise ArchiveDamaged(f"{self.folder} cannot be read: {error}") from error
        attempts: dict[int, list[OpenAttempt]] = {}
        for one in made:
            attempts.setdefault(one["n"], []).append(self._attempt(one["n"], one))
        return [self._line(one, attempts.get(one["n"], [])) for one in told]

    def _line(self, told: Mapping[str, Any], attempts: Iterable[OpenAttempt]) -> ContactLine:
        row = Row(
            told["line"], tuple(told["cells"]), json.loads(told["extra"]) if told["extra"] else {}
        )
        return ContactLine(told["n"], _read(ContactRecord, told), row, tuple(attempts))

    def rejected(self) -> Iterator[RejectedRow]:
        """Read every row that was not taken."""
        for told in self._rows(REJECTED):
            yield RejectedRow(told["line"], tuple(told["cells"]), told["code"], told["message"])

    def orphans(self) -> list[Orphan]:
        """Read the callbacks that belong to no call."""
        return [Orphan(**one) for one in self.card().orphans]

    def _attempt(self, n: int, told: Mapping[str, Any]) -> OpenAttempt:
        attempt = _read(Attempt, told)
        return OpenAttempt(AttemptId(self._campaign, n, attempt.no, attempt.nonce), attempt)

    def _rows(self, name: str, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        try:
            with pq.ParquetFile(self.folder / name) as file:
                for batch in file.iter_batches(batch_size=_BATCH, columns=columns):
                    yield from batch.to_pylist()
        except (OSError, pa.ArrowInvalid) as error:
            raise ArchiveDamaged(f"{self.folder / name} cannot be read: {error}") from error


@contextmanager
def alone_among(archives: Path) -> Iterator[None]:
    """Wait until nobody else writes or deletes an archive in this folder, and keep them waiting.

    Whoever holds it reads anew what it goes by: Redis is freed, and archives are written anew, by those
    who had it before. The kernel takes it from a process that is killed.
    """
    archives.mkdir(parents=True, exist_ok=True)
    with (archives / _LOCK).open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class _Rows:
    """A Parquet file growing row by row."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._file = pq.ParquetWriter(path, schema, compression="zstd")
        self._waiting: list[tuple[Any, ...]] = []
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._file.close()

    def append(self, *row: Any) -> None:
        self._waiting.append(row)
        if len(self._waiting) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            columns = zip(*self._waiting, strict=True)
            arrays = [
                pa.array(column, one.type)
                for column, one in zip(columns, self._schema, strict=True)
            ]
            self._file.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
            self.count += len(self._waiting)
            self._waiting = []


def _write_lines(
    contacts: Iterable[ContactLine], into: Path, attempts_into: Path
) -> dict[str, int]:
    with (
        _Rows(into, _SCHEMAS[CONTACTS]) as lines,
        _Rows(attempts_into, _SCHEMAS[ATTEMPTS]) as attempts,
    ):
        for line in contacts:
            extra = json.dumps(line.row.extra) if line.row.extra else None
            lines.append(line.n, *line.record, line.row.line, line.row.cells, extra)
            for one in line.attempts:
                attempts.append(line.n, *one.attempt)
    return {CONTACTS: lines.count, ATTEMPTS: attempts.count}


def _write_rejected(rejected: Iterable[RejectedRow], into: Path) -> int:
    with _Rows(into, _SCHEMAS[REJECTED]) as rows:
        for row in rejected:
            rows.append(row.line, row.cells, row.code, row.message)
    return rows.count


def _read(kind: type[Kept], told: Mapping[str, Any]) -> Kept:
    """Make a value of its columns; an older archive may lack some, and a newer one have more."""
    known = {name: told[name] for name in _READERS[kind] if name in told}
    for name, reader in _READERS[kind].items():
        if reader is not None and known.get(name) is not None:
            known[name] = reader(known[name])
    return kind(**known)


def _end(word: str) -> Outcome | NotDialled:
    return Outcome(word) if word in set(Outcome) else NotDialled(word)


def _readers_of(kind: type) -> dict[str, Callable[[Any], Any] | None]:
    """Tell for each field of a dataclass what makes its value of a column's; None: it is as it is."""
    words = {
        AttemptState: AttemptState,
        ContactState: ContactState,
        Outcome | None: Outcome,
        Outcome | NotDialled | None: _end,
    }
    return {name: words.get(hint) for name, hint in get_type_hints(kind).items()}


def _columns_of(kind: type) -> list[tuple[str, pa.DataType]]:
    """Give a column for each field."""
    return [(name, _arrow_type(hint)) for name, hint in get_type_hints(kind).items()]


def _arrow_type(hint: Any) -> pa.DataType:
    """Give what a field's type is in Arrow; every field but a number or truth is text."""
    for type_, arrow_type in ((bool, pa.bool_()), (int, pa.int64()), (float, pa.float64())):
        if hint in {type_, type_ | None}:
            return arrow_type
    return pa.string()


_BATCH = 10_000
_LOCK = ".lock"
_READERS = {kind: _readers_of(kind) for kind in (Attempt, ContactRecord)}
_SCHEMAS = {
    CONTACTS: pa.schema(
        [
            ("n", pa.int64()),
            *_columns_of(ContactRecord),
            ("line", pa.int64()),
            ("cells", pa.list_(pa.string())),
            ("extra", pa.string()),
        ]
    ),
    ATTEMPTS: pa.schema([("n", pa.int64()), *_columns_of(Attempt)]),
    REJECTED: pa.schema(
        [
            ("line", pa.int64()),
            ("cells", pa.list_(pa.string())),
            ("code", pa.string()),
            ("message", pa.string()),
        ]
    ),
}

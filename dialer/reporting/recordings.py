"""Use case: a campaign's recordings, fetched into a folder.

Asking again fetches what is missing: a file appears under its name only when it is whole.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import partial
from pathlib import Path

import pandas as pd

from dialer.errors import ProviderError
from dialer.exotel.recordings import RecordingHosts
from dialer.file_set import FileSet
from dialer.settling.lookups import Lookups, NoSlot
from dialer.store import OpenAttempt
from dialer.store.snapshot import ContactLine

INDEX = "recordings.csv"


class Fetched(StrEnum):
    """What became of one recording."""

    NEW = "new"
    HERE = "here"  # it was fetched before
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording; the fields are the columns of the index.

    Args:
        file: Its name in the folder.
        length: Bytes; None where there is no file.
        error: Why it could not be fetched.
    """

    attempt_id: str
    contact_id: str
    call_sid: str
    file: str
    status: Fetched
    length: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class FetchedSet:
    """What became of all recordings, and the file that lists them."""

    recordings: tuple[Recording, ...]
    index: Path

    @property
    def counts(self) -> dict[str, int]:
        """Recordings by what became of them, as `Fetched` names it."""
        found = Counter(one.status for one in self.recordings)
        return {str(status): found[status] for status in Fetched}


class Recordings:
    """Fetches recordings, those on the API's own host inside the request allowance."""

    def __init__(self, hosts: RecordingHosts, lookups: Lookups) -> None:
        self._hosts = hosts
        self._lookups = lookups

    def fetch(
        self,
        contacts: Iterable[ContactLine],
        out: Path,
        *,
        on_contact: Callable[[int], None] = lambda _: None,
    ) -> FetchedSet:
        """Fetch every recording that is not in the folder yet, and write the index.

        Args:
            on_contact: Told the number of each contact that is done.

        Raises:
            OSError: The folder cannot be written; what was fetched stays.
        """
        out.mkdir(parents=True, exist_ok=True)
        found = []
        for line in contacts:
            found += [self._fetch(one, url, out) for one, url in _recorded(line)]
            on_contact(line.n)
        index = pd.DataFrame(found, columns=[one.name for one in fields(Recording)])
        index["length"] = index["length"].astype("Int64")
        with FileSet(out) as files:
            index.to_csv(files.place(INDEX), index=False, lineterminator="\r\n")
            return FetchedSet(tuple(found), files.publish()[0])

    def _fetch(self, one: OpenAttempt, url: str, out: Path) -> Recording:
        sid = one.attempt.sid or ""
        path = out / f"{one.id.contact}_{one.id.no}_{sid}.mp3"
        told = partial(Recording, str(one.id), str(one.id.contact), sid, path.name)
        if path.exists():
            return told(Fetched.HERE, path.stat().st_size)
        part = path.with_name(f".{path.name}.part")
        try:
            length = self._lookups.download(self._hosts, url, part, overdue=True)
            part.replace(path)
        except (NoSlot, ProviderError) as error:
            return told(Fetched.FAILED, error=str(error))
        finally:
            part.unlink(missing_ok=True)
        return told(Fetched.NEW, length)


def _recorded(line: ContactLine) -> Iterator[tuple[OpenAttempt, str]]:
    for one in line.attempts:
        if one.attempt.sid and one.attempt.recording_url:
            yield one, one.attempt.recording_url

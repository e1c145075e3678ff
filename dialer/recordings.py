"""Use case: a campaign's recordings, fetched into a folder.

Asking again fetches what is missing: a file appears under its name only when it is whole.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

import pandas as pd

from dialer.errors import ProviderError
from dialer.exotel.recordings import RecordingHosts
from dialer.file_set import FileSet
from dialer.lookups import Lookups, NoSlot
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
        on_each: Callable[[Recording], None] = lambda _: None,
    ) -> list[Recording]:
        """Fetch every recording that is not in the folder yet, and write the index.

        Raises:
            OSError: The folder cannot be written; what was fetched stays.
        """
        out.mkdir(parents=True, exist_ok=True)
        found = []
        for one, url in _recorded(contacts):
            found.append(self._fetch(one, url, out))
            on_each(found[-1])
        with FileSet(out) as files:
            index = pd.DataFrame(found, columns=list(Recording.__dataclass_fields__))
            index["length"] = index["length"].astype("Int64")
            index.to_csv(files.place(INDEX), index=False, lineterminator="\r\n")
            files.publish()
        return found

    def _fetch(self, one: OpenAttempt, url: str, out: Path) -> Recording:
        sid = one.attempt.sid or ""
        path = out / f"{one.id.contact}_{one.id.no}_{sid}.mp3"
        told = partial(Recording, str(one.id), str(one.id.contact), sid, path.name)
        if path.exists():
            return told(Fetched.HERE, path.stat().st_size)
        part = path.with_name(f".{path.name}.part")
        try:
            length = self._download(url, part)
            part.replace(path)
        except (NoSlot, ProviderError) as error:
            return told(Fetched.FAILED, error=str(error))
        finally:
            part.unlink(missing_ok=True)
        return told(Fetched.NEW, length)

    def _download(self, url: str, into: Path) -> int:
        if self._hosts.is_api(url):
            return self._lookups.paced(partial(self._hosts.download, url, into), overdue=True)
        return self._hosts.download(url, into)


def _recorded(contacts: Iterable[ContactLine]) -> Iterator[tuple[OpenAttempt, str]]:
    for line in contacts:
        for one in line.attempts:
            if one.attempt.sid and one.attempt.recording_url:
                yield one, one.attempt.recording_url

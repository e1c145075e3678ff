"""The search index of archives: whom they hold, in one file beside them, so that few have to be opened.

An archive that is not in it is put there by whoever searches next; a file that cannot be read is made anew once it is
removed. Whom an archive forgot it forgets with it. Numbers stand in it backwards, so that their last digits
are a beginning too.
"""

import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from dialer.archiving.archive import Archive, ArchiveDamaged
from dialer.store.campaign import Campaign

NAME = "search.sqlite"

_MADE = """
CREATE TABLE IF NOT EXISTS archives (no INTEGER PRIMARY KEY, campaign TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS pieces (piece TEXT, archive INTEGER, PRIMARY KEY (piece, archive)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS pieces_of ON pieces (archive);
"""
_BUSY_S = 10.0
_BETWEEN_WORDS = re.compile(r"[\s.,;:/()'\"-]+")
_LAST = "\U0010ffff"


class ArchiveIndex:
    """Tells which archives may hold somebody.

    Args:
        archives: The folder of all archives.
    """

    def __init__(self, archives: Path) -> None:
        self._archives = archives
        self._path = archives / NAME

    def known(self) -> set[str]:
        """Name the campaigns whose archives are in it."""
        with self._opened() as file:
            return {campaign for (campaign,) in file.execute("SELECT campaign FROM archives")}

    def add(self, campaign: Campaign) -> bool:
        """Put an archive in; False where it is written anew meanwhile.

        Raises:
            ArchiveDamaged: It cannot be read.
        """
        archive = Archive.of(campaign, self._archives)
        written_at = archive.written_at()
        pieces = set(_pieces(archive, campaign))
        with self._opened() as file, file:
            file.execute("BEGIN IMMEDIATE")
            if archive.written_at() != written_at:
                return False  # who wrote it has it forgotten before or after us
            _forget(file, campaign.id)
            no = file.execute("INSERT INTO archives (campaign) VALUES (?)", [campaign.id]).lastrowid
            file.executemany("INSERT INTO pieces VALUES (?, ?)", ((one, no) for one in pieces))
        return True

    def forget(self, campaign: str) -> None:
        """Take an archive out, if it is in.

        Raises:
            ArchiveDamaged: The index cannot be written, and may name whom the archive forgot.
        """
        if not self._path.exists():
            return
        try:
            with self._opened() as file, file:
                _forget(file, campaign)
        except (OSError, sqlite3.Error) as error:
            raise ArchiveDamaged(
                f"{self._path} cannot be written ({error}): remove it, it is made anew, and ask again"
            ) from None

    def with_number(self, digits: str, *, is_whole: bool) -> list[str]:
        """Name the campaigns in whose archives a number is these digits, or ends with them."""
        backwards = _number(digits)
        return self._of([(backwards, backwards if is_whole else backwards + _LAST)])

    def with_words(self, words: str) -> list[str]:
        """Name the campaigns in whose archives names have words that begin with these."""
        return self._of([(word, word + _LAST) for word in _words(words)])

    def _of(self, ranges: Sequence[tuple[str, str]]) -> list[str]:
        """Name those with a piece in each range, the last archived first."""
        if not ranges:
            return []
        one = "SELECT archive FROM pieces WHERE piece BETWEEN ? AND ?"
        having = " INTERSECT ".join([one] * len(ranges))
        asked = f"SELECT campaign FROM archives WHERE no IN ({having}) ORDER BY no DESC"  # noqa: S608
        with self._opened() as file:
            found = file.execute(asked, [end for both in ranges for end in both])
            return [campaign for (campaign,) in found]

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Open it; it is made where there is none."""
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        with closing(sqlite3.connect(self._path, timeout=_BUSY_S)) as file:
            file.execute("PRAGMA secure_delete = ON")  # what is forgotten leaves the file
            file.executescript(_MADE)
            yield file


def _forget(file: sqlite3.Connection, campaign: str) -> None:
    of_it = "(SELECT no FROM archives WHERE campaign = ?)"
    file.execute(f"DELETE FROM pieces WHERE archive IN {of_it}", [campaign])  # noqa: S608
    file.execute("DELETE FROM archives WHERE campaign = ?", [campaign])


def _pieces(archive: Archive, campaign: Campaign) -> Iterator[str]:
    for agent, customer, cells in archive.people():
        yield _number(agent)
        yield _number(customer)
        yield from _words(campaign.name_in(cells))


def _number(number: str) -> str:
    return "+" + number.removeprefix("+")[::-1]  # no word begins so


def _words(text: str) -> list[str]:
    return [one for one in _BETWEEN_WORDS.split(text.casefold()) if one]

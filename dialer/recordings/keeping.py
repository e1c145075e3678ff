"""Use case: recordings that are due are fetched, looked into, and put where they stay.

An attempt's is due once its values are final. A file is on the host's own disk while it is fetched, and
is named after what it holds. What is empty, or no sound, is tried again: the provider may not be done
with it. Whoever dies in between leaves it due; putting it there again changes nothing.
"""

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from campaigns.attempt import Attempt
from campaigns.sentence import told
from dialer.errors import NotDone, ProviderError
from dialer.exotel.recordings import RecordingHosts
from dialer.file_set import sha256_of
from dialer.ids import AttemptId
from dialer.logger import get_logger
from dialer.masking import mask_text
from dialer.recordings.places import Place, PlaceAway
from dialer.recordings.sound import LOOKED_AT, Sound, sound_of
from dialer.settling.lookups import Lookups, NoSlot
from dialer.store import Attempts, Database
from dialer.store.recordings import Kept, KeptRecordings

log = get_logger(__name__)

MOST_BYTES = 2_000_000_000  # an hour and a half in two channels
_FIRST_WAIT_S, _LONGEST_WAIT_S = 60.0, 3600.0
_NO_ROOM_S = 30.0
_MOST_TRIES = 72  # three days; links are good for less


class _NoSound(Exception):
    """What was fetched is no recording."""


class Keeping:
    """Keeps one account's recordings.

    Args:
        folder: For files on their way.
    """

    def __init__(
        self, db: Database, hosts: RecordingHosts, lookups: Lookups, place: Place, *, folder: Path
    ) -> None:
        self._db = db
        self._kept = KeptRecordings(db)
        self._attempts = Attempts(db)
        self._hosts = hosts
        self._lookups = lookups
        self._place = place
        self._folder = folder

    def due(self, *, most: int) -> list[AttemptId]:
        """Name attempts whose recordings may be fetched now."""
        return self._kept.due(most=most)

    def keep(self, id_: AttemptId) -> bool:
        """Fetch an attempt's recording and put it where it stays; False when that comes later, or never."""
        try:
            if url := _link(self._attempts.get(id_)):
                return self._fetch(id_, url)
            _remove(self._kept, self._place, id_)  # it was forgotten
            self._kept.drop(id_)
        except NoSlot:
            self._kept.put_off(id_, until=self._db.now() + _NO_ROOM_S)
        except (ProviderError, PlaceAway, _NoSound, OSError) as error:
            self._try_again(id_, mask_text(str(error))[:200])
        return False

    def _fetch(self, id_: AttemptId, url: str) -> bool:
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix="recording-") as opened:
            file = Path(opened.name)
            length = self._lookups.download(self._hosts, url, file, overdue=False)
            sound = _looked_into(file, length)
            name = recording_name(id_, self._sid(id_), sound)
            self._place.put(file, name, sound.media_type)
            kept = Kept(name, sound.media_type, length, sha256_of(file), self._db.now())
        is_new = self._kept.keep(id_, kept)
        if not _link(self._attempts.get(id_)):
            # forgotten meanwhile: whoever forgets looks at the place after the link is gone
            _remove(self._kept, self._place, id_)
            return False
        if is_new:
            log.info("recording_stored", attempt_id=str(id_), bytes=length)
        return is_new

    def _sid(self, id_: AttemptId) -> str:
        attempt = self._attempts.get(id_)
        return (attempt.sid if attempt else None) or ""

    def _try_again(self, id_: AttemptId, why: str) -> None:
        tries = self._kept.failed(id_)
        if tries >= _MOST_TRIES:
            log.error("recording_given_up", attempt_id=str(id_), message=why)
            self._kept.keep(id_, Kept("", "", 0, "", self._db.now(), error=why))
            return
        wait_s = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** (tries - 1))
        log.warning("recording_put_off", attempt_id=str(id_), message=why, wait_s=wait_s)
        self._kept.put_off(id_, until=self._db.now() + wait_s)


class Forgetting:
    """Removes recordings of whom is forgotten; where none are kept, there is nothing to do."""

    def __init__(self, db: Database, place: Place | None) -> None:
        self._kept = KeptRecordings(db)
        self._place = place

    def campaign(self, campaign: str) -> int:
        """Remove all of a campaign's; gives how many.

        Raises:
            NotDone: Some may be there yet.
        """
        try:
            gone = self._place.remove(f"{campaign}/") if self._place else 0
        except PlaceAway as error:
            raise NotDone(
                told("its recordings cannot be removed now: {error}", error=str(error))
            ) from None
        self._kept.forget_all(campaign)
        return gone

    def attempts(self, attempts: Iterable[AttemptId]) -> int:
        """Remove those of some attempts, now or as soon as it can be; gives how many were now."""
        gone = 0
        if self._place is None:
            return gone
        for id_ in attempts:
            try:
                gone += _remove(self._kept, self._place, id_)
            except PlaceAway as error:
                log.warning("recording_not_removed", attempt_id=str(id_), message=str(error))
                self._kept.add(id_)  # who keeps recordings sees that nothing leads to it
        return gone


def _remove(kept: KeptRecordings, place: Place, id_: AttemptId) -> int:
    gone = place.remove(f"{id_.campaign}/{id_.contact}_{id_.no}_")
    kept.forget(id_)
    return gone


def recording_name(id_: AttemptId, sid: str, sound: Sound) -> str:
    """Name a recording's file: its campaign's folder, contact, attempt, call, and what it holds."""
    plain = re.sub(r"[^A-Za-z0-9-]", "", sid)[:64]
    return f"{id_.campaign}/{id_.contact}_{id_.no}_{plain}.{sound.ending}"


def _link(attempt: Attempt | None) -> str:
    return (attempt.recording_url if attempt else None) or ""


def _looked_into(file: Path, length: int) -> Sound:
    if not length:
        raise _NoSound("the recording is empty")
    with file.open("rb") as opened:
        sound = sound_of(opened.read(LOOKED_AT))
    if sound is None:
        raise _NoSound("what was fetched is no sound")
    return sound

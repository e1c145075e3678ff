"""Use case: keys for the API and the pages. A key is shown once; what is kept cannot be turned back.

A key reads `dk_ID_SECRET`. The secret has 256 random bits, so its plain SHA-256 is as good as any
slow hash: there is nothing to guess. A key is in force until it expires or is revoked, and no longer
than the key that made it.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import redis

from campaigns.plain_text import LONGEST_KEY_NAME, plain_line
from campaigns.sentence import told
from dialer.access.digests import NOBODYS_DIGEST, digest_of
from dialer.clock import boottime_s
from dialer.deeds import tell
from dialer.ids import new_nonce
from dialer.store import Database
from dialer.store.admission import KeyRecords
from dialer.store.json_records import JsonRecords

YEAR_S = 365 * 86_400
LONGEST_DAYS = 3_650

_MARK = "dk"
_MADE_FILE = "keys_made"
_NOTE_USE_EVERY_S = 60.0


class Scope(StrEnum):
    """What a key opens."""

    READ_MASKED = "read_masked"  # see figures and states: no full number, recording or cell
    READ = "read"  # see everything, phone numbers included
    OPERATE = "operate"  # start, pause, resume, cancel; decide unresolved attempts; suppress
    UPLOAD = "upload"  # load and append lists; no call comes of it by itself
    ADMIN = "admin"  # all of it, the keys, and the account's stops


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, without its secret.

    Args:
        made_by: The key that made it, and with which it ends; '' where a command made it.
        last_used_at: To the minute; None: never.
        accounts: The Sids of those that it opens; None: all that there are, later ones included.
    """

    id: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime
    made_by: str = ""
    last_used_at: datetime | None = None
    accounts: frozenset[str] | None = None


def allows(scopes: Collection[Scope], wanted: Scope) -> bool:
    """Tell whether these scopes cover one: admin covers all, and whoever acts may read."""
    if wanted in scopes or Scope.ADMIN in scopes:
        return True
    if wanted is Scope.READ_MASKED:
        return bool(scopes)
    return wanted is Scope.READ and any(one is not Scope.READ_MASKED for one in scopes)


class ApiKeys:
    """Creates, finds and revokes keys; what it changes counts with the next request.

    Args:
        data_dir: Remembers that keys were made, should Redis forget it; None: Redis alone does.
        settings_key: DIALER_API_KEY; '' when not set.
    """

    def __init__(
        self, db: Database, *, data_dir: Path | None = None, settings_key: str = ""
    ) -> None:
        self._db = db
        self._records = KeyRecords(db)
        self._stored = JsonRecords(db, "api_keys")
        self._made_file = data_dir / _MADE_FILE if data_dir else None
        self._settings_key = settings_key
        self._were_made = False
        self._noted_at_s: dict[str, float] = {}

    @cached_property
    def settings_id(self) -> str:
        """Name DIALER_API_KEY, so that another one is another; '' where there is none."""
        if not self._settings_key:
            return ""
        return f"settings-{hashlib.sha256(b'id|' + self._settings_key.encode()).hexdigest()[:16]}"

    def create(
        self,
        name: str,
        scopes: Collection[Scope],
        *,
        expires_s: float = YEAR_S,
        made_by: str = "",
        accounts: Collection[str] | None = None,
    ) -> tuple[ApiKey, str]:
        """Make a key.

        Args:
            name: For people, such as whose it is.
            expires_s: How long it is in force; never longer than the key that makes it.
            made_by: Id of the key that makes it.
            accounts: The Sids of those that it opens; None: all that its maker opens.

        Returns:
            The key, and its text, which is told this once.

        Raises:
            ValueError: No scope, or one that does not go with others; no name, or one that is more
                than a line; an account that its maker does not open.
        """
        name = plain_line(name, told("the key's name"), most=LONGEST_KEY_NAME)
        if not scopes or not name:
            raise ValueError(told("a key needs a name and at least one scope"))
        if Scope.READ_MASKED in scopes and len(set(scopes)) > 1:
            raise ValueError(told("read_masked stands alone: who acts on numbers sees them"))
        id_, secret = new_nonce(), secrets.token_urlsafe(32)
        at_s = self._db.now()
        maker = self._stored.get(made_by) if made_by else None
        stored = {
            "name": name,
            "scopes": sorted(scopes),
            "created_at": at_s,
            "expires_at": min(at_s + expires_s, _expires_at_s(maker) if maker else float("inf")),
            "made_by": made_by,
            "digest": digest_of(secret),
        }
        if (opens := _accounts_for(accounts, maker)) is not None:
            stored["accounts"] = sorted(opens)
        self._records.add(id_, stored)
        self._remember()
        shown: dict[str, Any] = {
            one: stored[one] for one in ("name", "scopes", "accounts") if one in stored
        }
        tell(on=f"key {id_}", after=shown)
        return _api_key(id_, stored), f"{_MARK}_{id_}_{secret}"

    def all(self) -> list[ApiKey]:
        """Read all keys, those that expired too, the oldest first."""
        stored, used = self._stored.all(), self._records.last_used()
        keys = [_api_key(id_, one, used.get(id_)) for id_, one in stored.items()]
        return sorted(keys, key=lambda key: key.created_at)

    def revoke(self, id_: str) -> list[str]:
        """Revoke a key and those it made; gives their ids, none when there is no such key."""
        stored = self._stored.all()
        ended = [id_] if id_ in stored else []
        for maker in ended:  # grows while it is read
            ended += [child for child, one in stored.items() if one.get("made_by") == maker]
        if ended:
            self._records.remove(ended)
            tell(
                on=f"key {id_}",
                before={"keys": {one: stored[one]["name"] for one in ended}},
                after={"keys": {}},
            )
        return ended

    def find(self, key: str) -> ApiKey | None:
        """Find whose key this is; None when it is nobody's, or no longer in force."""
        mark, _, rest = key.partition("_")
        id_, _, secret = rest.partition("_")
        stored = self._stored.get(id_) if mark == _MARK else None
        digest = stored["digest"] if stored else NOBODYS_DIGEST
        fits = hmac.compare_digest(digest_of(secret), digest)
        return self._in_force(id_, stored) if fits and stored else None

    def get(self, id_: str) -> ApiKey | None:
        """Read a key by its id; None when it is revoked or expired."""
        stored = self._stored.get(id_)
        return self._in_force(id_, stored) if stored else None

    def any_in_force(self) -> bool:
        """Tell whether anybody could come in."""
        if self._settings_key:
            return True
        return any(self._in_force(id_, one) for id_, one in self._stored.all().items())

    def were_made(self) -> bool:
        """Tell whether there is a key, or ever was.

        From the first one on nobody is let in without: not when the last is revoked, and not when
        Redis comes back empty. So two places remember it, and this process does.
        """
        if not self._were_made and (self._settings_key or self._is_written_down()):
            self._remember()
        return self._were_made

    def note_use(self, id_: str) -> None:
        """Write down that a key is used, at most once a minute."""
        now_s = boottime_s()
        if now_s - self._noted_at_s.get(id_, -_NOTE_USE_EVERY_S) < _NOTE_USE_EVERY_S:
            return
        self._noted_at_s[id_] = now_s
        with suppress(redis.ResponseError):  # a Redis that takes no writes can still be looked at
            self._records.note_use(id_)

    def _is_written_down(self) -> bool:
        if self._made_file and self._made_file.exists():
            return True
        return self._records.were_made()

    def _remember(self) -> None:
        self._were_made = True
        if self._made_file:
            with suppress(OSError):  # a folder that takes nothing; Redis remembers
                self._made_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                os.close(os.open(self._made_file, os.O_WRONLY | os.O_CREAT, 0o600))

    def _in_force(self, id_: str, stored: Mapping[str, Any]) -> ApiKey | None:
        now_s, one = self._db.now(), stored
        while _expires_at_s(one) > now_s:
            maker = one.get("made_by", "")
            if not maker or (self.settings_id and maker == self.settings_id):
                return _api_key(id_, stored)
            found = self._stored.get(maker)
            if found is None:
                return None
            one = found
        return None


def _accounts_for(
    wanted: Collection[str] | None, maker: Mapping[str, Any] | None
) -> frozenset[str] | None:
    """Tell what a new key opens: never more than its maker."""
    most = _accounts_of(maker) if maker else None
    if wanted is None:
        return most
    if not wanted or (most is not None and not most.issuperset(wanted)):
        raise ValueError(told("a key opens at least one account, and none that its maker does not"))
    return frozenset(wanted)


def _accounts_of(stored: Mapping[str, Any]) -> frozenset[str] | None:
    """Read what a key opens; those made before there were several accounts open all."""
    return frozenset(stored["accounts"]) if "accounts" in stored else None


def _expires_at_s(stored: Mapping[str, Any]) -> float:
    """Tell when a key expires; those made before keys did get their year, too."""
    return float(stored.get("expires_at", stored["created_at"] + YEAR_S))


def _api_key(id_: str, stored: Mapping[str, Any], used_at_s: int | None = None) -> ApiKey:
    return ApiKey(
        id=id_,
        name=stored["name"],
        scopes=frozenset(map(Scope, stored["scopes"])),
        created_at=datetime.fromtimestamp(stored["created_at"], UTC),
        expires_at=datetime.fromtimestamp(_expires_at_s(stored), UTC),
        made_by=stored.get("made_by", ""),
        last_used_at=datetime.fromtimestamp(used_at_s, UTC) if used_at_s else None,
        accounts=_accounts_of(stored),
    )

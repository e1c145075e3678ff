"""Who is asking, and what they may: a key in a header, a session in a cookie, or nobody at home.

As long as no key exists anywhere the server serves loopback alone, and whoever sits there may do
everything. The first key closes that door.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import cast

from dialer.api_keys import ApiKeys, Scope, allows
from dialer.store import Database

SESSION_S = 12 * 3600  # a working day; then the key is asked for again
_SETTINGS_KEY_ID = "settings"
_LOCAL_ID = "local"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who was let in.

    Args:
        id: Of the key; `settings` for DIALER_API_KEY, `local` where no key is needed.
        session: The session's text where there is one; CSRF tokens hang on it.
    """

    id: str
    name: str
    scopes: frozenset[Scope]
    session: str = field(default="", repr=False)

    def may(self, scope: Scope) -> bool:
        """Tell whether a scope is theirs."""
        return allows(self.scopes, scope)

    @property
    def is_local(self) -> bool:
        """They needed no key."""
        return self.id == _LOCAL_ID


_ALL = frozenset({Scope.ADMIN})


class Door:
    """Lets visitors in. Its methods ask Redis, so they are called from threads.

    Args:
        settings_key: DIALER_API_KEY; '' when not set.
    """

    def __init__(self, db: Database, *, settings_key: str) -> None:
        self._db = db
        self._keys = ApiKeys(db)
        self._settings_key = settings_key
        self._secret: bytes | None = None

    def is_open(self) -> bool:
        """Whether no key exists, so that none is asked for."""
        return not self._settings_key and not self._keys.exist()

    def nobody(self) -> Visitor | None:
        """Let somebody in who shows nothing."""
        return Visitor(_LOCAL_ID, "this machine", _ALL) if self.is_open() else None

    def by_key(self, key: str) -> Visitor | None:
        """Let the holder of a key in."""
        expected = self._settings_key.encode()
        if expected and hmac.compare_digest(key.encode(), expected):
            return Visitor(_SETTINGS_KEY_ID, "administrator", _ALL)
        found = self._keys.find(key)
        return Visitor(found.id, found.name, found.scopes) if found else None

    def by_session(self, session: str) -> Visitor | None:
        """Let somebody in who signed in before; None when it ended, was forged or the key is gone."""
        id_, _, rest = session.partition(".")
        expires, _, _ = rest.partition(".")
        signed, _, mac = session.rpartition(".")
        if not hmac.compare_digest(self._mac("session", signed).encode(), mac.encode()):
            return None
        if not expires.isdigit() or int(expires) <= self._db.now():
            return None
        if id_.startswith(_SETTINGS_KEY_ID):
            # a new DIALER_API_KEY ends the sessions of the old one
            if not hmac.compare_digest(id_, self._settings_key_id()):
                return None
            return Visitor(_SETTINGS_KEY_ID, "administrator", _ALL, session)
        found = self._keys.get(id_)
        return Visitor(found.id, found.name, found.scopes, session) if found else None

    def open_session(self, visitor: Visitor) -> str:
        """Write a session for the holder of a key; signed, and good for `SESSION_S`."""
        id_ = self._settings_key_id() if visitor.id == _SETTINGS_KEY_ID else visitor.id
        signed = f"{id_}.{int(self._db.now()) + SESSION_S}.{secrets.token_urlsafe(12)}"
        return f"{signed}.{self._mac('session', signed)}"

    def csrf_token(self, visitor: Visitor) -> str:
        """Give the token that this visitor's forms carry."""
        return self._mac("csrf", visitor.session or visitor.id)

    def is_csrf_token(self, visitor: Visitor, token: str) -> bool:
        """Tell whether a form came from our own page."""
        return hmac.compare_digest(self.csrf_token(visitor).encode(), token.encode())

    def _settings_key_id(self) -> str:
        digest = hashlib.sha256(b"id|" + self._settings_key.encode()).hexdigest()
        return f"{_SETTINGS_KEY_ID}-{digest[:16]}"

    def _mac(self, purpose: str, signed: str) -> str:
        digest = hmac.digest(self._signing_secret(), f"{purpose}|{signed}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def _signing_secret(self) -> bytes:
        """Read the secret all web processes share; whoever comes first makes it."""
        if self._secret is None:
            key = self._db.key("web_secret")
            self._db.client.set(key, secrets.token_bytes(32), nx=True)
            self._secret = cast("bytes", self._db.client.get(key))
        return self._secret

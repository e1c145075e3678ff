"""Who is asking, and what they may: a key in a header, a session in a cookie, or nobody at home.

As long as no key was ever made, and nothing public is set, the server serves loopback alone, and
whoever sits there may do everything. The first key closes that door for good.
"""

import base64
import hmac
from dataclasses import dataclass, field

from campaigns.sentence import told
from dialer.access.api_keys import ApiKey, ApiKeys, Scope, allows
from dialer.access.sessions import Sessions
from dialer.store import Database
from dialer.store.admission import signing_secret
from workers.web.problems import Problem

_SETTINGS_KEY_ID = "settings"
_LOCAL_ID = "local"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who was let in.

    Args:
        id: Of the key; `settings` for DIALER_API_KEY, `local` where no key is needed.
        made_by: What a key that they make hangs on; '' where nothing does.
        session: The session's token where there is one; CSRF tokens hang on it.
        accounts: The Sids of those that their key opens; None: all that there are.
    """

    id: str
    name: str
    scopes: frozenset[Scope]
    made_by: str = ""
    session: str = field(default="", repr=False)
    accounts: frozenset[str] | None = None

    def opens(self, *accounts: str) -> bool:
        """Tell whether their key opens all of these accounts, by Sid."""
        return self.accounts is None or self.accounts.issuperset(accounts)

    def reaches(self, accounts: frozenset[str] | None) -> bool:
        """Tell whether their key opens all that another one does."""
        return self.reaches_all if accounts is None else self.opens(*accounts)

    def may(self, scope: Scope) -> bool:
        """Tell whether a scope is theirs."""
        return allows(self.scopes, scope)

    def require(self, scope: Scope) -> None:
        """Check that a scope is theirs.

        Raises:
            Problem: It is not.
        """
        if not self.may(scope):
            raise Problem(
                403,
                "scope_missing",
                told("Your key lacks the scope “{scope}”.", scope=scope.value),
                scope=scope,
            )

    @property
    def reaches_all(self) -> bool:
        """Their key opens all accounts, so that what is of the installation is theirs to see."""
        return self.accounts is None

    @property
    def is_masked(self) -> bool:
        """They see no full number, no recording, and nothing of what was uploaded."""
        return not self.may(Scope.READ)

    @property
    def is_local(self) -> bool:
        """They needed no key."""
        return self.id == _LOCAL_ID


_ALL = frozenset({Scope.ADMIN})


def _holder_of(key: ApiKey, session: str = "") -> Visitor:
    return Visitor(key.id, key.name, key.scopes, key.id, session, key.accounts)


class Authenticator:
    """Lets visitors in. Its methods ask Redis, so they are called from threads.

    Args:
        settings_key: DIALER_API_KEY; '' when not set.
        faces_others: Something public is set, so that nobody comes in without a key.
    """

    def __init__(
        self, db: Database, keys: ApiKeys, *, settings_key: str, faces_others: bool
    ) -> None:
        self._db = db
        self._keys = keys
        self._sessions = Sessions(db)
        self._settings_key = settings_key
        self._faces_others = faces_others
        self._secret: bytes | None = None

    def is_open(self) -> bool:
        """Whether no key is asked for; it is once there was one, or something public is set."""
        return not self._faces_others and not self._keys.were_made()

    def nobody(self) -> Visitor | None:
        """Let somebody in who shows nothing."""
        return Visitor(_LOCAL_ID, "this machine", _ALL) if self.is_open() else None

    def by_key(self, key: str) -> Visitor | None:
        """Let the holder of a key in."""
        expected = self._settings_key.encode()
        if expected and hmac.compare_digest(key.encode(), expected):
            return self._administrator()
        found = self._keys.find(key)
        if found is None:
            return None
        self._keys.note_use(found.id)
        return _holder_of(found)

    def by_session(self, session: str, *, is_use: bool = True) -> Visitor | None:
        """Let somebody in who signed in before; None when it ended, was forged or the key is gone.

        Args:
            is_use: They do something, so their idle hour begins anew.
        """
        key_id = self._sessions.key_of(session, is_use=is_use)
        if not key_id:
            return None
        if key_id == self._keys.settings_id:
            return self._administrator(session)
        found = self._keys.get(key_id)
        if found is None:
            return None
        if is_use:
            self._keys.note_use(found.id)
        return _holder_of(found, session)

    def may_stay(self, visitor: Visitor) -> bool:
        """Tell whether somebody who was let in still would be; asking is no use of a session."""
        if visitor.session:
            return self.by_session(visitor.session, is_use=False) is not None
        if visitor.is_local:
            return self.is_open()
        return visitor.id == _SETTINGS_KEY_ID or self._keys.get(visitor.id) is not None

    def open_session(self, visitor: Visitor) -> str:
        """Open a session for the holder of a key."""
        return self._sessions.open(visitor.made_by)

    def end_session(self, session: str) -> None:
        """End a session, wherever its cookie still is."""
        self._sessions.end(session)

    def csrf_token(self, visitor: Visitor, account: str = "") -> str:
        """Give the token that this visitor's forms carry.

        Args:
            account: Which one the form is about; '' for the home. A page of one account, left open
                while its reader went on to another, does nothing there.
        """
        of_account = f"|{account}" if account else ""
        return self._mac("csrf", f"{visitor.session or visitor.id}{of_account}")

    def is_csrf_token(self, visitor: Visitor, token: str, account: str = "") -> bool:
        """Tell whether a form came from our own page, and from one of this account."""
        return hmac.compare_digest(self.csrf_token(visitor, account).encode(), token.encode())

    def _administrator(self, session: str = "") -> Visitor:
        # a new DIALER_API_KEY has another id, which ends sessions and keys of the old one
        return Visitor(_SETTINGS_KEY_ID, "administrator", _ALL, self._keys.settings_id, session)

    def _mac(self, purpose: str, signed: str) -> str:
        digest = hmac.digest(self._signing_secret(), f"{purpose}|{signed}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def _signing_secret(self) -> bytes:
        """Read the secret all web processes share; whoever comes first makes it."""
        if self._secret is None:
            self._secret = signing_secret(self._db)
        return self._secret

"""Who does something at a time that one should do; it saves work, and guards nothing by itself."""

from dialer.store.database import Database, text


class Lease:
    """One process's claim, which ends by itself where that does not renew it.

    Args:
        name: Of what is done; a key of the account.
        holder: Names this process among all hosts'.
        lasts_s: So long after each `take`.
    """

    def __init__(self, db: Database, name: str, holder: str, *, lasts_s: float = 10.0) -> None:
        self._client = db.client
        self._key = db.key(name)
        self._holder = holder
        self._lasts_ms = int(lasts_s * 1000)

    def take(self) -> bool:
        """Take it or keep it; False while somebody else has it."""
        if self._client.set(self._key, self._holder, nx=True, px=self._lasts_ms):
            return True
        found = self._client.get(self._key)
        is_ours = isinstance(found, bytes) and text(found) == self._holder
        return is_ours and bool(self._client.pexpire(self._key, self._lasts_ms))

"""Who does something at a time that one should do; it saves work, and guards nothing by itself."""

from dialer.clock import boottime_s
from dialer.store.database import Database, text


class Lease:
    """One process's claim, which ends by itself where that does not renew it.

    Args:
        name: Of what is done; a key of the account.
        holder: Names this process among all hosts'.
        lasts_s: So long after each `take`.
    """

    def __init__(self, db: Database, name: str, holder: str, *, lasts_s: float) -> None:
        self._client = db.client
        self._key = db.key(name)
        self._holder = holder
        self._lasts_ms = int(lasts_s * 1000)
        self._renew_at_s = 0.0  # an idle account writes as little as can be

    def take(self) -> bool:
        """Take it or keep it; False while somebody else has it."""
        now_s = boottime_s()
        if now_s < self._renew_at_s:
            return True
        is_ours = self._take_now()
        # what is left then is for a Redis that is away meanwhile
        self._renew_at_s = now_s + self._lasts_ms / 1500 if is_ours else 0.0
        return is_ours

    def _take_now(self) -> bool:
        found = self._client.set(self._key, self._holder, nx=True, get=True, px=self._lasts_ms)
        if found is None:
            return True
        is_ours = isinstance(found, bytes) and text(found) == self._holder
        return is_ours and bool(self._client.pexpire(self._key, self._lasts_ms))

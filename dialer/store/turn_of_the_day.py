"""Whose turn it is to do what is done once a day; the first who asks has it."""

from dialer.store.database import Database

_DAY_S = 86_400 - 600  # a little less, so that it does not wander round the clock
_AGAIN_AFTER_S = 3600


class TurnOfTheDay:
    """Hands out one turn a day among all processes of the account."""

    def __init__(self, db: Database) -> None:
        self._client = db.client
        self._key = db.key("kept_house")

    def take(self) -> bool:
        """Take the turn, where nobody has had it today."""
        return bool(self._client.set(self._key, 1, nx=True, ex=_DAY_S))

    def give_back(self) -> None:
        """Let somebody try again soon: it came to nothing."""
        self._client.expire(self._key, _AGAIN_AFTER_S)

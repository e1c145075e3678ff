"""Why Redis refuses what it is asked, and what helps: who is told that it is away looks in the wrong place."""

from typing import NamedTuple

from redis.exceptions import (
    AuthenticationError,
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from campaigns.sentence import Sentence, told


class Refusal(NamedTuple):
    """What a server says of itself that answers, and does not do it."""

    why: Sentence
    remedy: Sentence

    def __str__(self) -> str:
        return f"{self.why}: {self.remedy}"


_FULL = Refusal(
    told("Redis has no memory left for more"),
    told("raise its maxmemory, or archive campaigns that are over"),
)
_REPLICA = Refusal(
    told("Redis is a replica there, and takes no changes"),
    told("try again in a moment; if it stays so, lead REDIS_URL to the master"),
)
_NO_DISK = Refusal(
    told("Redis cannot write to its disk, and takes no changes"),
    told("make room there; its own log says more"),
)
_NO_REPLICAS = Refusal(
    told("Redis has too few replicas in step, and takes no changes"),
    told("see to its replicas"),
)
_NO_RIGHT = Refusal(
    told("Redis does not let its user do this"),
    told("give the user of REDIS_URL the rights that it lacks"),
)
_STRANGER = Refusal(
    told("Redis does not know this user or password"),
    told("set REDIS_URL to those that it knows"),
)
_BY_KIND: dict[type[RedisError], Refusal] = {
    OutOfMemoryError: _FULL,
    ReadOnlyError: _REPLICA,
    MasterDownError: _REPLICA,
    NoPermissionError: _NO_RIGHT,
    AuthenticationError: _STRANGER,
}
_BY_WORDS = {"MISCONF ": _NO_DISK, "NOREPLICAS ": _NO_REPLICAS, "ACL failure in script": _NO_RIGHT}
"""Those for which redis-py has no class; inside a pipeline words stand before them."""


def refusal_of(error: RedisError) -> Refusal | None:
    """Tell why Redis refused; None where it did not: it is away, or the question was wrong."""
    # our clients leave a replica as if it were away, and say what it answered
    for one in (error, error.__cause__):
        for kind, refusal in _BY_KIND.items():
            if isinstance(one, kind):
                return refusal
    if isinstance(error, ResponseError):
        said = str(error)
        return next((refusal for words, refusal in _BY_WORDS.items() if words in said), None)
    return None

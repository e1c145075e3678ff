"""An attempt that Redis may have lost is written again, if it is missing."""

from typing import NamedTuple

from campaigns.attempt import Attempt
from dialer.ids import AttemptId
from dialer.store import Attempts, Database
from dialer.store.attempts import encode
from dialer.store.packed_attempts import take_apart
from dialer.store.scripts import gives

_MISSING, _MAY_BE_PACKED = 1, 2


@gives("restore")
class Restore(NamedTuple):
    """An attempt that Redis may have lost.

    Args:
        attempt: JSON.
        agent: Digits.
        customer: Digits.
        ends_at: Until when its call could live, epoch s; then it is not worth bringing back.
        counts_until: Until when its request counts against the allowance, epoch s.
        holds: Dialling is held if it was missing and nothing held it.
    """

    id: str
    campaign: str
    n: int
    no: int
    nonce: str
    attempt: str
    agent: str
    customer: str
    ends_at: float
    counts_until: float
    holds: bool


def bring_back(
    db: Database,
    id_: AttemptId,
    attempt: Attempt,
    *,
    ends_at: float,
    slot_lease_s: float,
    holds: bool,
) -> bool:
    """Write an attempt that Redis lost; tells whether it was missing.

    Args:
        ends_at: Epoch s; from then on it is not worth bringing back.
        holds: Dialling is held if it was missing and nothing held it.
    """
    lost = Restore(
        id=str(id_),
        campaign=id_.campaign,
        n=id_.n,
        no=id_.no,
        nonce=id_.nonce,
        attempt=encode(attempt),
        agent=attempt.agent[1:],
        customer=attempt.customer[1:],
        ends_at=ends_at,
        counts_until=attempt.requested_at + slot_lease_s,
        holds=holds,
    )
    while (answer := db.run(lost)) == _MAY_BE_PACKED and Attempts(db).get(id_) is None:
        take_apart(db, id_.campaign, id_.n)
    return bool(answer == _MISSING)

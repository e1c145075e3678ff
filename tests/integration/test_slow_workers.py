"""Workers that are slower than the pace: what they do is dial, not drop what came too late."""

from dialer.dialing.dialing import Dialled
from dialer.pacing import Allowance
from dialer.store.record import ContactRecord
from tests.account_kit import Account
from tests.conservation import check_conservation
from tests.factories import store_campaign

_FAST = Allowance(requests=6000)  # 300 are released ahead
_STEP_S = 0.1
_DROPPED_IN_A_STEP = (
    4  # a message that is dropped costs a worker so much less than one that is dialled
)


def test_workers_ten_times_slower_than_the_pace_dial_most_of_the_time(db, tmp_path):
    """A queue of 300 takes such workers half a minute, three times as long as a release is good for."""
    account = Account(db, tmp_path, allowance=_FAST, ahead=_FAST)
    numbers = range(1000)
    store_campaign(
        db, [ContactRecord(f"+91{9000000000 + n}", f"+91{9100000000 + n}") for n in numbers]
    )
    queue, dialled, steps = [], 0, 400

    for _ in range(steps):
        queue += account.tick(queued=len(queue))
        for _ in range(_DROPPED_IN_A_STEP):
            if queue and isinstance(account.dial(queue.pop(0)), Dialled):
                dialled += 1
                break
        db.pass_time(_STEP_S)

    assert dialled >= 0.6 * steps
    check_conservation(db)

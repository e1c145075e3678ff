"""The provider refuses the account, and somebody lets dialling go on."""

import pytest

from dialer.dialing.resuming import resume_account
from dialer.store.account import read_stop
from tests.factories import pair, store_campaign
from tests.phone_company import Answer


def test_an_account_that_was_never_stopped_is_not(db):
    assert read_stop(db) is None
    assert not resume_account(db)


@pytest.mark.parametrize(
    ("answer", "is_probed"), [(Answer.NO_CREDENTIALS, True), (Answer.NO_BALANCE, False)]
)
def test_a_stop_tells_why_since_when_and_whether_it_is_tried_again(account, db, answer, is_probed):
    store_campaign(db, [pair(1, 1)])
    account.company.answers.append(answer)

    account.dial_one()

    stop = read_stop(db)
    assert stop.why
    assert stop.since == db.now()
    assert (stop.probe_at is not None) is is_probed


def test_dialling_goes_on_as_soon_as_it_is_resumed(account, db):
    store_campaign(db, [pair(1, 1)])
    account.company.answers.append(Answer.NO_BALANCE)
    account.dial_one()
    assert account.dial_all() == []

    assert resume_account(db)

    account.dial_one()

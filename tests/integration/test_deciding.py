"""An operator decides what nobody could find out."""

import pytest

from campaigns.attempt import Outcome
from campaigns.contact_state import ContactState, NotDialled
from dialer.settling.deciding import Decision, NotUndecided, decide
from tests.conservation import check_conservation
from tests.factories import pair, store_campaign, terminal
from tests.phone_company import Answer


@pytest.fixture
def unresolved(account, db):
    """A campaign whose one attempt is in quarantine."""
    campaign = store_campaign(db, [pair(1, 1)], retry=("customer_busy=60s",))
    account.company.answers.append(Answer.LOST)
    return campaign, account.dial_one().attempt_id


@pytest.mark.parametrize(
    ("decision", "outcome", "state", "charged"),
    [
        (Decision.CONNECTED, Outcome.CONNECTED, ContactState.FINAL, 1),
        (Decision.CUSTOMER_BUSY, Outcome.CUSTOMER_BUSY, ContactState.WAITING, 1),
        (Decision.CUSTOMER_NO_ANSWER, Outcome.CUSTOMER_NO_ANSWER, ContactState.FINAL, 1),
        (Decision.AGENT_NO_ANSWER, Outcome.AGENT_NO_ANSWER, ContactState.FINAL, 0),
        (Decision.NOT_PLACED, Outcome.TURNED_AWAY, ContactState.WAITING, 0),
        (Decision.GIVE_UP, Outcome.UNKNOWN, ContactState.WAITING, 1),
        (Decision.SKIP, Outcome.UNKNOWN, ContactState.FINAL, 1),
    ],
)
def test_what_follows_is_what_the_rules_have_for_it(
    account, db, unresolved, decision, outcome, state, charged
):
    campaign, attempt_id = unresolved

    after = decide(db, account.settling, attempt_id, decision, who="test")

    contact = account.contact(campaign)
    assert (after.outcome, after.source) == (outcome, "operator")
    assert (contact.state, contact.charged) == (state, charged)
    check_conservation(db)


def test_a_skipped_contact_is_closed_as_skipped(account, db, unresolved):
    campaign, attempt_id = unresolved

    decide(db, account.settling, attempt_id, Decision.SKIP, who="test")

    assert account.contact(campaign).outcome is NotDialled.SKIPPED
    assert account.state(campaign) == "completed"


def test_a_call_that_was_found_meanwhile_is_not_overruled(account, db, unresolved):
    _, attempt_id = unresolved
    account.settling.report(attempt_id, terminal("s1"), at=db.now())

    with pytest.raises(NotUndecided):
        decide(db, account.settling, attempt_id, Decision.SKIP, who="test")


def test_what_was_decided_is_not_corrected_by_what_comes_late(account, db, unresolved):
    campaign, attempt_id = unresolved
    decide(db, account.settling, attempt_id, Decision.CUSTOMER_NO_ANSWER, who="test")

    account.settling.report(attempt_id, terminal("s1"), at=db.now())

    assert account.contact(campaign).outcome is Outcome.CUSTOMER_NO_ANSWER
    assert account.counts(campaign).outcomes == {"customer_no_answer": 1}
    check_conservation(db)


def test_a_decision_that_comes_second_changes_nothing(account, db, unresolved):
    campaign, attempt_id = unresolved
    decide(db, account.settling, attempt_id, Decision.CONNECTED, who="test")

    with pytest.raises(NotUndecided):
        decide(db, account.settling, attempt_id, Decision.SKIP, who="another")

    assert account.contact(campaign).outcome is Outcome.CONNECTED
    check_conservation(db)

"""P14, P15: whatever the provider says of a call, or does not say, its attempt ends in the end."""

from dataclasses import replace

import pytest

from campaigns.attempt import Attempt, AttemptState, Outcome
from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState
from campaigns.rules.retries import UnknownPolicy
from dialer.settling.deciding import Decision, NotUndecided, decide
from tests.conservation import check_conservation
from tests.factories import pair, store_campaign, terminal
from tests.phone_company import Answer

QUARANTINE_S = 2237
POLL_S = 60

ENDED = {"EndTime": "2027-01-15 14:00:00", "Duration": "45"}
UNCLEAR = {
    "in progress": {"Status": "in-progress"},
    "queued": {"Status": "queued"},
    "in two words": {"Status": "In Progress"},
    "no status": {"Status": None},
    "a word nobody knows": {"Status": "call-attempt"},
    "in progress, with figures": {"Status": "in-progress", **ENDED, "Price": "1.5"},
}
ENDS = {
    "British": ({"Status": "cancelled"}, Outcome.PROVIDER_FAILED),
    "two words": ({"Status": "no answer"}, Outcome.CUSTOMER_NO_ANSWER),
    "underscore": ({"Status": "NO_ANSWER"}, Outcome.CUSTOMER_NO_ANSWER),
    "one word": ({"Status": "NoAnswer"}, Outcome.CUSTOMER_NO_ANSWER),
    "no status, an end": ({"Status": None, **ENDED}, Outcome.UNKNOWN),
    "another word, an end": ({"Status": "call-attempt", **ENDED}, Outcome.UNKNOWN),
}


@pytest.mark.parametrize("details", UNCLEAR.values(), ids=UNCLEAR)
def test_p14_past_the_longest_call_an_attempt_ends_and_frees_its_people(account, db, details):
    campaign = store_campaign(db, [pair(1, 1), pair(1, 2)], unknown=UnknownPolicy.SKIP)
    done = account.dial_one()
    account.company.calls[0].details = details

    account.sweep_for(QUARANTINE_S - POLL_S, every_s=30)
    assert account.attempts.get(done.attempt_id).state is AttemptState.PLACED
    account.sweep_for(4 * POLL_S, every_s=30)

    assert account.attempts.get(done.attempt_id).error_code == "never_over"
    assert account.contact(campaign).state is ContactState.FINAL
    assert account.dial_one().attempt.customer == pair(1, 2).customer
    check_conservation(db)


@pytest.mark.parametrize(("details", "outcome"), ENDS.values(), ids=ENDS)
def test_p14_an_end_is_an_end_however_it_is_spelt(account, db, details, outcome):
    store_campaign(db, [pair(1, 1)])
    done = account.dial_one()
    account.company.end(account.company.calls[0], Details=None, Price=None, **details)

    account.sweep_for(120 + 4 * POLL_S, every_s=30)

    assert account.attempts.get(done.attempt_id).outcome is outcome


def test_p14_a_campaign_being_cancelled_ends_with_its_last_attempt(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    account.dial_one()
    account.campaigns.move(account.campaigns.find(campaign), CampaignState.CANCELLING)
    account.tick()

    account.sweep_for(QUARANTINE_S + 3 * POLL_S, every_s=30)

    assert account.state(campaign) == "cancelled"


def test_p14_in_a_manual_campaign_a_person_decides_and_may(account, db):
    campaign = store_campaign(db, [pair(1, 1)], unknown=UnknownPolicy.MANUAL)
    done = account.dial_one()
    with pytest.raises(NotUndecided):
        decide(db, account.settling, done.attempt_id, Decision.CONNECTED, who="test")

    account.sweep_for(2 * QUARANTINE_S, every_s=30)
    assert account.contact(campaign).state is ContactState.DIALING
    after = decide(db, account.settling, done.attempt_id, Decision.CONNECTED, who="test")

    assert (after.outcome, account.state(campaign)) == (Outcome.CONNECTED, "completed")


def test_p14_an_operator_may_decide_any_attempt_whose_call_should_long_be_over(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    done = account.dial_one()
    db.pass_time(QUARANTINE_S + 1)

    decide(db, account.settling, done.attempt_id, Decision.CUSTOMER_NO_ANSWER, who="test")

    assert account.contact(campaign).state is not ContactState.DIALING
    check_conservation(db)


def test_p14_two_calls_that_may_both_be_it_lock_nobody_for_ever(account, db):
    campaign = store_campaign(db, [pair(1, 1)], unknown=UnknownPolicy.SKIP)
    account.company.answers.append(Answer.PLACED_UNHEARD)
    account.dial_one()
    (call,) = account.company.calls
    account.company.calls.append(replace(call, sid="f" * 32))
    for one in account.company.calls:
        account.company.end(one)

    account.sweep_for(QUARANTINE_S + 4 * POLL_S, every_s=30)

    assert account.contact(campaign).outcome is Outcome.UNKNOWN


def test_p14_an_end_a_callback_told_counts_when_nobody_can_ask_for_the_call(account, db):
    campaign = store_campaign(db, [pair(1, 1)], max_attempts=1)
    done, call = account.dial_unheard()
    report = terminal(call.sid, customer_status="busy", talk_s=0, ended_at_s=db.now())
    account.settling.report(done.attempt_id, report, at=db.now())
    call.details = {"Status": "in-progress"}

    account.sweep_for(QUARANTINE_S + 6 * POLL_S, every_s=30)

    assert account.attempts.get(done.attempt_id).outcome is Outcome.CUSTOMER_BUSY
    assert account.state(campaign) == "completed"


################################################################ numbers


def test_p15_a_call_whose_numbers_differ_ends_and_says_so(account, db):
    store_campaign(db, [pair(1, 1)])
    done = account.dial_one()
    (call,) = account.company.calls
    other = terminal(call.sid)._replace(agent="+6591111111", customer="withheld")

    first = account.settling.report(done.attempt_id, other, at=db.now())
    account.settling.report(done.attempt_id, other, at=db.now())

    assert isinstance(first, Attempt)
    assert (first.outcome, first.error_code) == (Outcome.CONNECTED, "numbers_differ")


def test_p15_what_we_sent_along_binds_a_call_whose_numbers_differ(account, db):
    store_campaign(db, [pair(1, 1)])
    done, call = account.dial_unheard()
    account.company.end(call, From="withheld", To="withheld", CustomField=str(done.attempt_id))

    account.sweep_for(3 * POLL_S, every_s=30)

    assert account.attempts.get(done.attempt_id).outcome is Outcome.CONNECTED

"""Nothing stays in one state for ever: what nobody reports is asked about, within the allowance."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from campaigns.attempt import Attempt, AttemptState, Outcome
from campaigns.contact_state import ContactState
from campaigns.doubt import SOON_S, Doubts
from campaigns.rules.retries import UnknownPolicy
from dialer.dialing.dialing import Dialled
from dialer.ids import ContactId
from dialer.pacing import Allowance
from dialer.settling.deciding import Decision, decide
from dialer.settling.settling import SettlingTimes
from dialer.steering.calling_back import call_back
from tests.account_kit import Account
from tests.conservation import check_conservation
from tests.factories import details, pair, store_campaign, terminal
from tests.phone_company import Answer


class Killed(BaseException):
    """The worker is gone."""


def dial_and_die(account: Account) -> None:
    """Send a request whose worker is killed before it can write the answer down."""

    def die(_: object) -> None:
        raise Killed

    account.company.while_posting = die
    with pytest.raises(Killed):
        account.dial_all()
    account.company.while_posting = lambda _: None


def only(account: Account) -> Attempt:
    (one,) = account.open_attempts()
    return one.attempt


################################################################ placing


def test_an_attempt_whose_worker_died_is_unknown_once_its_request_has_had_its_time(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    dial_and_die(account)

    db.pass_time(76)
    account.sweeping.sweep()
    assert only(account).state is AttemptState.PLACING

    db.pass_time(2)
    account.sweeping.sweep()
    assert only(account).state is AttemptState.UNKNOWN
    assert only(account).error_code == "worker_lost"
    assert account.contact(campaign).state is ContactState.UNRESOLVED
    check_conservation(db)


def test_a_slow_response_still_binds_an_attempt_that_was_given_up(account, db):
    campaign = store_campaign(db, [pair(1, 1)])

    def too_slow(_: object) -> None:
        db.pass_time(78)
        account.sweeping.sweep()

    account.company.while_posting = too_slow
    done = account.dial_one()

    assert done.attempt.state is AttemptState.PLACED
    assert account.contact(campaign).state is ContactState.DIALING
    check_conservation(db)


################################################################ unknown


def test_a_call_nobody_heard_of_is_found_by_its_numbers_once_it_is_over(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    dial_and_die(account)
    (call,) = account.company.calls
    account.sweep_for(200, every_s=10)
    assert account.contact(campaign).state is ContactState.UNRESOLVED

    account.company.end(call)
    account.sweep_for(70, every_s=10)

    assert account.contact(campaign).outcome is Outcome.CONNECTED
    assert account.state(campaign) == "completed"
    assert len(account.company.posts) == 1
    check_conservation(db)


def test_nothing_found_proves_nothing_until_the_quarantine_is_over(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    account.company.answers.append(Answer.LOST)
    account.dial_one()

    account.sweep_for(2230, every_s=30)

    assert account.contact(campaign).state is ContactState.UNRESOLVED
    assert len(account.company.posts) == 1


@pytest.mark.parametrize("policy", [UnknownPolicy.REDIAL, UnknownPolicy.SKIP])
def test_after_the_quarantine_and_two_empty_looks_the_policy_decides(account, db, policy):
    campaign = store_campaign(db, [pair(1, 1)], unknown=policy)
    account.company.answers.append(Answer.LOST)
    done = account.dial_one()
    db.pass_time(2240)
    account.sweeping.sweep()
    assert account.contact(campaign).state is ContactState.UNRESOLVED

    db.pass_time(61)
    account.sweeping.sweep()

    assert account.attempts.get(done.attempt_id).outcome is Outcome.UNKNOWN
    if policy is UnknownPolicy.SKIP:
        assert account.state(campaign) == "completed"
    else:
        assert account.dial_one().attempt.no == 2
    check_conservation(db)


def test_a_manual_campaign_keeps_its_unknown_ones_until_a_person_decides(account, db):
    campaign = store_campaign(db, [pair(1, 1)], unknown=UnknownPolicy.MANUAL)
    account.company.answers.append(Answer.LOST)
    account.dial_one()

    account.sweep_for(4000, every_s=100)

    assert account.contact(campaign).state is ContactState.UNRESOLVED


def test_a_call_of_the_same_pair_that_another_attempt_owns_is_not_taken_for_it(account, db):
    campaign = store_campaign(db, [pair(1, 1)], retry=("customer_busy=1s",))
    first = account.dial_one()
    account.company.end(account.company.calls[0])
    busy = terminal(first.attempt.sid, customer_status="busy", talk_s=0)
    account.settling.report(first.attempt_id, busy, at=db.now())
    db.pass_time(2)
    account.company.answers.append(Answer.LOST)
    second = account.dial_one()

    account.sweep_for(300, every_s=30)

    assert account.attempts.get(second.attempt_id).state is AttemptState.UNKNOWN
    assert account.contact(campaign).state is ContactState.UNRESOLVED


def test_a_failed_search_is_not_an_empty_one(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    account.company.answers.append(Answer.LOST)
    account.dial_one()
    account.company.look_status = 500
    db.pass_time(2240)

    account.sweep_for(600, every_s=61)

    assert account.contact(campaign).state is ContactState.UNRESOLVED
    assert account.company.looks


################################################################ placed


def test_calls_nobody_reported_are_asked_about_twenty_to_a_request(account, db):
    campaign = store_campaign(db, [pair(n, n) for n in range(45)])
    account.dial_all()
    for call in account.company.live():
        account.company.end(call)

    db.pass_time(121)
    swept = account.sweeping.sweep()

    assert (swept.looked_at, swept.requests) == (45, 3)
    assert account.state(campaign) == "completed"
    check_conservation(db)


def test_a_call_that_goes_on_is_left_alone_and_asked_about_again(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    account.dial_one()

    account.sweep_for(600, every_s=10)

    assert account.contact(campaign).state is ContactState.DIALING
    assert 7 <= len(account.company.looks) <= 9


def test_a_call_longer_than_any_can_be_is_asked_for_by_name(account, db):
    store_campaign(db, [pair(1, 1)])
    account.dial_one()

    account.sweep_for(2280, every_s=30)

    assert only(account).state is AttemptState.PLACED
    assert any("Calls.json" not in look for look in account.company.looks)


def test_a_sid_the_provider_does_not_know_is_given_up_after_the_quarantine(account, db):
    campaign = store_campaign(db, [pair(1, 1)], unknown=UnknownPolicy.SKIP)
    done = account.dial_one()
    account.company.calls.clear()

    account.sweep_for(2400, every_s=30)

    assert account.attempts.get(done.attempt_id).outcome is Outcome.UNKNOWN
    assert account.state(campaign) == "completed"
    check_conservation(db)


def test_details_without_legs_are_asked_for_thrice_and_then_the_status_must_do(account, db):
    campaign = store_campaign(db, [pair(1, 1)], max_attempts=1)
    account.dial_one()
    account.company.end(account.company.calls[0], Status="busy", Details=None)

    db.pass_time(121)
    account.sweeping.sweep()
    assert account.contact(campaign).state is ContactState.DIALING
    account.sweep_for(200, every_s=61)

    assert account.contact(campaign).outcome is Outcome.CUSTOMER_BUSY
    check_conservation(db)


################################################################ final values


def test_duration_and_price_are_fetched_once_and_then_never_again(account, db):
    store_campaign(db, [pair(1, 1)])
    done = account.dial_one()
    account.company.end(account.company.calls[0])
    account.settling.report(done.attempt_id, terminal(done.attempt.sid), at=db.now())

    account.sweep_for(900, every_s=30)

    found = account.attempts.get(done.attempt_id)
    assert (found.total_s, found.price) == (45, "1.500")
    assert len(account.company.looks) == 1
    check_conservation(db)


def test_a_price_that_never_comes_is_given_up(account, db):
    store_campaign(db, [pair(1, 1)])
    done = account.dial_one()
    account.company.end(account.company.calls[0], Price=None)
    account.settling.report(done.attempt_id, terminal(done.attempt.sid), at=db.now())

    account.sweep_for(1200, every_s=30)
    looks = len(account.company.looks)
    account.sweep_for(1200, every_s=30)

    assert account.attempts.get(done.attempt_id).is_final
    assert len(account.company.looks) == looks
    check_conservation(db)


################################################################ the allowance


def test_a_429_to_a_look_up_closes_the_gate_and_nothing_is_concluded(account, db):
    campaign = store_campaign(db, [pair(1, 1), pair(2, 2)])
    first, second = account.tick()
    account.dial(first)
    db.pass_time(190)  # overdue, so that the look-up goes although a dial waits
    account.company.look_status = 429

    account.sweeping.sweep()

    assert account.pacing.rate().blocked_for_s == pytest.approx(30, abs=1)
    assert account.feeding.tick().held_by == "blocked"
    assert account.contact(campaign, first.contact.n).state is ContactState.DIALING
    assert not isinstance(account.dial(second), Dialled)
    check_conservation(db)


def test_look_ups_wait_for_room_and_come_again(db, tmp_path):
    account = Account(
        db,
        tmp_path,
        allowance=Allowance(requests=1),
        times=SettlingTimes(lookup_after_s=10, lookup_every_s=20),
    )
    campaign = store_campaign(db, [pair(1, 1)])
    account.dial_one()
    account.company.end(account.company.calls[0])

    db.pass_time(11)
    assert account.sweeping.sweep().requests == 0
    account.sweep_for(120, every_s=20)

    assert account.state(campaign) == "completed"


################################################################ details that contradict

NOBODY_ANSWERED = {
    "Status": "no-answer",
    "Details": {
        "ConversationDuration": 0,
        "Leg1Status": "completed",
        "Leg2Status": "no-answer",
        "Legs": [{"Leg": {"Id": 1, "OnCallDuration": 38}}, {"Leg": {"Id": 2}}],
    },
}


def test_details_that_contradict_a_callback_count_when_they_are_final(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    done = account.dial_one()
    account.settling.report(done.attempt_id, terminal(done.attempt.sid), at=db.now())
    (call,) = account.company.calls
    account.company.end(call, **NOBODY_ANSWERED)

    account.sweep_for(290, every_s=10)
    early = account.contact(campaign)
    account.sweep_for(90, every_s=10)
    looks = len(account.company.looks)
    account.sweep_for(600, every_s=10)

    found = account.attempts.get(done.attempt_id)
    assert early.outcome is Outcome.CONNECTED
    assert (found.outcome, found.first_outcome) == (
        Outcome.CUSTOMER_NO_ANSWER,
        Outcome.CONNECTED,
    )
    assert account.contact(campaign).outcome is Outcome.CUSTOMER_NO_ANSWER
    assert account.counts(campaign).outcomes == {"customer_no_answer": 1}
    assert len(account.company.posts) == 1  # closed is closed
    assert len(account.company.looks) == looks  # nothing is left to ask
    check_conservation(db)


def test_who_talked_after_all_is_not_called_again(account, db):
    campaign = store_campaign(db, [pair(1, 1)], retry=("customer_no_answer=1h",))
    done = account.dial_one()
    report = terminal(done.attempt.sid, customer_status="no-answer", talk_s=0)
    account.settling.report(done.attempt_id, report, at=db.now())
    assert account.contact(campaign).state is ContactState.WAITING
    (call,) = account.company.calls
    account.company.end(call)

    account.sweep_for(400, every_s=10)
    db.pass_time(7200)

    assert account.tick() == ()
    assert account.contact(campaign).outcome is Outcome.CONNECTED
    assert account.state(campaign) == "completed"
    assert len(account.company.posts) == 1
    check_conservation(db)


def test_k3_who_is_to_be_called_back_is_called_whatever_late_details_say(account, db):
    campaign = store_campaign(db, [pair(1, 1)], retry=("customer_no_answer=1h",))
    done = account.dial_one()
    report = terminal(done.attempt.sid, customer_status="no-answer", talk_s=0)
    account.settling.report(done.attempt_id, report, at=db.now())
    call_back(db, ContactId(campaign, 1), datetime.fromtimestamp(db.now() + 3600, UTC))
    (call,) = account.company.calls
    account.company.end(call)

    account.sweep_for(400, every_s=10)
    assert account.attempts.get(done.attempt_id).outcome is Outcome.CONNECTED
    db.pass_time(3600)

    assert account.dial_one().attempt.no == 2
    check_conservation(db)


def test_k3_a_call_back_is_somebodys_word_about_the_attempts_until_then_only(account, db):
    campaign = store_campaign(db, [pair(1, 1)], retry=("customer_no_answer=1h",))
    call_back(db, ContactId(campaign, 1), datetime.fromtimestamp(db.now(), UTC))
    db.pass_time(1)
    done = account.dial_one()
    report = terminal(done.attempt.sid, customer_status="no-answer", talk_s=0)
    account.settling.report(done.attempt_id, report, at=db.now())
    (call,) = account.company.calls
    account.company.end(call)

    account.sweep_for(400, every_s=10)

    assert account.contact(campaign).outcome is Outcome.CONNECTED


def test_k3_details_do_not_undo_what_an_operator_decided(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    done = account.dial_one()
    db.pass_time(done.attempt.quarantine_s + 1)
    decide(db, account.settling, done.attempt_id, Decision.CONNECTED, who="test")
    (call,) = account.company.calls
    account.company.end(call, **NOBODY_ANSWERED)

    account.sweep_for(900, every_s=10)
    late = details(call.sid, customer_status="no-answer", talk_s=0)
    account.settling.report(done.attempt_id, late, at=db.now())

    assert account.contact(campaign).outcome is Outcome.CONNECTED
    assert account.attempts.get(done.attempt_id).source == "operator"


AGENT_DID_NOT_ANSWER = {
    "Status": "no-answer",
    "Details": {
        "ConversationDuration": 0,
        "Leg1Status": "no-answer",
        "Leg2Status": None,
        "Legs": [{"Leg": {"Id": 1}}, {"Leg": {"Id": 2}}],
    },
}


@pytest.mark.parametrize("max_attempts", [1, 2])
def test_an_attempt_that_was_the_agents_fault_after_all_is_not_charged(account, db, max_attempts):
    campaign = store_campaign(db, [pair(1, 1)], max_attempts=max_attempts)
    done = account.dial_one()
    account.settling.report(done.attempt_id, terminal(done.attempt.sid), at=db.now())
    account.company.end(account.company.calls[0], **AGENT_DID_NOT_ANSWER)

    account.sweep_for(400, every_s=10)

    assert account.attempts.get(done.attempt_id).outcome is Outcome.AGENT_NO_ANSWER
    assert (account.counts(campaign).charged, account.contact(campaign).charged) == (0, 0)
    check_conservation(db)


def test_an_attempt_that_reached_the_customer_after_all_is_charged(account, db):
    campaign = store_campaign(db, [pair(1, 1)], max_attempts=2, retry=("agent_no_answer=1h",))
    done = account.dial_one()
    report = terminal(done.attempt.sid, agent_status="no-answer", customer_status=None, talk_s=0)
    account.settling.report(done.attempt_id, report, at=db.now())
    assert account.contact(campaign).charged == 0
    account.company.end(account.company.calls[0], **NOBODY_ANSWERED)

    account.sweep_for(400, every_s=10)

    assert account.attempts.get(done.attempt_id).outcome is Outcome.CUSTOMER_NO_ANSWER
    assert (account.counts(campaign).charged, account.contact(campaign).charged) == (1, 1)
    check_conservation(db)


def test_a_contact_that_is_being_called_again_goes_on_whatever_details_say_of_the_first(
    account, db
):
    campaign = store_campaign(db, [pair(1, 1)], retry=("customer_no_answer=1m",))
    first = account.dial_one()
    report = terminal(first.attempt.sid, customer_status="no-answer", talk_s=0)
    account.settling.report(first.attempt_id, report, at=db.now())
    account.company.end(account.company.calls[0])
    db.pass_time(90)
    second = account.dial_one()

    account.sweep_for(400, every_s=10)

    assert account.attempts.get(first.attempt_id).outcome is Outcome.CONNECTED
    assert account.contact(campaign).state is ContactState.DIALING
    assert not account.attempts.get(second.attempt_id).is_settled
    check_conservation(db)


def test_a_look_up_without_a_slot_is_no_warning_and_is_counted(account, db):
    store_campaign(db, [pair(1, 1)])
    account.dial_one()
    db.pass_time(account.times.lookup_after_s + 1)
    account.pacing.allowance = Allowance(requests=1)
    db.client.zadd(db.key("slots"), {"somebody": db.now() + 60})

    with capture_logs() as logs:
        account.sweeping.sweep()

    assert account.company.looks == []
    assert [one for one in logs if one["log_level"] == "warning"] == []
    assert [one["put_off"] for one in logs if one["event"] == "swept"] == [1]


def test_a_provider_that_does_not_answer_a_look_up_is_a_warning(account, db):
    store_campaign(db, [pair(1, 1)])
    account.dial_one()
    db.pass_time(account.times.lookup_after_s + 1)
    account.company.look_status = 500

    with capture_logs() as logs:
        account.sweeping.sweep()

    assert [one["event"] for one in logs if one["log_level"] == "warning"] == ["lookup_failed"]


################################################################ ends in doubt


def looks_at(account: Account, *, seconds: int) -> list[int]:
    """Sweep each second; gives when the provider was asked, s."""
    found = []
    for second in range(seconds):
        before = len(account.company.looks)
        account.sweeping.sweep()
        if len(account.company.looks) > before:
            found.append(second)
        account.db.pass_time(1)
    return found


def test_an_end_in_doubt_is_asked_about_at_once_and_after_5_10_20_s_and_then_as_others_are(
    db, tmp_path
):
    account = Account(db, tmp_path, doubts=Doubts(call_speed=1.0, soon_s=SOON_S))
    campaign = store_campaign(db, [pair(1, 1)])
    done = account.dial_one()
    db.pass_time(20)
    sid = done.attempt.sid
    account.settling.report(done.attempt_id, terminal(sid, talk_s=300), at=db.now())

    asked = looks_at(account, seconds=220)

    waits = [later - earlier for earlier, later in pairwise(asked)]
    assert asked[0] == 0
    assert waits == [5, 10, 20, 40, 60, 60]
    assert account.contact(campaign).state is ContactState.DIALING

    account.company.end(account.company.calls[0])
    looks_at(account, seconds=61)
    assert account.contact(campaign).outcome is Outcome.CONNECTED

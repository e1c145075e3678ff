"""Facts about a call, in any order and number, settle its attempt once, with all that follows."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import redis
from structlog.testing import capture_logs

from campaigns.attempt import Attempt, AttemptState, Outcome
from campaigns.contact_state import ContactState
from campaigns.rules.retries import UnknownPolicy
from campaigns.settlement import Conflict, settled
from dialer.dialing.dialing import Dialled
from dialer.ids import AttemptId
from dialer.settling.settling import _Update
from tests.conservation import check_conservation
from tests.factories import answered, details, four_fields, pair, store_campaign, terminal
from tests.phone_company import Answer
from tests.virtual_time import VirtualDatabase


def late(db: VirtualDatabase) -> list[bytes]:
    return db.client.zrange(db.key("late"), 0, -1)


################################################################ order and number


@pytest.mark.parametrize(
    "order", list(itertools.permutations(range(4))), ids=lambda order: "".join(map(str, order))
)
def test_every_order_of_a_calls_callbacks_gives_the_same_attempt(account, db, order):
    campaign = store_campaign(db, [pair(1, 1), pair(1, 2)], max_attempts=1)
    (released,) = account.tick()
    done = account.dialing.dial(released.contact, released.token)
    sid = done.attempt.sid
    told = [
        answered(sid, 1, at_s=db.now()),
        answered(sid, 2, at_s=db.now() + 10),
        terminal(sid, ended_at_s=db.now() + 40),
        four_fields(sid),
    ]

    for at in [*order, *order]:
        account.settling.report(done.attempt_id, told[at], at=db.now())

    found = account.attempts.get(done.attempt_id)
    assert (found.outcome, found.talk_s, found.ring_s) == (Outcome.CONNECTED, 30, 8)
    assert (found.agent_status, found.customer_status) == ("completed", "completed")
    assert found.answered_at == pytest.approx(db.now() + 10, abs=1)
    assert account.counts(campaign).outcomes == {"connected": 1}
    check_conservation(db)


################################################################ whose


def test_a_report_for_an_attempt_that_never_was_is_a_conflict(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    done = account.dial_one()
    forged = replace(done.attempt_id, nonce="0000000000")

    assert isinstance(account.settling.report(forged, terminal("s1"), at=db.now()), Conflict)
    assert isinstance(
        account.settling.report(
            AttemptId(campaign, 99, 1, "0000000000"), terminal("s1"), at=db.now()
        ),
        Conflict,
    )
    check_conservation(db)


def test_a_foreign_sid_on_a_genuine_path_changes_nothing(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    done = account.dial_one()

    answer = account.settling.report(done.attempt_id, terminal("f" * 32), at=db.now())

    assert isinstance(answer, Conflict)
    assert account.attempts.get(done.attempt_id) == done.attempt
    assert account.contact(campaign).state is ContactState.DIALING


def test_a_call_that_exists_was_counted_and_its_slot_need_not_wait_for_the_response(account, db):
    store_campaign(db, [pair(1, 1)])
    done, call = account.dial_unheard()
    slots, id_ = db.key("slots"), str(done.attempt_id)
    held_until = db.client.zscore(slots, id_)

    account.settling.report(done.attempt_id, answered(call.sid, 1, at_s=db.now()), at=db.now())

    until = db.client.zscore(slots, id_)
    assert until == pytest.approx(db.now() + 60.1, abs=0.01)
    assert until < held_until
    db.pass_time(30)
    account.settling.report(done.attempt_id, terminal(call.sid), at=db.now())
    assert db.client.zscore(slots, id_) == until


def test_a_slot_that_ends_sooner_than_that_is_not_prolonged(account, db):
    """Its response has come, and says when the slot ends: the call of it may be told of late."""
    store_campaign(db, [pair(1, 1)])
    done, call = account.dial_unheard()
    slots, id_ = db.key("slots"), str(done.attempt_id)
    ends_at = db.now() + 5
    db.client.zadd(slots, {id_: ends_at})

    account.settling.report(done.attempt_id, answered(call.sid, 1, at_s=db.now()), at=db.now())

    assert db.client.zscore(slots, id_) == ends_at


def test_a_slot_that_was_given_back_is_not_taken_again_by_what_is_learnt_later(account, db):
    store_campaign(db, [pair(1, 1)])
    done, call = account.dial_unheard()
    db.client.zrem(db.key("slots"), str(done.attempt_id))

    account.settling.report(done.attempt_id, answered(call.sid, 1, at_s=db.now()), at=db.now())

    assert db.client.zcard(db.key("slots")) == 0


def test_a_call_of_another_attempt_settles_only_its_own(account, db):
    store_campaign(db, [pair(1, 1), pair(2, 2)])
    first, second = account.dial_all()
    account.company.answers.append(Answer.LOST)

    answer = account.settling.report(second.attempt_id, terminal(first.attempt.sid), at=db.now())

    assert isinstance(answer, Conflict)
    check_conservation(db)


def test_a_sid_that_another_attempt_owns_is_a_conflict_even_before_the_response(account, db):
    store_campaign(db, [pair(1, 1), pair(2, 2)])
    first, second = account.tick()
    done = account.dial(first)
    account.company.answers.append(Answer.LOST)
    unknown = account.dial(second)

    answer = account.settling.report(unknown.attempt_id, terminal(done.attempt.sid), at=db.now())

    assert isinstance(answer, Conflict)
    assert account.attempts.get(unknown.attempt_id).state is AttemptState.UNKNOWN
    check_conservation(db)


################################################################ what follows


def test_a_settled_call_frees_its_agent_and_its_customer(account, db):
    store_campaign(db, [pair(1, 1), pair(1, 2), pair(2, 1)])
    done = account.dial_one()
    assert account.tick() == ()

    account.settling.report(done.attempt_id, terminal(done.attempt.sid), at=db.now())

    assert len(account.tick()) == 2
    check_conservation(db)


def test_a_late_price_is_asked_for_and_then_no_more(account, db):
    store_campaign(db, [pair(1, 1)])
    done = account.dial_one()
    account.settling.report(done.attempt_id, terminal(done.attempt.sid), at=db.now())
    assert late(db) == [str(done.attempt_id).encode()]

    account.settling.report(done.attempt_id, details(done.attempt.sid), at=db.now())

    assert late(db) == []
    assert account.attempts.get(done.attempt_id).price == "1.5"


def test_what_ended_without_legs_is_asked_about_at_once(account, db):
    store_campaign(db, [pair(1, 1)])
    done = account.dial_one()
    without_legs = terminal(done.attempt.sid, talk_s=None)._replace(
        agent_leg=None, customer_leg=None
    )

    account.settling.report(done.attempt_id, without_legs, at=db.now())

    due = db.client.zscore(db.key("open"), str(done.attempt_id))
    assert due == pytest.approx(db.now(), abs=0.01)


def test_a_contact_is_closed_when_its_attempts_are_used_up(account, db):
    campaign = store_campaign(db, [pair(1, 1)], max_attempts=2, retry=("customer_no_answer=1s",))
    for _ in range(2):
        done = account.dial_one()
        report = terminal(done.attempt.sid, customer_status="no-answer", talk_s=0)
        account.settling.report(done.attempt_id, report, at=db.now())
        db.pass_time(3)

    record = account.contact(campaign)
    assert (record.outcome, record.charged) == (Outcome.CUSTOMER_NO_ANSWER, 2)
    assert account.state(campaign) == "completed"


def test_an_absent_agent_costs_the_customer_no_attempt_and_ends_all_the_same(account, db):
    campaign = store_campaign(db, [pair(1, 1)], max_attempts=2, retry=("agent_busy=1s",))
    for _ in range(10):
        for done in account.dial_all():
            report = terminal(
                done.attempt.sid, agent_status="busy", customer_status=None, talk_s=None
            )
            account.settling.report(done.attempt_id, report, at=db.now())
        db.pass_time(3)

    record = account.contact(campaign)
    assert (record.outcome, record.charged) == (Outcome.AGENT_BUSY, 0)
    assert account.state(campaign) == "completed"


def test_a_live_call_of_a_cancelled_campaign_runs_out_and_is_recorded(account, db):
    campaign = store_campaign(db, [pair(1, 1), pair(1, 2)], retry=("customer_busy=1s",))
    done = account.dial_one()
    account.campaigns.move(account.campaigns.find(campaign), "cancelling")
    account.tick()
    assert account.state(campaign) == "cancelling"

    busy = terminal(done.attempt.sid, customer_status="busy", talk_s=0)
    account.settling.report(done.attempt_id, busy, at=db.now())

    assert account.state(campaign) == "cancelled"
    assert account.counts(campaign).outcomes == {"cancelled": 2}
    assert account.counts(campaign).attempt_outcomes == {"customer_busy": 1}
    check_conservation(db)


@pytest.mark.parametrize(
    ("policy", "state"),
    [(UnknownPolicy.REDIAL, ContactState.WAITING), (UnknownPolicy.SKIP, ContactState.FINAL)],
)
def test_after_a_quarantine_the_campaigns_policy_decides(account, db, policy, state):
    campaign = store_campaign(db, [pair(1, 1)], unknown=policy)
    account.company.answers.append(Answer.LOST)
    done = account.dial_one()

    account.settling.settle(done.attempt_id, Outcome.UNKNOWN, source="quarantine", at=db.now())

    assert account.contact(campaign).state is state
    check_conservation(db)


def test_settling_by_the_rules_of_now_not_of_then(account, db):
    """Rules that were changed while the call was on are the ones that decide about a retry."""
    campaign = store_campaign(db, [pair(1, 1)], max_attempts=1)
    done = account.dial_one()
    account.change_rules(campaign, max_attempts=3)

    busy = terminal(done.attempt.sid, customer_status="busy", talk_s=0)
    account.settling.report(done.attempt_id, busy, at=db.now())

    assert account.contact(campaign).state is ContactState.WAITING


################################################################ several threads at once


def test_what_several_threads_learn_at_once_is_written_for_each(account, db):
    campaign = store_campaign(db, [pair(n, n) for n in range(20)], max_attempts=1)
    done = account.dial_all()
    settling = account.settling

    def end(one: Dialled) -> Attempt:
        after = settling.settle(one.attempt_id, Outcome.CUSTOMER_BUSY, source="details", at=1.0)
        assert after is not None
        return after

    with ThreadPoolExecutor(8) as threads:
        ended = list(threads.map(end, done))

    assert [one.sid for one in ended] == [one.attempt.sid for one in done]
    assert account.counts(campaign).outcomes == {"customer_busy": 20}
    check_conservation(db)


def test_one_that_cannot_be_written_leaves_those_beside_it_alone(account, db):
    store_campaign(db, [pair(1, 1)], name="broken", max_attempts=1)
    store_campaign(db, [pair(2, 2)], name="whole", max_attempts=1)
    calls = {one.attempt_id.campaign: one for one in account.dial_all()}
    broken, whole = (calls[account.campaigns.id_of(name)] for name in ("broken", "whole"))
    db.client.delete(db.key("c", broken.attempt_id.campaign, "contacts", 0))

    def end(now: Attempt) -> Attempt:
        return settled(now, Outcome.CUSTOMER_BUSY, source="details", at=1.0)

    failed, written = account.settling._update_together(
        [_Update(one.attempt_id, end) for one in (broken, whole)]
    )

    assert isinstance(failed, redis.ResponseError)
    assert isinstance(written, Attempt)
    assert account.attempts.get(whole.attempt_id).outcome is Outcome.CUSTOMER_BUSY


def test_a_line_of_the_log_names_its_own_contact_whoever_writes_it(account, db):
    store_campaign(db, [pair(1, 1)])
    done = account.dial_one()
    report = terminal(done.attempt.sid or "", ended_at_s=db.now())

    with capture_logs() as logs:
        account.settling.report(done.attempt_id, report, at=db.now())

    assert [(one["event"], one["contact_id"]) for one in logs] == [
        ("attempt_settled", str(done.attempt_id.contact))
    ]

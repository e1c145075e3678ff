"""The gate: the last word before a request leaves, and at most one request per attempt."""

import secrets
from dataclasses import replace
from typing import Any

import pytest
import redis

from campaigns.allowed import ANYTHING
from campaigns.attempt import AttemptState, Outcome
from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState, NotDialled
from dialer.dialing.candidate import Candidate
from dialer.dialing.dialing import Dialled
from dialer.dialing.gate import Dropped, NotYet, Opened
from dialer.pacing import Allowance
from dialer.store.holds import Holds
from dialer.store.scripts import SCRIPTS, Given
from tests.account_kit import Account
from tests.conservation import check_conservation
from tests.factories import pair, start, store_campaign, terminal
from tests.virtual_time import VirtualDatabase


class LossyDatabase(VirtualDatabase):
    """Loses answers of the gate on their way back, though it ran; its questions may take a while."""

    lost = 0
    way_s = 0.0

    def run(self, given: Given, *, pipeline: Any = None) -> Any:
        if SCRIPTS[type(given)] == "gate" and self.way_s:
            self.pass_time(self.way_s)
            self.way_s = 0.0
        answer = super().run(given, pipeline=pipeline)
        if SCRIPTS[type(given)] == "gate" and self.lost:
            self.lost -= 1
            raise redis.ConnectionError("the answer was lost")
        return answer


@pytest.fixture
def db(redis_client):
    return LossyDatabase(redis_client, f"test{secrets.token_hex(4)}")


def settle(account: Account, done: Dialled) -> None:
    report = terminal(done.attempt.sid or "", ended_at_s=account.db.now())
    account.settling.report(done.attempt_id, report, at=account.db.now())


################################################################ tokens


def test_a_message_delivered_twice_dials_once(account, db):
    store_campaign(db, [pair(1, 1)])
    (released,) = account.tick()

    first, second = account.dial(released), account.dial(released)

    assert isinstance(first, Dialled)
    assert second == Dropped("not ours")
    assert len(account.company.posts) == 1
    check_conservation(db)


def test_a_message_delivered_again_after_the_end_dials_nothing(account, db):
    store_campaign(db, [pair(1, 1)])
    (released,) = account.tick()
    done = account.dial(released)
    assert isinstance(done, Dialled)
    settle(account, done)

    assert account.dial(released) == Dropped("not ours")
    assert len(account.company.posts) == 1


def test_a_message_that_comes_after_its_lease_is_stale(account, db):
    store_campaign(db, [pair(1, 1)])
    (old,) = account.tick()
    db.pass_time(11)
    (new,) = account.tick()

    assert account.dial(old) == Dropped("not ours")
    assert isinstance(account.dial(new), Dialled)
    check_conservation(db)


def test_a_message_whose_lease_ran_out_but_was_not_taken_back_may_still_go(account, db):
    store_campaign(db, [pair(1, 1)])
    (released,) = account.tick()
    db.pass_time(60)

    assert isinstance(account.dial(released), Dialled)
    account.tick()
    check_conservation(db)


def test_an_old_message_cannot_use_a_later_release(account, db):
    campaign = store_campaign(db, [pair(1, 1), pair(1, 2)])
    (old,) = account.tick()
    done = account.dial(old)
    assert isinstance(done, Dialled)
    settle(account, done)
    (other,) = account.tick()

    assert account.dial(old) == Dropped("not ours")
    assert account.contact(campaign, other.contact.n).state is ContactState.RELEASED


################################################################ lost answers


@pytest.mark.parametrize("lost", [1, 2])
def test_an_answer_lost_on_the_way_is_asked_for_again_and_sent_once(account, db, lost):
    campaign = store_campaign(db, [pair(1, 1)])
    (released,) = account.tick()
    db.lost = lost

    done = account.dial(released)

    assert isinstance(done, Dialled)
    assert len(account.company.posts) == 1
    assert account.counts(campaign).attempts == 1
    check_conservation(db)


def test_an_answer_lost_for_good_sends_nothing_and_charges_nothing(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    (released,) = account.tick()
    db.lost = 3

    with pytest.raises(redis.ConnectionError):
        account.dial(released)
    account.recovery.tick()

    assert account.company.posts == []
    assert account.counts(campaign).charged == 0
    assert account.counts(campaign).attempt_outcomes == {"turned_away": 1}
    assert isinstance(account.dial_one(), Dialled)
    check_conservation(db)


def test_an_answer_lost_with_its_worker_is_quarantined_and_never_sent(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    (released,) = account.tick()
    db.lost = 3
    with pytest.raises(redis.ConnectionError):
        account.dial(released)

    db.pass_time(78)
    account.sweeping.sweep()

    assert account.contact(campaign).state is ContactState.UNRESOLVED
    assert account.dial(released) == Dropped("not ours")
    assert account.company.posts == []
    check_conservation(db)


################################################################ pause, cancel, account


@pytest.mark.parametrize("to", [CampaignState.PAUSED, CampaignState.CANCELLING])
def test_nothing_leaves_once_a_campaign_is_paused_or_cancelled(account, db, to):
    campaign = store_campaign(db, [pair(1, 1), pair(2, 2)])
    released = account.tick()

    account.campaigns.move(account.campaigns.find(campaign), to)
    answers = [account.dial(one) for one in released]

    assert answers == [Dropped(to)] * 2
    assert account.company.posts == []
    check_conservation(db)


def test_a_resumed_campaign_goes_on_where_it_was(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    (released,) = account.tick()
    account.campaigns.move(account.campaigns.find(campaign), CampaignState.PAUSED)
    account.dial(released)

    start(db, campaign)

    assert account.dial_one().attempt.no == 1


def test_a_storm_of_pausing_and_resuming_loses_nobody(account, db):
    campaign = store_campaign(db, [pair(n, n) for n in range(6)])
    for _ in range(5):
        released = account.tick()
        account.campaigns.move(account.campaigns.find(campaign), CampaignState.PAUSED)
        account.dial(released[0])
        start(db, campaign)
        check_conservation(db)
        db.pass_time(11)

    while released := account.tick():
        for done in map(account.dial, released):
            assert isinstance(done, Dialled)
            settle(account, done)

    assert account.state(campaign) == "completed"
    assert account.counts(campaign).outcomes == {"connected": 6}


def test_nothing_leaves_while_the_account_is_stopped(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    (released,) = account.tick()
    db.client.hset(db.key("account"), "stopped", "401")

    assert account.dial(released) == Dropped("stopped")
    assert account.feeding.tick().held_by == "stopped"
    assert account.contact(campaign).state is ContactState.WAITING


def test_nothing_leaves_during_a_recovery_hold(account, db):
    store_campaign(db, [pair(1, 1)])
    (released,) = account.tick()
    Holds(db).set_by_hand("Redis was restarted")

    assert account.dial(released) == Dropped("hold")
    assert account.feeding.tick().held_by == "hold"
    check_conservation(db)


################################################################ the last look


def test_a_number_suppressed_after_its_release_is_not_dialled(account, db):
    campaign = store_campaign(db, [pair(1, 1), pair(2, 2)])
    released = account.tick()
    db.client.hset(db.key("suppressed"), pair(1, 1).customer[1:], "{}")
    db.client.hset(db.key("suppressed"), pair(2, 2).agent[1:], "{}")

    for one in released:
        assert account.dial(one) == Dropped("suppressed")

    assert account.counts(campaign).outcomes == {"suppressed": 2}
    assert account.company.posts == []
    check_conservation(db)


def test_a_contact_that_expires_between_release_and_gate_is_not_dialled(account, db):
    campaign = store_campaign(db, [pair(1, 1, expires_s=int(db.now()) + 3)])
    (released,) = account.tick()
    db.pass_time(3)

    assert account.dial(released) == Dropped("expired")
    assert account.contact(campaign).outcome is NotDialled.EXPIRED
    check_conservation(db)


def test_a_campaign_that_closes_between_release_and_gate_waits_for_its_next_hours(account, db):
    campaign = store_campaign(db, [pair(1, 1)], hours="09:00-13:31")  # it is 13:30 in India
    (released,) = account.tick()
    db.pass_time(61)

    assert account.dial(released) == Dropped("outside hours")
    assert account.company.posts == []
    assert account.contact(campaign).due_s == pytest.approx(db.now() + 19.5 * 3600, abs=120)
    check_conservation(db)


@pytest.mark.parametrize(("late_s", "goes"), [(-5.0, True), (0.0, False)])
def test_hours_that_end_while_the_gate_is_asked_have_ended(account, db, late_s, goes):
    """Not a moment later: what the asker saw, an open window, is not what counts."""
    campaign = store_campaign(db, [pair(1, 1)], hours="09:00-13:31")  # it is 13:30 in India
    (released,) = account.tick()
    db.way_s = 60 + late_s

    done = account.dial(released)

    assert isinstance(done, Dialled) is goes
    assert len(account.company.posts) == goes
    if not goes:
        assert done == Dropped("outside hours")
        assert account.contact(campaign).state is ContactState.WAITING
        check_conservation(db)


def test_an_opening_that_is_past_when_the_gate_is_asked_is_two_seconds_ahead(account, db):
    """Not in the past: it would be released at once, by a clock that says it is closed."""
    campaign = store_campaign(db, [pair(1, 1)], hours="09:00-13:31,13:32-13:33")
    (released,) = account.tick()
    db.way_s = 200

    assert account.dial(released) == Dropped("outside hours")
    assert account.contact(campaign).due_s == int(db.now()) + 2


def test_rules_changed_after_the_release_are_the_ones_that_count(account, db):
    campaign = store_campaign(db, [pair(1, 1)], time_limit_s=600)
    dialing = account.dialing
    (released,) = account.tick()
    account.change_rules(campaign, time_limit_s=60)

    done = dialing.dial(released.contact, released.token)

    assert isinstance(done, Dialled)
    assert done.attempt.rules_version == 2
    assert done.attempt.quarantine_s == 2 + 45 + 30 + 60 + 60 + 300


def test_a_contact_does_not_wait_long_at_a_blocked_gate(db, tmp_path):
    account = Account(db, tmp_path, allowance=Allowance())
    campaign = store_campaign(db, [pair(1, 1)])
    (released,) = account.tick()
    account.pacing.close_for(60)

    assert account.dial(released) == Dropped("blocked")
    assert account.contact(campaign).state is ContactState.WAITING
    check_conservation(db)


def test_where_nothing_can_go_for_a_while_the_feeder_waits_too_until_shortly_before(db, tmp_path):
    account = Account(db, tmp_path, allowance=Allowance(requests=1))
    store_campaign(db, [pair(n, n) for n in range(3)])
    first, second, _ = account.tick()
    account.dial(first)

    assert account.dial(second) == Dropped("blocked")
    assert account.feeding.tick().held_by == "blocked"
    db.pass_time(56)
    assert account.feeding.tick().held_by == "blocked"
    db.pass_time(4)
    assert account.feeding.tick().held_by != "blocked"


def test_a_contact_whose_worker_dies_at_the_gate_again_and_again_is_closed_as_poison(account, db):
    campaign = store_campaign(db, [pair(1, 1), pair(2, 2)])
    done = set()
    for _ in range(7):
        for one in account.tick():
            if one.contact.n == 2:
                done.add(type(account.dial(one)))
                continue
            # what the gate sees of a worker that dies while it waits for its turn
            record = account.contact(campaign)
            assert record.state is ContactState.RELEASED
            db.client.setrange(
                db.key("c", campaign, "contacts", 0), 3, bytes([_deaths(db, campaign) + 1])
            )
        db.pass_time(11)

    assert account.contact(campaign).outcome is NotDialled.POISON
    assert done == {Dialled}
    check_conservation(db)


@pytest.mark.parametrize("most", [1, 2])
def test_no_more_calls_are_live_than_the_cap_whatever_was_released(account, db, most):
    """The feeder heeds the cap too, but another host's may know of none."""
    store_campaign(db, [pair(n, n) for n in range(most + 1)])
    wanted = [Candidate(one.contact, one.token) for one in account.tick()]
    account.cap = most

    verdicts = account.dialing._gate.ask(wanted)

    assert [type(one) for one in verdicts] == [Opened] * most + [NotYet]
    assert verdicts[-1] == NotYet(wait_s=0.2)
    assert db.client.zcard(db.key("open")) == most


################################################################ what it commits


def test_the_intent_is_written_before_the_request_leaves(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    seen = []
    account.company.while_posting = lambda _: seen.append(
        (account.open_attempts()[0].attempt.state, account.counts(campaign).charged)
    )

    account.dial_one()

    assert seen == [(AttemptState.PLACING, 1)]


def test_an_attempt_names_its_pair_its_window_and_how_long_its_call_could_live(account, db):
    store_campaign(db, [pair(1, 1)], hours="09:00-21:00")

    attempt = account.dial_one().attempt

    assert (attempt.agent, attempt.customer) == pair(1, 1).numbers
    assert attempt.window == "2027-01-15T09:00+0530/2027-01-15T21:00+0530 Asia/Kolkata"
    assert attempt.quarantine_s == 2237
    assert attempt.requested_at == pytest.approx(db.now(), abs=1)


def test_the_second_attempt_has_a_number_and_an_id_of_its_own(account, db):
    campaign = store_campaign(db, [pair(1, 1)], retry=("customer_busy=1s",))
    first = account.dial_one()
    busy = terminal(first.attempt.sid or "", customer_status="busy", talk_s=0)
    account.settling.report(first.attempt_id, busy, at=db.now())
    db.pass_time(3)

    second = account.dial_one()

    assert (first.attempt.no, second.attempt.no) == (1, 2)
    assert first.attempt_id.nonce != second.attempt_id.nonce
    assert account.attempts.get(first.attempt_id).outcome is Outcome.CUSTOMER_BUSY
    assert account.counts(campaign).attempts == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"caller_ids": frozenset({"+918000000001"})},
        {"url_hosts": frozenset()},
        {"max_time_limit_s": 599},
        {"max_attempts": 2},
    ],
)
def test_a_stored_campaign_that_asks_for_more_than_is_allowed_now_pauses_and_dials_nothing(
    account, db, changed
):
    campaign = store_campaign(
        db,
        [pair(1, 1), pair(2, 2)],
        wait_url="https://media.example.com/w.wav",
        time_limit_s=600,
        max_attempts=3,
    )
    account.options = replace(account.options, allowed=replace(ANYTHING, **changed))

    account.dial_all()

    found = account.campaigns.find(campaign)
    assert (found.state, account.company.posts) == (CampaignState.PAUSED, [])
    assert "allowed by DIALER_" in found.why
    assert account.counts(campaign).waiting == 2
    check_conservation(db)
    account.options = replace(account.options, allowed=ANYTHING)
    account.campaigns.move(found, CampaignState.RUNNING)
    assert all(isinstance(one, Dialled) for one in account.dial_all())
    assert len(account.company.posts) == 2


def _deaths(db: VirtualDatabase, campaign: str) -> int:
    return db.client.getrange(db.key("c", campaign, "contacts", 0), 3, 3)[0]

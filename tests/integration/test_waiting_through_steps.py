"""Redis' clock is set ahead or back: what waits, rests or is held does so as long as before."""

import pytest

from campaigns.attempt import AttemptState, Outcome
from campaigns.contact_state import ContactState
from dialer.dialing.dialing import Dialled
from dialer.dialing.gate import Dropped
from dialer.ids import ContactId
from dialer.pacing import Pacing
from dialer.settling.disposing import Said, dispose
from dialer.store.phones import read_phones
from tests.account_kit import Account
from tests.conservation import check_conservation
from tests.factories import agent, pair, store_campaign, terminal
from tests.pacing_kit import HOUR_S, UnspacedAllowance, look, process
from tests.phone_company import Answer
from tests.two_hosts import Site

################################################################ nobody is rung twice


def unheard(account: Account) -> str:
    """A call is live, and nobody heard the answer to its request."""
    campaign = store_campaign(account.db, [pair(1, 1)])
    account.recovery.tick()
    account.dial_unheard()
    return campaign


def test_a_quarantine_lasts_as_long_as_before_when_the_clock_is_set_ahead(account, db):
    campaign = unheard(account)
    (before,) = account.open_attempts()
    db.set_clock(24 * HOUR_S)
    for _ in range(int(before.attempt.quarantine_s / 60)):
        account.sweeping.sweep()
        assert account.contact(campaign).state is ContactState.UNRESOLVED
        assert account.dial_all() == []
        db.pass_time(60)


def test_a_call_is_found_on_the_providers_list_though_the_clock_was_wrong_when_it_was_placed(
    account, db
):
    campaign = unheard(account)
    (call,) = account.company.live()
    db.set_clock(-24 * HOUR_S)  # to the right time, which was the provider's all along
    call.placed_at_s -= 24 * HOUR_S
    account.recovery.tick()
    db.pass_time(200)
    account.company.end(call)
    account.sweeping.sweep()
    assert account.contact(campaign).outcome is Outcome.CONNECTED
    check_conservation(db)


def test_a_quarantine_lasts_as_long_as_before_when_the_clock_is_set_back(account, db):
    campaign = unheard(account)
    (before,) = account.open_attempts()
    db.set_clock(-24 * HOUR_S)
    account.recovery.tick()
    (after,) = account.open_attempts()
    assert after.attempt.version == before.attempt.version + 1
    left_s = after.attempt.quarantine_ends_at - db.now()
    assert left_s == pytest.approx(before.attempt.quarantine_s, abs=0.1)
    assert account.contact(campaign).state is ContactState.UNRESOLVED
    check_conservation(db)


def test_a_move_that_redis_lost_in_a_failover_is_made_again(account, db, tmp_path):
    site = Site(account, tmp_path)
    unheard(account)
    (before,) = account.open_attempts()
    older = site.snapshot()
    others = process(db)
    look(others)
    db.set_clock(HOUR_S)
    account.recovery.tick()
    site.come_back_older(older)
    for one in (account.recovery.tick, lambda: look(others), account.recovery.tick):
        one()
        (after,) = account.open_attempts()
        lasts_s = before.attempt.quarantine_s + HOUR_S
        assert after.attempt.quarantine_s == pytest.approx(lasts_s, abs=1)


def test_whoever_read_an_attempt_before_the_move_reads_it_again(account, db):
    unheard(account)
    (before,) = account.open_attempts()

    def told(now):
        if now.version == before.attempt.version:
            db.set_clock(HOUR_S)
            account.recovery.tick()  # in between
        return now._replace(looks=now.looks + 1)

    account.settling.update(before.id, told)
    (after,) = account.open_attempts()
    assert after.attempt.looks == 1
    assert after.attempt.quarantine_s == pytest.approx(before.attempt.quarantine_s + HOUR_S)


def test_what_redis_lost_comes_back_from_the_journal_with_its_time_though_the_clock_was_set(
    account, tmp_path
):
    site = Site(account, tmp_path)
    store_campaign(site.db, [pair(1, 1)])
    host = site.host("first")
    host.recovery.tick()
    (one,) = site.feed()
    before = site.snapshot()
    assert isinstance(host.dial(one), Dialled)
    site.feed()

    site.come_back_older(before)  # of a server whose clock is another
    site.db.set_clock(6 * HOUR_S)
    for _ in range(8):
        site.feed()
        host.recovery.tick()
        site.db.pass_time(1)
    assert (site.hold.restored, site.hold.waiting_for) == (1, ())
    (attempt,) = account.open_attempts()
    assert attempt.attempt.state is AttemptState.UNKNOWN
    assert attempt.attempt.quarantine_ends_at > site.db.now() + HOUR_S / 2
    assert [call.customer for call in site.company.live()] == [pair(1, 1).customer]


@pytest.mark.parametrize("who_is_first", ["feeder", "worker"])
def test_phones_of_a_lost_campaigns_call_are_held_as_long_as_before_when_the_clock_is_set_ahead(
    account, tmp_path, who_is_first
):
    site = Site(account, tmp_path)
    host = site.host("first")
    host.recovery.tick()
    site.feed()
    before = site.snapshot()
    store_campaign(site.db, [pair(1, 1)])
    assert [type(one) for one in site.dial_all(host)] == [Dialled]
    site.come_back_older(before)
    site.feed()
    for _ in range(20):
        host.recovery.tick()
        site.recovery.tick()
        site.db.pass_time(1)
    assert site.hold is None
    store_campaign(site.db, [pair(1, 2)])

    site.db.set_clock(3 * HOUR_S)
    if who_is_first == "feeder":
        site.feed()
    host.recovery.tick()
    for _ in range(30):
        site.db.pass_time(60)
        assert site.dial_all(host) == []
    site.db.pass_time(600)
    assert [type(one) for one in site.dial_all(host)] == [Dialled]


def test_the_last_contact_of_a_hundred_is_held_as_long_as_before(account, db):
    campaign = store_campaign(
        db, [*(pair(n % 90, n % 90) for n in range(1, 100)), pair(91, 91, priority=5)]
    )
    account.recovery.tick()
    account.company.answers.append(Answer.PLACED_UNHEARD)
    released = account.tick()
    assert isinstance(account.dial(released[0]), Dialled)
    (before,) = account.open_attempts()
    assert before.id.contact == ContactId(campaign, 100)
    db.set_clock(HOUR_S)
    account.recovery.tick()
    (after,) = account.open_attempts()
    lasts_s = before.attempt.quarantine_s + HOUR_S
    assert after.attempt.quarantine_s == pytest.approx(lasts_s, abs=1)


################################################################ it goes on


@pytest.mark.parametrize("by_s", [3 * HOUR_S, -3 * HOUR_S])
def test_a_limit_that_a_refusal_lowered_is_back_when_it_would_have_been(db, by_s):
    pacing = Pacing(db, UnspacedAllowance(requests=2))
    look(db.clock)
    pacing.close_for(30)
    db.set_clock(by_s)
    look(db.clock)
    db.pass_time(590)
    assert pacing.rate().limit == 1
    db.pass_time(11)
    assert pacing.rate().limit == 2


@pytest.mark.parametrize("by_s", [3 * HOUR_S, -3 * HOUR_S])
def test_a_stopped_account_is_tried_when_it_would_have_been(account, db, by_s):
    store_campaign(db, [pair(1, 1)])
    account.recovery.tick()
    account.company.answers.append(Answer.NO_CREDENTIALS)
    account.dial_one()
    db.set_clock(by_s)
    account.recovery.tick()
    db.pass_time(55)
    assert account.tick() == ()
    db.pass_time(6)
    assert len(account.tick()) == 1


@pytest.mark.parametrize("by_s", [3 * HOUR_S, -3 * HOUR_S])
def test_a_hold_waits_for_what_was_being_sent_as_long_as_before(account, tmp_path, by_s):
    site = Site(account, tmp_path)
    host = site.host("first")
    host.recovery.tick()
    site.come_back_older(site.snapshot())
    site.feed()
    assert site.hold.waiting_for == ("first",)
    site.db.set_clock(by_s)
    site.db.pass_time(1)
    host.recovery.tick()
    assert site.hold.waiting_for == ("first",)
    site.db.pass_time(2)
    host.recovery.tick()
    assert site.hold.waiting_for == ()


@pytest.mark.parametrize("by_s", [3 * HOUR_S, -3 * HOUR_S])
def test_a_hold_after_the_step_waits_for_all_who_were_seen_lately(account, tmp_path, by_s):
    site = Site(account, tmp_path)
    here, gone = site.host("here"), site.host("gone")
    for host in (here, gone):
        host.recovery.tick()
    site.db.set_clock(by_s)
    here.recovery.tick()
    site.db.pass_time(1)
    site.come_back_older(site.snapshot())
    site.feed()
    assert site.hold.waiting_for == ("gone", "here")


@pytest.mark.parametrize("by_s", [3 * HOUR_S, -3 * HOUR_S])
def test_agents_are_left_alone_as_long_as_before(account, db, by_s):
    store_campaign(
        db, [pair(n, 10 * m + n) for n in (1, 2) for m in (1, 2)], park_after=1, park_s=600
    )
    account.recovery.tick()
    assert len(account.dial_all()) == 2
    for live in account.open_attempts():
        missed = terminal(
            live.attempt.sid, agent_status="no-answer", customer_status=None, talk_s=0
        )
        account.settling.report(live.id, missed, at=db.now())
    db.set_clock(by_s)
    account.recovery.tick()
    db.pass_time(590)
    phones = read_phones(db, [agent(1)[1:], agent(2)[1:]])
    assert [one.parked_until - db.now() for one in phones] == pytest.approx([10, 10], abs=0.5)
    assert account.tick() == ()
    db.pass_time(11)
    assert len(account.tick()) == 2


@pytest.mark.parametrize("by_s", [3 * HOUR_S, -3 * HOUR_S])
def test_agents_who_said_what_came_of_it_rest_as_long_as_before(account, db, by_s):
    campaign = store_campaign(
        db,
        [pair(n, 10 * m + n) for n in (1, 2) for m in (1, 2)],
        disposition=("sale",),
        wrap_up_s=30,
        wrap_up_until="disposition",
        wrap_up_longest_s=120,
    )
    account.recovery.tick()
    account.dial_and_end()
    db.set_clock(by_s)
    account.recovery.tick()
    for n in (1, 3):
        dispose(db, account.settling, ContactId(campaign, n), Said("sale", by="Asha"))
    db.pass_time(25)
    assert account.tick() == ()
    db.pass_time(6)
    assert len(account.tick()) == 2


@pytest.mark.parametrize("by_s", [3 * HOUR_S, -3 * HOUR_S])
def test_an_agent_rests_as_long_as_before(account, db, by_s):
    campaign = store_campaign(db, [pair(1, 1), pair(1, 2)])
    account.change_rules(campaign, wrap_up_s=10)
    account.recovery.tick()
    account.dial_and_end()
    assert account.dial_all() == []
    db.set_clock(by_s)
    account.recovery.tick()

    db.pass_time(9)  # of ten
    assert account.dial_all() == []
    db.pass_time(1.1)
    (done,) = account.dial_all()
    assert isinstance(done, Dialled)


@pytest.mark.parametrize("by_s", [3 * HOUR_S, -3 * HOUR_S])
def test_what_is_written_before_anybody_sees_the_step_waits_no_longer_than_ever(account, db, by_s):
    campaign = store_campaign(db, [pair(1, 1), pair(1, 2), pair(2, 3)])
    account.change_rules(campaign, wrap_up_s=10)
    account.recovery.tick()
    first, _ = account.tick()  # the other one's worker was killed
    assert isinstance(account.dial(first), Dialled)
    db.pass_time(10.1)
    db.set_clock(by_s)
    account.end_all()
    account.pacing.close_for(20)
    account.recovery.tick()

    db.pass_time(account.pacing.allowance.lease_s)
    assert len(account.dial_all()) == 2
    assert float(db.client.hget(db.key("c", campaign), "ready_s") or 0) >= 0
    check_conservation(db)


@pytest.mark.parametrize("by_s", [3 * HOUR_S, -3 * HOUR_S])
def test_an_agent_has_as_long_as_before_to_say_what_came_of_it(account, db, by_s):
    campaign = store_campaign(db, [pair(1, 1)], disposition=["sale"], disposition_within_s=600)
    account.recovery.tick()
    account.dial_and_end()
    db.set_clock(by_s)
    account.recovery.tick()

    db.pass_time(500)  # of ten minutes
    account.tick()
    assert account.contact(campaign).state is ContactState.OPEN
    db.pass_time(101)
    account.tick()
    assert account.contact(campaign).state is ContactState.FINAL


def test_what_was_released_before_the_clock_was_set_back_is_released_again(account, db):
    store_campaign(db, [pair(1, 1)])
    account.recovery.tick()
    assert len(account.tick()) == 1  # and its worker is killed
    db.set_clock(-3 * HOUR_S)
    account.recovery.tick()
    db.pass_time(11)
    assert len(account.dial_all()) == 1


def test_a_campaign_is_dialled_to_its_end_through_steps_both_ways(account, db):
    campaign = store_campaign(db, [pair(n, n) for n in range(1, 9)])
    account.recovery.tick()
    for by_s in (HOUR_S, -2 * HOUR_S, 0.7, -0.7, HOUR_S, 0, 0, 0):
        for done in account.dial_all():
            assert not isinstance(done, Dropped), done
        account.end_all()
        db.set_clock(by_s)
        account.recovery.tick()
        db.pass_time(account.pacing.allowance.lease_s)
    assert account.counts(campaign).attempts == 8
    check_conservation(db)

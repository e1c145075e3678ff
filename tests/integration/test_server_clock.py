"""Redis' clock is set ahead or back: nothing that is to last so long ends early, and nothing waits for hours."""

from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.attempt import AttemptState, Outcome
from campaigns.contact_state import ContactState
from dialer.dialing.dialing import Dialled
from dialer.dialing.gate import Dropped
from dialer.ids import ContactId
from dialer.pacing import Allowance, Pacing
from dialer.settling.disposing import Said, dispose
from dialer.store.phones import read_phones
from dialer.store.server_clock import LATE_ANSWER_S, STEP_S, Reading, ServerClock, last_step
from tests.account_kit import Account
from tests.conservation import check_conservation
from tests.factories import agent, pair, store_campaign, terminal
from tests.pacing_kit import UnspacedAllowance
from tests.phone_company import Answer
from tests.two_hosts import Site
from tests.virtual_time import VirtualDatabase

HOUR_S = 3600.0
ONE = UnspacedAllowance(requests=1)
MACHINE = "a host since its boot"


def process(db: VirtualDatabase, *, machine: str | None = None) -> ServerClock:
    """What another process knows of the clock: nothing yet."""
    return ServerClock(db, boottime=db.clock.boottime, machine=machine)


def look(clock: ServerClock, allowance: Allowance = ONE) -> None:
    clock.look(slots_kept_s=allowance.lease_s)


################################################################ whoever asks meanwhile


@pytest.mark.parametrize("by_s", [HOUR_S, -HOUR_S, LATE_ANSWER_S + 0.1, -2.5 * STEP_S])
def test_no_slot_is_given_between_the_step_and_the_move(db, by_s):
    pacing = Pacing(db, ONE)
    look(db.clock)
    assert pacing.take_slot("first") == 0
    pacing.never_sent("first")
    db.pass_time(1)  # nothing else keeps the next one waiting

    db.set_clock(by_s)
    assert 0 < pacing.take_slot("second") <= 1, "asked again soon"
    look(db.clock)
    wait_s = pacing.take_slot("second")
    assert wait_s <= max(0, min(-by_s, ONE.lease_s)), "what is over seems to last when set back"
    db.pass_time(wait_s + 0.001)
    assert pacing.take_slot("second") == 0


def test_no_dial_leaves_between_the_step_and_the_move(account, db, monkeypatch):
    store_campaign(db, [pair(1, 1)])
    look(db.clock)
    (released,) = account.tick()
    db.set_clock(HOUR_S)

    live_at_each_wait = []

    def moved_while_it_waits_for_the_third_time(_: float) -> None:
        live_at_each_wait.append(account.company.live())
        if len(live_at_each_wait) == 3:
            look(db.clock)

    monkeypatch.setattr(db, "pass_time", moved_while_it_waits_for_the_third_time)
    assert isinstance(account.dial(released), Dialled)
    assert live_at_each_wait == [[], [], []]


def test_an_answer_that_took_long_is_no_step(db):
    clock = process(db)
    now = db.clock.boottime()
    clock.heard(Reading(now, now, db.now(), 0), slots_kept_s=1)
    assert clock.heard(Reading(now - 30, now, db.now(), 0), slots_kept_s=1)
    assert clock.heard(Reading(now, now + 30, db.now(), 0), slots_kept_s=1)
    assert not db.client.hget(db.key("account"), "moves")


def test_a_quicker_answer_tells_better_where_the_clock_stands(db):
    answers_after_s = [0.0, 0.0, 0.0, 30.0]

    def boottime() -> float:
        db.pass_time(answers_after_s.pop(0) if answers_after_s else 0.0)
        return db.clock.boottime()

    clock = ServerClock(db, boottime=boottime)
    clock.heard(Reading(boottime(), boottime(), db.now(), 0), slots_kept_s=1)
    look(clock)
    db.set_clock(10)
    look(clock)
    assert clock.set_ahead_s == pytest.approx(10)


def test_clocks_that_go_at_different_speeds_are_followed(db):
    pacing = Pacing(db, UnspacedAllowance(requests=1, window_s=600))
    look(db.clock, pacing.allowance)
    pacing.take_slot("first")
    pacing.answered("first")
    for _ in range(599):  # Redis' clock gains a tenth
        db.pass_time(1)
        db.set_clock(0.1)
        look(db.clock, pacing.allowance)
        assert pacing.take_slot("second") > 0
    db.pass_time(2)
    assert pacing.take_slot("second") == 0


################################################################ the limit


def test_a_slot_lasts_as_long_as_before_when_the_clock_is_set_ahead(db):
    pacing = Pacing(db, ONE)
    look(db.clock)
    pacing.take_slot("first")
    pacing.answered("first")
    db.pass_time(10)
    db.set_clock(3 * HOUR_S)
    look(db.clock)

    db.pass_time(ONE.kept_after_answer_s - 10 - 0.01)
    assert pacing.take_slot("second") > 0
    db.pass_time(0.02)
    assert pacing.take_slot("second") == 0


def test_a_slot_lasts_no_longer_than_a_new_one_when_the_clock_is_set_back(db):
    pacing = Pacing(db, ONE)
    look(db.clock)
    pacing.take_slot("first")
    pacing.answered("first")
    db.set_clock(-3 * HOUR_S)
    look(db.clock)

    db.pass_time(ONE.lease_s + 0.01)
    assert pacing.take_slot("second") == 0


def test_a_host_that_stood_still_while_redis_went_on_costs_one_lease_at_most(db):
    pacing = Pacing(db, ONE)
    look(db.clock)
    pacing.take_slot("first")
    db.set_clock(5 * HOUR_S)  # as it looks to a machine that was frozen
    look(db.clock)
    db.pass_time(ONE.lease_s + 0.01)
    assert pacing.take_slot("second") == 0


@pytest.mark.parametrize("by_s", [HOUR_S, -HOUR_S])
def test_a_gate_that_a_refusal_closed_opens_when_it_would_have(db, by_s):
    pacing = Pacing(db, UnspacedAllowance(requests=2))  # one less after a refusal
    look(db.clock)
    pacing.close_for(30)
    db.set_clock(by_s)
    look(db.clock)
    db.pass_time(29)
    assert pacing.take_slot("next") > 0
    db.pass_time(1.01)
    assert pacing.take_slot("next") == 0


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.05, 0.4, 1.0, 3.0, 6.0]),
            st.sampled_from([0.0, 0.0, 0.0, HOUR_S, -HOUR_S, 7.0, -7.0, 2.0]),
            st.sampled_from(["look", "take", "take", "take", "take"]),
        ),
        max_size=60,
    )
)
def test_no_window_holds_too_many_however_often_the_clock_is_set(redis_client, steps):
    db = VirtualDatabase(redis_client, "set_often")
    for key in redis_client.scan_iter(match=f"{db.prefix}*"):
        redis_client.delete(key)
    allowance = UnspacedAllowance(requests=3, window_s=6.0)
    pacing, others = Pacing(db, allowance), process(db)
    look(db.clock, allowance)
    counted_at: list[float] = []
    for at, (passes_s, set_by_s, does) in enumerate(steps):
        db.pass_time(passes_s)
        db.set_clock(set_by_s)
        if does == "look":
            look(others if at % 2 else db.clock, allowance)
        elif pacing.take_slot(f"{at}") == 0:
            counted_at.append(db.clock.boottime())
            pacing.answered(f"{at}")
    for first, fourth in zip(counted_at, counted_at[3:], strict=False):
        assert fourth - first >= 6.0


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


################################################################ several processes, and those that come


def test_several_processes_that_see_one_step_move_everything_once(db):
    pacing = Pacing(db, ONE)
    processes = [db.clock, *(process(db) for _ in range(3))]
    for one in processes:
        look(one)
    pacing.take_slot("first")
    pacing.answered("first")
    db.set_clock(HOUR_S)
    for one in processes:
        look(one)
    assert db.client.hget(db.key("account"), "moves") == b"1"
    db.pass_time(ONE.kept_after_answer_s + 0.01)
    assert pacing.take_slot("second") == 0


def test_a_step_that_is_seen_by_who_did_not_see_the_one_before_is_moved_as_well(db):
    pacing = Pacing(db, ONE)
    feeder, worker = (process(db, machine=MACHINE) for _ in range(2))
    for one in (feeder, worker, db.clock):
        look(one)
    pacing.take_slot("first")
    pacing.answered("first")
    db.set_clock(HOUR_S)
    look(worker)
    db.set_clock(24 * HOUR_S)
    look(feeder)
    db.set_clock(HOUR_S)
    look(feeder)
    for one in (worker, db.clock):
        look(one)
    db.pass_time(LATE_ANSWER_S)  # which their answers may have taken
    assert pacing.take_slot("second") > 30


def test_a_step_between_a_look_and_the_move_is_seen_by_the_next_look(db):
    pacing, clock = Pacing(db, ONE), db.clock
    look(clock)
    pacing.take_slot("first")
    pacing.answered("first")
    db.set_clock(HOUR_S)
    now = clock.boottime()
    reading = Reading(now, now, db.now(), 0)
    db.set_clock(24 * HOUR_S)
    clock.heard(reading, slots_kept_s=ONE.lease_s)
    look(clock)
    assert pacing.take_slot("second") > 30


def test_a_step_while_all_were_down_is_seen_by_whoever_comes_up_on_the_host(db):
    pacing = Pacing(db, ONE)
    look(process(db, machine=MACHINE))
    pacing.take_slot("first")
    db.set_clock(HOUR_S)

    look(process(db, machine="another host, or this one after its next boot"))
    assert not db.client.hget(db.key("account"), "moves")
    look(process(db, machine=MACHINE))
    assert db.client.hget(db.key("account"), "moves") == b"1"
    look(db.clock)
    db.pass_time(LATE_ANSWER_S)  # which the answer may have taken
    assert pacing.take_slot("second") > 60


def test_who_comes_up_after_others_moved_everything_moves_it_no_more(db):
    look(process(db, machine=MACHINE))
    elsewhere = process(db, machine="another host")
    look(elsewhere)
    db.set_clock(HOUR_S)
    look(elsewhere)
    look(process(db, machine=MACHINE))
    look(process(db, machine=MACHINE))
    assert db.client.hget(db.key("account"), "moves") == b"1"


def test_the_last_step_is_told_and_none_of_two_clocks_that_only_drift(db):
    look(db.clock)
    db.set_clock(0.5)
    look(db.clock)
    assert last_step(db) is None
    db.set_clock(-HOUR_S)
    look(db.clock)
    step = last_step(db)
    assert step is not None
    assert (round(step.by_s), step.at) == (-HOUR_S, pytest.approx(db.now()))


def test_hosts_that_are_long_gone_are_forgotten(db):
    look(process(db, machine="long gone"))
    db.pass_time(31 * 24 * HOUR_S)
    look(process(db, machine=MACHINE))
    assert [*db.client.hgetall(db.key("clocks"))] == [MACHINE.encode()]


def test_steps_below_what_a_slot_keeps_aside_add_up_and_are_seen(db):
    look(db.clock)
    for _ in accumulate(range(5)):
        db.set_clock(STEP_S / 2)
        look(db.clock)
    assert db.client.hget(db.key("account"), "moves") == b"1"

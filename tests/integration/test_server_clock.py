"""Redis' clock is set ahead or back: nothing that is to last so long ends early, and nothing waits for hours."""

from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.dialing.dialing import Dialled
from dialer.pacing import Pacing
from dialer.store.server_clock import LATE_ANSWER_S, STEP_S, Reading, ServerClock, last_step
from tests.factories import pair, store_campaign
from tests.pacing_kit import HOUR_S, ONE, UnspacedAllowance, look, process
from tests.virtual_time import VirtualDatabase

MACHINE = "a host since its boot"


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

"""W: the worker dies, or stands still, at every place on its way."""

import io
import os
import signal

import pytest

from campaigns.attempt import AttemptState
from campaigns.campaign import CampaignState
from dialer import failpoints
from tests.chaos.dialer_under_test import LOST_S, QUARANTINE_S
from tests.conservation import check_conservation
from tests.factories import rules
from tests.virtual_time import START_S

RELEASE_LEASE_S = 10.1


def stopped_before_its_request(station, released) -> int:
    """Let a worker stand still between gate and request; gives its process id."""
    _ = station.wiring.provider  # made before the fork: its certificates take long to read
    pid = os.fork()
    if not pid:
        failpoints.arm("journaled:stop")
        station.dial(released)
        os._exit(0)
    os.waitpid(pid, os.WUNTRACED)
    return pid


@pytest.mark.parametrize("place", ["dequeued", "approached"])
def test_w1_a_contact_whose_worker_died_before_the_gate_is_dialled_once(station, place):
    campaign = station.load()
    (released,) = station.release()
    station.killed_at(place, lambda: station.dial(released))
    assert station.release() == ()
    station.pass_time(RELEASE_LEASE_S)

    station.dial_all()
    station.dial(released)  # the queue delivers the first message once more

    assert station.counts(campaign).charged == 1
    assert station.provider.verdict()["connects"] == 1


def test_w1_a_contact_is_free_again_within_fifteen_seconds(station):
    station.load()
    (released,) = station.release()
    station.killed_at("dequeued", lambda: station.dial(released))

    station.pass_time(15)

    assert len(station.release()) == 1


@pytest.mark.parametrize("place", ["gate_passed", "journaled"])
def test_w2_an_intent_without_a_request_is_charged_and_dialled_anew_after_quarantine(
    station, place
):
    campaign = station.load()
    (released,) = station.release()
    station.killed_at(place, lambda: station.dial(released))
    station.pass_time(LOST_S)
    station.sweep()
    (attempt,) = station.attempts(campaign)
    assert (attempt.state, station.counts(campaign).charged) == (AttemptState.UNKNOWN, 1)
    assert station.release() == ()  # both numbers are held
    station.pass_time(QUARANTINE_S - LOST_S - 10)
    station.sweep()
    assert station.release() == ()

    counts = station.finish(campaign)

    assert counts.outcomes == {"connected": 1}
    assert [str(one.outcome) for one in station.attempts(campaign)] == ["unknown", "connected"]
    assert counts.charged == 2
    verdict = station.provider.verdict()
    assert (verdict["connects"], verdict["attempts_posted_twice"]) == (1, [])


@pytest.mark.parametrize("place", ["sent", "answered"])
def test_w3_w4_a_call_whose_worker_died_is_found_and_never_placed_twice(station, place):
    campaign = station.load()
    (released,) = station.release()
    station.killed_at(place, lambda: station.dial(released))

    counts = station.finish(campaign)

    (attempt,) = station.attempts(campaign)
    (call,) = station.provider.ledger("calls")
    assert (attempt.sid, str(attempt.outcome)) == (call["sid"], "connected")
    assert counts.charged == 1


def test_w3_a_request_that_may_have_left_is_not_sent_again_in_quarantine(station):
    campaign = station.load()
    (released,) = station.release()
    station.killed_at("journaled", lambda: station.dial(released))
    station.pass_time(QUARANTINE_S / 2)

    station.dial_all()

    assert station.counts(campaign).charged == 1
    assert station.provider.verdict()["calls"] == 0
    assert station.finish(campaign).outcomes == {"connected": 1}


def test_w3_a_dead_workers_slot_is_free_when_its_request_can_no_longer_be_counted(station):
    campaign = station.load()
    (released,) = station.release()
    station.killed_at("sent", lambda: station.dial(released))
    (id_,) = (str(one.id) for one in station.open_attempts(campaign))
    slots, allowance = station.db.key("slots"), station.wiring.allowance
    leased_until = station.client.zscore(slots, id_)

    station.pass_time(1)
    station.wiring.host_recovery.tick()

    until = station.client.zscore(slots, id_)
    assert until == pytest.approx(station.db.now() + allowance.kept_without_answer_s, abs=0.01)
    assert until < leased_until
    station.pass_time(10)
    station.wiring.host_recovery.tick()
    assert station.client.zscore(slots, id_) == until


def test_w6_a_worker_that_stands_still_is_not_taken_for_dead(station):
    campaign = station.load()
    (released,) = station.release()
    pid = stopped_before_its_request(station, released)
    (id_,) = (str(one.id) for one in station.open_attempts(campaign))
    leased_until = station.client.zscore(station.db.key("slots"), id_)

    station.wiring.host_recovery.tick()
    still_leased_until = station.client.zscore(station.db.key("slots"), id_)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)

    assert still_leased_until == leased_until


@pytest.mark.parametrize("place", ["recorded", "dialled"])
def test_w5_a_redelivery_after_recording_changes_nothing(station, place):
    campaign = station.load()
    (released,) = station.release()

    def work() -> None:
        station.dial(released)
        failpoints.reach("dialled")

    station.killed_at(place, work)
    before = station.attempts(campaign)

    station.dial(released)

    assert station.attempts(campaign) == before
    assert station.provider.verdict()["connects"] == 1


def test_w6_a_worker_that_was_stopped_between_gate_and_request_sends_nothing(station):
    campaign = station.load()
    (released,) = station.release()
    pid = stopped_before_its_request(station, released)
    station.pause_for_real(2.2)  # longer than the send window

    os.kill(pid, signal.SIGCONT)
    os.waitpid(pid, 0)

    assert station.provider.verdict()["connects"] == 0
    (attempt,) = station.attempts(campaign)
    assert (str(attempt.outcome), attempt.error_code) == ("turned_away", "send_window_passed")
    assert station.counts(campaign).charged == 0


@pytest.mark.parametrize("what", ["pause", "cancel", "hold", "suppress"])
def test_w6_a_worker_that_stands_still_before_its_request_heeds_what_was_stopped_since(
    station, what
):
    campaign = station.load()
    (released,) = station.release()
    pid = stopped_before_its_request(station, released)
    campaigns = station.wiring.campaigns
    match what:
        case "pause":
            campaigns.move(station.campaign(campaign), CampaignState.PAUSED)
        case "cancel":
            campaigns.move(station.campaign(campaign), CampaignState.CANCELLING)
        case "hold":
            station.wiring.holds.set_by_hand("somebody stopped everything")
        case "suppress":
            customer = station.attempts(campaign)[0].customer
            file = io.BytesIO(f"{customer}\n".encode())
            station.wiring.suppressing.add(file, source="test", why="asked not to be called")
    station.pause_for_real(0.6)  # within the send window

    os.kill(pid, signal.SIGCONT)
    os.waitpid(pid, 0)

    assert station.provider.verdict()["connects"] == 0
    (attempt,) = station.attempts(campaign)
    assert (str(attempt.outcome), attempt.error_code) == ("turned_away", "called_off")
    assert station.counts(campaign).charged == 0


def test_w6_a_worker_let_through_at_the_last_moment_sends_nothing_after_closing_time(station):
    station.db.clock_s = START_S + 59.5  # half a second before 13:31 in India
    campaign = station.load(rules=rules(time_limit_s=60, time_out_s=10, hours="09:00-13:31"))
    (released,) = station.release()
    pid = stopped_before_its_request(station, released)
    station.pause_for_real(0.6)  # the send window would let it go

    os.kill(pid, signal.SIGCONT)
    os.waitpid(pid, 0)

    assert station.provider.verdict()["connects"] == 0
    (attempt,) = station.attempts(campaign)
    assert (str(attempt.outcome), attempt.error_code) == ("turned_away", "send_window_passed")


def test_w6_a_worker_that_stood_still_for_a_moment_sends_what_is_still_wanted(station):
    station.load()
    (released,) = station.release()
    pid = stopped_before_its_request(station, released)
    station.pause_for_real(0.1)  # a busy machine makes it longer, and the window is of two seconds

    os.kill(pid, signal.SIGCONT)
    os.waitpid(pid, 0)

    assert station.provider.verdict()["connects"] == 1


def test_w7_a_contact_that_kills_every_worker_is_closed_and_the_others_go_on(station):
    campaign = station.load(3)
    poison = f"{campaign}-2"
    for _ in range(6):
        for released in station.release():
            station.forked(lambda one=released: station.dial(one), place=f"approached:{poison}")
        station.let_calls_end()
        station.pass_time(RELEASE_LEASE_S)

    counts = station.finish(campaign)

    assert counts.outcomes == {"connected": 2, "poison": 1}
    assert station.provider.verdict()["connects"] == 2
    check_conservation(station.db)


def test_w7_contacts_that_wait_for_their_turn_when_the_worker_dies_are_not_to_blame(station):
    campaign = station.load()
    for _ in range(8):
        (released,) = station.release()
        station.killed_at("dequeued", lambda one=released: station.dial(one))
        station.pass_time(RELEASE_LEASE_S)

    assert station.finish(campaign).outcomes == {"connected": 1}


def test_w7_a_worker_that_dies_while_it_waits_for_a_slot_does_not_blame_the_contact(station):
    campaign = station.load()
    station.restart(exotel_rate_limit=1, exotel_rate_window_s=3600)
    station.wiring.pacing.close_for(300)
    for _ in range(6):
        for released in station.release():
            station.forked(lambda one=released: station.dial(one))
        station.pass_time(RELEASE_LEASE_S)
    station.restart()
    station.pass_time(300)

    assert station.finish(campaign).outcomes == {"connected": 1}

"""The rules of pacing one by one, by the real scripts under virtual time."""

import secrets

import pytest

from dialer.agreeing import Agreeing
from dialer.errors import RateFeedback, TurnedAway
from dialer.pacing import SPACING_SLACK_S, Allowance, Pacing
from dialer.settings import read_settings
from dialer.terms import allowance_of, terms_of
from tests.pacing_kit import DialingCampaign, DialRequest, UnspacedAllowance
from tests.virtual_time import START_S, VirtualDatabase

TEN_MINUTES_S = 601  # and a second, so that no rule is asked at its very edge


@pytest.fixture
def pacing(db: VirtualDatabase) -> Pacing:
    return Pacing(db, Allowance())


def taken(pacing: Pacing, *, most: int = 1000) -> int:
    """Take slots until one is refused; without spacing, that is what the allowance has left."""
    members = (secrets.token_hex(8) for _ in range(most))
    return next(n for n, member in enumerate(members) if pacing.take_slot(member) > 0)


################################################################ slots


def test_the_allowance_is_given_out_and_no_more(db):
    pacing = Pacing(db, UnspacedAllowance(requests=7))

    assert taken(pacing) == 7


@pytest.mark.parametrize(
    ("window_s", "margin_s"), [(60, 0.1), (3600, 0.1), (12, 0.1), (6, 0.05), (1, 1 / 120)]
)
def test_a_slot_stays_taken_for_its_window_and_a_margin_after_the_answer(db, window_s, margin_s):
    pacing = Pacing(db, UnspacedAllowance(requests=1, window_s=window_s))
    pacing.take_slot("a")
    pacing.answered("a")
    db.pass_time(window_s + margin_s - 0.001)

    assert pacing.take_slot("b") > 0
    db.pass_time(0.002)
    assert pacing.take_slot("b") == 0


def test_a_member_that_asks_twice_takes_one_slot(db):
    pacing = Pacing(db, UnspacedAllowance(requests=2))

    first, again = pacing.take_slot("a"), pacing.take_slot("a")

    assert (first, again) == (0, 0)
    assert taken(pacing) == 1


def test_a_member_that_asks_again_later_keeps_its_slot_for_a_whole_lease_from_then(db):
    pacing = Pacing(db, UnspacedAllowance(requests=1))
    pacing.take_slot("a")
    db.pass_time(pacing.allowance.lease_s - 1)

    pacing.take_slot("a")
    db.pass_time(pacing.allowance.lease_s - 1)

    assert pacing.take_slot("b") > 0


def test_a_member_whose_slot_ran_out_takes_a_new_one(db):
    pacing = Pacing(db, UnspacedAllowance(requests=1))
    pacing.take_slot("a")
    pacing.never_sent("a")

    pacing.take_slot("a")

    assert pacing.take_slot("b") > 0


def test_a_slot_frees_itself_a_window_and_a_margin_after_the_response(db):
    pacing = Pacing(db, UnspacedAllowance(requests=1))
    pacing.take_slot("a")
    db.pass_time(3)
    pacing.answered("a")

    db.pass_time(60.099)
    wait_s = pacing.take_slot("b")
    db.pass_time(0.002)

    assert wait_s == pytest.approx(0.001, abs=1e-4)
    assert pacing.take_slot("b") == 0


def test_a_slot_without_response_is_kept_while_the_request_may_still_travel(db):
    pacing = Pacing(db, UnspacedAllowance(requests=1))
    pacing.take_slot("a")
    pacing.unanswered("a")

    db.pass_time(75.0)
    wait_s = pacing.take_slot("b")
    db.pass_time(0.2)

    assert wait_s > 0
    assert pacing.take_slot("b") == 0


def test_a_request_that_surely_never_left_gives_its_slot_back(db):
    pacing = Pacing(db, UnspacedAllowance(requests=1))
    pacing.take_slot("a")

    pacing.never_sent("a")

    assert pacing.take_slot("b") == 0


def test_the_slot_of_a_dead_owner_frees_itself_when_its_request_can_no_longer_count(db):
    pacing = Pacing(db, UnspacedAllowance(requests=1))
    pacing.take_slot("dead")

    db.pass_time(2 + 45 + 15 + 60)
    wait_s = pacing.take_slot("b")
    db.pass_time(0.2)

    assert wait_s == pytest.approx(0.1, abs=1e-3)
    assert pacing.take_slot("b") == 0


################################################################ spacing


def test_grants_keep_an_even_spacing(db, pacing):
    pacing.take_slot("a")
    db.pass_time(0.3 - SPACING_SLACK_S)
    pacing.take_slot("b")

    wait_s = pacing.take_slot("c")

    assert wait_s == pytest.approx(0.3, abs=1e-3)


def test_a_grant_that_came_late_is_made_up_for_by_the_next_alone(db, pacing):
    pacing.take_slot("a")
    db.pass_time(0.3)  # it might have been 0.25 already: the first one had no predecessor
    pacing.take_slot("late")

    wait_s = pacing.take_slot("next")

    assert wait_s == pytest.approx(0.3 - SPACING_SLACK_S, abs=1e-3)


def test_idle_time_is_no_credit(db, pacing):
    db.pass_time(3600)

    assert taken(pacing) == 1


################################################################ refusals by the provider


def test_a_refusal_closes_the_gate_for_as_long_as_the_provider_says(db, pacing):
    pacing.close_for(30)

    wait_s = pacing.take_slot("a")
    db.pass_time(30)

    assert wait_s == pytest.approx(30)
    assert pacing.take_slot("a") == 0


@pytest.mark.parametrize(
    ("told_s", "closed_s"), [(0, 1), (-5, 1), (0.2, 1), (1, 1), (300, 300), (1e9, 300)]
)
def test_a_wait_beyond_belief_is_clamped_to_one_second_and_five_minutes(pacing, told_s, closed_s):
    pacing.close_for(told_s)

    assert pacing.take_slot("a") == pytest.approx(closed_s)


def test_a_shorter_wait_does_not_open_a_gate_that_is_closed_for_longer(pacing):
    pacing.close_for(120)

    pacing.close_for(1)

    assert pacing.take_slot("a") == pytest.approx(120)


def test_a_refusal_lowers_the_allowance_once_for_each_block(db, pacing):
    for _ in range(18):  # requests under way when the first refusal came
        pacing.close_for(10)

    assert pacing.rate().limit == 196


def test_each_further_block_lowers_the_allowance_again(db):
    pacing = Pacing(db, UnspacedAllowance())
    for _ in range(3):
        pacing.close_for(10)
        db.pass_time(11)

    assert pacing.rate().limit == taken(pacing) == 188


def test_a_lowered_allowance_grows_by_one_every_ten_minutes_and_not_beyond(db, pacing):
    pacing.close_for(10)

    limits = []
    for _ in range(6):
        db.pass_time(TEN_MINUTES_S)
        limits.append(pacing.rate().limit)

    assert limits == [197, 198, 199, 200, 200, 200]


def test_what_has_grown_back_counts_when_the_next_refusal_comes(db, pacing):
    pacing.close_for(10)
    db.pass_time(2 * TEN_MINUTES_S)

    pacing.close_for(10)

    assert pacing.rate().limit == 200 - 2 - 4


def test_refusals_without_end_leave_one_request_and_no_deeper_hole(db):
    pacing = Pacing(db, UnspacedAllowance(requests=5))
    for _ in range(50):
        pacing.close_for(1)
        db.pass_time(2)
    lowest = pacing.rate().limit

    db.pass_time(4 * TEN_MINUTES_S)

    assert (lowest, pacing.rate().limit) == (1, 5)


def test_a_refusal_that_names_no_wait_closes_for_a_minute_then_goes_on_at_half_rate_rising(db):
    pacing = Pacing(db, Allowance())
    pacing.close_for(None)

    closed_s = pacing.take_slot("a")
    spacings_s = []
    for minute in (1, 6, 12):
        db.clock_s = START_S + minute * 60
        pacing.take_slot(f"at {minute}")
        spacings_s.append(pacing.take_slot("next") + SPACING_SLACK_S)

    assert closed_s == pytest.approx(60)
    assert spacings_s == pytest.approx([0.6, 0.45, 0.3], abs=1e-3)


################################################################ a provider out of reach


def test_back_off_doubles_to_a_minute(db, pacing):
    waits_s = []
    for _ in range(9):
        pacing.back_off(None)
        waits_s.append(pacing.take_slot("a"))
        db.pass_time(61)

    assert waits_s == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60, 60])


def test_failures_of_requests_already_under_way_do_not_lengthen_the_back_off(db, pacing):
    for _ in range(18):
        pacing.back_off(None)

    assert pacing.take_slot("a") == pytest.approx(1)


def test_back_off_starts_anew_after_a_placed_call(db, pacing, tmp_path):
    for _ in range(4):
        pacing.back_off(None)
        db.pass_time(61)
    request = gone(DialingCampaign(db, pacing.allowance, tmp_path))

    request.answered()
    pacing.back_off(None)

    assert pacing.take_slot("a") == pytest.approx(1)


def test_a_wait_the_provider_named_is_kept_and_counts_as_no_failure(db, pacing):
    pacing.back_off(20)
    named_s = pacing.take_slot("a")
    db.pass_time(21)

    pacing.back_off(None)

    assert named_s == pytest.approx(20)
    assert pacing.take_slot("a") == pytest.approx(1)


def test_a_provider_out_of_reach_lowers_no_allowance(db, pacing):
    pacing.back_off(None)

    assert pacing.rate().limit == 200


################################################################ headers


def test_requests_of_others_that_the_headers_betray_are_left_room(db):
    pacing = Pacing(db, UnspacedAllowance(requests=10))
    pacing.take_slot("ours")
    pacing.answered("ours")

    pacing.heed(RateFeedback(limit=10, remaining=3))

    assert taken(pacing) == 3


def test_headers_that_promise_more_than_we_know_of_raise_nothing(db):
    pacing = Pacing(db, UnspacedAllowance(requests=10))
    for member in "abcd":
        pacing.take_slot(member)

    pacing.heed(RateFeedback(limit=1000, remaining=1000))

    assert taken(pacing) == 6


def test_the_same_headers_heard_again_take_no_more_room(db):
    pacing = Pacing(db, UnspacedAllowance(requests=10))

    for _ in range(5):
        pacing.heed(RateFeedback(limit=10, remaining=6))

    assert taken(pacing) == 6


@pytest.mark.parametrize("remaining", [0, -7])
def test_headers_that_leave_nothing_stop_the_account_for_a_window(db, remaining):
    pacing = Pacing(db, UnspacedAllowance(requests=10))
    pacing.heed(RateFeedback(limit=10, remaining=remaining))

    stopped = taken(pacing)
    db.pass_time(60.001)

    assert (stopped, taken(pacing)) == (0, 10)


def test_headers_without_remaining_change_nothing(db):
    pacing = Pacing(db, UnspacedAllowance(requests=10))

    pacing.heed(RateFeedback(limit=1, remaining=None))

    assert taken(pacing) == 10


################################################################ look-ups beside dials


def test_look_ups_go_freely_while_no_dial_waits(db, pacing):
    assert pacing.take_slot("look") == 0


def test_a_look_up_lets_waiting_dials_go_first(db, pacing, tmp_path):
    DialingCampaign(db, pacing.allowance, tmp_path).release()

    assert pacing.take_slot("look") > 0


def test_overdue_look_ups_go_before_waiting_dials_at_most_twenty_a_minute(db, pacing, tmp_path):
    DialingCampaign(db, pacing.allowance, tmp_path).release()

    looks = 0
    for _ in range(600):
        looks += pacing.take_slot(secrets.token_hex(8), overdue=True) == 0
        db.pass_time(0.1)

    assert looks == 20


def test_a_refused_overdue_look_up_does_not_use_up_its_turn(db, pacing, tmp_path):
    DialingCampaign(db, pacing.allowance, tmp_path).release()
    pacing.close_for(1)
    refused_s = pacing.take_slot("look", overdue=True)
    db.pass_time(1)

    assert refused_s > 0
    assert pacing.take_slot("look", overdue=True) == 0


def test_a_look_up_waits_while_dialling_is_held_until_the_slots_are_sealed(db, pacing):
    db.client.hset(db.key("account"), "hold", "lost")

    held_s = pacing.take_slot("a")
    db.client.hset(db.key("account"), "sealed", "1")

    assert (held_s, pacing.take_slot("a")) == (1, 0)


@pytest.mark.parametrize(
    ("allowed", "silent_s", "may_go"),
    [(199, 0, False), (199, 19.9, False), (199, 20.5, True), (200, 0, True)],
)
def test_a_look_up_is_refused_while_one_process_with_another_allowance_lives(
    db, allowed, silent_s, may_go
):
    pacing = Pacing(db, allowance_of(read_settings(env_file=None)))
    other = terms_of(read_settings(env_file=None, exotel_rate_limit=allowed))
    Agreeing(db, other, name="host-1").compare()
    db.pass_time(silent_s)

    assert (pacing.take_slot("a") == 0) is may_go


def test_look_ups_and_dials_share_one_allowance(db, tmp_path):
    allowance = UnspacedAllowance(requests=1)
    campaign, pacing = DialingCampaign(db, allowance, tmp_path), Pacing(db, allowance)
    pacing.take_slot("look")
    pacing.answered("look")
    campaign.release()

    assert campaign.dial() is None


def test_look_ups_that_share_no_allowance_take_no_slot(db):
    pacing = Pacing(db, UnspacedAllowance(requests=1, shares_lookups=False))

    waits_s = [pacing.take_slot(f"look{n}") for n in range(5)]
    for n in range(5):
        pacing.answered(f"look{n}")

    assert waits_s == [0] * 5
    assert db.client.zcard(db.key("slots")) == 0


################################################################ dials


def test_a_placed_dial_frees_its_slot_a_window_after_the_response(db, tmp_path):
    allowance = UnspacedAllowance(requests=1)
    request = gone(DialingCampaign(db, allowance, tmp_path))
    db.pass_time(2)

    request.answered()
    db.pass_time(60.099)
    wait_s = Pacing(db, allowance).take_slot("next", overdue=True)
    db.pass_time(0.002)

    assert wait_s > 0
    assert Pacing(db, allowance).take_slot("next", overdue=True) == 0


def test_a_dial_without_response_keeps_its_slot_while_it_may_still_travel(db, tmp_path):
    allowance = UnspacedAllowance(requests=1)
    request = gone(DialingCampaign(db, allowance, tmp_path))

    request.unanswered()
    db.pass_time(75.0)
    wait_s = Pacing(db, allowance).take_slot("next", overdue=True)
    db.pass_time(0.2)

    assert wait_s > 0
    assert Pacing(db, allowance).take_slot("next", overdue=True) == 0


def test_a_dial_over_the_limit_keeps_its_slot_and_closes_the_gate_for_all(db, tmp_path):
    allowance = UnspacedAllowance(requests=1)
    campaign, pacing = DialingCampaign(db, allowance, tmp_path), Pacing(db, allowance)
    campaign.release()

    campaign.dial(TurnedAway("429", wait_s=20, over_limit=True, http_status=429))
    closed_s = pacing.take_slot("next", overdue=True)
    db.pass_time(20)

    assert closed_s == pytest.approx(20)
    assert pacing.take_slot("next", overdue=True) == pytest.approx(40.1)


def test_a_dial_that_surely_never_left_gives_its_slot_back(db, tmp_path):
    allowance = UnspacedAllowance(requests=1)
    campaign = DialingCampaign(db, allowance, tmp_path)
    campaign.release()

    campaign.dial(TurnedAway("the network is down"))
    db.pass_time(1)

    assert Pacing(db, allowance).take_slot("next", overdue=True) == 0


def gone(campaign: DialingCampaign) -> DialRequest:
    campaign.release()
    request = campaign.dial()
    assert request is not None
    return request

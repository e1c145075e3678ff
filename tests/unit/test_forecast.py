"""What binds now, and when it will be done."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.campaign import CampaignState
from campaigns.hours.calling_hours import CallingHours
from campaigns.outlook.binding import binding, in_the_way
from campaigns.outlook.forecast import forecast
from campaigns.outlook.situation import Constraint, Situation

ZONE = ZoneInfo("Asia/Kolkata")
HOURS = CallingHours.parse("09:00-21:00")
NOON = datetime(2026, 11, 23, 12, tzinfo=ZONE)
NIGHT = datetime(2026, 11, 23, 22, tzinfo=ZONE)


def situation(at: datetime = NOON, **facts: object) -> Situation:
    """A running campaign with free agents and work for them, but for the facts given."""
    usual = Situation(
        at=at,
        zone=ZONE,
        state=CampaignState.RUNNING,
        waiting=600,
        agents_free=5,
        window=HOURS.next_open(at, ZONE),
        requests_last_60_s=200,
    )
    return usual._replace(**facts)


def constraint(now: Situation) -> Constraint | None:
    bound = binding(now)
    return bound.constraint if bound else None


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, Constraint.LIMIT),
        ({"state": CampaignState.LOADING}, Constraint.LOADING),
        ({"state": CampaignState.LOADED}, Constraint.NOT_STARTED),
        ({"state": CampaignState.PAUSED}, Constraint.PAUSED),
        ({"redis_refuses": "out of memory"}, Constraint.REDIS_REFUSES),
        ({"redis_refuses": "out of memory", "feeders": 0}, Constraint.REDIS_REFUSES),
        ({"feeders": 0}, Constraint.NO_FEEDER),
        ({"workers": 0}, Constraint.NO_WORKER),
        ({"settings_differ": "host-2 has another limit"}, Constraint.SETTINGS_DIFFER),
        ({"hold": "Redis lost state"}, Constraint.HOLD),
        ({"stopped": "401"}, Constraint.STOPPED),
        ({"window": None}, Constraint.HOURS),
        ({"capped_until": NOON + timedelta(hours=12)}, Constraint.CAPS),
        ({"blocked_for_s": 12.0}, Constraint.BLOCKED),
        ({"most_calls": 10, "live_calls": 10}, Constraint.CHANNELS),
        ({"agents_free": 0, "agents_taken": 7}, Constraint.AGENTS),
        ({"agents_free": 0, "next_due_at": NOON + timedelta(minutes=5)}, Constraint.RETRY_TIMERS),
        ({"agents_free": 0, "released": 3}, Constraint.LIMIT),
        ({"waiting": 0, "dialing": 3}, Constraint.CALLS),
        ({"waiting": 0, "unresolved": 3}, Constraint.QUARANTINE),
        ({"state": CampaignState.CANCELLING, "dialing": 3}, Constraint.CALLS),
    ],
)
def test_the_first_thing_in_the_way_is_named(facts, expected):
    assert constraint(situation(**facts)) is expected


def test_the_limit_is_called_in_the_way_only_where_it_is_nearly_used():
    near, far = (binding(situation(requests_last_60_s=sent)) for sent in (180, 91))
    assert near.sentence == (
        "Nothing but the request limit: 200 in 60 s, 180 sent in the last minute."
    )
    assert far.sentence == (
        "Nothing is in the way: 91 requests in the last minute, 200 allowed in 60 s."
    )


def test_all_that_is_in_the_way_is_named_in_order():
    now = situation(NIGHT, state=CampaignState.PAUSED, workers=0, blocked_for_s=3.0)

    named = [bound.constraint for bound in in_the_way(now)]

    assert named == [
        Constraint.PAUSED,
        Constraint.NO_WORKER,
        Constraint.HOURS,
        Constraint.BLOCKED,
        Constraint.LIMIT,
    ]


def test_parked_agents_are_named_apart():
    some = binding(situation(agents_free=0, agents_taken=4, agents_parked=1))
    all_ = binding(situation(agents_free=0, agents_taken=4, agents_parked=4))

    assert "1 of them parked" in some.sentence
    assert "missed too many calls" in all_.sentence


def test_agents_that_unresolved_attempts_hold_are_told_of():
    held = binding(situation(agents_free=0, agents_taken=4, unresolved=3))
    usual = binding(situation(agents_free=0, agents_taken=4))

    assert "Unresolved attempts (3) hold their agents" in held.sentence
    assert "nresolved" not in usual.sentence


def test_a_reached_cap_says_when_it_counts_anew_and_the_forecast_begins_there():
    midnight = datetime(2026, 11, 24, tzinfo=ZONE)
    now = situation(capped_until=midnight, capped_by="spend")

    bound, foreseen = binding(now), forecast(now, HOURS)

    assert bound.until == midnight
    assert "spend of the day" in bound.sentence
    assert foreseen.done_at > datetime(2026, 11, 24, 9, tzinfo=ZONE)


def test_an_append_that_broke_off_is_named_once_nothing_else_is_left():
    bound = binding(situation(waiting=0, is_appending=True))

    assert bound.constraint is Constraint.LOADING
    assert "append the same file again" in bound.sentence
    assert constraint(situation(is_appending=True)) is Constraint.LIMIT


@pytest.mark.parametrize("state", [CampaignState.COMPLETED, CampaignState.CANCELLED])
def test_nothing_binds_when_nothing_is_left(state):
    assert binding(situation(state=state, waiting=0)) is None


def test_a_retry_timer_does_not_hide_a_contact_that_is_due_and_waits_for_its_agent():
    now = situation(agents_free=0, agents_taken=1, next_due_at=NOON + timedelta(minutes=5))

    assert constraint(now) is Constraint.AGENTS


def test_outside_hours_the_sentence_says_when_they_open():
    bound = binding(situation(NIGHT))

    assert bound is not None
    assert bound.constraint is Constraint.HOURS
    assert "Tue 24 Nov at 09:00" in bound.sentence


def test_at_the_limit_the_work_left_takes_as_long_as_its_requests():
    foreseen = forecast(situation(waiting=600), HOURS)

    assert foreseen is not None
    assert foreseen.done_at == NOON + timedelta(minutes=3)


def test_retries_to_come_are_reckoned_from_the_attempts_so_far():
    now = situation(waiting=600, attempts_settled=100, contacts_dialled_out=50)

    foreseen = forecast(now, HOURS)

    assert foreseen is not None
    assert foreseen.done_at == NOON + timedelta(minutes=6)
    assert "2.0 attempts" in foreseen.assuming


def test_with_all_agents_taken_the_pace_of_the_last_minute_counts():
    now = situation(waiting=600, agents_free=0, agents_taken=9, requests_last_60_s=20)

    foreseen = forecast(now, HOURS)

    assert foreseen is not None
    assert foreseen.done_at == NOON + timedelta(minutes=30)


def test_a_forecast_rests_outside_calling_hours():
    evening = datetime(2026, 11, 23, 20, 59, tzinfo=ZONE)

    foreseen = forecast(situation(evening, waiting=600), HOURS)

    assert foreseen is not None
    assert foreseen.done_at == datetime(2026, 11, 24, 9, 2, tzinfo=ZONE)


def test_nothing_is_done_before_the_last_retry_is_due():
    last_due_at = NOON + timedelta(hours=2)

    foreseen = forecast(situation(waiting=1, last_due_at=last_due_at), HOURS)

    assert foreseen is not None
    assert foreseen.done_at == last_due_at
    assert "the last contact that waits for its time is due" in foreseen.assuming
    assert "pace" not in foreseen.assuming


@pytest.mark.parametrize("facts", [{"state": CampaignState.PAUSED}, {"hold": "x"}, {"workers": 0}])
def test_what_only_a_person_can_end_has_no_forecast(facts):
    assert forecast(situation(**facts), HOURS) is None


counts = st.integers(0, 100_000)
situations = st.builds(
    Situation,
    at=st.integers(0, 525_600).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    zone=st.just(ZONE),
    state=st.sampled_from(CampaignState),
    waiting=counts,
    released=st.integers(0, 20),
    dialing=counts,
    unresolved=counts,
    window=st.just(HOURS.next_open(NOON, ZONE)) | st.none(),
    agents_free=st.integers(0, 5),
    agents_taken=st.integers(0, 5),
    feeders=st.integers(0, 1),
    workers=st.integers(0, 1),
    requests_last_60_s=st.integers(0, 200),
    attempts_settled=counts,
    contacts_dialled_out=counts,
)


@given(situations)
def test_a_running_campaign_with_work_always_has_an_answer_to_why(now):
    running = now._replace(state=CampaignState.RUNNING)

    assert (binding(running) is not None) == bool(running.left or running.is_appending)


@given(situations)
def test_a_forecast_lies_in_the_future_and_names_what_it_assumes(now):
    foreseen = forecast(now, HOURS)

    assert foreseen is None or (foreseen.done_at >= now.at and foreseen.assuming)

"""A day's figures add up attempt by attempt, and are compared with the same span of other days."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from campaigns.attempt import AttemptState, Outcome
from campaigns.day_figures import QUARTER_S, DayFigures, compared
from tests.factories import attempt

DELHI = ZoneInfo("Asia/Kolkata")
NOON = datetime(2027, 1, 20, 12, 10, tzinfo=DELHI)


def quarter(at: datetime) -> int:
    return int(at.timestamp() // QUARTER_S)


def test_an_attempt_adds_nothing_before_it_has_ended_and_what_changes_after():
    placed = attempt(state=AttemptState.PLACED, sid="s")
    done = placed._replace(state=AttemptState.SETTLED, outcome=Outcome.CONNECTED, talk_s=30)
    priced = done._replace(price="1.50")
    missed = priced._replace(outcome=Outcome.CUSTOMER_BUSY)

    assert DayFigures.of(placed) == DayFigures()
    assert DayFigures.of(done).since(DayFigures.of(placed)) == {
        "calls": 1,
        "answered": 1,
        "connected": 1,
        "talk_s": 30,
    }
    assert DayFigures.of(priced).since(DayFigures.of(done)) == {"spend": 1.5}
    assert DayFigures.of(missed).since(DayFigures.of(priced)) == {"connected": -1, "talk_s": -30}
    turned_away = attempt(state=AttemptState.SETTLED, outcome=Outcome.TURNED_AWAY, sid=None)
    assert DayFigures.of(turned_away) == DayFigures()


def test_today_is_compared_up_to_the_same_time_of_the_zones_day():
    one = DayFigures(calls=1)
    at = {
        "today, first": NOON.replace(hour=0, minute=0),
        "today, now": NOON,
        "yesterday, late": NOON - timedelta(days=1) + timedelta(hours=3),
        "yesterday, by now": NOON - timedelta(days=1, hours=2),
        "four days ago": NOON - timedelta(days=4, hours=1),
        "four days ago, again": NOON - timedelta(days=4, hours=2),
        "eight days ago": NOON - timedelta(days=8, hours=1),
    }
    found = compared({quarter(when): one for when in at.values()}, NOON)

    assert found.day.now.calls == 2
    assert found.day.yesterday.calls == 1
    assert found.day.usual == DayFigures(calls=1.5)  # of the two days on which there were calls
    assert found.hour.now.calls == 1
    assert found.hour.usual is None


def test_nothing_is_usual_before_there_were_calls():
    assert compared({}, NOON.astimezone(UTC)).day.usual is None

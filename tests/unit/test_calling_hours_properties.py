"""What holds for any hours, at any instant, in any zone."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from campaigns.hours.calling_hours import CallingHours
from tests.opening import may_call_at, open_window

MINUTE = timedelta(minutes=1)
SEARCHED_MIN = 2 * 24 * 60

# Changes of 60 and 30 minutes, at two o'clock, at midnight and around it, and none at all.
CLOCK_CHANGES = {
    "Asia/Kolkata": [date(2026, 3, 1)],
    "America/New_York": [date(2026, 3, 8), date(2026, 11, 1)],
    "Australia/Lord_Howe": [date(2026, 4, 5), date(2026, 10, 4)],
    "America/Havana": [date(2026, 3, 8), date(2026, 11, 1)],
    "America/Nuuk": [date(2026, 3, 28), date(2026, 10, 24)],
    "Asia/Beirut": [date(2026, 3, 29), date(2026, 10, 25)],
    "Atlantic/Azores": [date(2026, 3, 29), date(2026, 10, 25)],
    "Pacific/Chatham": [date(2026, 4, 5), date(2026, 9, 27)],
}


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


# Most windows are drawn around the hours in which clocks are changed.
minutes = st.integers(0, 287).map(lambda n: n * 5) | st.integers(0, 240)
windows = (
    st.tuples(minutes, minutes)
    .filter(lambda pair: pair[0] != pair[1])
    .map(lambda pair: f"{clock(pair[0])}-{clock(pair[1])}")
)
day_texts = st.lists(windows | st.just("00:00-24:00"), min_size=1, max_size=3).map(",".join)
weeks = st.dictionaries(
    st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), day_texts, min_size=1
).map(lambda days: "; ".join(f"{day} {hours}" for day, hours in days.items()))


@st.composite
def places(draw):
    """A zone and an instant, mostly near one of the zone's clock changes."""
    name = draw(st.sampled_from(sorted(CLOCK_CHANGES)))
    midnight = datetime.combine(
        draw(st.sampled_from(CLOCK_CHANGES[name])), datetime.min.time(), tzinfo=ZoneInfo(name)
    )
    moved = timedelta(minutes=draw(st.integers(-36 * 60, 36 * 60)))
    return midnight.astimezone(UTC) + moved, ZoneInfo(name)


@st.composite
def hours_at_a_place(draw):
    at, zone = draw(places())
    near = [at.astimezone(zone).date() + timedelta(days=n) for n in range(-2, 3)]
    days_off = draw(st.frozensets(st.sampled_from(near), max_size=2))
    return CallingHours.parse(draw(weeks | day_texts)).without(days_off), at, zone


def the_local_clock_allows(hours: CallingHours, at: datetime, zone: ZoneInfo) -> bool:
    local = at.astimezone(zone)
    minute = local.hour * 60 + local.minute
    spans = hours.week[local.weekday()]
    return local.date() not in hours.dates_off and any(
        span.opens_min <= minute < span.closes_min for span in spans
    )


def is_shown_twice(at: datetime, zone: ZoneInfo) -> bool:
    local = at.astimezone(zone)
    return local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()


@given(weeks, st.frozensets(st.dates(date(2020, 1, 1), date(2035, 1, 1)), max_size=6))
def test_written_hours_are_read_as_the_same_hours(text, days_off):
    hours = CallingHours.parse(text).without(days_off)

    assert CallingHours.parse(str(hours)) == hours


@given(weeks | day_texts)
def test_windows_of_a_day_are_apart_and_in_order(text):
    for spans in CallingHours.parse(text).week:
        edges = [edge for span in spans for edge in (span.opens_min, span.closes_min)]

        assert all(earlier < later for earlier, later in pairwise(edges))


@given(hours_at_a_place())
def test_a_call_may_start_only_when_the_local_clock_allows_it(case):
    hours, at, zone = case

    may_call = may_call_at(hours, at, zone)

    if may_call:
        assert the_local_clock_allows(hours, at, zone)
    elif not is_shown_twice(at, zone):
        assert not the_local_clock_allows(hours, at, zone)


@given(hours_at_a_place())
def test_the_next_window_is_the_earliest_in_which_a_call_may_start(case):
    hours, at, zone = case

    opened = hours.next_open(at, zone)

    steps = (at + n * MINUTE for n in range(SEARCHED_MIN))
    earliest_at = next((step for step in steps if may_call_at(hours, step, zone)), None)
    if opened is None or opened.from_at >= at + SEARCHED_MIN * MINUTE:
        assert earliest_at is None
    else:
        assert earliest_at == max(at, opened.from_at)


@given(hours_at_a_place())
def test_a_window_is_open_to_its_last_instant_and_closed_on_both_sides(case):
    hours, at, zone = case

    opened = open_window(hours, at, zone)

    assert (opened is not None) == may_call_at(hours, at, zone)
    if opened is not None and opened.until_at - opened.from_at < timedelta(days=7):
        just_before = timedelta(microseconds=1)
        assert may_call_at(hours, opened.from_at, zone)
        assert may_call_at(hours, opened.until_at - just_before, zone)
        assert not may_call_at(hours, opened.from_at - just_before, zone)
        assert not may_call_at(hours, opened.until_at, zone)

"""How agents spent their time: second by second, whatever the calls, breaks and hours."""

from hypothesis import given
from hypothesis import strategies as st

from campaigns.attempt import Attempt, AttemptState, Outcome, attempt_columns
from campaigns.contact_state import ContactState
from campaigns.reports.figures import Counting
from campaigns.reports.occupancy import Presences, There, WrapUp, within
from campaigns.reports.sums import shift_sum
from tests.factories import attempt
from tests.unit.test_report_figures import ZONE

AS_OF = 2_000
AGENT = "+919000000001"


def call(at: int, held: int, *, talk: int | None = None, **more) -> Attempt:
    plain = {
        "state": AttemptState.SETTLED,
        "outcome": Outcome.CONNECTED if talk else Outcome.CUSTOMER_BUSY,
        "talk_s": talk,
        "requested_at": at + 0.4,
        "settled_at": at + held + 0.3,
        "agent": AGENT,
    }
    return attempt(**(plain | more))


def counted(calls, presences, *, at_once: bool = True):
    counting = Counting(ZONE, presences)
    for some in [calls] if at_once else [[one] for one in calls]:
        states, ends = [ContactState.WAITING] * len(some), [None] * len(some)
        counting.add(states, ends, [1] * len(some), attempt_columns(some))
        if not at_once:
            counting.figures()
    return counting.figures()


def times(calls, presences):
    return counted(calls, presences).times[AGENT]


def there(on, breaks=(), **more) -> Presences:
    return Presences(There(on, breaks), as_of=AS_OF, **more)


def test_a_shift_is_talk_wait_wrap_up_break_and_idle():
    calls = [call(100, 60, talk=30), call(200, 20)]
    presences = there([(0, 500), (600, 1000)], [(500, 600)], wrap_up=WrapUp(10))

    found = times(calls, presences)

    assert found._asdict() == {
        "talk_s": 30,
        "wait_s": 50,
        "wrap_up_s": 20,
        "break_s": 100,
        "idle_s": 800,
        "shift_s": 1000,
    }
    assert found.share == 100 / 900


def test_a_call_that_goes_on_into_a_break_is_no_break_and_one_after_the_shift_is_shift():
    presences = there([(0, 100)], [(100, 200)], wrap_up=WrapUp(10))

    into_break = times([call(90, 50, talk=40)], presences)
    assert (into_break.break_s, into_break.idle_s, into_break.shift_s) == (50, 90, 200)
    beyond = times([call(195, 50, talk=40)], presences)
    assert (beyond.break_s, beyond.shift_s) == (95, 255)


def test_a_wrap_up_that_waits_for_a_disposition_ends_with_it_or_with_its_longest():
    presences = there([(0, 1000)], wrap_up=WrapUp(10, 100))

    said = times([call(0, 50, talk=40, disposition="sale", disposition_at=80.5)], presences)
    early = times([call(0, 50, talk=40, disposition="sale", disposition_at=52.0)], presences)
    never = times([call(0, 50, talk=40)], presences)
    assert [one.wrap_up_s for one in (said, early, never)] == [30, 10, 100]
    assert times([call(0, 50)], presences).wrap_up_s == 10


def test_what_is_under_way_ends_with_the_report_and_nobody_rests_beyond_it():
    presences = there([(0, AS_OF)], wrap_up=WrapUp(100))
    live = call(1_900, 0, state=AttemptState.PLACED, outcome=None, settled_at=None)

    assert times([live], presences).wait_s == 100
    assert times([call(1_900, 50)], presences).wrap_up_s == 50


def test_a_call_that_never_rang_is_not_rested_after():
    assert times([call(10, 5, sid=None)], there([(0, 100)], wrap_up=WrapUp(50))).wrap_up_s == 0


def test_calls_that_overlap_are_lived_twice_and_the_sum_holds():
    calls = [call(0, 100, talk=50), call(50, 100, talk=50)]
    figures = counted(calls, there([(0, 120)]))

    assert shift_sum(figures).difference == 0
    assert figures.times[AGENT].idle_s == 0


def test_parts_of_spans_within_windows_are_given_in_order():
    assert within([(0, 10), (20, 30)], [(25, 40), (5, 22)]) == [(5, 10), (20, 22), (25, 30)]


spans = st.lists(st.integers(0, 300), min_size=0, max_size=8, unique=True).map(sorted)
lengths = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6)


@given(lengths, spans, st.integers(0, 30))
def test_each_second_is_counted_once_as_what_it_was(lengths, edges, rest_s):
    calls, at = [], 0
    for free_s, held_s in lengths:
        calls.append(call(at + free_s, held_s, talk=held_s // 2 or None))
        at += free_s + held_s + rest_s
    on = [*zip(edges[::2], edges[1::2], strict=False)]
    breaks = [*zip(edges[1::2], edges[2::2], strict=False)]
    presences = there(on, breaks, wrap_up=WrapUp(rest_s))
    model = {"on": 0, "break": 0, "busy": 0}
    spoken = [(int(one.requested_at), int(one.settled_at) + rest_s) for one in calls]
    for second in range(700):
        if any(a <= second < b for a, b in spoken):
            model["busy"] += 1
        elif any(a <= second < b for a, b in on):
            model["on"] += 1
        elif any(a <= second < b for a, b in breaks):
            model["break"] += 1

    figures = counted(calls, presences)

    assert shift_sum(figures).difference == 0
    if calls:
        found = figures.times[AGENT]
        assert found.idle_s == model["on"]
        assert found.break_s == model["break"]
        assert found.talk_s + found.wait_s + found.wrap_up_s == model["busy"]
        assert found.shift_s == sum(model.values())
        assert counted(calls, presences, at_once=False).times == figures.times

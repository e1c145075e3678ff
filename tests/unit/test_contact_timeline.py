"""A contact's story: what causes what goes before it, and nothing stands there raw."""

from hypothesis import given
from hypothesis import strategies as st

from workers.web.contact_timeline import Event, _window, in_order

CAUSES = ("requested", "agent_answered", "customer_answered", "ended")


def told(*events: tuple[str, float]) -> list[str]:
    return [one.what for one in in_order(Event(at, what, "") for what, at in events)]


def test_what_happens_in_one_second_is_told_in_the_order_of_its_causes():
    in_a_second = (("settled", 100.4), ("ended", 100.0), ("customer_answered", 100.0))

    order = told(*in_a_second, ("agent_answered", 100.0), ("requested", 100.7))

    assert order == [*CAUSES, "settled"]


def test_a_provider_s_clock_that_is_behind_does_not_turn_causes_round():
    assert told(("requested", 160.9), ("customer_answered", 52.0), ("settled", 170.0)) == [
        "requested",
        "customer_answered",
        "settled",
    ]


@given(st.lists(st.floats(0, 1e6), min_size=4, max_size=4))
def test_a_call_s_causes_keep_their_order_and_never_go_back_in_time(stamps):
    events = in_order(Event(at, what, "") for what, at in zip(CAUSES, stamps, strict=True))

    assert tuple(one.what for one in events) == CAUSES
    assert [one.at for one in events] == sorted(one.at or 0 for one in events)


def test_the_hours_a_request_was_inside_of_are_written_for_people():
    same_day = _window("2026-11-21T09:00+0530/2026-11-21T21:00+0530 Asia/Kolkata")
    week = _window("2026-11-21T00:00+0530/2026-11-28T00:00+0530 Asia/Kolkata")

    assert same_day == "from 21 Nov, 09:00 to 21:00 (Asia/Kolkata)"
    assert week == "from 21 Nov, 00:00 to 28 Nov, 00:00 (Asia/Kolkata)"
    assert _window("something else") == "something else"

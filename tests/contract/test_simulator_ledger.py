"""The ledger answers the judge's questions, whatever came in."""

from urllib.parse import urlencode

from hypothesis import given
from hypothesis import strategies as st

from dialer.simulator.exchange import Call
from dialer.simulator.fates import Course, Fate
from dialer.simulator.ledger import ConnectEntry, Ledger
from dialer.simulator.parameters import ConnectRequest
from tests.contract.simulator_kit import AGENT, CUSTOMER, FORM


def call(sid: str, *, agent=AGENT, customer=CUSTOMER, placed_at_s=0.0, ends_at_s=60.0) -> Call:
    request = ConnectRequest(
        agent=agent,
        customer=customer,
        caller_id="08000004890",
        time_limit_s=600,
        time_out_s=30,
        max_retries=0,
        record=False,
        custom_field=None,
        status_callback=None,
        events=frozenset(),
        callback_as_json=True,
    )
    course = Course(
        fate=Fate.AGENT_BUSY,
        ends_s=60,
        agent_answers_s=None,
        customer_answers_s=None,
        agent_rings=1,
        status="busy",
        agent_status="busy",
        customer_status=None,
    )
    return Call(
        serial=0,
        sid=sid,
        request=request,
        course=course,
        placed_at_s=placed_at_s,
        agent_answers_at_s=None,
        customer_answers_at_s=None,
        ends_at_s=ends_at_s,
        values_at_s=ends_at_s,
        host_url="http://127.0.0.1",
    )


def ledger_with(*calls: Call) -> Ledger:
    ledger = Ledger(window_s=60)
    for each in calls:
        ledger.note_call(ConnectEntry(each.placed_at_s), each)
    return ledger


def post(
    ledger: Ledger, *, status: int | None = 200, refused: bool = False, **changes: str
) -> None:
    entry = ledger.open_connect(0.0)
    ledger.note_body(entry, urlencode(FORM | changes).encode())
    ledger.close_connect(entry, status=status, refused=refused)


@given(arrivals=st.lists(st.integers(0, 500), max_size=80).map(sorted), window_s=st.integers(1, 99))
def test_the_peak_is_the_fullest_half_open_window(arrivals, window_s):
    ledger = Ledger(window_s=window_s)
    for at_s in arrivals:
        ledger.arrive(at_s)

    counts = [sum(end - window_s < other <= end for other in arrivals) for end in arrivals]
    assert ledger.verdict(0.0)["peak_in_window"] == max(counts, default=0)


def test_two_live_calls_of_one_customer_overlap():
    ledger = ledger_with(
        call("a", agent="+919000000001"), call("b", agent="+919000000002", placed_at_s=59.9)
    )

    assert [tuple(overlap) for overlap in ledger.overlaps] == [(CUSTOMER[-10:], "a", "b")]


def test_a_call_that_begins_when_the_last_one_ends_does_not_overlap():
    ledger = ledger_with(call("a", ends_at_s=60.0), call("b", placed_at_s=60.0, ends_at_s=90.0))

    assert ledger.overlaps == []


def test_one_phone_is_one_phone_in_either_role_and_in_any_spelling():
    ledger = ledger_with(
        call("a", agent="+919000000001", customer="+919876543201"),
        call("b", agent="09876543201", customer="+919876543299", placed_at_s=1.0),
    )

    assert [overlap.number for overlap in ledger.overlaps] == ["9876543201"]


def test_a_short_call_inside_a_long_one_does_not_hide_the_long_one():
    ledger = ledger_with(
        call("long", customer="+919876543201", ends_at_s=100.0),
        call("short", customer="+919876543202", placed_at_s=10.0, ends_at_s=20.0),
        call("late", customer="+919876543203", placed_at_s=50.0, ends_at_s=60.0),
    )

    pairs = {(overlap.first_sid, overlap.second_sid) for overlap in ledger.overlaps}
    assert pairs == {("long", "short"), ("long", "late")}


def test_an_attempt_sent_again_after_a_plain_no_was_not_posted_twice():
    ledger = Ledger(window_s=60)

    post(ledger, status=429, refused=True)
    post(ledger)

    assert (ledger.posted_twice, ledger.reposts_after_refusal) == ([], 1)


def test_an_attempt_sent_again_after_silence_was_posted_twice():
    ledger = Ledger(window_s=60)

    post(ledger, status=None)
    post(ledger)

    assert ledger.posted_twice == ["attempt-1"]


def test_the_callback_path_tells_an_attempt_as_well():
    ledger = Ledger(window_s=60)

    post(ledger, CustomField="one", StatusCallback="http://one.invalid/cb/1")
    post(ledger, CustomField="two", StatusCallback="http://two.invalid/cb/1")

    assert ledger.posted_twice == ["two"]


def test_a_request_without_both_limits_is_reported():
    ledger = Ledger(window_s=60)

    post(ledger, CustomField="one")
    post(ledger, CustomField="two", TimeOut="")
    post(ledger, CustomField="three", TimeLimit="")

    assert ledger.requests_missing_limits == 2


def test_a_verdict_over_100_000_calls_counts_the_live_ones():
    calls = [call(str(n), placed_at_s=n, ends_at_s=n + 0.5) for n in range(100_000)]
    ledger = ledger_with(*calls)

    verdict = ledger.verdict(99_999.0)

    assert (verdict["calls"], verdict["calls_live"]) == (100_000, 1)
    assert verdict["overlapping_calls"] == []

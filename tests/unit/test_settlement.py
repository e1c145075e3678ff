"""What the provider reports of a call, in any order and number, makes one and the same attempt."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.attempt import (
    Attempt,
    AttemptState,
    CallReport,
    LegReport,
    Outcome,
    ReportSource,
)
from campaigns.numbers.mask import FORGOTTEN
from campaigns.settlement import (
    NUMBERS_DIFFER,
    OPERATOR,
    Answer,
    Conflict,
    Told,
    given_up,
    outcome_of,
    overall_outcome,
    proven,
    settled,
    told,
)
from campaigns.settlement import answered as after_answer
from tests.factories import answered, attempt, details, four_fields, terminal

AT_S = 1_800_000_200.0
PLACING = attempt(state=AttemptState.PLACING, sid=None, sid_is_proven=False, version=1)
LEGAL_TRANSITIONS: dict[AttemptState, frozenset[AttemptState]] = {
    AttemptState.PLACING: frozenset(
        {AttemptState.PLACED, AttemptState.UNKNOWN, AttemptState.SETTLED}
    ),
    AttemptState.UNKNOWN: frozenset({AttemptState.PLACED, AttemptState.SETTLED}),
    AttemptState.PLACED: frozenset({AttemptState.SETTLED}),
    AttemptState.SETTLED: frozenset(),
}
LEGS = [
    ("completed", "completed", 30),
    ("completed", "busy", 0),
    ("completed", "no-answer", 0),
    ("completed", "failed", None),
    ("completed", "canceled", 0),
    ("no-answer", None, None),
    ("busy", None, None),
    ("failed", None, None),
    ("completed", None, None),
    (None, None, None),
]


def learnt(start: Attempt, reports: list[CallReport], *, at: float = AT_S) -> Attempt:
    """Tell an attempt all of these, one after the other."""
    for report in reports:
        match told(start, report, at=at):
            case Told(after, _):
                start = after
            case Conflict(why):
                raise AssertionError(why)
    return start


@given(
    legs=st.sampled_from(LEGS),
    mess=st.lists(st.integers(0, 3), max_size=8),
    start=st.sampled_from([PLACING, attempt(), PLACING._replace(state=AttemptState.UNKNOWN)]),
)
def test_order_and_number_of_a_calls_callbacks_do_not_matter(legs, mess, start):
    agent_status, customer_status, talk_s = legs
    told_of = [
        *([answered("s1", 1, at_s=1_800_000_040)] if agent_status == "completed" else []),
        *([answered("s1", 2, at_s=1_800_000_070)] if customer_status == "completed" else []),
        terminal(
            "s1",
            agent_status=agent_status,
            customer_status=customer_status,
            talk_s=talk_s,
            total_s=45,
            price=Decimal("1.5"),
        ),
        four_fields("s1"),
    ]
    in_order = proven(learnt(start, told_of), "s1", at=AT_S)
    mess = [at for at in mess if at < len(told_of)]

    in_a_mess = proven(learnt(start, [told_of[at] for at in mess] + told_of[::-1]), "s1", at=AT_S)

    assert in_a_mess == in_order
    assert in_order.is_settled


@given(legs=st.sampled_from(LEGS), again=st.sampled_from(LEGS))
def test_a_settled_attempt_keeps_its_outcome_whatever_comes_later(legs, again):
    first = terminal("s1", agent_status=legs[0], customer_status=legs[1], talk_s=legs[2])
    later = terminal("s1", agent_status=again[0], customer_status=again[1], talk_s=again[2])
    before = learnt(attempt(), [first])

    after = learnt(before, [later])

    assert (after.state, after.outcome, after.settled_at) == (
        before.state,
        before.outcome,
        before.settled_at,
    )


@given(legs=st.sampled_from(LEGS))
def test_a_repeated_report_is_no_news(legs):
    report = terminal("s1", agent_status=legs[0], customer_status=legs[1], talk_s=legs[2])
    once = learnt(attempt(), [report])

    again = told(once, report, at=AT_S + 60)

    assert again == Told(once, news=False)


@given(reports=st.lists(st.sampled_from(LEGS), min_size=1, max_size=4))
def test_every_change_of_state_is_a_legal_one(reports):
    now = PLACING
    for agent_status, customer_status, talk_s in reports:
        report = terminal(
            "s1", agent_status=agent_status, customer_status=customer_status, talk_s=talk_s
        )
        after = learnt(now, [report])
        assert after.state is now.state or after.state in LEGAL_TRANSITIONS[now.state]
        now = after


################################################################ outcomes


@pytest.mark.parametrize(
    ("agent_status", "customer_status", "talk_s", "outcome"),
    [
        ("completed", "completed", 30, Outcome.CONNECTED),
        ("completed", "completed", 0, Outcome.AGENT_LEFT),
        ("completed", "completed", None, Outcome.CONNECTED),
        ("completed", "busy", 0, Outcome.CUSTOMER_BUSY),
        ("completed", "no-answer", 0, Outcome.CUSTOMER_NO_ANSWER),
        ("completed", "failed", 0, Outcome.CUSTOMER_FAILED),
        ("completed", "canceled", 0, Outcome.AGENT_LEFT),
        ("completed", None, 0, Outcome.CUSTOMER_NOT_DIALLED),
        ("busy", None, None, Outcome.AGENT_BUSY),
        ("no-answer", None, None, Outcome.AGENT_NO_ANSWER),
        ("failed", None, None, Outcome.AGENT_FAILED),
        ("canceled", None, None, Outcome.AGENT_FAILED),
        (None, None, None, Outcome.PROVIDER_FAILED),
        ("odd", "odder", None, Outcome.PROVIDER_FAILED),
    ],
)
def test_the_legs_tell_the_outcome(agent_status, customer_status, talk_s, outcome):
    report = terminal(
        "s1", agent_status=agent_status, customer_status=customer_status, talk_s=talk_s
    )

    assert outcome_of(report) is outcome


def test_the_overall_status_alone_tells_no_outcome():
    assert outcome_of(four_fields("s1", "completed")) is None
    assert outcome_of(four_fields("s1", "busy")) is None


def test_an_ended_call_of_which_one_leg_is_not_told_has_no_outcome_yet():
    ended = terminal("s1", customer_status=None, talk_s=None)

    assert outcome_of(ended._replace(agent_leg=None)) is None
    assert outcome_of(ended._replace(customer_leg=None)) is None


def test_a_call_under_way_has_no_outcome():
    assert outcome_of(answered("s1", 2, at_s=AT_S)) is None


@pytest.mark.parametrize(
    ("status", "talk_s", "outcome"),
    [
        ("completed", None, Outcome.CONNECTED),
        ("completed", 0, Outcome.CUSTOMER_NOT_DIALLED),
        ("busy", None, Outcome.CUSTOMER_BUSY),
        ("no-answer", None, Outcome.CUSTOMER_NO_ANSWER),
        ("failed", None, Outcome.PROVIDER_FAILED),
        (None, None, Outcome.PROVIDER_FAILED),
    ],
)
def test_where_legs_never_come_the_overall_status_must_do(status, talk_s, outcome):
    report = four_fields("s1")._replace(status=status, talk_s=talk_s)

    assert overall_outcome(report) is outcome


################################################################ whose call it is


def test_a_report_of_another_call_is_a_conflict_and_changes_nothing():
    answer = told(attempt(sid="s1"), terminal("s2"), at=AT_S)

    assert isinstance(answer, Conflict)


@pytest.mark.parametrize(
    "known",
    [attempt(), attempt(sid_is_proven=False, state=AttemptState.SETTLED, outcome=Outcome.UNKNOWN)],
)
def test_details_of_another_call_change_nothing_once_a_call_is_proven_or_its_outcome_stands(known):
    assert isinstance(told(known, details("s2"), at=AT_S), Conflict)


def test_a_report_for_an_attempt_that_placed_no_call_is_a_conflict():
    turned_away = settled(PLACING, Outcome.TURNED_AWAY, source="response", at=AT_S)

    assert isinstance(told(turned_away, terminal("s1"), at=AT_S), Conflict)


def test_a_callback_before_the_response_binds_its_call():
    after = learnt(PLACING, [answered("s1", 1, at_s=AT_S)])

    assert (after.state, after.sid) == (AttemptState.PLACED, "s1")


def test_a_callback_leads_a_quarantined_attempt_to_its_call_and_details_settle_it():
    unknown = PLACING._replace(state=AttemptState.UNKNOWN)

    told_of = learnt(unknown, [terminal("s1")])
    after = learnt(told_of, [details("s1")])

    assert (told_of.told_outcome, told_of.sid, told_of.outcome) == (Outcome.CONNECTED, "s1", None)
    assert (after.outcome, after.sid) == (Outcome.CONNECTED, "s1")


################################################################ figures


def test_four_fields_then_details_then_a_repeated_callback_keep_the_final_figures():
    reports = [four_fields("s1"), details("s1"), terminal("s1", total_s=0, price=Decimal(0))]

    after = learnt(attempt(), reports)

    assert (after.outcome, after.total_s, after.price) == (Outcome.CONNECTED, 45, "1.5")


def test_a_late_price_is_filled_in():
    ended = learnt(attempt(), [terminal("s1")])

    after = learnt(ended, [details("s1")])

    assert (ended.price, after.price, after.total_s) == (None, "1.5", 45)


def test_details_that_contradict_are_kept_beside_the_outcome_while_they_may_change():
    ended = learnt(attempt(), [terminal("s1")])

    after = learnt(ended, [details("s1", customer_status="no-answer", talk_s=0)], at=AT_S + 299)

    assert (after.outcome, after.details_outcome, after.talk_s) == (
        Outcome.CONNECTED,
        Outcome.CUSTOMER_NO_ANSWER,
        30,
    )


def test_details_that_contradict_count_once_they_are_final_whatever_callbacks_repeat():
    ended = learnt(attempt(), [terminal("s1")])
    no_answer = details("s1", customer_status="no-answer", talk_s=0)

    after = learnt(ended, [no_answer, terminal("s1"), no_answer], at=AT_S + 300)

    assert (after.outcome, after.first_outcome, after.details_outcome, after.source) == (
        Outcome.CUSTOMER_NO_ANSWER,
        Outcome.CONNECTED,
        None,
        "details",
    )
    assert (after.customer_status, after.talk_s, after.answered_at) == ("no-answer", 0, None)


def test_details_that_return_to_what_was_told_leave_nothing_to_report():
    ended = learnt(attempt(), [terminal("s1")])
    reports = [details("s1", customer_status="busy", talk_s=0), details("s1")]

    after = learnt(ended, reports, at=AT_S + 300)

    assert (after.outcome, after.first_outcome) == (Outcome.CONNECTED, None)


def test_details_that_agree_leave_no_contradiction():
    ended = learnt(attempt(), [terminal("s1"), details("s1", customer_status="busy", talk_s=0)])

    assert learnt(ended, [details("s1")]).details_outcome is None


def test_an_answered_call_was_answered_when_its_talk_began():
    after = learnt(attempt(), [terminal("s1", talk_s=30, ended_at_s=1_800_000_100)])

    assert (after.answered_at, after.ring_s) == (1_800_000_070, 8)


def test_who_answered_as_soon_as_the_agent_spoke_rang_no_second():
    legs = {"agent_leg": LegReport("completed", 30), "customer_leg": LegReport("completed", 30)}

    assert learnt(attempt(), [details("s1", **legs)]).ring_s == 0


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled"])
def test_a_call_nobody_answered_has_no_talk_no_ring_time_and_no_answer(status):
    report = CallReport(
        ReportSource.CALLBACK,
        "s1",
        "completed",
        is_over=True,
        agent_leg=LegReport("completed", on_call_s=20),
        customer_leg=LegReport(status, on_call_s=12),
    )

    after = learnt(attempt(), [report, report])

    assert (after.talk_s, after.ring_s, after.answered_at) == (None, None, None)


@pytest.mark.parametrize("words", [("na", "machine"), ("notsure", "machine"), ("machine", "na")])
def test_who_answered_is_the_surest_word_whenever_it_came(words):
    known = attempt()

    for word in words:
        leg = LegReport("completed", on_call_s=30, answered_by=word)
        match told(known, terminal("s1", customer_leg=leg), at=1_800_000_200.0):
            case Told(known):
                pass

    assert known.answered_by == "machine"


def test_a_callback_before_the_response_does_not_settle_until_the_call_is_proven():
    end = terminal("s1", agent_status="completed", customer_status="busy", talk_s=0)

    before_proof = learnt(PLACING, [end])
    after_proof = proven(before_proof, "s1", at=AT_S)

    assert before_proof.state is AttemptState.PLACED
    assert after_proof.outcome is Outcome.CUSTOMER_BUSY


def test_a_forged_end_before_the_response_counts_for_nothing():
    forged = terminal("forged", agent_status="completed", customer_status="busy", talk_s=0)

    after = proven(learnt(PLACING, [forged]), "s1", at=AT_S)

    assert after == proven(PLACING, "s1", at=AT_S)
    assert not after.is_settled


def test_details_prove_the_call_that_a_forged_callback_hid():
    forged = terminal("forged", agent_status="completed", customer_status="busy", talk_s=0)
    unknown = PLACING._replace(state=AttemptState.UNKNOWN)

    after = learnt(unknown, [forged, details("s1")])

    assert (after.sid, after.is_settled, after.sid_is_proven) == ("s1", True, True)


def test_a_report_between_other_numbers_is_not_about_an_attempt_whose_call_nobody_proved():
    other = details("s1")._replace(agent="09000099999", customer="09000099998")

    unproven = attempt(state=AttemptState.UNKNOWN, sid=None, sid_is_proven=False)

    assert isinstance(told(unproven, other, at=AT_S), Conflict)


@pytest.mark.parametrize("report", [terminal("s1"), details("s1")])
def test_p15_a_sid_the_provider_named_binds_whatever_numbers_are_printed(report):
    other = report._replace(agent="09000099999", customer="XXXXXX9998")

    answer = told(attempt(), other, at=AT_S)

    assert isinstance(answer, Told)
    assert answer.attempt.outcome is Outcome.CONNECTED
    assert answer.attempt.error_code == NUMBERS_DIFFER


def test_p15_numbers_in_another_form_are_no_difference():
    singapore = attempt(agent="+6581234567", customer="+971501234567")
    report = details("s1")._replace(agent="8123 4567", customer="0501234567")

    answer = told(singapore, report, at=AT_S)

    assert isinstance(answer, Told)
    assert answer.attempt.error_code is None


def test_a_purged_attempt_takes_late_figures_and_no_voice():
    purged = told(attempt(), terminal("s1"), at=AT_S).attempt._replace(agent=FORGOTTEN)
    late = details("s1")._replace(agent="09000000001", recording_url="https://r.example.com/1")

    answer = told(purged, late, at=AT_S + 60)

    assert isinstance(answer, Told)
    after = answer.attempt
    assert (after.total_s, after.recording_url, after.error_code) == (45, None, None)


################################################################ nobody tells the end

NEVER_TOLD_OVER = CallReport(ReportSource.DETAILS, "s1", "in-progress")


@pytest.mark.parametrize(
    ("known", "said", "outcome"),
    [
        ({}, {}, Outcome.UNKNOWN),
        ({}, {"total_s": 45, "price": Decimal("1.5")}, Outcome.UNKNOWN),
        ({}, {"talk_s": 12}, Outcome.CONNECTED),
        ({}, {"customer_leg": LegReport("busy")}, Outcome.CUSTOMER_BUSY),
        ({}, {"agent_leg": LegReport("no-answer")}, Outcome.AGENT_NO_ANSWER),
        ({}, {"agent_leg": LegReport("in-progress"), "customer_leg": LegReport("queued")}, Outcome.UNKNOWN),
        ({"told_outcome": Outcome.CUSTOMER_BUSY}, {"talk_s": 12}, Outcome.CUSTOMER_BUSY),
        ({"answered_at": AT_S - 60}, {}, Outcome.CONNECTED),
    ],
)  # fmt: skip
def test_p14_a_call_nobody_tells_to_be_over_ends_by_what_is_known(known, said, outcome):
    after = given_up(attempt(**known), NEVER_TOLD_OVER._replace(**said), at=AT_S)

    assert (after.is_settled, after.outcome, after.error_code) == (True, outcome, "never_over")


def test_p14_figures_of_a_call_nobody_tells_to_be_over_are_kept():
    said = NEVER_TOLD_OVER._replace(total_s=45, price=Decimal("1.5"))

    after = given_up(attempt(), said, at=AT_S)

    assert (after.total_s, after.price, after.source) == (45, "1.5", "quarantine")


def test_k3_details_never_take_the_place_of_what_an_operator_decided():
    decided = settled(attempt(), Outcome.CUSTOMER_NO_ANSWER, source=OPERATOR, at=AT_S)

    after = told(told(decided, details("s1"), at=AT_S + 600).attempt, details("s1"), at=AT_S + 900)

    assert after.attempt.outcome is Outcome.CUSTOMER_NO_ANSWER


################################################################ the answer to its own request


def test_an_answer_with_a_sid_places_the_call():
    after = after_answer(PLACING, Answer(sid="s1", http_status=200), at=AT_S)

    assert (after.state, after.sid, after.sid_is_proven) == (AttemptState.PLACED, "s1", True)


def test_an_answer_that_none_was_placed_settles_and_one_that_says_nothing_is_unknown():
    refused = Answer(outcome=Outcome.TURNED_AWAY, http_status=503, error_code="x")
    ended = after_answer(PLACING, refused, at=AT_S)
    unsure = after_answer(PLACING, Answer(error_code="timeout"), at=AT_S)

    assert (ended.outcome, ended.source, ended.settled_at) == (
        Outcome.TURNED_AWAY,
        "response",
        AT_S,
    )
    assert (unsure.state, unsure.error_code) == (AttemptState.UNKNOWN, "timeout")


@pytest.mark.parametrize("answer", [Answer(outcome=Outcome.TURNED_AWAY), Answer(error_code="x")])
def test_an_answer_without_a_call_changes_nothing_where_a_callback_has_told_of_one(answer):
    assert after_answer(PLACING._replace(sid="s1"), answer, at=AT_S) is None
    assert (
        after_answer(settled(PLACING, Outcome.UNKNOWN, source="x", at=AT_S), answer, at=0) is None
    )


def test_a_talk_longer_than_the_call_puts_no_answer_before_its_request():
    """A simulator's calls pass faster than its stamps: counting back from the end leads too far."""
    hurried = attempt(requested_at=1_800_000_095.0)

    after = learnt(hurried, [terminal("s1", talk_s=90, ended_at_s=1_800_000_100)])

    assert after.talk_s == 90
    assert after.answered_at is not None
    assert hurried.requested_at <= after.answered_at <= 1_800_000_100

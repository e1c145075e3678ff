"""Figures add up for any campaign, in any order, counted in any parts."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.attempt import Attempt, AttemptState, Outcome, attempt_columns
from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState, NotDialled
from campaigns.reports.figures import LIVE, UNRESOLVED, By, Counting, Figures, Standing, Tally
from campaigns.reports.indicators import Figure, kpis
from campaigns.reports.report import make_report
from campaigns.reports.subject import Pace, Subject
from campaigns.reports.sums import contact_fault, differences, identities
from tests.report_samples import AS_OF, START_S, attempt

ZONE = ZoneInfo("Asia/Kolkata")
PACE = Pace(limit=200)


@st.composite
def attempts(draw):
    outcome = draw(st.sampled_from(Outcome))
    return attempt(
        outcome,
        requested_at=START_S + draw(st.integers(0, 200_000)),
        agent=f"+91900000000{draw(st.integers(1, 3))}",
        talk_s=draw(st.one_of(st.none(), st.integers(0, 3600))),
        price=draw(st.none() | st.integers(0, 9_000).map(lambda mills: f"{mills / 1000:.3f}")),
        sid=draw(st.sampled_from([None, "sid"])),
        answered_by=draw(st.sampled_from([None, "human", "machine"])),
        http_status=draw(st.sampled_from([None, 200, 429])),
        is_final=draw(st.booleans()),
        disposition=draw(st.sampled_from([None, "sale", "wrong_number"])),
    )


@st.composite
def contacts(draw):
    """A contact as the store leaves it: state, end and attempts fit together."""
    made = draw(st.lists(attempts(), max_size=3))
    state = draw(st.sampled_from(ContactState))
    end = None
    if state is ContactState.FINAL:
        end = made[-1].outcome if made else draw(st.sampled_from(NotDialled))
    if state is ContactState.DIALING:
        made.append(attempt(None))
    if state is ContactState.UNRESOLVED:
        made.append(attempt(None, state=AttemptState.UNKNOWN, sid=None))
    return state, end, [one._replace(no=no) for no, one in enumerate(made, start=1)]


some_contacts = st.lists(contacts(), max_size=6)


def counted_one_by_one(contacts_) -> Figures:
    counting = Counting(ZONE)
    for state, end, made in contacts_:
        counting.add([state], [end], [len(made)], attempt_columns(made))
    return counting.figures()


def counted(some) -> Figures:
    contacts_ = list(some)
    counting = Counting(ZONE)
    counting.add(
        [state for state, _, _ in contacts_],
        [end for _, end, _ in contacts_],
        [len(made) for _, _, made in contacts_],
        attempt_columns([one for _, _, made in contacts_ for one in made]),
    )
    return counting.figures()


def subject(accepted, **facts) -> Subject:
    return Subject(
        **{
            "campaign": "diwali",
            "campaign_id": "7f3kq2xa",
            "state": CampaignState.COMPLETED,
            "as_of": AS_OF,
            "zone": ZONE,
            "input_hashes": (),
            "rows": accepted,
            "accepted": accepted,
            "rejected": 0,
            "duplicate": 0,
            "pace": PACE,
        }
        | facts
    )


def report(figures):
    sums = identities(
        subject(figures.accepted), figures, charged=figures.total.charged, not_taken=0
    )
    return make_report(subject(figures.accepted), figures, sums, name_agent=str)


def tally_by_hand(one: Attempt) -> Tally:
    connected = one.is_call and one.outcome is Outcome.CONNECTED
    return Tally(
        attempts=1,
        charged=one.is_charged,
        calls=one.is_call,
        agent_answered=one.agent_answered,
        connected=connected,
        machine_answered=connected and one.answered_by == "machine",
        talk_s=(one.talk_s or 0) if connected else 0,
        agent_wait_s=(one.ring_s or 0) if connected else 0,
        price_micros=int(Decimal(one.price or 0) * 1_000_000),
    )


def hour_by_hand(one: Attempt) -> int:
    at = datetime.fromtimestamp(int(one.requested_at), ZONE)
    return int(at.replace(minute=0, second=0).timestamp())


KEYS_BY_HAND = {
    By.AGENT: lambda one: one.agent,
    By.HOUR: hour_by_hand,
    By.ATTEMPT: lambda one: one.no,
    By.OUTCOME: lambda one: (
        one.outcome or (UNRESOLVED if one.state is AttemptState.UNKNOWN else LIVE)
    ),
}


@given(some_contacts)
def test_columns_are_counted_as_attempts_would_be_one_by_one(some):
    of_each = [made for _, _, made in some]
    all_made = [one for made in of_each for one in made]

    figures = counted(some)

    for by, key in KEYS_BY_HAND.items():
        tallies: dict[object, Tally] = {}
        for one in sorted(all_made, key=key):
            tallies.setdefault(key(one), Tally()).add(tally_by_hand(one))
        assert list(figures.tallies(by).items()) == list(tallies.items())
    assert [figures.dialled, figures.tried, figures.agent_ready, figures.reached] == [
        sum(any(getattr(tally_by_hand(one), name) for one in made) for made in of_each)
        for name in ("attempts", "charged", "agent_answered", "connected")
    ]
    assert figures.sent_at.tolist() == sorted(
        one.requested_at
        for one in all_made
        if one.outcome is not Outcome.TURNED_AWAY or one.http_status
    )
    assert figures.turned_away == sum(one.http_status == 429 for one in all_made)
    assert figures.late == sum(
        not one.is_final and (one.total_s is None or one.price is None)
        for one in all_made
        if one.sid and one.outcome
    )
    assert figures.price == sum(Decimal(one.price) for one in all_made if one.price)
    assert figures.billed_s == sum(one.total_s or 0 for one in all_made)


@given(some_contacts)
def test_it_does_not_matter_how_many_contacts_are_counted_at_once(some):
    assert report(counted(some)) == report(counted_one_by_one(some))


@given(some_contacts)
def test_the_sums_hold_for_any_contacts(some):
    figures = counted(some)
    charged = sum(one.is_charged for _, _, made in some for one in made)

    sums = identities(subject(len(some)), figures, charged=charged, not_taken=0)

    assert differences(sums) == []


@given(some_contacts)
def test_every_table_adds_up_to_all_attempts(some):
    made = report(counted(some))

    talked = sum(one.tally.connected for one in made.by_disposition)
    assert talked == made.total.connected == sum(one.tally.calls for one in made.by_disposition)
    for groups in (made.by_agent, made.by_hour, made.by_attempt, made.by_outcome):
        for name in ("attempts", "charged", "calls", "agent_answered", "connected", "talk_s"):
            assert sum(getattr(one.tally, name) for one in groups) == getattr(made.total, name)


@given(some_contacts, st.randoms())
def test_the_order_of_contacts_does_not_matter(some, random):
    shuffled = list(some)
    random.shuffle(shuffled)

    assert report(counted(shuffled)) == report(counted(some))


@given(some_contacts)
def test_each_step_of_the_funnel_holds_the_next(some):
    figures = counted(some)

    assert figures.accepted >= figures.dialled >= figures.agent_ready >= figures.reached
    assert figures.dialled >= figures.tried >= figures.reached
    assert sum(figures.contacts[one] for one in Standing) == figures.accepted


@given(some_contacts)
def test_every_rate_is_its_numerator_over_its_denominator_or_empty(some):
    for figure in kpis(counted(some), PACE):
        if not figure.denominator:
            assert figure.value is None
        else:
            assert figure.value == figure.numerator / figure.denominator


@given(contacts())
def test_a_contact_the_store_left_whole_has_no_fault(contact):
    state, end, made = contact
    charged = sum(one.is_charged for one in made)
    outcomes = [one.outcome for one in made]

    assert contact_fault(state, end, outcomes, made=len(made), charged=charged) is None


@pytest.mark.parametrize(
    ("state", "end", "made", "charged", "fault"),
    [
        (ContactState.WAITING, None, 2, 1, "2 attempts counted, 1 kept"),
        (ContactState.WAITING, None, 1, 0, "0 attempts charged, 1 by their outcomes"),
        (ContactState.DIALING, None, 1, 1, "dialing with 0 attempts under way"),
        (ContactState.FINAL, None, 1, 1, "final with outcome None"),
        (
            ContactState.FINAL,
            Outcome.CUSTOMER_BUSY,
            1,
            1,
            "final as customer_busy, which its last attempt was not",
        ),
    ],
)
def test_a_contact_that_disagrees_with_its_attempts_is_named(state, end, made, charged, fault):
    assert contact_fault(state, end, [Outcome.CONNECTED], made=made, charged=charged) == fault


def test_rates_have_the_denominator_of_their_side():
    figures = counted(
        (ContactState.FINAL, one.outcome, [one])
        for one in (
            attempt(Outcome.CONNECTED),
            attempt(Outcome.CUSTOMER_BUSY),
            attempt(Outcome.CUSTOMER_NOT_DIALLED),
            attempt(Outcome.AGENT_NO_ANSWER),
            attempt(Outcome.UNKNOWN, sid=None),
            attempt(Outcome.TURNED_AWAY),
        )
    )

    found = {one.name: (one.numerator, one.denominator) for one in kpis(figures, PACE)}

    assert found["agent_answer_rate"] == (3, 4)
    assert found["customer_answer_rate"] == (1, 3)
    assert found["connect_rate"] == (1, 4)
    assert found["contact_rate_contacts"] == (1, 6)
    assert found["contact_rate_attempts"] == (1, 3)
    assert found["turned_away_share"] == (1, 6)
    assert found["mean_talk_s"] == (60, 1)


def test_a_machine_counts_as_connected_and_is_told_apart():
    figures = counted([(ContactState.FINAL, Outcome.CONNECTED, [attempt(answered_by="machine")])])

    assert (figures.total.connected, figures.total.machine_answered) == (1, 1)


def test_a_request_whose_connection_never_opened_was_not_sent():
    unsent = attempt(Outcome.TURNED_AWAY, http_status=None)

    figures = counted([(ContactState.WAITING, None, [unsent])])

    assert len(figures.sent_at) == 0


def test_hours_are_the_campaigns_own_even_half_an_hour_apart():
    at_18_15_in_kolkata = attempt(requested_at=START_S)

    made = report(counted([(ContactState.FINAL, Outcome.CONNECTED, [at_18_15_in_kolkata])]))

    assert [group.key for group in made.by_hour] == ["2026-11-23T18:00+05:30"]


@given(st.lists(st.floats(0, 600), max_size=40))
def test_the_busiest_window_is_found_wherever_it_begins(offsets):
    figures = counted(
        (ContactState.FINAL, Outcome.CONNECTED, [attempt(requested_at=one)]) for one in offsets
    )

    by_hand = [sum(begin <= one < begin + 60 for one in offsets) for begin in offsets]
    assert figures.most_requests_in(60) == max(by_hand, default=0)


def test_limit_use_is_empty_where_nobody_knows_or_something_else_bound():
    figures = counted([(ContactState.FINAL, Outcome.CONNECTED, [attempt()])])

    unknown, known, at_once, far_below = (
        next(one for one in kpis(figures, pace) if one.name == "limit_use")
        for pace in (Pace(200), Pace(200, ready_s=0.6), Pace(1, ready_s=0.0), Pace(2, ready_s=0.0))
    )

    assert unknown.value is None
    assert far_below.value is None
    assert at_once == Figure("limit_use", 1.0, 1, 1.0, known.formula)
    assert known == Figure("limit_use", 0.5, 1, 2.0, known.formula)


@pytest.mark.parametrize(
    ("state", "made", "is_final"),
    [
        (CampaignState.COMPLETED, attempt(), True),
        (CampaignState.RUNNING, attempt(), False),
        (CampaignState.COMPLETED, attempt(is_final=False, price=None), False),
    ],
)
def test_a_report_is_final_once_nothing_in_it_can_change(state, made, is_final):
    figures = counted([(ContactState.FINAL, Outcome.CONNECTED, [made])])
    about = subject(1, state=state)
    sums = identities(about, figures, charged=1, not_taken=0)

    assert make_report(about, figures, sums, name_agent=str).is_final is is_final

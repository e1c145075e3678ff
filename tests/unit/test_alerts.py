"""An alert begins once, lasts while it is so, and is over once: whatever comes and goes in between."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.alerts import (
    CLEAR_S,
    LEAST_CALLS,
    AccountNow,
    AlertKind,
    Balance,
    CampaignNow,
    Condition,
    Limits,
    QuietHours,
    conditions,
    judge,
)
from campaigns.campaign import CampaignState

KOLKATA = ZoneInfo("Asia/Kolkata")


def running(**changed) -> CampaignNow:
    return CampaignNow(**{"id": "c", "name": "sale", "state": CampaignState.RUNNING, **changed})


def kinds(now: AccountNow, *standing: AlertKind, limits: Limits = Limits()) -> set[str]:  # noqa: B008
    return {
        one.kind for one in conditions(now, limits, standing={(kind, "c") for kind in standing})
    }


def test_an_account_with_which_nothing_is_the_matter_is_told_of_not_at_all():
    assert conditions(AccountNow(campaigns=[running()]), Limits(), standing=()) == []


@pytest.mark.parametrize(
    ("now", "kind"),
    [
        (AccountNow(held="a backup was restored"), AlertKind.HELD),
        (AccountNow(stopped="401"), AlertKind.STOPPED),
        (AccountNow(capped="the cap on calls"), AlertKind.CAPPED),
        (AccountNow(missing=("worker",)), AlertKind.PROCESS_MISSING),
        (AccountNow(balance=Balance(999.99, "INR")), AlertKind.BALANCE),
        (AccountNow(balance=Balance(-3.5, "")), AlertKind.BALANCE),
        (AccountNow(campaigns=[running(is_due=True)]), AlertKind.NOTHING_DIALLED),
        (AccountNow(campaigns=[running(unresolved=21)]), AlertKind.UNRESOLVED),
        (AccountNow(campaigns=[running(calls=100, connected=14)]), AlertKind.CONNECT_RATE),
        (
            AccountNow(campaigns=[running(state=CampaignState.PAUSED, why="wrong caller id")]),
            AlertKind.PAUSED,
        ),
    ],
)
def test_what_is_the_matter_is_found(now, kind):
    assert kinds(now) == {kind}


def test_a_campaign_that_somebody_paused_is_nobodys_alarm():
    assert kinds(AccountNow(campaigns=[running(state=CampaignState.PAUSED)])) == set()


def test_a_connect_rate_of_few_calls_says_nothing():
    few = running(calls=LEAST_CALLS - 1, connected=0)

    assert kinds(AccountNow(campaigns=[few])) == set()


def test_a_balance_is_low_below_the_rules_own_number_and_over_when_clearly_above():
    limits, stands = Limits(balance=500), {(AlertKind.BALANCE, "")}

    def is_low(amount: float, standing=()) -> bool:
        now = AccountNow(balance=Balance(amount, "INR"))
        return bool(conditions(now, limits, standing=standing))

    assert [is_low(one) for one in (499.99, 500, 549)] == [True, False, False]
    assert [is_low(one, stands) for one in (499.99, 549, 550)] == [True, True, False]


def test_nobody_who_says_nought_is_told_of_a_balance_that_is_used_up():
    spent = AccountNow(balance=Balance(0.0, "INR"))

    assert conditions(spent, Limits(balance=0), standing=()) == []


def test_what_stands_is_over_only_when_it_is_clearly_better():
    nearly = AccountNow(campaigns=[running(unresolved=18, calls=100, connected=16)])

    assert kinds(nearly) == set()
    both = (AlertKind.UNRESOLVED, AlertKind.CONNECT_RATE)
    assert kinds(nearly, *both) == set(both)


def test_nothing_dialled_is_told_when_the_time_has_passed_without_any_attempt():
    def found(attempts):
        now = AccountNow(campaigns=[running(is_due=True, attempts=attempts)])
        return conditions(now, Limits(idle_min=2), standing=())

    waiting = judge(found(5), {}, {}, at=0).waiting
    assert judge(found(5), {}, waiting, at=119).begun == ()
    assert judge(found(6), {}, waiting, at=121).begun == ()
    assert len(judge(found(5), {}, waiting, at=121).begun) == 1


STEPS = st.lists(st.tuples(st.booleans(), st.sampled_from([1.0, 15.0, 59.0, 61.0])), max_size=40)


@given(STEPS, st.sampled_from([0.0, 30.0, 60.0]))
def test_beginnings_and_ends_take_turns_and_each_is_told_once(steps, lasts_s):
    one = Condition(AlertKind.HELD, "", "held", lasts_s)
    standing, waiting, told, at = {}, {}, [], 0.0
    for holds, passes in steps:
        at += passes
        judged = judge([one] if holds else [], standing, waiting, at=at)
        waiting = judged.waiting
        for begun in judged.begun:
            assert holds
            standing[begun.key] = begun.mark
            told.append("begun")
        for key in judged.over:
            assert not holds
            del standing[key]
            told.append("over")

    assert told == ["begun", "over"] * (len(told) // 2) + ["begun"] * (len(told) % 2)


@given(STEPS)
def test_what_is_well_for_less_than_a_minute_at_a_time_is_never_over(steps):
    one = Condition(AlertKind.STOPPED, "", "stopped")
    standing, waiting, at, well_s = {one.key: ""}, {}, 0.0, None
    for holds, passes in steps:
        at += passes
        well_s = None if holds else (at if well_s is None else well_s)
        judged = judge([one] if holds else [], standing, waiting, at=at)
        waiting = judged.waiting

        assert bool(judged.over) == (well_s is not None and at - well_s >= CLEAR_S)
        if judged.over:
            return


@pytest.mark.parametrize(
    ("text", "at", "is_quiet"),
    [
        ("22:00-07:00", "16:29", False),  # 21:59 in Kolkata
        ("22:00-07:00", "16:30", True),
        ("22:00-07:00", "01:29", True),
        ("22:00-07:00", "01:30", False),
        ("13:00-14:00", "07:30", True),
        ("13:00-14:00", "08:30", False),
    ],
)
def test_quiet_hours_are_of_their_zone_and_may_span_midnight(text, at, is_quiet):
    hours, minutes = map(int, at.split(":"))

    hold = QuietHours.parse(text).hold(datetime(2026, 11, 28, hours, minutes, tzinfo=UTC), KOLKATA)

    assert hold is is_quiet


@pytest.mark.parametrize("text", ["22-7", "25:00-07:00", "08:00-08:00", "always", "1:00-2:00-3:00"])
def test_quiet_hours_that_are_none_say_how_they_are_written(text):
    with pytest.raises(ValueError, match="written like 22:00-07:00"):
        QuietHours.parse(text)

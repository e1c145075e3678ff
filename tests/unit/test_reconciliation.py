"""Two sides' books of calls: each call has one verdict."""

from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.reports.reconciliation import OURS, THEIRS, Verdict, reconciled

sids = st.sets(st.integers(1, 30).map(str), max_size=10)
values = st.tuples(
    st.sampled_from(["connected", "customer_busy", None]),
    st.sampled_from([None, 0, 60]),
    st.sampled_from([None, 80]),
    st.sampled_from([None, Decimal("0.65"), Decimal("1.30")]),
)


def side(columns, rows):
    return pd.DataFrame(rows, columns=columns, dtype=object)


def ours(sid="s1", told=("connected", 60, 80, Decimal("0.65")), *, is_final=True):
    return side(OURS, [(sid, "a-1", *told, is_final)])


def theirs(sid="s1", told=("connected", 60, 80, Decimal("0.65"))):
    return side(THEIRS, [(sid, None, *told)])


@given(sids, sids, st.data())
def test_every_call_of_either_side_has_one_verdict(of_ours, of_theirs, data):
    mine = [(sid, f"a-{sid}", *data.draw(values), data.draw(st.booleans())) for sid in of_ours]
    yours = [(sid, None, *data.draw(values)) for sid in of_theirs]

    told = reconciled(side(OURS, mine), side(THEIRS, yours))

    verdicts = dict(zip(told["call_sid"], told["verdict"], strict=True))
    assert sorted(told["call_sid"]) == sorted(of_ours | of_theirs)
    assert {sid for sid, one in verdicts.items() if one == Verdict.MISSING} == of_ours - of_theirs
    assert {sid for sid, one in verdicts.items() if one == Verdict.EXTRA} == of_theirs - of_ours
    assert all(bool(row.differs) == (row.verdict == Verdict.DIFFERENT) for row in told.itertuples())


def test_equal_values_match_however_a_price_is_written():
    told = reconciled(
        ours(told=("connected", 60, 80, Decimal("0.65"))),
        theirs(told=("connected", 60, 80, Decimal("0.650"))),
    )

    assert told["verdict"].tolist() == [Verdict.MATCHED]


def test_every_value_that_differs_is_named():
    told = reconciled(ours(), theirs(told=("customer_busy", 60, 81, Decimal("0.70"))))

    assert told["verdict"].tolist() == [Verdict.DIFFERENT]
    assert told["differs"].tolist() == ["outcome total_s price"]


@pytest.mark.parametrize(
    ("is_final", "verdict"), [(False, Verdict.MATCHED), (True, Verdict.DIFFERENT)]
)
def test_a_value_that_may_still_reach_us_is_no_difference(is_final, verdict):
    told = reconciled(ours(told=("connected", 60, 80, None), is_final=is_final), theirs())

    assert told["verdict"].tolist() == [verdict]


def test_what_the_provider_does_not_tell_is_no_difference():
    told = reconciled(ours(), theirs(told=("connected", None, None, None)))

    assert told["verdict"].tolist() == [Verdict.MATCHED]

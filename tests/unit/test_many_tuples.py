"""Named tuples made, changed and taken apart by the thousand are what each would be by itself."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.many_tuples import apart, made, quickly_changed


class Pair(NamedTuple):
    agent: str
    customer: str = ""


@quickly_changed
class Changed(NamedTuple):
    agent: str
    customer: str = ""


PAIRS = st.lists(st.builds(Pair, st.text(), st.text()))


@given(PAIRS)
def test_what_is_taken_apart_and_made_again_is_the_same(pairs):
    assert list(made(Pair, *apart(Pair, pairs))) == pairs


@given(st.text(), st.text(), st.dictionaries(st.sampled_from(Pair._fields), st.text()))
def test_a_tuple_changed_quickly_is_what_its_own_way_makes_of_it(agent, customer, changed):
    after = Changed(agent, customer)._replace(**changed)

    assert type(after) is Changed
    assert after == Pair(agent, customer)._replace(**changed)


def test_a_field_that_is_not_there_cannot_be_changed():
    with pytest.raises(KeyError, match="caller"):
        Changed("a")._replace(caller="b")

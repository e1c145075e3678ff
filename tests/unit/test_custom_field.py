"""The text that travels with each call."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.custom_field import (
    MAX_CHARACTERS,
    CustomFieldTemplate,
    attempt_id_in,
    custom_field,
)

COLUMNS = ("agent", "customer", "Plan", "City")
ATTEMPT = "7f3kq2xa-42-1-k3x9pq7w2m"


def test_columns_in_braces_are_filled_in_whatever_their_case():
    template = CustomFieldTemplate.parse("{plan}/{ CITY }!", COLUMNS)

    assert template.fill(["a", "b", " gold ", "Pune"]) == "gold/Pune!"


def test_a_column_the_list_does_not_have_is_named_with_those_it_has():
    with pytest.raises(ValueError, match=r"'colour'.*agent, customer, Plan, City"):
        CustomFieldTemplate.parse("{colour}", COLUMNS)


def test_a_cell_that_is_not_there_is_empty():
    assert CustomFieldTemplate.parse("{city}-", COLUMNS).fill(["a"]) == "-"


def test_a_cell_with_braces_is_not_filled_again():
    template = CustomFieldTemplate.parse("{plan}{city}", COLUMNS)

    assert template.fill(["a", "b", "{city}", "Pune"]) == "{city}Pune"


@given(own=st.none() | st.text(max_size=300))
def test_the_attempt_comes_back_whatever_travels_with_it(own):
    sent = custom_field(ATTEMPT, own)

    assert attempt_id_in(sent) == ATTEMPT
    assert len(sent) <= MAX_CHARACTERS
    assert "\n" not in sent

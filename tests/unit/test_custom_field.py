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
from dialer.exotel.request import ConnectRequest

COLUMNS = ("agent", "customer", "Plan", "City")
ATTEMPT = "7f3kq2xa-42-1-k3x9pq7w2m"


def test_columns_in_braces_are_filled_in_whatever_their_case():
    template = CustomFieldTemplate.parse("{plan}/{ CITY }!", COLUMNS)

    assert template.fill(["a", "b", " gold ", "Pune"]) == "gold/Pune!"


def test_a_column_the_list_does_not_have_is_named_with_those_it_has():
    with pytest.raises(ValueError, match=r"'colour'.*agent, customer, Plan, City"):
        CustomFieldTemplate.parse("{colour}", COLUMNS)


def test_of_many_columns_the_first_are_named():
    columns = [f"column {n}" for n in range(200)]

    with pytest.raises(ValueError, match=r"column 19 and 180 more$"):
        CustomFieldTemplate.parse("{colour}", columns)


def test_a_cell_that_is_not_there_is_empty():
    assert CustomFieldTemplate.parse("{city}-", COLUMNS).fill(["a"]) == "-"


def test_a_cell_with_braces_is_not_filled_again():
    template = CustomFieldTemplate.parse("{plan}{city}", COLUMNS)

    assert template.fill(["a", "b", "{city}", "Pune"]) == "{city}Pune"


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)  # with halves of pairs


@given(own=st.none() | ANY_TEXT)
def test_the_attempt_comes_back_whatever_travels_with_it(own):
    sent = custom_field(ATTEMPT, own)

    assert attempt_id_in(sent) == ATTEMPT
    assert len(sent) <= MAX_CHARACTERS
    assert "\n" not in sent


@given(own=ANY_TEXT)
def test_whatever_a_cell_holds_can_be_sent(own):
    request = ConnectRequest(
        agent="+910000000001",
        customer="+910000000002",
        caller_id="+910000000003",
        time_limit_s=60,
        time_out_s=30,
        custom_field=custom_field(ATTEMPT, own),
    )

    dict(request.to_form())["CustomField"].encode()


@pytest.mark.parametrize(
    "own", ["\u0915\u094d\u200d\u0937", "\U0001f468\u200d\U0001f33e", "\u202eabc"]
)
def test_what_scripts_and_emoji_are_joined_with_travels_too(own):
    assert custom_field(ATTEMPT, own) == f"{ATTEMPT}|{own}"


def test_control_characters_become_spaces():
    assert custom_field(ATTEMPT, "a\x07b\u2028c\r\nd\x7f") == f"{ATTEMPT}|a b c d"

"""P15: one phone is recognised in every form in which providers and people print it."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.numbers.mask import FORGOTTEN
from campaigns.numbers.same_phone import endings, national_digits, same_phone

NUMBERS = {
    "India": "+919000000001",
    "Singapore": "+6581234567",
    "Emirates": "+971501234567",
    "Kenya": "+254712345678",
    "Italy": "+390612345678",
    "Indonesia": "+628123456789",
    "America": "+12015550123",
}


def forms_of(e164):
    number = phonenumbers.parse(e164)
    kinds = phonenumbers.PhoneNumberFormat
    formats = (kinds.E164, kinds.INTERNATIONAL, kinds.NATIONAL, kinds.RFC3966)
    printed = [phonenumbers.format_number(number, one) for one in formats]
    digits = phonenumbers.national_significant_number(number)
    return [*printed, digits, "0" + digits, "00" + e164[1:], e164[1:], e164.replace("+", "+0")]


@pytest.mark.parametrize("e164", NUMBERS.values(), ids=NUMBERS)
def test_p15_every_form_of_a_number_is_that_number(e164):
    for form in forms_of(e164):
        assert same_phone(e164, form), form
        assert national_digits(e164) in endings(form), form


@pytest.mark.parametrize("e164", NUMBERS.values(), ids=NUMBERS)
def test_p15_no_form_of_another_number_is(e164):
    others = [one for one in NUMBERS.values() if one != e164]

    assert not any(same_phone(e164, form) for other in others for form in forms_of(other))


def test_what_was_forgotten_is_nobodys_number():
    assert not same_phone(FORGOTTEN, "09000000001")
    assert not same_phone(FORGOTTEN, "")


@given(st.text(max_size=40))
def test_whatever_is_printed_is_compared(printed):
    assert same_phone("+919000000001", printed) in {True, False}
    assert len(list(endings(printed))) <= 12

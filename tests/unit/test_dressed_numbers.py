"""What people and programs write around a number: understood where certain, else named as what it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.numbers.phone import NumberFault, NumberWarning, Phone, PhoneRules, parse_phone

INDIA = PhoneRules()
MOBILES = st.from_regex(r"[6-9][0-9]{9}", fullmatch=True)
LABELS = st.sampled_from(
    [
        "p:",
        "tel:",
        "Mob: ",
        "Mobile No. : ",
        "Ph.",
        "M: ",
        "WhatsApp - ",
        "मो. ",
        "https://wa.me/91",
    ]
)


def code_of(text):
    return getattr(parse_phone(text, INDIA), "code", None)


@given(MOBILES, LABELS)
def test_a_label_or_a_link_before_a_number_changes_nothing_but_a_warning(mobile, label):
    assert parse_phone(label + mobile, INDIA) == Phone("+91" + mobile, NumberWarning.TEXT_AROUND)


@given(
    MOBILES, st.sampled_from([".", ",", ";", " (M)", " (Mobile)", "/", " -", " - Home", " mob."])
)
def test_marks_behind_a_number_change_nothing(mobile, behind):
    phone = parse_phone(mobile + behind, INDIA)

    assert isinstance(phone, Phone)
    assert phone.e164 == "+91" + mobile


@given(MOBILES, st.sampled_from([" ext 12", " Extn. 5", " x 123", "#7", ";ext=9"]))
def test_an_extension_is_not_dialled(mobile, extension):
    expected = Phone("+91" + mobile, NumberWarning.EXTENSION_DROPPED)

    assert parse_phone(mobile + extension, INDIA) == expected


@given(MOBILES)
def test_a_plus_before_a_zero_is_no_plus(mobile):
    expected = Phone("+91" + mobile, NumberWarning.PLUS_BEFORE_ZERO)

    assert parse_phone("+091" + mobile, INDIA) == parse_phone("+0" + mobile, INDIA) == expected


@pytest.mark.parametrize(
    "text", ["{} (alt {})", "{} H {} O", "Home {}, Off {}", "{} call after 6, else {}"]
)
@given(MOBILES, MOBILES)
def test_two_numbers_between_words_are_named_as_two(text, one, other):
    if one != other:
        assert code_of(text.format(one, other)) is NumberFault.TWO_NUMBERS


SEPARATORS = [" ::: ", "/", " / ", ";", ", ", " | ", "\n", " & ", " or ", " ", " - ", ""]


@given(MOBILES, MOBILES, st.sampled_from(SEPARATORS))
def test_two_numbers_in_a_cell_are_never_chosen_from(one, other, between):
    answer = parse_phone(one + between + other, INDIA)

    if one != other:
        assert answer.code is NumberFault.TWO_NUMBERS
    elif isinstance(answer, Phone):
        assert answer.e164 == "+91" + one


@given(MOBILES, st.sampled_from("०০௦౦೦૦੦٠۰０"))
def test_digits_of_other_scripts_are_digits(mobile, zero):
    written = "".join(chr(ord(zero) + int(digit)) for digit in mobile)

    assert parse_phone(written, INDIA) == Phone("+91" + mobile)


@pytest.mark.parametrize("text", ["98OOOOOO15", "9l00000015", "98000000I5", "Mob: 98OOOOOO15"])
def test_letters_for_digits_are_named_and_never_guessed(text):
    assert code_of(text) is NumberFault.LETTERS


@pytest.mark.parametrize(
    "text", ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "Err:502"]
)
def test_an_error_of_a_spreadsheet_is_named(text):
    assert code_of(text) is NumberFault.ERROR_CELL


@pytest.mark.parametrize(
    "text", ["=A2", '=CONCATENATE("90","00000003")', "=$B$2", "=VLOOKUP(A2,B:C,2)"]
)
def test_a_formula_is_named(text):
    assert code_of(text) is NumberFault.FORMULA


@pytest.mark.parametrize(
    "text",
    ["Asha 9800000001", "call 112", "9800000001/abc", "1800-FLOWERS", "http://9800000001.com"],
)
def test_text_that_is_not_known_is_no_dressing(text):
    assert code_of(text) is NumberFault.INVALID


@given(st.text(max_size=40))
def test_whatever_a_cell_holds_a_number_that_is_taken_has_its_own_digits(text):
    answer = parse_phone(text, INDIA)

    if isinstance(answer, Phone):
        assert sum(mark.isdecimal() for mark in text) >= len("9800000001") - 2

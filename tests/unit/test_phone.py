"""A cell becomes a number in E.164 or says why it is none."""

import re

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from campaigns.numbers.phone import (
    NumberFault,
    NumberWarning,
    Phone,
    PhoneProblem,
    PhoneRules,
    is_allowed,
    parse_phone,
)

INDIA = PhoneRules()
MOBILES = st.from_regex(r"[6-9][0-9]{9}", fullmatch=True)


@pytest.mark.parametrize(
    "text",
    [
        "9876543210",
        "09876543210",
        "919876543210",
        "+919876543210",
        "00919876543210",
        "0919876543210",
        "+91 98765 43210",
        "98765-43210",
        "98765.43210",
        "(+91) 98765 43210",
        "+91 (0) 98765 43210",
        " 98 76 54 32 10 ",
        "98765–43210",
        "'9876543210",
        "’9876543210",
        '"9876543210"',
        '="9876543210"',
        "=+919876543210",
        "\u00a098765\u00a043210",
        "\ufeff9876543210\u200b",
        "\u202a+91\u00a098765\u00a043210\u202c",
        "९८७६५४३२१०",
        "+９１９８７６５４３２１０",
    ],
)
def test_a_mobile_is_understood_however_it_is_spelled(text):
    assert parse_phone(text, INDIA) == Phone("+919876543210")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", NumberFault.MISSING),
        (" \u200b- ", NumberFault.MISSING),
        ("not known", NumberFault.INVALID),
        ("22345678", NumberFault.INVALID),
        ("+9876543210", NumberFault.INVALID),
        ("987654321.5", NumberFault.INVALID),
        ("9876543210 / 9876543211", NumberFault.TWO_NUMBERS),
        ("1800-FLOWERS", NumberFault.INVALID),
        ("98765432101", NumberFault.TOO_LONG),
        ("987654321012345678", NumberFault.TOO_LONG),
        ("9.81E+09", NumberFault.DIGITS_LOST),
        ("9.19877E+11", NumberFault.DIGITS_LOST),
        ("9,19877e11", NumberFault.DIGITS_LOST),
        ("1E+10", NumberFault.DIGITS_LOST),
        ("9.87654321012E+09", NumberFault.DIGITS_LOST),
        ("1930", NumberFault.SHORT_CODE),
        ("+911930", NumberFault.SHORT_CODE),
        ("112", NumberFault.EMERGENCY),
        ("+91 112", NumberFault.EMERGENCY),
        ("1860 123 4567", NumberFault.SHARED_COST),
        ("1861 123456789", NumberFault.PREMIUM_RATE),
        ("+1 900 555 1234", NumberFault.PREMIUM_RATE),
        ("1800 123 4567", NumberFault.TOLL_FREE),
        ("1800-200-1234", NumberFault.TOLL_FREE),
        ("+1 800 555 0100", NumberFault.TOLL_FREE),
        ("+44 800 123 4567", NumberFault.TOLL_FREE),
        ("+44 70 1234 5678", NumberFault.PERSONAL),
        ("+44 7640 123456", NumberFault.PAGER),
        ("+44 55 1234 5678", NumberFault.UAN),
        ("+44 7400 123456", NumberFault.COUNTRY_NOT_ALLOWED),
        ("+1 876 234 5678", NumberFault.COUNTRY_NOT_ALLOWED),
        ("+53 5 1234567", NumberFault.COUNTRY_NOT_ALLOWED),
        ("+881 612 345678", NumberFault.COUNTRY_NOT_ALLOWED),
    ],
)
def test_what_is_no_number_to_ring_says_why(text, code):
    answer = parse_phone(text, INDIA)

    assert isinstance(answer, PhoneProblem)
    assert (answer.code, answer.found) == (code, text)


@pytest.mark.parametrize("number", ["+18005550100", "+447012345678", "+447640123456"])
def test_a_number_of_no_place_is_not_dialled_where_its_country_is_allowed(number):
    rules = PhoneRules(allowed_countries=frozenset({"IN", "GB", "US"}))

    assert not is_allowed(number, rules)
    assert is_allowed("+447400123456", rules)


@pytest.mark.parametrize(
    ("text", "e164", "warning"),
    [
        ("9876543214.0", "+919876543214", NumberWarning.DECIMAL_RECOVERED),
        ("919876543214.00", "+919876543214", NumberWarning.DECIMAL_RECOVERED),
        ("9.19876543210E+11", "+919876543210", NumberWarning.EXPONENT_RECOVERED),
        ("9,876543210e9", "+919876543210", NumberWarning.EXPONENT_RECOVERED),
        ("2223456789", "+912223456789", NumberWarning.LANDLINE_WITHOUT_ZERO),
    ],
)
def test_damage_that_lost_no_digit_is_recovered_with_a_warning(text, e164, warning):
    assert parse_phone(text, INDIA) == Phone(e164, warning)


def test_a_landline_with_its_zero_is_no_cause_for_a_warning():
    assert parse_phone("022 2345 6789", INDIA) == Phone("+912223456789")


def test_jamaica_is_not_america():
    america = PhoneRules(default_country="US", allowed_countries=frozenset({"US"}))

    assert parse_phone("202 456 1111", america) == Phone("+12024561111")
    assert parse_phone("876 234 5678", america).code is NumberFault.COUNTRY_NOT_ALLOWED


def test_an_indian_spelling_means_nothing_where_another_country_is_the_default():
    britain = PhoneRules(default_country="GB", allowed_countries=frozenset({"GB", "IN"}))

    assert parse_phone("9876543210", britain).code is NumberFault.INVALID
    assert parse_phone("+919876543210", britain) == Phone("+919876543210")


def test_a_country_taken_off_the_list_is_refused_again_when_dialling():
    assert is_allowed("+919876543210", INDIA)
    assert not is_allowed("+919876543210", PhoneRules(allowed_countries=frozenset({"GB"})))


@given(MOBILES, st.sampled_from(["", "0", "91", "+91", "0091", "091", "+91 ", "0-"]), st.booleans())
def test_the_quick_path_and_the_library_agree(mobile, prefix, is_grouped):
    written = prefix + (f"{mobile[:5]} {mobile[5:]}" if is_grouped else mobile)

    quick = parse_phone(written, INDIA)

    by_library = phonenumbers.parse(mobile, "IN")
    assert phonenumbers.is_valid_number(by_library)
    assert quick == Phone(
        phonenumbers.format_number(by_library, phonenumbers.PhoneNumberFormat.E164)
    )


@given(st.from_regex(r"[+0-9 .\-]{8,16}", fullmatch=True))
@example("9812345678")
@example("091 98123 45678")
def test_whatever_is_accepted_is_a_valid_number_of_an_allowed_country(text):
    answer = parse_phone(text, INDIA)

    if isinstance(answer, Phone):
        number = phonenumbers.parse(answer.e164, None)
        assert phonenumbers.is_valid_number(number)
        assert phonenumbers.region_code_for_number(number) == "IN"


@given(st.text(alphabet=st.characters(codec="utf-8")))
@example("=\"'")
@example("+")
@example("²³ⅷ④")
def test_any_text_gets_an_answer(text):
    answer = parse_phone(text, INDIA)

    assert isinstance(answer, PhoneProblem) or re.fullmatch(r"\+91[0-9]{8,13}", answer.e164)


@given(MOBILES)
def test_reading_a_number_again_changes_nothing(mobile):
    answer = parse_phone(mobile, INDIA)

    assert parse_phone(answer.e164, INDIA) == answer
    assert is_allowed(answer.e164, INDIA)


@given(MOBILES, st.integers(min_value=0, max_value=8))
def test_an_exponent_with_a_digit_missing_is_never_guessed(mobile, shown):
    written = f"{mobile[0]}.{mobile[1 : 1 + shown]}E+09"

    assert parse_phone(written, INDIA).code is NumberFault.DIGITS_LOST


@given(MOBILES)
def test_an_exponent_with_all_digits_is_the_number(mobile):
    answer = parse_phone(f"{mobile[0]}.{mobile[1:]}E+09", INDIA)

    assert answer == Phone(f"+91{mobile}", NumberWarning.EXPONENT_RECOVERED)

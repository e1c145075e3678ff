"""A phone number in E.164, or the reason it is none.

cell ──▶ usual Indian mobile? ──yes──▶ +91…
  │ no
  └──▶ take off wrappers, undo the spreadsheet, drop separators ──▶ the phonenumbers library
         └──▶ no number? take off labels and links, or say that it is two numbers, an error, a formula
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType, ValidationResult
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number

from campaigns.numbers.dressed_number import (
    Dressing,
    halves_of,
    parts_of,
    runs_of,
    undressed,
    with_digits_for_letters,
    without_thousands_separators,
)
from campaigns.numbers.phone_rules import PhoneRules
from campaigns.numbers.spreadsheet_damage import SpreadsheetDamage, is_error, is_formula, mend
from campaigns.sentence import told


class NumberFault(StrEnum):
    """Why a cell is no number we would ring; these words stand in files and do not change."""

    MISSING = "missing"
    INVALID = "invalid"
    TOO_LONG = "too_long"
    DIGITS_LOST = "digits_lost"
    TWO_NUMBERS = "two_numbers"
    LETTERS = "letters"
    ERROR_CELL = "error_cell"
    FORMULA = "formula"
    SHORT_CODE = "short_code"
    EMERGENCY = "emergency"
    PREMIUM_RATE = "premium_rate"
    SHARED_COST = "shared_cost"
    TOLL_FREE = "toll_free"
    PERSONAL = "personal"
    PAGER = "pager"
    UAN = "uan"
    VOICEMAIL = "voicemail"
    COUNTRY_NOT_ALLOWED = "country_not_allowed"


class NumberWarning(StrEnum):
    """What we understood although it was written oddly."""

    DECIMAL_RECOVERED = "decimal_recovered"  # 9876543214.0
    EXPONENT_RECOVERED = "exponent_recovered"  # 9.19876543210E+11
    LANDLINE_WITHOUT_ZERO = "landline_without_zero"  # 2223456789
    PLUS_BEFORE_ZERO = "plus_before_zero"  # +0919876543210
    TEXT_AROUND = Dressing.TEXT_AROUND.value
    EXTENSION_DROPPED = Dressing.EXTENSION_DROPPED.value


class Phone(NamedTuple):
    """A number that may be rung, such as +919876543210; a tuple, as a million are made."""

    e164: str
    warning: NumberWarning | None = None


@dataclass(frozen=True, slots=True)
class PhoneProblem:
    """Why it is no such number: what was found, what was expected, how to mend it."""

    code: NumberFault
    found: str
    expected: str
    fix: str


def parse_phone(text: str, rules: PhoneRules) -> Phone | PhoneProblem:
    """Read a number as people and spreadsheets write it."""
    usual = usual_mobile(text, rules)
    return Phone(usual) if usual else _read_carefully(text, rules)


def usual_mobile(text: str, rules: PhoneRules) -> str | None:
    """Read an Indian mobile in one of its usual spellings; None tells nothing about the number.

    What it gives is what `parse_phone` would, without a warning, in a fraction of the time.
    """
    return usual_mobiles([text], rules)[0]


def usual_mobiles(texts: Sequence[str], rules: PhoneRules) -> Sequence[str | None]:
    """Read many, each as `usual_mobile` does; those that all stand in E.164 at one look."""
    if rules.default_country != "IN" or "IN" not in rules.allowed_countries:
        return [None] * len(texts)
    together = "\n".join(texts)
    if _E164_MOBILES.fullmatch(together) and together.count("\n") == len(texts) - 1:
        return texts
    return [match and f"+91{match[1]}{match[2]}" for match in map(_USUAL_MOBILE.fullmatch, texts)]


def is_allowed(e164: str, rules: PhoneRules) -> bool:
    """Whether this number may be rung: valid, an allowed country, no special tariff.

    Asked again right before dialling, since the allowed countries may have changed.
    """
    return usual_mobile(e164, rules) is not None or isinstance(
        _judge(e164, rules, found=e164), Phone
    )


def country_of(e164: str) -> str | None:
    """Tell the country of a number, ISO code; None where it belongs to none."""
    return phonenumbers.region_code_for_number(phonenumbers.parse(e164))


def zone_of(e164: str) -> str | None:
    """Tell the IANA zone a number belongs to; None where its country has several to choose from."""
    zones = time_zones_for_number(phonenumbers.parse(e164))
    return zones[0] if len(zones) == 1 and zones[0] != UNKNOWN_TIMEZONE else None


# Every ten digits from 6 to 9 on are an Indian number to the library, so nine in ten cells of an
# Indian list need no more than this; a property test holds both paths together.
_E164_MOBILES = re.compile(r"(?:\+91[6-9][0-9]{9}(?:\n|\Z))+")
_USUAL_MOBILE = re.compile(r"(?:\+91|(?:00|0)?91|0)?[ -]?([6-9][0-9]{4})[ -]?([0-9]{5})")


_NUMBER = re.compile(r"\+?[0-9]+")
# A dot joins groups of three digits and more; anything shorter may be a fraction.
_SEPARATORS = re.compile(r"[\s()\[\]\u2010-\u2015\u2212·-]+|\.(?=[0-9]{3})")

_WARNING_OF_DAMAGE = {
    SpreadsheetDamage.DECIMAL: NumberWarning.DECIMAL_RECOVERED,
    SpreadsheetDamage.EXPONENT: NumberWarning.EXPONENT_RECOVERED,
}


def _read_carefully(text: str, rules: PhoneRules) -> Phone | PhoneProblem:
    written, damage = mend(text)
    if damage is SpreadsheetDamage.DIGITS_LOST:
        return _problem(NumberFault.DIGITS_LOST, text)
    if is_error(written):
        return _problem(NumberFault.ERROR_CELL, text)
    answer = _read_digits(written, rules, found=text)
    if isinstance(answer, Phone):
        return Phone(answer.e164, _WARNING_OF_DAMAGE[damage]) if damage else answer
    if answer.code in _MAY_BE_DRESSED:
        return _read_dressed(written, rules, found=text) or answer
    return answer


_MAY_BE_DRESSED = {NumberFault.INVALID, NumberFault.TOO_LONG}


def _read_digits(written: str, rules: PhoneRules, *, found: str) -> Phone | PhoneProblem:
    """Read a number with nothing but separators in it."""
    compact = _SEPARATORS.sub("", written)
    if not compact:
        return _problem(NumberFault.MISSING, found)
    if not _NUMBER.fullmatch(compact):
        return _problem(NumberFault.INVALID, found)
    if usual := usual_mobile(compact, rules):
        return Phone(usual)
    if compact.startswith("+0"):
        return _warned(_read_digits(compact[1:], rules, found=found))
    return _judge(compact, rules, found=found)


def _read_dressed(written: str, rules: PhoneRules, *, found: str) -> Phone | PhoneProblem | None:
    """Read a number with text around it, or say what else the cell holds; None: nothing known."""
    if is_formula(found):
        return _problem(NumberFault.FORMULA, found)
    number = without_thousands_separators(written)
    if number and (phone := _phone(number, rules)):
        return Phone(phone.e164, NumberWarning.DECIMAL_RECOVERED)
    number, dressing = undressed(written)
    if dressing and (phone := _phone(number, rules)):
        return Phone(phone.e164, NumberWarning(dressing.value))
    if several := _several(number, rules, found=found):
        return several
    told = with_digits_for_letters(number)
    if told and _phone(told, rules):
        return _problem(NumberFault.LETTERS, found)
    return None


def _several(number: str, rules: PhoneRules, *, found: str) -> Phone | PhoneProblem | None:
    """Tell of a cell with two numbers; the same one written twice is one."""
    parts = parts_of(number)
    phones = [_phone(undressed(part)[0], rules) for part in parts]
    if len(parts) > 1 and any(phones):
        different = {phone.e164 if phone else None for phone in phones}
        if len(different) == 1 and phones[0]:
            return Phone(phones[0].e164, NumberWarning.TEXT_AROUND)
        if all(map(_HAS_DIGIT.search, parts)):
            return _problem(NumberFault.TWO_NUMBERS, found)
    are_two = any(_phone(one, rules) and _phone(other, rules) for one, other in halves_of(number))
    if are_two or len({phone.e164 for one in runs_of(number) if (phone := _phone(one, rules))}) > 1:
        return _problem(NumberFault.TWO_NUMBERS, found)
    return None


def _phone(written: str, rules: PhoneRules) -> Phone | None:
    answer = _read_digits(written, rules, found=written)
    return answer if isinstance(answer, Phone) else None


def _warned(answer: Phone | PhoneProblem) -> Phone | PhoneProblem:
    if isinstance(answer, Phone):
        return Phone(answer.e164, NumberWarning.PLUS_BEFORE_ZERO)
    return answer


_HAS_DIGIT = re.compile("[0-9]")


_LONGEST_E164_DIGITS = 15
_LONGEST_SHORT_CODE_DIGITS = 6


def _judge(compact: str, rules: PhoneRules, *, found: str) -> Phone | PhoneProblem:
    """Judge digits with or without a plus by the library's tables."""
    international = "+" + compact[2:] if compact.startswith("00") else compact
    try:
        number = phonenumbers.parse(international, rules.default_country)
    except NumberParseException as error:
        is_too_long = error.error_type == NumberParseException.TOO_LONG
        return _problem(NumberFault.TOO_LONG if is_too_long else NumberFault.INVALID, found)
    fault = _fault_of(number, rules)
    if fault is not None:
        return _problem(fault, found)
    return Phone(
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
        NumberWarning.LANDLINE_WITHOUT_ZERO if _lacks_its_zero(compact, number) else None,
    )


def _fault_of(number: phonenumbers.PhoneNumber, rules: PhoneRules) -> NumberFault | None:
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN:
        return _why_invalid(number)
    # Before the country: "allow this country" would be the wrong advice for these.
    if kind in _NOT_ORDINARY:
        return _NOT_ORDINARY[kind]
    if phonenumbers.region_code_for_number(number) not in rules.allowed_countries:
        return NumberFault.COUNTRY_NOT_ALLOWED
    return None


# Numbers of no place and no person: what they cost, and who pays, is anybody's guess.
_NOT_ORDINARY = {
    PhoneNumberType.PREMIUM_RATE: NumberFault.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST: NumberFault.SHARED_COST,
    PhoneNumberType.TOLL_FREE: NumberFault.TOLL_FREE,
    PhoneNumberType.PERSONAL_NUMBER: NumberFault.PERSONAL,
    PhoneNumberType.PAGER: NumberFault.PAGER,
    PhoneNumberType.UAN: NumberFault.UAN,
    PhoneNumberType.VOICEMAIL: NumberFault.VOICEMAIL,
}


def _why_invalid(number: phonenumbers.PhoneNumber) -> NumberFault:
    digits = phonenumbers.national_significant_number(number)
    country = phonenumbers.region_code_for_country_code(number.country_code or 0)
    if phonenumbers.is_emergency_number(digits, country):
        return NumberFault.EMERGENCY
    if len(digits) <= _LONGEST_SHORT_CODE_DIGITS:
        return NumberFault.SHORT_CODE
    length = phonenumbers.is_possible_number_for_type_with_reason(number, PhoneNumberType.MOBILE)
    is_beyond_e164 = len(f"{number.country_code}{digits}") > _LONGEST_E164_DIGITS
    if length == ValidationResult.TOO_LONG or is_beyond_e164:
        return NumberFault.TOO_LONG
    return NumberFault.INVALID


def _lacks_its_zero(compact: str, number: phonenumbers.PhoneNumber) -> bool:
    """Whether an Indian landline was written as bare ten digits, as Excel leaves 022… behind."""
    return (
        number.country_code == 91
        and compact == str(number.national_number)
        and phonenumbers.number_type(number) == PhoneNumberType.FIXED_LINE
    )


_A_NUMBER = told("a phone number")
_A_FULL_ONE = told("a full phone number")
_AN_ORDINARY_ONE = told("an ordinary number")
_ADVICE = {
    NumberFault.MISSING: (_A_NUMBER, told("Fill in the number or remove the row.")),
    NumberFault.INVALID: (
        _A_NUMBER,
        told("Write one number per cell, with area or country code, such as +919876543210."),
    ),
    NumberFault.TOO_LONG: (
        told("a phone number of ordinary length"),
        told("Remove the digits that do not belong; write one number per cell."),
    ),
    NumberFault.DIGITS_LOST: (_A_NUMBER, told("Format the column as text and export again.")),
    NumberFault.TWO_NUMBERS: (
        told("one phone number"),
        told("Leave the one to be called in the cell, or make a row for each."),
    ),
    NumberFault.LETTERS: (
        told("a phone number in digits"),
        told("Letters stand where digits belong, such as O for 0: write digits."),
    ),
    NumberFault.ERROR_CELL: (
        _A_NUMBER,
        told(
            "The spreadsheet's own error stands in the cell: mend its formula, or write the number."
        ),
    ),
    NumberFault.FORMULA: (
        _A_NUMBER,
        told("It is a formula without its result: open the file, save it again, and load that."),
    ),
    NumberFault.SHORT_CODE: (_A_FULL_ONE, told("Short codes cannot be called from here.")),
    NumberFault.EMERGENCY: (_A_FULL_ONE, told("Emergency numbers are never called.")),
    NumberFault.PREMIUM_RATE: (_AN_ORDINARY_ONE, told("Premium-rate numbers are never called.")),
    NumberFault.SHARED_COST: (_AN_ORDINARY_ONE, told("Shared-cost numbers are never called.")),
    NumberFault.TOLL_FREE: (_AN_ORDINARY_ONE, told("Toll-free numbers are never called.")),
    NumberFault.PERSONAL: (
        _AN_ORDINARY_ONE,
        told("Personal numbers, which lead anywhere, are never called."),
    ),
    NumberFault.PAGER: (_AN_ORDINARY_ONE, told("Pagers are never called.")),
    NumberFault.UAN: (_AN_ORDINARY_ONE, told("Numbers of companies' switches are never called.")),
    NumberFault.VOICEMAIL: (_AN_ORDINARY_ONE, told("Voicemail boxes are never called.")),
    NumberFault.COUNTRY_NOT_ALLOWED: (
        told("a number of an allowed country"),
        told("Add the country to DIALER_ALLOWED_COUNTRIES if calls there are wanted."),
    ),
}


def _problem(code: NumberFault, found: str) -> PhoneProblem:
    expected, fix = _ADVICE[code]
    return PhoneProblem(code, found, expected, fix)

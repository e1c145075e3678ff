"""Calling hours as people write and read them."""

import pytest

from campaigns.hours.calling_hours import CallingHours


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("india", "09:00-21:00"),
        ("india-recovery", "08:00-19:00"),
        ("always", "00:00-24:00"),
        ("india; not IN-MH", "09:00-21:00; not IN-MH"),
        (" 9:00 – 21:00 ", "09:00-21:00"),
        ("Monday-Friday 09:00-12:30, 14:00-20:00;SAT 10:00-14:00;", None),
        ("sat,mon 09:00-10:00", "mon,sat 09:00-10:00"),
        ("fri-mon 09:00-10:00", "mon,fri-sun 09:00-10:00"),
        ("mon 09:00-10:00; tue 09:00-10:00", "mon-tue 09:00-10:00"),
        ("09:00-12:00,11:00-13:00,13:00-14:00", "09:00-14:00"),
        ("09:00-14:00,10:00-11:00", "09:00-14:00"),
        ("22:00-06:00", "22:00-06:00"),
        ("18:00-00:00", "18:00-24:00"),
        ("fri 22:00-02:00; sat 01:00-03:00", "fri 22:00-03:00"),
        ("mon 12:00-24:00; tue 00:00-24:00", "mon 12:00-24:00; tue 00:00-24:00"),
        (
            "09:00-10:00; not 2026-03-04, 2026-01-26, in",
            "09:00-10:00; not 2026-01-26,2026-03-04,IN",
        ),
    ],
)
def test_hours_are_written_in_one_canonical_way(text, canonical):
    expected = canonical or "mon-fri 09:00-12:30,14:00-20:00; sat 10:00-14:00"

    hours = CallingHours.parse(text)

    assert str(hours) == expected
    assert CallingHours.parse(expected) == hours


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("always", "at any time"),
        ("india", "every day 09:00–21:00"),
        ("22:00-06:00", "every day 22:00–06:00"),
        (
            "mon-fri 09:00-12:30,14:00-20:00; sat 10:00-14:00; not 2026-01-26",
            "Mon–Fri 09:00–12:30 and 14:00–20:00, Sat 10:00–14:00; not on 2026-01-26",
        ),
        ("mon,wed,fri 10:00-11:00", "Mon, Wed and Fri 10:00–11:00"),
        (
            "always; not 2026-01-26,2026-03-04,IN-MH",
            "at any time; not on 2026-01-26, 2026-03-04 and holidays of IN-MH",
        ),
        (
            "india; not 2026-01-01,2026-01-02,2026-01-03,2026-01-04,2026-01-05",
            "every day 09:00–21:00; not on 5 dates from 2026-01-01 to 2026-01-05",
        ),
    ],
)
def test_hours_are_said_as_a_person_would(text, words):
    assert CallingHours.parse(text).in_words() == words


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "there is no window in which to call"),
        ("not 2026-01-26", "there is no window in which to call"),
        ("office hours", "'office hours' is neither days with hours nor one of always, india"),
        ("09:00", "'09:00' is not a window such as 09:00-21:00"),
        ("09:00-10:00,", "'' is not a window"),
        ("9-21", "'9-21' is not a window"),
        ("09:00-21:60", "'09:00-21:60' has a time that no clock shows"),
        ("24:00-02:00", "'24:00-02:00' has a time that no clock shows"),
        ("09:00-24:01", "'09:00-24:01' has a time that no clock shows"),
        ("09:00-09:00", "'09:00-09:00' opens and closes at once; the whole day is 00:00-24:00"),
        ("mo 09:00-10:00", "'mo' is not a day of the week"),
        ("mon- 09:00-10:00", "'mon-09:00-10:00' is neither days with hours"),
        ("mon, 09:00-10:00", "'mon,09:00-10:00' is neither days with hours"),
        ("09:00-21:00; sat 10:00-14:00", "saturday stands in two clauses"),
        ("india; not IN-XX", "holiday calendar 'IN-XX' is unknown"),
        ("india; not 2026-02-30", "'2026-02-30' is not a date: write it as 2026-01-26"),
        ("india; not IN,", "holiday calendar '' is unknown"),
    ],
)
def test_what_is_no_calling_hours_is_refused_in_one_line(text, complaint):
    with pytest.raises(ValueError) as refused:
        CallingHours.parse(text)

    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "write" in str(refused.value).lower()

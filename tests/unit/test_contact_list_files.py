"""Lists as people really send them; the counts were worked out by hand."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from campaigns.lists.contact_list import open_list
from campaigns.numbers.phone import PhoneRules

LISTS = Path(__file__).parent / "lists"

# file: how it is understood, lines accepted, (line, code) of the others, warnings, blank lines
SENT = {
    "plain.csv": ("text in UTF-8, separated by commas", [2, 3, 4], [], [], 0),
    "utf8_mark_semicolons.csv": (
        "text in UTF-8 with byte order mark, separated by semicolons",
        [2, 3],
        [],
        [],
        0,
    ),
    "utf16_tabs.txt": ("text in UTF-16, separated by tabs", [2, 3], [], [], 0),
    "utf16_without_mark.csv": ("text in UTF-16, separated by commas", [2], [], [], 0),
    "windows1252_pipes.csv": ("text in Windows-1252, separated by pipes", [2, 3], [], [], 0),
    "excel_hint.csv": ("text in UTF-8, separated by semicolons", [3], [], [], 0),
    "spaces_before_quotes.csv": ("text in UTF-8, separated by commas", [2], [], [], 0),
    "mixed_line_ends.csv": ("text in UTF-8, separated by commas", [2, 3, 4, 5], [], [], 0),
    "quoted_newlines.csv": (
        "text in UTF-8, separated by commas",
        [3, 7],
        [(6, "short_code")],
        [],
        0,
    ),
    "blank_lines_and_columns.csv": (
        "text in UTF-8, separated by commas",
        [5, 9, 10],
        [(8, "missing"), (11, "too_many_cells")],
        [(9, "too_few_cells")],
        6,
    ),
    "unclosed_quote.csv": (
        "text in UTF-8, separated by commas",
        [2, 4, 5],
        [(3, "broken_quotes"), (6, "broken_quotes")],
        [],
        0,
    ),
    "odd_quotes.csv": (
        "text in UTF-8, separated by commas",
        [2, 3, 5],
        [(4, "broken_quotes")],
        [(2, "odd_quotes"), (5, "odd_quotes")],
        0,
    ),
    "nul.csv": (
        "text in UTF-8, separated by commas",
        [3],
        [(2, "nul_character")],
        [],
        0,
    ),
    "duplicates.csv": (
        "text in UTF-8, separated by commas",
        [2, 6],
        [(3, "short_code"), (4, "duplicate_pair"), (5, "duplicate_customer"), (7, "short_code")],
        [],
        0,
    ),
    "excel_damage.csv": (
        "text in UTF-8, separated by commas",
        [2, 3, 4, 7, 8, 9, 10, 11],
        [(5, "digits_lost"), (6, "digits_lost")],
        [
            (2, "decimal_recovered"),
            (3, "decimal_recovered"),
            (4, "exponent_recovered"),
            (11, "landline_without_zero"),
        ],
        0,
    ),
    "special_numbers.csv": (
        "text in UTF-8, separated by commas",
        [10],
        [
            (2, "emergency"),
            (3, "short_code"),
            (4, "shared_cost"),
            (5, "premium_rate"),
            (6, "country_not_allowed"),
            (7, "too_long"),
            (8, "missing"),
            (9, "agent_is_customer"),
            (11, "invalid"),
        ],
        [],
        0,
    ),
    "optional_columns.csv": (
        "text in UTF-8, separated by commas",
        [2, 3, 5, 9],
        [
            (4, "bad_priority"),
            (6, "bad_timezone"),
            (7, "never_due"),
            (8, "custom_field_too_long"),
        ],
        [],
        0,
    ),
    "workbook.xlsx": (
        "sheet 'Leads', hidden sheets 'Old' are not read",
        [3, 5, 7],
        [(6, "too_long")],
        [(7, "decimal_recovered")],
        2,
    ),
}


@pytest.mark.parametrize("name", SENT)
def test_a_list_is_judged_as_a_careful_person_would(name):
    with (LISTS / name).open("rb") as file:
        contact_list = open_list(file, rules=PhoneRules(), zone=ZoneInfo("Asia/Kolkata"))
        [chunk] = contact_list.chunks()

    assert (
        contact_list.source.description,
        [contact.source_line for contact in chunk.accepted],
        [(row.line, str(row.code)) for row in chunk.not_taken],
        [(remark.line, str(remark.code)) for remark in chunk.warnings],
        chunk.blank,
    ) == SENT[name]


def test_every_sample_has_its_counts():
    assert {path.name for path in LISTS.iterdir()} == set(SENT)


def test_a_workbooks_cells_are_what_a_person_sees():
    with (LISTS / "workbook.xlsx").open("rb") as file:
        contact_list = open_list(file, rules=PhoneRules(), zone=ZoneInfo("Asia/Kolkata"))
        [chunk] = contact_list.chunks()

    assert chunk.accepted[0].cells == (
        "919000000001",
        "+91 98765 43201",
        "2026-11-23 10:30:00",
        "12.5",
        "TRUE",
    )
    assert chunk.accepted[1].cells[3] == "007"

"""Cells that are safe to open, and numbers that are safe to send."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.numbers.mask import NO_MASK, Mask, NumberMask
from campaigns.spreadsheet_safety import SUSPECT, safe_cell, safe_cells
from dialer.reporting.cells import safe_texts

MASKED = NumberMask(Mask.MASKED)
HASHED = NumberMask(Mask.HASHED, key=b"secret")
_SUSPECTS = "=+-@\t\r\n\0 ＝＋－＠a1'"


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+1+1",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\0=1",
        "  =cmd|' /C calc'!A1",
        "＝1+1",
        "-",
        "+91 98765 43210",
    ],
)
def test_what_a_spreadsheet_would_run_becomes_text(cell):
    assert safe_cell(cell) == f"'{cell}"


@pytest.mark.parametrize(
    "cell", ["", "Asha", "00042", "919000000001", "-12.50", "+919000000001", " Asha", "a=b", "1-2"]
)
def test_names_and_plain_numbers_stay_as_they_are(cell):
    assert safe_cell(cell) == cell


@given(st.lists(st.none() | st.text()))
def test_a_column_is_made_safe_cell_by_cell(cells):
    assert safe_cells(cells) == [None if cell is None else safe_cell(cell) for cell in cells]


@given(st.lists(st.none() | st.text(_SUSPECTS) | st.text(st.characters(codec="utf-8"))))
def test_a_column_handed_to_arrow_is_as_safe(cells):
    assert safe_texts(cells).to_pylist() == safe_cells(cells)


def test_phone_numbers_with_a_plus_are_no_suspects():
    assert not re.match(SUSPECT, "+919876543210")
    assert re.match(SUSPECT, "+91 98765")


@given(st.text())
def test_making_safe_takes_nothing_away(cell):
    assert safe_cell(cell) in {cell, f"'{cell}"}


def test_a_masked_number_keeps_its_country_and_its_end():
    assert MASKED.number("919876543210") == "91******3210"


def test_the_same_number_always_gets_the_same_hash_and_only_under_one_key():
    other_key = NumberMask(Mask.HASHED, key=b"other")

    assert HASHED.number("919876543210") == HASHED.number("919876543210")
    assert HASHED.number("919876543210") != other_key.number("919876543210")


def test_hashing_without_a_key_is_refused():
    with pytest.raises(ValueError, match="secret key"):
        NumberMask(Mask.HASHED)


@pytest.mark.parametrize(
    "cell", ["919876543210", "09876543210", "98765 43210", "+91 (98765) 43210"]
)
def test_a_known_number_is_masked_in_any_spelling(cell):
    assert MASKED.text(cell, known=("919876543210",)) == "91******3210"


def test_a_number_inside_a_sentence_is_masked():
    assert MASKED.text("ring 98765-43211 at home") == "ring 98****3211 at home"


@pytest.mark.parametrize("cell", ["2026-11-23 18:15", "Flat 12", "00042", "1,250.75", "Asha"])
def test_other_cells_are_not_masked(cell):
    assert MASKED.text(cell, known=("919876543210",)) == cell


@given(st.text())
def test_without_a_mask_nothing_changes(cell):
    assert NO_MASK.text(cell, known=("919876543210",)) == cell

"""Every column of a list has a name of its own, and lines of totals are nobody."""

import pytest

from campaigns.lists.column_names import tell_apart
from campaigns.lists.total_line import is_total_line


def test_a_nameless_column_is_named_by_its_place_and_that_is_told():
    named = tell_apart(["", "agent", " ", "customer", "", ""])

    assert named.names == ("Column 1", "agent", "Column 3", "customer", "", "")
    assert named.notes == ("2 columns have no name and are taken as 'Column 1', 'Column 3'.",)
    assert not named.doubled


def test_columns_of_one_name_are_told_apart_whatever_their_case_and_none_takes_anothers_name():
    named = tell_apart(["Remarks", "remarks", "Remarks (2)", "REMARKS"])

    assert len({name.casefold() for name in named.names}) == 4
    assert (named.names[0], named.names[2]) == ("Remarks", "Remarks (2)")
    assert named.doubled == {0, 1, 3}


def test_a_made_name_does_not_take_one_that_stands_there():
    named = tell_apart(["", "Column 1", "agent"])

    assert named.names == ("Column 1 (2)", "Column 1", "agent")


@pytest.mark.parametrize(
    "cells",
    [
        ["Total", "2"],
        ["", "Grand Total", "1,200.50"],
        ["Total records: 12", ""],
        ["कुल", "12"],
        ["TOTAL (5)", "", "5 rows"],
        ["Total", "", "=COUNTA(B2:B9)"],
        ["Total", "#REF!", "7"],
        ["Total no. of leads", "7"],
    ],
)
def test_a_line_that_says_total_beside_figures_is_no_row(cells):
    assert is_total_line(cells)


@pytest.mark.parametrize(
    "cells",
    [
        [],
        ["", ""],
        ["5", "6"],
        ["Total", "Asha"],
        ["Total Kumar", "5"],
        ["Summit Ltd", "9876500001"],
    ],
)
def test_a_line_that_may_be_somebody_is_a_row(cells):
    assert not is_total_line(cells)


def test_a_nameless_column_at_the_end_is_one_if_something_stands_in_it():
    cells = ["agent", "customer", "", "", ""]

    assert tell_apart(cells, below=[["1", "2"], ["1", "2", "call late"]]).names[2:] == (
        *("Column 3", "", ""),
    )
    assert tell_apart(cells, below=[["1", "2", " ", "", "far"]]).names[2:] == ("", "", "")


def test_however_many_columns_have_no_name_one_line_tells_it():
    [note] = tell_apart(["agent", *[""] * 9, "customer"]).notes

    assert note == ("9 columns have no name and are taken as 'Column 2', 'Column 3', 'Column 4' ….")

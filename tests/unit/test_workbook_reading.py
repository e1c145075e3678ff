"""What a spreadsheet shows is what is read; what it hides is asked about, and nothing is lost."""

import datetime as dt
import io
import itertools
import zipfile
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from campaigns.lists.columns import ColumnChoice
from campaigns.lists.contact_list import open_list
from campaigns.lists.number_formats import masked, masks_of
from campaigns.lists.source import CampaignFileError, HiddenRows, ReadingChoice
from campaigns.numbers.phone import PhoneRules
from dialer.workbooks.apart import open_workbook_apart
from tests.workbook_kit import workbook

NAMES = ("agent", "customer", "note")


def book(*rows, change=lambda book, sheet: None, names=NAMES):
    """A workbook with a list on its only sheet, changed as one likes."""
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.title = "Data"
    for row in ((names,) if names else ()) + rows:
        sheet.append(row)
    change(made, sheet)
    return saved(made)


def saved(made):
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


_OPENED = []


@pytest.fixture(autouse=True)
def closed_at_the_end():
    yield
    while _OPENED:
        _OPENED.pop().source.close()


def opened(content, *, customer=None, **reading):
    listed = open_list(
        io.BytesIO(content),
        rules=PhoneRules(),
        zone=ZoneInfo("Asia/Kolkata"),
        choice=ColumnChoice(customer=customer),
        reading=ReadingChoice(**reading),
        workbooks=open_workbook_apart,
    )
    _OPENED.append(listed)
    return listed


def judged(content, **reading):
    [chunk] = opened(content, **reading).chunks()
    return chunk


def refusal(content, **reading):
    with pytest.raises(CampaignFileError) as refused:
        opened(content, **reading)
    assert "\n" not in str(refused.value)
    return refused.value


def people(count, *, first=0):
    return [(9000000001 + n, 9800000001 + n, f"n{n}") for n in range(first, first + count)]


def hide(*rows):
    def change(_, sheet):
        for row in rows:
            sheet.row_dimensions[row].hidden = True

    return change


def test_hidden_rows_are_asked_about_with_their_count():
    asked = refusal(book(*people(5), change=hide(3, 5)))

    assert "2 rows are hidden in sheet 'Data'" in str(asked)
    assert (asked.choice, asked.choices) == ("hidden_rows", ("skip", "take"))


@pytest.mark.parametrize(("what", "lines"), [("skip", [2, 4, 6]), ("take", [2, 3, 4, 5, 6])])
def test_hidden_rows_are_skipped_or_taken_as_was_said(what, lines):
    content = book(*people(5), change=hide(3, 5))

    chunk = judged(content, hidden_rows=HiddenRows(what))

    assert [contact.source_line for contact in chunk.accepted] == lines


def test_a_hidden_row_with_nothing_in_it_is_nobodys_business():
    assert len(judged(book(*people(2), change=hide(9))).accepted) == 2


def test_a_hidden_column_is_no_number_unless_it_is_said_and_is_told():
    def change(_, sheet):
        sheet.column_dimensions["B"].hidden = True

    content = book(*people(2), change=change)

    assert "the sheet hides it" in str(refusal(content))
    listed = opened(content, customer="customer")
    assert any("'customer'" in note for note in listed.notes)


def test_of_two_columns_one_of_which_is_hidden_none_is_chosen():
    def change(_, sheet):
        sheet.column_dimensions["C"].hidden = True

    names = ("agent", "customer", "phone")
    listed = opened(book((9000000001, 9800000001, 9800000777), change=change, names=names))

    with pytest.raises(CampaignFileError, match="Hidden in the sheet: 'phone'"):
        listed.require_clear()


def two_sheets(*, second="Data", state="visible", first_rows=(("How to use this",),)):
    made = openpyxl.Workbook()
    made.active.title = "Read me"
    for row in first_rows:
        made.active.append(row)
    data = made.create_sheet(second)
    for row in (NAMES, *people(2)):
        data.append(row)
    data.sheet_state = state
    return saved(made)


def test_a_sheet_without_numbers_is_passed_over_and_that_is_told():
    listed = opened(two_sheets())

    assert listed.source.description == "sheet 'Data', one of 2"


def test_two_sheets_with_numbers_are_asked_about_and_one_can_be_said():
    content = two_sheets(first_rows=(NAMES, *people(1, first=7)))

    asked = refusal(content)

    assert (asked.choice, asked.choices) == ("sheet", ("Read me", "Data"))
    assert len(judged(content, sheet="data ").accepted) == 2
    assert "There is no sheet 'Other'" in str(refusal(content, sheet="Other"))


def test_a_hidden_sheet_is_read_only_when_it_is_said():
    content = two_sheets(state="hidden", first_rows=(NAMES, *people(1, first=7)))

    assert "hidden sheets 'Data' are not read" in opened(content).source.description
    assert len(judged(content, sheet="Data").accepted) == 2


def test_hidden_sheets_are_told_of_where_no_visible_one_has_a_number():
    content = two_sheets(state="hidden")

    assert refusal(content).choices == ("Read me", "Data")


def test_a_remark_beside_the_list_is_a_column_and_a_stray_cell_costs_its_row_alone():
    def change(_, sheet):
        sheet["D3"] = "call late"
        sheet["ZZ9"] = "x"

    chunk = judged(book(*people(2), change=change))

    assert [one.cells[3] for one in chunk.accepted] == ["", "call late"]
    assert [(one.line, one.code) for one in chunk.rejected] == [(9, "too_many_cells")]
    assert "the last of them x" in chunk.rejected[0].message


def test_a_stray_cell_far_below_is_named_and_the_lists_own_are_not():
    def change(_, sheet):
        sheet["B900000"] = "x"

    said = str(refusal(book(*people(2), change=change)))

    assert "out to B900000:" in said


def test_a_line_of_totals_is_shown_as_what_it_is():
    content = book(("9000000001", "9800000001", ""), ("Total", "", "=COUNTA(B2:B2)"))

    assert [row.problem for row in opened(content).preview()] == [
        "",
        "Row 2 (line 3): Total is a line of totals and no row; it is passed over.",
    ]


def test_names_below_a_title_are_found_and_that_is_told():
    content = book(("Diwali list",), (), NAMES, *people(2), names=None)

    listed = opened(content)

    assert (listed.header_line, len(judged(content).accepted)) == (3, 2)
    assert listed.notes == (
        "The columns' names stand in line 3; above it is 'Diwali list', which is no row.",
    )


def test_names_with_a_number_above_them_are_asked_about_and_can_be_said():
    content = book(("Helpdesk", 9800000009), NAMES, *people(2), names=None)

    assert refusal(content).choice == "header_line"
    assert len(judged(content, header_line=2).accepted) == 2


def test_a_line_that_holds_nothing_is_no_line_of_names():
    assert "No names of columns stand in line 9" in str(refusal(book(*people(2)), header_line=9))


def test_a_merged_cell_means_each_of_its_rows_and_makes_no_row_of_its_own():
    rows = [(9000000001, 9800000001), (None, 9800000002), (None, 9800000003)]
    content = book(*rows, change=lambda _, sheet: sheet.merge_cells("A2:A9"))

    chunk = judged(content)

    assert [contact.agent for contact in chunk.accepted] == ["+919000000001"] * 3
    assert not chunk.rejected


def test_errors_and_formulas_without_results_are_named_and_others_cells_arrive():
    rows = [
        ("#N/A", 9800000001, "x"),
        (9000000001, 9800000002, "#REF!"),
        ('="90"&A3', 9800000003, "=1+1"),
    ]

    chunk = judged(book(*rows))

    assert [(row.line, str(row.code)) for row in chunk.rejected] == [
        (2, "error_cell"),
        (4, "formula"),
    ]
    assert chunk.accepted[0].cells[2] == "#REF!"
    assert chunk.rejected[1].cells[2] == "=1+1"


def test_numbers_dates_and_times_arrive_as_the_sheet_shows_them():
    values = [
        1234,
        dt.datetime(2026, 12, 1, 10, 30),  # noqa: DTZ001 - sheets know no zones
        dt.date(2026, 12, 1),
        dt.time(10, 30),
        0.1 + 0.2,
    ]
    values += [dt.timedelta(hours=26), True]

    def change(_, sheet):
        sheet["C2"].number_format = "000000"

    names = ("agent", "customer", *"cdefghi")
    [contact] = judged(book((9000000001, 9800000001, *values), change=change, names=names)).accepted

    assert contact.cells[2:] == (
        *("001234", "2026-12-01 10:30:00", "2026-12-01", "10:30:00", "0.3", "26:00:00", "TRUE"),
    )


@pytest.mark.parametrize(
    ("code", "number", "shown"),
    [
        ("00000", "1234", "01234"),
        ("00000-00000", "9800000001", "98000-00001"),
        ('"+91 "0000000000', "9800000001", "+91 9800000001"),
        ("000", "12345", "12345"),
        ("0.00", "12", None),
        ("0%", "12", None),
        ("#,##0", "12", None),
    ],
)
def test_a_format_of_zeros_is_written_out_and_no_other(code, number, shown):
    masks = masks_of({"164": code}, ["0", "164"])

    assert (masked(number, masks["1"]) if "1" in masks else None) == shown


def test_a_list_that_begins_further_in_keeps_its_lines_and_columns():
    made = openpyxl.Workbook()
    for row, cells in enumerate((NAMES, *people(2)), start=4):
        for column, cell in enumerate(cells, start=3):
            made.active.cell(row, column, cell)
    made.active["E6"] = "#N/A"
    made.active.merge_cells("C5:C6")

    chunk = judged(saved(made))

    assert [(one.source_line, one.agent) for one in chunk.accepted] == [
        (5, "+919000000001"),
        (6, "+919000000001"),
    ]
    assert chunk.accepted[1].cells[2] == "#N/A"


def test_a_password_and_an_old_format_are_named():
    locked = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le")
    )

    assert "protected by a password" in str(refusal(locked))


_ODS = (
    '<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x" xmlns:calcext="c"'
    ' xmlns:style="s"><office:automatic-styles><style:style style:name="gone">'
    '<style:table-properties table:display="false"/></style:style></office:automatic-styles>'
    "<office:body><office:spreadsheet>{}</office:spreadsheet></office:body></office:document-content>"
)


def ods_row(*cells, more=""):
    texts = (
        f'<table:table-cell office:value-type="string"><text:p>{one}</text:p></table:table-cell>'
        for one in cells
    )
    return f"<table:table-row {more}>{''.join(texts)}</table:table-row>"


def ods(*rows, manifest=""):
    content = _ODS.format(f'<table:table table:name="Data">{"".join(rows)}</table:table>')
    for short, long in (("o", "office"), ("t", "table"), ("x", "text"), ("s", "style")):
        content = content.replace(
            f'"{short}"', f'"urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
        )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        space = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
        archive.writestr(
            "META-INF/manifest.xml", f'<m:manifest xmlns:m="{space}">{manifest}</m:manifest>'
        )
    return file.getvalue()


def test_an_ods_under_a_password_is_named_as_that():
    entry = '<m:file-entry m:full-path="content.xml"><m:encryption-data/></m:file-entry>'

    assert "protected by a password" in str(refusal(ods(ods_row(*NAMES), manifest=entry)))


def test_rows_that_an_ods_filters_are_asked_about_and_skipped():
    hidden = ods_row(9000000002, 9800000002, more='table:visibility="filter"')
    content = ods(ods_row(*NAMES[:2]), ods_row(9000000001, 9800000001), hidden)

    assert "1 row is hidden" in str(refusal(content))
    chunk = judged(content, hidden_rows=HiddenRows.SKIP)
    assert [one.source_line for one in chunk.accepted] == [2]


def test_a_far_cell_of_an_ods_is_refused_by_its_name():
    far = '<table:table-row table:number-rows-repeated="900000"/>' + ods_row(*[""] * 900, 5)

    said = str(refusal(ods(ods_row(*NAMES[:2]), ods_row(9000000001, 9800000001), far)))

    assert "The sheet reaches out to AHQ900003" in said


def test_every_line_of_a_sheet_is_accepted_rejected_or_told():
    content = workbook(
        '<row r="9"><c r="A9" t="e"><v>#N/A</v></c><c r="B9"><v>9876543209</v></c></row>'
    )

    chunk = judged(content)

    assert len(list(itertools.chain(chunk.accepted, chunk.rejected))) == 2

"""Workbooks of a few kilobytes that open to gigabytes are refused by the name of their cell (H2)."""

import io
from zoneinfo import ZoneInfo

import pytest

from campaigns.lists.contact_list import open_list
from campaigns.lists.source import CampaignFileError, ListLimits
from campaigns.numbers.phone import PhoneRules
from dialer.workbooks.apart import open_workbook_apart
from tests.workbook_kit import sheet, workbook


def opened(content, limits=None):
    return open_list(
        io.BytesIO(content),
        rules=PhoneRules(),
        zone=ZoneInfo("Asia/Kolkata"),
        limits=limits or ListLimits(),
        workbooks=open_workbook_apart,
    )


def refusal_of(content, limits=None):
    with pytest.raises(CampaignFileError) as refused:
        opened(content, limits)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def accepted(content):
    return sum(len(chunk.accepted) for chunk in opened(content).chunks())


def test_an_ordinary_workbook_is_read():
    assert accepted(workbook()) == 1


@pytest.mark.parametrize(
    ("rows", "cell"),
    [
        ('<row r="1048550"><c r="XFD1048550"><v>2</v></c></row>', "XFD1048550"),
        ('<row r="3"><c r="XFD3"><v>2</v></c></row>', "XFD3"),
        ('<row r="1048576"><c r="ALL1048576"><v>2</v></c></row>', "ALL1048576"),
        (
            '<row r="9"><c r="ALL9"><v>1</v></c></row><row r="99999"><c r="A99999"><v>1</v></c></row>',
            "A99999 and ALL9",
        ),
        ('<x:row xmlns:x="u" r="7"><x:c r="XFD7"><x:v>2</x:v></x:c></x:row>', "XFD7"),
        ("<row r='7'><c t='inlineStr' r='&#88;FD7'><is><t>x</t></is></c></row>", "XFD7"),
        ('<row r="3"><c r="ZZZZZZZ3"><v>2</v></c></row>', "ZZZZZZZ3"),
        ('<row r="4294967298"><c r="A4294967298"><v>2</v></c></row>', "A4294967298"),
    ],
    ids=["corner", "right", "below", "two", "prefixed", "disguised", "no-column", "comes-round"],
)
def test_a_cell_far_outside_the_list_is_refused_by_its_name(rows, cell):
    content = workbook(rows)

    assert len(content) < 2_000
    assert f"{cell}" in refusal_of(content)


def test_a_cell_without_a_reference_stands_beside_the_one_before_it():
    row = '<row r="3"><c r="ALL3"><v>1</v></c><c><v>2</v></c></row>'

    assert "Cell ALM3" in refusal_of(workbook(row))


def test_cells_that_are_only_painted_stretch_nothing():
    assert accepted(workbook('<row r="1048576"><c r="XFD1048576" s="1"/></row>')) == 1


def test_sheets_that_are_not_read_may_reach_as_far_as_they_like():
    far = sheet('<row r="1048550"><c r="XFD1048550"><v>2</v></c></row>')

    assert accepted(workbook(hidden=far)) == 1


def test_one_long_text_named_by_many_cells_is_refused_before_it_is_copied():
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(3, 40_000))
    content = workbook(cells, texts=["x" * 60_000])
    said = refusal_of(content)

    assert len(content) < 250_000
    assert "Up to cell A4169 the sheet's texts come to more than 250 MB" in said


def test_a_text_too_long_for_a_cell_is_refused_by_the_cells_name():
    row = '<row r="3"><c r="B3" t="s"><v>1</v></c></row>'

    said = refusal_of(workbook(row, texts=["short", "x" * 70_000]))

    assert "Cell B3 holds 70,000 characters; at most 65,536" in said


def test_definitions_of_entities_are_refused():
    laughs = '<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'

    assert "cannot be read" in refusal_of(workbook(part=sheet("", before=laughs)))


def test_what_the_scan_lets_pass_meets_the_limit_of_memory():
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(3, 4_000))
    no_scan = ListLimits(max_cell_chars=10**9, max_unpacked_bytes=10**12)

    said = refusal_of(workbook(cells, texts=["x" * 1_000_000]), no_scan)

    assert "cannot be opened in 1,000 MB of memory" in said


def test_a_workbook_can_be_read_again_and_its_file_is_left_where_it_was(tmp_path):
    path = tmp_path / "list.xlsx"
    path.write_bytes(workbook())
    with path.open("rb") as file:
        file.read(3)
        source = opened_source = open_list(
            file,
            rules=PhoneRules(),
            zone=ZoneInfo("Asia/Kolkata"),
            workbooks=open_workbook_apart,
        ).source

        assert list(source.rows()) == list(opened_source.rows())
        assert [row.cells for row in source.rows()][1] == ["9000000001", "9876543201"]
        assert file.seek(0) == 0
        assert file.read() == path.read_bytes()

"""A file that cannot be used is refused in one clear line that says what to do."""

import contextlib
import io
import zipfile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.lists.column_choice import ColumnChoice
from campaigns.lists.contact_list import open_list
from campaigns.lists.source import CampaignFileError, ListLimits, ReadingChoice
from campaigns.numbers.phone import PhoneRules

ROW = "9000000001,9876543201"


def open_bytes(content, **options):
    return open_list(
        io.BytesIO(content), rules=PhoneRules(), zone=ZoneInfo("Asia/Kolkata"), **options
    )


def zipped(**parts):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n", "empty"),
        (b"\n,,\n  \n", "empty"),
        (b"agent,customer\n", "no rows"),
        (b"agent,customer\n,\n\n", "no rows"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a picture"),
        (b"%PDF-1.7\n", "a PDF"),
        (b'[{"agent": "9000000001"}]', "a JSON file"),
        (b"BEGIN:VCARD\nTEL:9876543201\n", "contact cards"),
        (b'<table border="1"><tr><td>agent', "a web page"),
        (b"PAR1\x15\x04", "a Parquet file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "it cannot be told which rows"),
        (b"\x1f\x8b\x08\0", "compressed"),
        (b"  <!DOCTYPE html><html><table>", "a web page"),
        (bytes(range(1, 32)) * 20, "not a text file"),
        (b"agent,customer\n" + ROW.encode() + b"\x81", "line 2 are not UTF-8 nor Windows-1252"),
        (b"\xff\xfea\0g\0e", "not UTF-16"),
        (ROW.encode() + b"\n9000000002,9876543202\n", "phone numbers where"),
        (b"agent,customer,agent\n", "named 'agent'"),
        (b"agent,customer,phone,phone\n", "could each be the customer's"),
        (b"agent,customer,priority,Priority\n", "named 'priority'"),
        (b"agent,name\n" + ROW.encode(), "No column for the customer's number"),
        (b"name,customer\n" + ROW.encode(), "No column for the agent's number"),
        (
            b"agent customer\n9000000001 9876543201\n",
            "Only one column was found, 'agent customer'. Separate",
        ),
        (b'"agent,customer"\n"9000000001,9876543201"\n', "stands in quotes as a whole"),
        (b"agent,customer,phone\n", "'customer' and 'phone'"),
        (b"agent,from,phone\n", "'agent' and 'from'"),
        (b"PK\x03\x04 cut off", "damaged"),
        (zipped(content_xml="<x/>", mimetype="application/vnd.oasis"), "no workbook"),
        (zipped(xl__workbook_xml="<workbook>"), "cannot be read"),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_one_line(content, says):
    with pytest.raises(CampaignFileError) as refusal:
        open_bytes(content)

    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


@given(st.binary(max_size=400), st.sampled_from([b"", b"agent,customer\n", b"agent;customer\r\n"]))
def test_whatever_the_bytes_a_file_is_read_or_refused(content, header):
    with contextlib.suppress(CampaignFileError):
        list(open_bytes(header + content).chunks())


def test_limits_on_bytes_and_columns_are_told():
    text = f"agent,customer,a,b\n{ROW},,\n".encode()

    with pytest.raises(CampaignFileError, match="Split the list"):
        open_bytes(text, limits=ListLimits(max_bytes=10))
    with pytest.raises(CampaignFileError, match="4 columns; at most 3"):
        open_bytes(text, limits=ListLimits(max_columns=3))


def test_a_line_without_end_is_refused_before_it_fills_the_memory():
    with pytest.raises(CampaignFileError, match="Line 2 is longer"):
        open_bytes(b"agent,customer\n" + b"x" * 3_000_000)


def test_a_workbook_that_unpacks_a_hundredfold_is_refused():
    bomb = zipped(xl__workbook_xml="<workbook/>", xl__worksheets__sheet1_xml=bytes(20_000_000))

    with pytest.raises(CampaignFileError, match="20 MB in 2 parts"):
        open_bytes(bomb)


def test_a_workbook_of_too_many_parts_is_refused():
    parts = {f"part{number}": "" for number in range(5)}

    with pytest.raises(CampaignFileError, match="6 parts"):
        open_bytes(zipped(xl__workbook_xml="", **parts), limits=ListLimits(max_parts=5))


def test_a_workbook_whose_sizes_are_lies_is_refused():
    honest = zipped(xl__workbook_xml=bytes(5_000))
    lying = honest.replace((5_000).to_bytes(4, "little"), (50).to_bytes(4, "little"))

    with pytest.raises(CampaignFileError, match="damaged"):
        open_bytes(lying)


def test_columns_named_by_hand_need_no_synonym():
    text = f"Verkäufer,Ziel,phone\n{ROW},9876543202\n".encode()

    contact_list = open_bytes(text, choice=ColumnChoice(agent="verkäufer", customer="ZIEL"))

    matched = [(match.role, match.column, match.why) for match in contact_list.header.matched]
    assert matched == [
        ("agent", "Verkäufer", "named by hand"),
        ("customer", "Ziel", "named by hand"),
    ]


def test_a_column_named_by_hand_must_exist_and_be_another_than_the_others():
    text = f"agent,customer\n{ROW}\n".encode()

    with pytest.raises(CampaignFileError, match="no column 'seller'"):
        open_bytes(text, choice=ColumnChoice(agent="seller"))
    with pytest.raises(CampaignFileError, match="both the agent's and the customer's"):
        open_bytes(text, choice=ColumnChoice(agent="customer"))


@pytest.mark.parametrize(
    ("agent", "customer"),
    [
        ("agent", "customer"),
        ("AGENT_NUMBER", "CUSTOMER-NUMBER"),
        ("Agent Phone No.", "Customer Mobile"),
        ("from", "to"),
        ("agentPhone", "phone"),
        ("Executive Mobile", "Mobile Number"),
    ],
)
def test_the_two_columns_are_known_by_many_names(agent, customer):
    contact_list = open_bytes(f"{agent},{customer},customer_name\n{ROW},Asha\n".encode())

    assert contact_list.header.agent.column == agent
    assert contact_list.header.customer.column == customer


BELOW = "\n9000000001,9876543201,1\n9000000001,9876543202,2\n"


@pytest.mark.parametrize(
    ("content", "columns", "first"),
    [
        ("Phone 1,Phone 2,x" + BELOW, ("Phone 1", "Phone 2", "x"), "9000000001"),
        ("Number,Number,x" + BELOW, ("Number", "Number (2)", "x"), "9000000001"),
        ("Mobile,x,y" + BELOW.replace("9000000001", "a"), ("Mobile", "x", "y"), "a"),
        ("customer\n9876543201\n", ("customer",), "9876543201"),
        ("agent,customer\n", ("agent", "customer"), None),
        (BELOW[1:], (), "9000000001"),
        ("Ask,9876500000,\nagent,customer,x" + BELOW, (), "Ask"),
    ],
)
def test_whatever_is_asked_of_a_list_its_columns_and_first_rows_are_told_with_it(
    content, columns, first
):
    with pytest.raises(CampaignFileError) as refusal:
        open_bytes(content.encode()).require_clear()

    assert refusal.value.columns == columns
    assert [row[0] for row in refusal.value.rows[:1]] == ([first] if first else [])


def test_where_the_line_of_names_is_asked_the_likely_one_can_be_answered():
    content = ("Ask,9876500000,\nagent,customer,x" + BELOW).encode()
    with pytest.raises(CampaignFileError) as refusal:
        open_bytes(content)

    [answer] = refusal.value.choices
    answered = ReadingChoice().settled(refusal.value.choice, answer)
    assert open_bytes(content, reading=answered).header_line == 2

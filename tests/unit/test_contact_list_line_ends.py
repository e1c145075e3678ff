"""Where lines end, and where the file does: old Macintosh line ends and DOS end marks."""

import io
from zoneinfo import ZoneInfo

import pytest

from campaigns.lists.contact_list import open_list
from campaigns.numbers.phone_rules import PhoneRules

LINES = ("agent,customer,name", "9000000001,9876500001,Asha", "9000000002,9876500002,Ravi")


def judged(content: bytes):
    contact_list = open_list(io.BytesIO(content), rules=PhoneRules(), zone=ZoneInfo("Asia/Kolkata"))
    chunks = list(contact_list.chunks())
    return [one for chunk in chunks for one in chunk.accepted], [
        one for chunk in chunks for one in chunk.rejected
    ]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "END"])
def test_lines_end_as_any_system_ends_them(end, last):
    accepted, rejected = judged((end.join(LINES) + (end if last else "")).encode())

    assert [(one.source_line, one.cells[2]) for one in accepted] == [(2, "Asha"), (3, "Ravi")]
    assert not rejected


@pytest.mark.parametrize("tail", ["\x1a", "\r\n\x1a", "\r\n\x1a\x1a\x1a", "\r\n\x1a\r\n"])
def test_a_dos_end_mark_is_no_row_and_no_part_of_a_cell(tail):
    accepted, rejected = judged(("\r\n".join(LINES) + tail).encode())

    assert [one.cells[2] for one in accepted] == ["Asha", "Ravi"]
    assert not rejected

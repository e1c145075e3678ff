"""A contact's record: the same in Python and in Lua, and what is stored keeps its meaning."""

import re
import struct
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import dialer
from campaigns.attempt import Outcome
from campaigns.contact_state import ContactState, NotDialled
from dialer.store import record
from dialer.store.record import END_CODES, STATE_CODES, ContactRecord
from dialer.store.record_table import RECORD_TYPE
from dialer.store.scripts import prelude
from tests.factories import record_bytes

PRELUDE = "\n".join(prelude())


def lua_constants() -> dict[str, str]:
    found = {}
    for names, values in re.findall(
        r"^local ([A-Z_, ]+) = (.+?)(?: --.*)?$", PRELUDE, re.MULTILINE
    ):
        found |= zip(names.split(", "), values.split(", "), strict=False)
    return found


def test_lua_reads_the_layout_that_python_writes():
    lua = lua_constants()

    assert lua["LAYOUT"] == f"'{record.PACKED.format}'"
    assert lua["PER_CHUNK"] == str(record.PER_CHUNK)
    assert lua["BYTES"] == str(record.RECORD_BYTES)
    assert lua["NEXT_AT"] == str(RECORD_TYPE.fields["next"][1])
    assert lua["PAIR_AT"] == str(RECORD_TYPE.fields["agent"][1])
    assert record.PACKED.format.startswith(lua["CHANGES"].strip("'"))
    assert (int(lua["LAST"]), int(lua["APART"], 16)) == (record.LAST, record.APART)
    assert lua["NEWCOMER"] == str(record.NEWCOMER)


def test_who_closes_contacts_reads_four_of_their_fields_where_they_stand():
    step = Path(dialer.__file__).with_name("lua") / "cancel_chunk.lua"
    read = {"state", "charged", "next", "agent"}
    places = [
        letter if name in read else "x" * struct.calcsize(f"<{letter}")
        for name, letter, _ in record.FIELDS
    ]

    assert f"'<{''.join(places).rstrip('x')}'" in step.read_text(encoding="utf-8")


def test_lua_unpacks_the_fields_in_their_order():
    [unpacking] = re.findall(r"((?:c\.\w+,\s+)+c\.\w+) = struct.unpack\(LAYOUT", PRELUDE)
    in_lua = [name.strip().removeprefix("c.") for name in unpacking.split(",")]

    assert in_lua == [name.removesuffix("_s") for name, _, _ in record.FIELDS]


def test_lua_knows_each_state_by_its_code():
    lua = lua_constants()

    assert {name: int(lua[name.upper()]) for name in STATE_CODES} == STATE_CODES


def test_numpy_reads_what_struct_writes():
    assert RECORD_TYPE.itemsize == record.RECORD_BYTES == 36


def test_every_state_and_end_has_a_code_of_its_own():
    assert STATE_CODES.keys() == set(ContactState)
    assert END_CODES.keys() == {*Outcome, *NotDialled}
    assert len(set(STATE_CODES.values())) == len(STATE_CODES)
    assert len(set(END_CODES.values())) == len(END_CODES)
    assert 0 not in END_CODES.values()


def test_codes_stay_what_they_are_in_stores_and_archives():
    """A code that changes renames ends that are stored: add to this list, never alter it."""
    assert {str(end): code for end, code in END_CODES.items()} == {
        "connected": 1,
        "customer_no_answer": 2,
        "customer_busy": 3,
        "customer_failed": 4,
        "agent_left": 5,
        "agent_no_answer": 6,
        "agent_busy": 7,
        "agent_failed": 8,
        "customer_not_dialled": 9,
        "provider_failed": 10,
        "dnd": 11,
        "refused": 12,
        "turned_away": 13,
        "unknown": 14,
        "cancelled": 15,
        "expired": 16,
        "suppressed": 17,
        "outside_hours": 18,
        "country_not_allowed": 19,
        "ended": 20,
        "skipped": 21,
        "poison": 22,
    }


@given(
    state=st.sampled_from(ContactState),
    end=st.sampled_from([None, *Outcome, *NotDialled]),
    made=st.integers(0, 65535),
    due_s=st.integers(0, 2**32 - 1),
)
def test_a_record_comes_back_as_it_was(state, end, made, due_s):
    one = ContactRecord("+919000000001", "+919000000101", state, end, made=made, due_s=due_s)

    assert ContactRecord.unpack(record_bytes(one)) == one

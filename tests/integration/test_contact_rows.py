"""A contact and its own line as Redis keeps them."""

import json
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.contact import Contact
from dialer.store import ContactRecord
from dialer.store.contact_rows import Row, pack_rows, unpack_rows
from dialer.store.contacts import pack_records, unpack_records
from tests.factories import record_bytes

_rows = st.lists(
    st.builds(
        Row,
        line=st.integers(1, 10_000_000),
        cells=st.lists(st.text()).map(tuple),
        extra=st.dictionaries(st.sampled_from(["timezone", "custom_field"]), st.text()),
    ),
    min_size=1,
    max_size=5,
)


@given(_rows)
def test_a_line_comes_back_as_it_was_stored(rows: list[Row]) -> None:
    assert unpack_rows(pack_rows(rows)) == rows


@given(_rows)
def test_every_line_is_a_json_text_of_its_own(rows: list[Row]) -> None:
    lines = zlib.decompress(pack_rows(rows)).split(b"\n")

    assert [json.loads(line)[:2] for line in lines] == [[row.line, list(row.cells)] for row in rows]


@given(_rows)
def test_a_line_is_written_as_json_writes_it(rows: list[Row]) -> None:
    assert zlib.decompress(pack_rows(rows)).decode() == "\n".join(
        json.dumps(row if row.extra else row[:2], ensure_ascii=False, separators=(",", ":"))
        for row in rows
    )


_numbers = st.integers(10**7, 10**15 - 1).map("+{}".format)
_instants = st.none() | st.integers(1, 2**32 - 1).map(lambda s: datetime.fromtimestamp(s, UTC))
_contacts = st.lists(
    st.builds(
        Contact,
        source_line=st.just(2),
        row_no=st.just(1),
        agent=_numbers,
        customer=_numbers,
        cells=st.just(()),
        priority=st.integers(-99, 99),
        not_before=_instants,
        expires_at=_instants,
    ),
    max_size=5,
)


@given(_contacts)
def test_contacts_packed_together_are_those_packed_alone(contacts: list[Contact]) -> None:
    alone = [
        ContactRecord(
            one.agent,
            one.customer,
            priority=one.priority,
            due_s=int(one.not_before.timestamp()) if one.not_before else 0,
            expires_s=int(one.expires_at.timestamp()) if one.expires_at else 0,
        )
        for one in contacts
    ]

    assert pack_records(contacts) == b"".join(record_bytes(record) for record in alone)
    assert list(unpack_records(pack_records(contacts))) == alone


@pytest.mark.parametrize(("year", "stored"), [(1960, 1), (2200, 2**32 - 1)])
def test_an_instant_beyond_those_a_record_has_room_for_is_the_nearest(year, stored):
    instant = datetime(year, 1, 1, tzinfo=UTC)
    contact = Contact(2, 1, "+1", "+2", (), not_before=instant, expires_at=instant)

    [record] = unpack_records(pack_records([contact]))

    assert (record.due_s, record.expires_s) == (stored, stored)

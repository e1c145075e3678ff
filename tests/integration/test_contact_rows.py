"""A contact's own line as Redis keeps it."""

import json
import zlib

from hypothesis import given
from hypothesis import strategies as st

from dialer.store.contacts import Row, pack_rows, unpack_rows

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

"""Every row of a list is accepted, rejected or a duplicate, and says why."""

import csv
import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from campaigns.lists.contact_list import Dedupe, OtherLists, open_list
from campaigns.lists.judged_rows import Chunk, Summary, write_rejected
from campaigns.lists.source import ListLimits
from campaigns.numbers.phone import PhoneRules
from campaigns.spreadsheet_safety import as_they_were, safe_cell

AGENT = "9000000001"
INDIA = ZoneInfo("Asia/Kolkata")


def open_text(text, **options):
    return open_list(io.BytesIO(text.encode()), rules=PhoneRules(), zone=INDIA, **options)


def judge(text, *, dedupe=Dedupe.FILE, others=None, **options) -> Chunk:
    """Judge a short list as one chunk."""
    [chunk] = open_text(text, **options).chunks(
        dedupe=dedupe, others=others or OtherLists(), rows_per_chunk=10_000
    )
    return chunk


def codes(rows):
    return [(row.line, str(row.code)) for row in rows]


def test_a_message_names_row_line_column_finding_and_remedy():
    chunk = judge(f'agent,customer,note\n{AGENT},9876543201,"a\nb\nc"\n{AGENT},9.19877E+11,\n')

    [rejected] = chunk.rejected
    assert rejected.message == (
        "Row 2 (line 5), customer: expected a phone number, found 9.19877E+11. "
        "Format the column as text and export again."
    )


def test_a_contact_keeps_its_cells_as_the_file_has_them():
    chunk = judge(f"agent,name,customer,empty\n {AGENT}, Asha ,098765-43201,\n")

    [contact] = chunk.accepted
    assert (contact.agent, contact.customer) == ("+919000000001", "+919876543201")
    assert contact.cells == (f" {AGENT}", " Asha ", "098765-43201", "")
    assert (contact.source_line, contact.row_no) == (2, 1)


def test_the_first_row_of_a_pair_wins_and_the_later_says_where_it_was():
    chunk = judge(f"agent,customer\n{AGENT},9876543201\n\n{AGENT},+91 98765 43201\n")

    assert codes(chunk.duplicates) == [(4, "duplicate_pair")]
    assert "stands on line 2 already" in chunk.duplicates[0].message


def test_a_customer_of_another_agent_is_a_duplicate_too():
    chunk = judge(f"agent,customer\n{AGENT},9876543201\n9000000002,9876543201\n")

    assert codes(chunk.duplicates) == [(3, "duplicate_customer")]


def test_a_rejected_row_does_not_make_a_later_one_a_duplicate():
    chunk = judge("agent,customer\n12,9876543201\n9000000001,9876543201\n")

    assert codes(chunk.rejected) == [(2, "short_code")]
    assert [contact.source_line for contact in chunk.accepted] == [3]


def test_without_deduplication_every_row_counts():
    text = f"agent,customer\n{AGENT},9876543201\n{AGENT},9876543201\n"

    assert len(judge(text, dedupe=Dedupe.NONE).accepted) == 2


def test_customers_of_other_active_campaigns_are_duplicates_only_when_asked_for():
    text = f"agent,customer\n{AGENT},9876543201\n"
    others = OtherLists(active={"+919876543201"}.intersection)

    assert len(judge(text, others=others).accepted) == 1
    assert codes(judge(text, dedupe=Dedupe.ACTIVE, others=others).duplicates) == [
        (2, "duplicate_active")
    ]


def test_appending_does_not_load_a_customer_of_the_campaign_again():
    others = OtherLists(in_campaign={"+919876543201"}.intersection)

    chunk = judge(f"agent,customer\n{AGENT},9876543201\n{AGENT},9876543202\n", others=others)

    assert codes(chunk.duplicates) == [(2, "duplicate_in_campaign")]
    assert [contact.customer for contact in chunk.accepted] == ["+919876543202"]


def test_a_suppressed_number_is_rejected_on_either_side():
    others = OtherLists(suppressed={"+919876543201", "+919000000002"}.intersection)

    chunk = judge(
        f"agent,customer\n{AGENT},9876543201\n9000000002,9876543202\n{AGENT},9876543203\n",
        others=others,
    )

    assert [(row.line, row.column, row.code) for row in chunk.rejected] == [
        (2, "customer", "suppressed"),
        (3, "agent", "suppressed"),
    ]
    assert len(chunk.accepted) == 1


def test_an_agent_is_not_called_as_a_customer_of_his_own_nor_the_caller_id_at_all():
    rules = PhoneRules(caller_id="022 2345 6789")
    text = f"agent,customer\n{AGENT},{AGENT}\n{AGENT},02223456789\n+912223456789,9876543201\n"

    contact_list = open_list(io.BytesIO(text.encode()), rules=rules, zone=INDIA)
    [chunk] = contact_list.chunks()

    assert codes(chunk.rejected) == [
        (2, "agent_is_customer"),
        (3, "is_caller_id"),
        (4, "is_caller_id"),
    ]


def test_a_cell_beyond_the_limit_is_rejected_and_the_rest_goes_on():
    limits = ListLimits(max_cell_chars=10)
    text = f"agent,customer,note\n{AGENT},9876543201,{'x' * 11}\n{AGENT},9876543202,short\n"

    chunk = judge(text, limits=limits)

    assert codes(chunk.rejected) == [(2, "cell_too_long")]
    assert [contact.source_line for contact in chunk.accepted] == [3]


def test_a_quote_opened_in_a_long_list_costs_one_row_not_the_rest():
    rows = [f"{AGENT},{9876500000 + number},Asha" for number in range(8_000)]
    rows[100] = rows[100].replace("Asha", '"Asha')

    chunk = judge("\n".join(["agent,customer,name", *rows]))

    assert codes(chunk.rejected) == [(102, "broken_quotes")]
    assert len(chunk.accepted) == 7_999


def test_a_cell_longer_than_a_parser_takes_costs_one_row():
    text = f"agent,customer,note\n{AGENT},9876543201,{'x' * 200_000}\n{AGENT},9876543202,\n"

    chunk = judge(text)

    assert codes(chunk.rejected) == [(2, "cell_too_long")]
    assert len(chunk.accepted) == 1


def test_a_bare_date_expires_at_the_end_of_its_day_in_the_lists_zone():
    chunk = judge(f"agent,customer,expires_at\n{AGENT},9876543201,2026-11-30\n")

    [contact] = chunk.accepted
    assert contact.expires_at == datetime(2026, 11, 30, 18, 30, tzinfo=UTC)


def test_an_instant_without_offset_is_in_the_rows_own_zone():
    chunk = judge(
        f"agent,customer,not_before,timezone\n{AGENT},9876543201,2026-07-01 10:00,Europe/London\n"
    )

    [contact] = chunk.accepted
    assert contact.not_before == datetime(2026, 7, 1, 9, tzinfo=UTC)
    assert contact.timezone == "Europe/London"


def test_warnings_are_told_of_rows_that_are_taken_only():
    text = f"agent,customer\n{AGENT},9876543201.0\n{AGENT},9876543201.0\n{AGENT}.0,12\n"

    chunk = judge(text)

    assert codes(chunk.warnings) == [(2, "decimal_recovered")]


def test_a_summary_counts_by_code_and_keeps_three_examples():
    rows = [f"{AGENT},12{number}" for number in range(5)]
    summary = Summary()

    summary.add(judge("\n".join(["agent,customer", *rows, f"{AGENT},9876543201"])))

    assert (summary.rows, summary.accepted, summary.rejected) == (6, 1, 5)
    assert summary.faults["short_code"].count == 5
    assert len(summary.faults["short_code"].examples) == 3


def test_the_rejected_file_mended_by_hand_loads():
    original = f'agent,customer,line\n{AGENT},9.19877E+11,"a ""b"", c"\n{AGENT},9876543201,\n'
    chunk = judge(original)

    written = "".join(write_rejected(("agent", "customer", "line"), chunk.not_taken))
    mended = judge(written.replace("9.19877E+11", "9876543202", 1))

    assert written.startswith("agent,customer,line,line_2,error_code,error\r\n")
    [contact] = mended.accepted
    assert contact.cells[:4] == (AGENT, "9876543202", 'a "b", c', "2")


def test_no_cell_of_a_rejected_file_is_run_by_a_spreadsheet():
    columns = ("agent", "customer", "=note", "plan")
    hostile = ("=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", "\t=1", "plain", "'quoted'")
    rows = "\n".join(f'{AGENT},123,"{cell}",{cell!r}' for cell in hostile)
    chunk = judge(f"{','.join(columns)}\n{rows}\n")

    lines = list(csv.reader(io.StringIO("".join(write_rejected(columns, chunk.not_taken)))))

    assert not [cell for line in lines for cell in line if safe_cell(cell) != cell]
    assert lines[0][2] == "'=note"
    assert [as_they_were(line)[2] for line in lines[1:]] == list(hostile)


def test_cells_without_a_column_stay_in_the_rejected_file():
    columns = ("agent", "customer")
    chunk = judge(f"agent,customer\n{AGENT},9876543201,stray\n")

    _, line = write_rejected(columns, chunk.not_taken)

    assert line.startswith(f"{AGENT},9876543201,2,too_many_cells,")
    assert line.endswith(",stray\r\n")


CELLS = st.one_of(
    st.sampled_from(["9876543201", "9876543202", "+91 98765 43202", AGENT, "9000000002"]),
    st.sampled_from(["12", "9.81E+09", "9876543203.0", "", " ", '"', "x\ny", "a;b", "=1+1", "\0"]),
)
TABLES = st.lists(st.lists(CELLS, min_size=0, max_size=5), min_size=1, max_size=30)


def as_csv(table):
    def quoted(cell):
        return '"' + cell.replace('"', '""') + '"'

    lines = [",".join(map(quoted, cells)) for cells in table]
    return "\n".join(["agent,customer,name", *lines]) + f"\n{AGENT},9876500000,last\n"


@given(TABLES, st.sampled_from(Dedupe), st.integers(min_value=1, max_value=40))
def test_each_row_is_accepted_rejected_or_a_duplicate_exactly_once(table, dedupe, rows_per_chunk):
    filled = [cells for cells in table if any(cell.strip() for cell in cells)]
    summary = Summary()
    row_nos = []

    for chunk in open_text(as_csv(table)).chunks(dedupe=dedupe, rows_per_chunk=rows_per_chunk):
        summary.add(chunk)
        row_nos += [row.row_no for row in (*chunk.accepted, *chunk.not_taken)]

    assert sorted(row_nos) == list(range(1, len(filled) + 2))
    assert summary.rows == summary.accepted + summary.rejected + summary.duplicate == len(row_nos)
    assert summary.blank == len(table) - len(filled)


@given(TABLES, st.integers(min_value=1, max_value=40))
def test_verdicts_do_not_depend_on_where_chunks_end(table, rows_per_chunk):
    contact_list = open_text(as_csv(table))

    [whole] = contact_list.chunks()
    parts = list(contact_list.chunks(rows_per_chunk=rows_per_chunk))

    assert [row for part in parts for row in part.accepted] == list(whole.accepted)
    assert [row for part in parts for row in part.not_taken] == whole.not_taken
    assert [remark for part in parts for remark in part.warnings] == list(whole.warnings)
    assert parts[-1].share_read == 1


@given(TABLES)
def test_no_customer_is_accepted_twice(table):
    [chunk] = open_text(as_csv(table)).chunks()

    customers = [contact.customer for contact in chunk.accepted]
    assert len(customers) == len(set(customers))

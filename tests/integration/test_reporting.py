"""Report files, opened as their readers open them."""

import csv
import resource
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import openpyxl
import pyarrow.parquet as pq
import pytest

from campaigns.attempt import AttemptState, Outcome
from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState, NotDialled
from campaigns.numbers.mask import Mask, NumberMask
from campaigns.reports.does_not_add_up import DoesNotAddUp
from dialer.reporting.files import Format
from dialer.reporting.reporting import write_reports
from dialer.reporting.tables import ALL_KINDS, Kind, table
from dialer.reporting.xlsx_file import Workbook
from dialer.store.callback_inbox import Orphan
from tests.report_samples import AS_OF, CAMPAIGN, START_S, Rejected, attempt, line, source

ZONE = ZoneInfo("Asia/Kolkata")
HOSTILE = "=cmd|' /C calc'!A1"
FIXED = [
    "attempt_id",
    "contact_id",
    "attempt_no",
    "call_sid",
    "agent",
    "customer",
    "requested_at",
    "answered_at",
    "ended_at",
    "agent_leg_status",
    "customer_leg_status",
    "outcome",
    "ring_s",
    "talk_s",
    "total_s",
    "price",
    "recording_url",
    "http_status",
    "error_code",
    "source_line",
]


def a_campaign():
    """One contact of every kind: reached on the second attempt, waiting, cancelled, in quarantine."""
    return [
        line(1, attempt(Outcome.CUSTOMER_BUSY), attempt(requested_at=START_S + 300)),
        line(2, attempt(Outcome.AGENT_BUSY), state=ContactState.WAITING, due_s=int(START_S) + 900),
        line(3, end=NotDialled.CANCELLED),
        line(4, attempt(None, state=AttemptState.UNKNOWN, sid=None), state=ContactState.UNRESOLVED),
    ]


def written(tmp_path, report_source, **options):
    return write_reports(report_source, tmp_path, as_of=AS_OF, **options)


def only(files, kind, ending="csv"):
    return next(one for one in files if f"_{kind}_" in one.name and one.name.endswith(ending))


def rows(files, kind):
    with only(files, kind).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_files_are_named_after_campaign_kind_and_instant_in_the_campaigns_zone(tmp_path):
    made = written(tmp_path, source(a_campaign()))

    assert {one.name for one in made.files} == {
        f"diwali_{kind}_20261124T181500+0530.csv" for kind in ALL_KINDS
    }


def test_an_attempt_is_a_row_with_the_promised_columns_then_ours_then_the_uploads(tmp_path):
    made = written(tmp_path, source(a_campaign()))

    found = rows(made.files, Kind.ATTEMPTS)
    header = list(found[0])
    assert header[:20] == FIXED
    assert header[-4:] == ["agent_number", "customer_number", "name", "ref"]
    assert [one["attempt_id"].rsplit("-", 1)[0] for one in found] == [
        f"{CAMPAIGN}-{place}" for place in ("1-1", "1-2", "2-1", "4-1")
    ]


def test_times_carry_their_offset_and_numbers_are_bare_digits(tmp_path):
    made = written(tmp_path, source(a_campaign()))

    found = rows(made.files, Kind.ATTEMPTS)[1]
    assert found["requested_at"] == "2026-11-23T18:20:00.000+05:30"
    assert found["agent"] == "919000000001"
    assert found["ref"] == "00042"
    assert found["price"] == "0.65"


def test_a_contact_never_dialled_has_its_reason_among_the_contacts(tmp_path):
    made = written(tmp_path, source(a_campaign()))

    found = rows(made.files, Kind.CONTACTS)
    assert [(one["state"], one["outcome"], one["attempts"]) for one in found] == [
        ("final", "connected", "2"),
        ("waiting", "", "1"),
        ("final", "cancelled", "0"),
        ("unresolved", "", "1"),
    ]
    assert found[1]["next_attempt_at"] == "2026-11-23T18:30:00.000+05:30"


def test_quarantine_contradictions_and_callbacks_without_a_call_are_listed(tmp_path):
    contradicted = attempt(Outcome.CUSTOMER_BUSY, details_outcome=Outcome.CONNECTED)
    corrected = attempt(Outcome.CUSTOMER_NO_ANSWER, first_outcome=Outcome.CONNECTED)
    lines = [*a_campaign(), line(5, contradicted), line(6, corrected)]
    orphan = Orphan(attempt_id="x", why="no such attempt", received_at=START_S)

    made = written(tmp_path, replace(source(lines), orphans=[orphan]))

    assert [one["why"] for one in rows(made.files, Kind.UNRESOLVED)] == [
        "no clear answer to the request: HTTP 200",
        "settled as customer_busy, call details say connected",
        "settled as connected, final call details say customer_no_answer: that counts",
        "callback we cannot place: no such attempt",
    ]


def test_the_summary_says_what_it_is_about_and_prints_the_sums(tmp_path):
    made = written(tmp_path, source(a_campaign(), state=CampaignState.RUNNING))

    found = {one["name"]: one for one in rows(made.files, Kind.SUMMARY)}
    assert found["campaign_id"]["value"] == CAMPAIGN
    assert found["as_of"]["value"] == "2026-11-24T18:15:00+05:30"
    assert found["zone"]["value"] == "Asia/Kolkata"
    assert found["standing"]["value"] == "provisional"
    assert found["input_1_sha256"]["value"] == "ab" * 32
    assert found["unresolved_attempts"]["value"] == "1"
    assert found["rows"]["formula"] == "4 rows = 4 accepted + 0 rejected + 0 duplicate"
    rate = found["customer_answer_rate"]
    assert (rate["value"], rate["numerator"], rate["denominator"]) == ("0.5", "1", "2")


def test_the_summary_names_a_file_of_which_a_cancelled_campaign_has_a_part(tmp_path):
    whole = written(tmp_path / "whole", source(a_campaign()))
    cut = written(tmp_path / "cut", source(a_campaign(), in_part="cd" * 32))

    name = "input_in_part_sha256"
    found = {one["name"]: one for one in rows(cut.files, Kind.SUMMARY)}
    assert found[name]["value"] == "cd" * 32
    assert "in no sum" in found[name]["formula"]
    assert name not in {one["name"] for one in rows(whole.files, Kind.SUMMARY)}


def test_hours_name_their_zone(tmp_path):
    made = written(tmp_path, source(a_campaign()))

    found = rows(made.files, Kind.BY_HOUR)
    assert [(one["key"], one["zone"]) for one in found] == [
        ("2026-11-23T18:00+05:30", "Asia/Kolkata")
    ]


def test_rejected_rows_keep_their_cells_even_those_beyond_the_header(tmp_path):
    rejected = [Rejected(2, ("91", "x", "Asha", "7", "one", "more")), Rejected(3, ("91",))]

    made = written(tmp_path, source([], rejected=rejected))

    found = rows(made.files, Kind.REJECTED)
    assert [list(one.values())[:5] for one in found] == [
        ["91", "x", "Asha", "7", "2"],
        ["91", "", "", "", "3"],
    ]
    assert found[0]["surplus_cells"] == "one, more"


def test_an_uploads_column_that_bears_our_name_is_marked(tmp_path):
    lines = [line(1, attempt(), cells=("a", "b", "c"))]

    made = written(tmp_path, source(lines, columns=("agent", "customer", "agent (upload)")))

    header = list(rows(made.files, Kind.ATTEMPTS)[0])
    assert header[-3:] == ["agent (upload)", "customer (upload)", "agent (upload) (upload)"]


@pytest.mark.parametrize("format_", [Format.CSV, Format.PARQUET, Format.XLSX])
def test_equal_states_give_equal_bytes(tmp_path, format_):
    first = written(tmp_path / "a", source(a_campaign()), formats=[format_])

    second = written(tmp_path / "b", source(a_campaign()), formats=[format_])

    assert [one.read_bytes() for one in first.files] == [one.read_bytes() for one in second.files]


def test_formulas_are_neutralised_in_cells_headers_and_the_campaigns_name(tmp_path):
    lines = [line(1, attempt(), cells=(HOSTILE,))]

    made = written(tmp_path, source(lines, columns=("=1+1",), name=HOSTILE))

    assert rows(made.files, Kind.ATTEMPTS)[0]["'=1+1"] == f"'{HOSTILE}"
    assert rows(made.files, Kind.SUMMARY)[0]["value"] == f"'{HOSTILE}"


def test_raw_files_leave_cells_untouched_and_say_so_in_their_name(tmp_path):
    lines = [line(1, attempt(), cells=(HOSTILE,))]

    made = written(tmp_path, source(lines, columns=("=1+1",)), raw=True)

    assert rows(made.files, Kind.ATTEMPTS)[0]["=1+1"] == HOSTILE
    assert all(one.stem.endswith("_raw") for one in made.files)


def test_a_byte_order_mark_is_there_when_asked_for(tmp_path):
    made = written(tmp_path, source([]), bom=True)

    assert all(one.read_bytes().startswith(b"\xef\xbb\xbf") for one in made.files)


def test_masked_reports_hold_no_number_in_any_spelling(tmp_path):
    cells = ("9000000001", "98000-00001", "ring +91 98000 00001 later", "00042")
    rejected = [Rejected(9, ("9876543210",), message="found 9876543210")]
    mask = NumberMask(Mask.MASKED)

    made = written(
        tmp_path, source([line(1, attempt(), cells=cells)], rejected=rejected), mask=mask
    )

    everything = "".join(one.read_text() for one in made.files).replace(" ", "").replace("-", "")
    for number in ("9000000001", "9800000001", "9876543210"):
        assert number not in everything
    assert all(one.stem.endswith("_masked") for one in made.files)


def test_parquet_is_typed_zstd_and_knows_the_zone(tmp_path):
    made = written(tmp_path, source(a_campaign()), formats=[Format.PARQUET])

    path = only(made.files, Kind.ATTEMPTS, "parquet")
    table = pq.read_table(path)
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "ZSTD"
    assert str(table.schema.field("requested_at").type) == "timestamp[ms, tz=Asia/Kolkata]"
    assert table["requested_at"][0].as_py() == datetime.fromtimestamp(START_S, UTC)
    assert table["price"][1].as_py() == Decimal("0.65")
    assert table["charged"].to_pylist() == [True, True, False, True]
    assert table["ref"].to_pylist() == ["00042"] * 4


def test_a_workbook_is_typed_frozen_filtered_and_holds_no_formula(tmp_path):
    lines = [*a_campaign(), line(5, attempt(), cells=(HOSTILE, "http://a.example", "Asha", "007"))]

    made = written(tmp_path, source(lines), formats=[Format.XLSX])

    (path,) = made.files
    assert path.name.startswith("diwali_report_")
    sheet = openpyxl.load_workbook(path)["attempts"]
    header = [cell.value for cell in sheet[1]]
    last = dict(zip(header, sheet[sheet.max_row], strict=True))
    zoned = [f"{one} (Asia/Kolkata)" if one.endswith("_at") else one for one in FIXED]
    assert header[:3] == ["name", "outcome", "customer"]
    assert [one for one in header if one in zoned] == [
        *("outcome", "customer"),
        *(one for one in zoned if one not in {"outcome", "customer"}),
    ]
    assert sheet.freeze_panes == "A2"
    assert sheet["A1"].font.bold
    assert sheet.auto_filter.ref == sheet.dimensions
    assert all(cell.data_type != "f" for row in sheet for cell in row)
    assert last["requested_at (Asia/Kolkata)"].value == datetime(2026, 11, 23, 18, 15)  # noqa: DTZ001 - Excel knows no zones
    assert last["requested_at (Asia/Kolkata)"].number_format == "yyyy-mm-dd hh:mm:ss"
    assert last["talk_s"].value == 60
    assert last["talk_s"].number_format == '#,##0" s"'
    assert last["price"].value == 0.65
    assert last["charged"].value is True
    assert last["customer"].data_type == "s"
    assert last["ref"].value == "007"
    assert last["agent_number"].value == f"'{HOSTILE}"


def test_a_workbook_has_a_sheet_for_each_table_with_the_figures_of_the_others(tmp_path):
    made = written(tmp_path, source(a_campaign()), formats=[Format.XLSX, Format.CSV])

    (path,) = [one for one in made.files if one.suffix == ".xlsx"]
    book = openpyxl.load_workbook(path)
    assert book.sheetnames[0] == "contents"
    assert {*book.sheetnames[1:]} == {*ALL_KINDS}
    for kind in ALL_KINDS:
        assert book[kind].max_row - 1 == len(rows(made.files, kind))
    rates = book["by_outcome"]
    names = [cell.value for cell in rates[1]]
    assert rates.cell(2, names.index("connect_rate") + 1).number_format == "0.0%"


def test_a_workbook_of_one_table_has_its_name_and_its_sheet_alone(tmp_path):
    made = written(tmp_path, source(a_campaign()), kinds=[Kind.KPIS], formats=[Format.XLSX])

    assert openpyxl.load_workbook(only(made.files, Kind.KPIS, "xlsx")).sheetnames == ["kpis"]


def test_a_table_too_long_for_one_sheet_goes_on_on_the_next(tmp_path):
    path = tmp_path / "kpis.xlsx"
    options = {"zone": ZONE, "raw": False, "as_of": AS_OF, "rows_per_sheet": 3}
    with Workbook(path, kinds=[Kind.KPIS], **options) as book:
        file = book.table(table(Kind.KPIS, ()))
        file.write([[f"figure {n}" for n in range(1, 6)], [""] * 5, [1] * 5, [2] * 5, [0.5] * 5])
        file.close()
        book.close()

    opened = openpyxl.load_workbook(path)
    assert opened.sheetnames == ["kpis", "kpis_2", "kpis_3"]
    assert [sheet.max_row for sheet in opened] == [3, 3, 2]
    assert [sheet["A1"].value for sheet in opened] == ["name"] * 3


def test_text_too_long_for_a_workbooks_cell_is_cut_and_says_so(tmp_path):
    made = written(
        tmp_path,
        source([line(1, attempt(), cells=("x" * 40_000,))], columns=("note",)),
        formats=[Format.XLSX],
    )

    sheet = openpyxl.load_workbook(made.files[0])["contacts"]
    found = sheet.cell(2, sheet.max_column).value
    assert len(found) == 32_767
    assert found.endswith("[cut: Excel holds no more in one cell]")


def test_every_file_adds_up_to_the_same_attempts(tmp_path):
    made = written(tmp_path, source(a_campaign()))

    attempts = rows(made.files, Kind.ATTEMPTS)
    for kind in (Kind.BY_AGENT, Kind.BY_HOUR, Kind.BY_ATTEMPT, Kind.BY_OUTCOME):
        assert sum(int(one["attempts"]) for one in rows(made.files, kind)) == len(attempts)


def test_a_missing_row_fails_the_report_with_the_difference_and_leaves_no_file(tmp_path):
    with pytest.raises(DoesNotAddUp, match=r"5 rows = 4 accepted .* \+1 unexplained"):
        written(tmp_path, source(a_campaign(), rows=5))

    assert list(tmp_path.iterdir()) == []


def test_a_contact_that_disagrees_with_its_attempts_is_named(tmp_path):
    lines = a_campaign()
    lines[0] = line(1, attempt(), charged=2)

    with pytest.raises(DoesNotAddUp) as caught:
        written(tmp_path, source(lines))

    assert caught.value.contacts == (f"{CAMPAIGN}-1",)
    assert f"{CAMPAIGN}-1: 2 attempts charged, 1 by their outcomes" in caught.value.differences


def test_a_contact_left_out_is_named(tmp_path):
    lines = a_campaign()

    with pytest.raises(DoesNotAddUp) as caught:
        written(tmp_path, source([lines[0], *lines[2:]], accepted=4, rows=4))

    assert caught.value.contacts == (f"{CAMPAIGN}-2",)


@contextmanager
def files_no_larger_than(size_bytes):
    """A disk that is full soon."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("format_", [Format.CSV, Format.PARQUET, Format.XLSX])
def test_a_full_disk_leaves_the_old_report_and_nothing_half_written(tmp_path, format_):
    before = written(tmp_path, source(a_campaign()), formats=[format_])
    bytes_before = {one: one.read_bytes() for one in before.files}
    many = [
        line(n, attempt(sid=f"{n * 7919:x}"), cells=(f"{n * 7907:x}",) * 4) for n in range(1, 6001)
    ]

    with files_no_larger_than(8_000), pytest.raises(OSError, match="File too large"):
        written(tmp_path, source(many), formats=[format_])

    assert {one: one.read_bytes() for one in tmp_path.iterdir()} == bytes_before


def test_a_page_is_written_with_the_files_when_asked_for(tmp_path):
    made = written(
        tmp_path,
        source([]),
        formats=[Format.CSV, Format.HTML],
        render_html=lambda report: report.standing,
    )

    assert only(made.files, "report", "html").read_text() == "final"


def test_progress_is_told_up_to_the_end(tmp_path):
    told = []
    many = [line(n, end=NotDialled.EXPIRED) for n in range(1, 7_001)]

    written(tmp_path, source(many), on_progress=lambda done, whole: told.append((done, whole)))

    assert told == [(5_000, 7_000), (7_000, 7_000)]


def test_a_name_unfit_for_a_file_is_mended_and_brings_the_id(tmp_path):
    made = written(tmp_path, source([], name="../दिवाली"), kinds=[Kind.SUMMARY])

    assert made.files[0].parent == tmp_path
    assert CAMPAIGN in made.files[0].name


def test_what_an_append_adds_while_we_read_is_left_for_the_next_report(tmp_path):
    lines = [line(n, end=NotDialled.EXPIRED) for n in range(1, 5)]

    made = written(tmp_path, source(lines, accepted=2, rows=2))

    assert len(rows(made.files, Kind.CONTACTS)) == 2


def test_where_there_are_several_accounts_rows_and_summary_tell_whose_they_are(tmp_path):
    of_acme = replace(source(a_campaign()), account="acme")
    made = written(tmp_path, of_acme, formats=(Format.CSV, Format.PARQUET))

    for kind in (Kind.ATTEMPTS, Kind.CONTACTS):
        found = rows(made.files, kind)
        header = list(found[0])
        assert header[-5:] == ["account", "agent_number", "customer_number", "name", "ref"]
        assert {one["account"] for one in found} == {"acme"}
        assert {one["ref"] for one in found} == {"00042"}
        typed = pq.read_table(only(made.files, kind, "parquet"))
        assert set(typed["account"].to_pylist()) == {"acme"}
    told = {one["name"]: one["value"] for one in rows(made.files, Kind.SUMMARY)}
    assert told["account"] == "acme"


def test_where_an_account_is_alone_no_row_tells_it(tmp_path):
    made = written(tmp_path, source(a_campaign()))

    assert "account" not in rows(made.files, Kind.ATTEMPTS)[0]
    assert "account" not in {one["name"] for one in rows(made.files, Kind.SUMMARY)}

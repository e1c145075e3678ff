"""How a cell becomes text in each format, beside what the usual libraries make of it."""

import csv
import io
import resource
import secrets
import zipfile
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from campaigns.spreadsheet_safety import safe_cell
from dialer.reporting.cells import instants, iso_texts
from dialer.reporting.csv_file import CsvFile
from dialer.reporting.parquet_file import ParquetFile
from dialer.reporting.tables import Column, Kind, Layout, Table, Type
from dialer.reporting.xlsx_file import Workbook
from tests.report_samples import AS_OF

ZONE = ZoneInfo("Asia/Kolkata")
TEXTS = Table(Kind.REJECTED, (Column("a,b", Type.TEXT), Column("=c", Type.TEXT)))
FIGURES = Table(Kind.SUMMARY, (Column("name", Type.WORD), Column("value", Type.FIGURE)))

cells = st.none() | st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from('",\r\n=+ '))

ODD = (
    'say "hi"',
    "a,b",
    "two\nlines",
    "return\r\n",
    " before",
    "behind ",
    "\ttab",
    "a & b < c > d",
    "&amp;",
    "_x0041_",
    "_x41_",
    "\0zero",
    "bell\x07",
    "\ufffe\uffff",
    "दिवाली 😀",
    "00042",
    "-12.50",
    "=1+1",
    "http://a.example",
    "TRUE",
    "x" * 40_000,
)


def written_csv(path, table, columns, **options):
    file = CsvFile(path, table, Layout(ZONE, **options))
    file.write(columns)
    file.close()
    return path.read_bytes()


def written_xlsx(path, table, *batches, **options):
    options = {"zone": ZONE, "raw": False, "as_of": AS_OF, "kinds": [table.kind]} | options
    with Workbook(path, **options) as book:
        sheets = book.table(table)
        for columns in batches:
            sheets.write(columns)
        sheets.close()
        book.close()
    return path


def values(path):
    return [[cell.value for cell in row] for row in openpyxl.load_workbook(path).active]


@pytest.mark.parametrize("raw", [False, True])
@given(rows=st.lists(st.tuples(cells, cells)))
def test_csv_is_to_the_byte_what_pythons_own_writer_makes(tmp_path_factory, raw, rows):
    expected = io.StringIO()
    writer = csv.writer(expected)
    for row in [("a,b", "=c"), *rows]:
        writer.writerow([cell if raw or cell is None else safe_cell(cell) for cell in row])

    path = tmp_path_factory.getbasetemp() / "any.csv"
    found = written_csv(path, TEXTS, [*zip(*rows, strict=True)], raw=raw)

    assert found == expected.getvalue().encode()


def test_figures_in_csv_are_written_as_python_writes_them(tmp_path):
    figures = [1, 1.0, 0.1 + 0.2, 1 / 3, None, "=1+1", "plain"]

    found = written_csv(tmp_path / "a.csv", FIGURES, [["n"] * len(figures), figures])

    lines = found.decode().splitlines()[1:]
    assert lines == ["n,1", "n,1.0", f"n,{0.1 + 0.2}", f"n,{1 / 3}", "n,", "n,'=1+1", "n,plain"]


@given(
    st.lists(st.none() | st.floats(0, 4e9), min_size=1),
    st.sampled_from(["Asia/Kolkata", "America/New_York", "Asia/Kathmandu", "UTC"]),
)
def test_instants_are_rounded_to_the_millisecond_and_carry_their_offset(cells_s, zone):
    def by_hand(at_s):
        ms = round(Fraction(at_s) * 1000)
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
        return at.astimezone(ZoneInfo(zone)).isoformat(timespec="milliseconds")

    found = iso_texts(instants(cells_s, ZoneInfo(zone))).to_pylist()

    assert found == [None if at_s is None else by_hand(at_s) for at_s in cells_s]


def test_a_workbooks_cells_read_as_those_a_library_writes(tmp_path):
    by_library = tmp_path / "library.xlsx"
    book = xlsxwriter.Workbook(by_library, {"constant_memory": True, "strings_to_formulas": False})
    sheet = book.add_worksheet("rejected")
    kept = [text for text in ODD if len(text) < 32_767]
    for at, text in enumerate(kept, start=1):
        sheet.write_string(at, 0, safe_cell(text))
    book.close()

    ours = written_xlsx(tmp_path / "ours.xlsx", TEXTS, [kept, [None] * len(kept)])

    assert [row[0] for row in values(ours)[1:]] == [row[0] for row in values(by_library)[1:]]


@pytest.mark.parametrize("text", ["<r><t>a</t></r>", "<r>", "</is></c>", "]]>", "<!--"])
def test_text_that_looks_like_a_workbooks_own_xml_stays_text(tmp_path, text):
    path = written_xlsx(tmp_path / "a.xlsx", TEXTS, [[text], [None]])

    assert values(path)[1] == [text, None]


def test_text_is_cut_as_excel_counts_and_says_so(tmp_path):
    path = written_xlsx(tmp_path / "a.xlsx", TEXTS, [["😀" * 20_000], ["x" * 32_767]])

    cut, whole = values(path)[1]
    assert cut.endswith("[cut: Excel holds no more in one cell]")
    assert len(cut.encode("utf-16-le")) // 2 in {32_766, 32_767}
    assert whole == "x" * 32_767


def test_figures_in_a_workbook_are_numbers_or_text(tmp_path):
    path = written_xlsx(tmp_path / "a.xlsx", FIGURES, [["n"] * 4, [1, 0.5, None, "=1+1"]])

    assert [row[1] for row in values(path)[1:]] == [1, 0.5, None, "'=1+1"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("connect_rate", "0.0%"),
        ("retry_yield_2", "0.0%"),
        ("talk_s", '#,##0" s"'),
        ("price", "#,##0.00##"),
        ("attempts_per_contact", "General"),
        ("attempts", "General"),
    ],
)
def test_a_figure_is_shown_as_what_it_is(tmp_path, name, shown):
    path = written_xlsx(tmp_path / "a.xlsx", FIGURES, [["x", name], ["text", 0.5]])

    assert openpyxl.load_workbook(path).active["B3"].number_format == shown


def test_times_are_dates_under_a_heading_that_names_the_zone(tmp_path):
    instants_ = Table(Kind.ATTEMPTS, (Column("at", Type.INSTANT), Column("key", Type.HOUR)))
    summer_s = datetime(2026, 7, 1, 12, tzinfo=UTC).timestamp()

    at_home = written_xlsx(tmp_path / "a.xlsx", instants_, [[summer_s], ["2026-07-01T17:00+05:30"]])
    abroad = written_xlsx(
        tmp_path / "b.xlsx",
        instants_,
        [[summer_s, None], ["2026-07-01T08:00-04:00", "2026-01-01T08:00-05:00"]],
        zone=ZoneInfo("America/New_York"),
    )

    assert values(at_home)[0] == ["at (Asia/Kolkata)", "key (Asia/Kolkata)"]
    assert values(at_home)[1] == [datetime(2026, 7, 1, 17, 30), datetime(2026, 7, 1, 17)]  # noqa: DTZ001 - Excel knows no zones
    sheet = openpyxl.load_workbook(abroad).active
    assert sheet["A2"].value == datetime(2026, 7, 1, 8)  # noqa: DTZ001
    assert sheet["A2"].number_format == 'yyyy-mm-dd hh:mm:ss"-04:00"'
    assert sheet["B3"].number_format == 'yyyy-mm-dd hh:mm:ss"-05:00"'


def test_tables_that_grow_side_by_side_are_sheets_of_one_workbook_that_tells_of_them(tmp_path):
    """A sheet that is full says on the first one why the table goes on elsewhere."""
    path = tmp_path / "a.xlsx"
    options = {"zone": ZONE, "raw": False, "as_of": AS_OF, "rows_per_sheet": 4}
    with Workbook(path, kinds=[Kind.REJECTED, Kind.SUMMARY], **options) as book:
        rejected, summary = book.table(TEXTS), book.table(FIGURES)
        for n in range(4):
            rejected.write([[f"r{n}"], [None]])
            if n < 2:
                summary.write([[f"s{n}"], [n]])
        rejected.close()
        summary.close()
        book.close()

    opened = openpyxl.load_workbook(path)
    assert opened.sheetnames == ["contents", "summary", "rejected", "rejected_2"]
    assert opened.active.title == "contents"
    told = [[cell.value for cell in row] for row in opened["contents"]]
    assert [row[:2] for row in told] == [
        ["sheet", "rows"],
        ["summary", 2],
        ["rejected", 3],
        ["rejected_2", 1],
    ]
    assert "goes on in the next sheet, as Excel's hold 1,048,576 rows" in told[2][2]
    assert told[3][2] == "goes on from rejected"
    assert [cell.value for cell in opened["rejected_2"]["A"]] == ["a,b", "r3"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.xlsx"]
    with zipfile.ZipFile(path) as whole:
        assert whole.testzip() is None


def rows_of_sheets(path):
    with zipfile.ZipFile(path) as file:
        sheets = sorted(name for name in file.namelist() if "worksheets/" in name)
        return [file.read(name).count(b"<row ") for name in sheets]


def test_a_table_longer_than_excels_sheets_goes_on_on_the_next(tmp_path):
    many = 1_048_576  # with its header one row more than a sheet has
    batch = [["figure"] * 8_192, [1] * 8_192]

    path = written_xlsx(tmp_path / "a.xlsx", FIGURES, *[batch] * (many // 8_192))

    assert rows_of_sheets(path) == [1_048_576, 2]


def test_a_sheet_ends_before_it_holds_more_than_a_zip_takes(tmp_path):
    batch = [["figure"] * 10, [1] * 10]

    path = written_xlsx(tmp_path / "a.xlsx", FIGURES, batch, batch, batch, bytes_per_sheet=1_000)

    assert rows_of_sheets(path) == [11, 11, 11]
    assert openpyxl.load_workbook(path).sheetnames == ["summary", "summary_2", "summary_3"]


def test_the_last_column_of_a_wide_table_is_found(tmp_path):
    wide = Table(Kind.REJECTED, tuple(Column(f"c{n}", Type.INTEGER) for n in range(800)))

    path = written_xlsx(tmp_path / "a.xlsx", wide, [[n] for n in range(800)])

    sheet = openpyxl.load_workbook(path).active
    assert sheet.auto_filter.ref == "A1:ADT2"
    assert sheet["ADT2"].value == 799


################################################################ a full disk


@pytest.fixture
def little_room():
    """A disk on which a file may have a tenth of a megabyte."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("little_room")
def test_a_table_the_disk_has_no_room_for_is_not_taken_for_written(tmp_path):
    """Parquet is written by a thread of its own: what goes wrong there must not stay there."""
    file = ParquetFile(tmp_path / "table.parquet", TEXTS, zone=ZONE)
    texts = [secrets.token_hex(8) for _ in range(120_000)]

    file.write([texts, texts])

    with pytest.raises(OSError, match="File too large"):
        file.close()

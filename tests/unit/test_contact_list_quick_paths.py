"""What is read and judged quickly is read and judged as a closer look would."""

import io
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.lists import text_list
from campaigns.lists.column_choice import ColumnChoice
from campaigns.lists.columns import understand_header
from campaigns.lists.row_judge import RowJudge
from campaigns.lists.source import ListLimits, Quoting, Row
from campaigns.lists.text_format import TextFormat
from campaigns.lists.text_list import TextList
from campaigns.numbers.phone import Phone, PhoneRules, parse_phone, usual_mobile, usual_mobiles

CALLER_ID = "08045678900"
LIMITS = ListLimits(max_cell_chars=40)


################################################################ reading

PIECES = st.sampled_from(
    [*"abc,;\t ", '"', '""', '"a,b"', '"a\nb"', "\n", "\r\n", "\r", "\0", "\x1f", "\u2028", "é"]
)
TEXTS = st.lists(PIECES, max_size=60).map("".join)
LONG_CELLS = st.sampled_from(["a" * 131_072, "a" * 131_073, '"' + "a" * 131_073])


def read(text: str, written: TextFormat) -> list[Row]:
    content = text.encode()
    rows = TextList(io.BytesIO(content), len(content), written).rows()
    return [row._replace(cells=row.cells or [""]) for row in rows]  # a line without any cell


@given(
    st.one_of(TEXTS, st.tuples(TEXTS, LONG_CELLS, TEXTS).map("".join)),
    st.sampled_from(",;"),
    st.booleans(),
    st.integers(0, 1),
    st.integers(1, 40),
)
def test_lines_read_many_at_a_time_are_what_they_are_one_by_one(
    text, delimiter, has_spaces_before_quotes, hint_lines, characters
):
    written = TextFormat("utf-8", delimiter, has_spaces_before_quotes, hint_lines)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_list, "_FIRST_CHARACTERS", characters)
        many_at_a_time = read(text, written)
        patch.setattr(TextList, "_one_record_a_line", lambda *_: None)
        one_by_one = read(text, written)

    assert many_at_a_time == one_by_one


################################################################ judging

NUMBERS = st.sampled_from(
    [
        *("+919876543201", "9876543202", "098765 43202", "+91-98765-43203", "919876543204"),
        *(
            "9876543203.0",
            "9.81E+09",
            "2223456789",
            "022 2345 6789",
            "12",
            "",
            CALLER_ID,
            "call me",
        ),
        *("+919876543201 ", " 9876543202", "+9198765432011", "+91 98765 43201\n", "٩٨٧٦٥٤٣٢٠١"),
    ]
)
OTHERS = st.sampled_from(["", " ", "gold", "5", "\0", "x" * 41, '"', "Asia/Dubai", "2026-11-23"])
CELLS = st.tuples(NUMBERS, NUMBERS, OTHERS, OTHERS).map(list)
SHORT_OR_LONG = st.lists(st.one_of(NUMBERS, OTHERS), max_size=7)
COLUMNS = st.sampled_from(
    [
        ["agent", "customer", "plan", "city"],
        ["agent", "customer", "name", "priority"],
        ["customer", "agent", "timezone", "not_before"],
        ["agent", "customer", "external_id", "city"],
    ]
)
RULES = st.builds(
    PhoneRules,
    default_country=st.sampled_from(["IN", "AE"]),
    allowed_countries=st.sampled_from([frozenset({"IN"}), frozenset({"AE"})]),
    caller_id=st.sampled_from([None, CALLER_ID, "9876543201"]),
)


ROWS = st.lists(
    st.builds(Row, st.just(7), st.one_of(CELLS, SHORT_OR_LONG), st.sampled_from(Quoting)),
    min_size=1,
    max_size=6,
)


@given(COLUMNS, ROWS, RULES)
def test_usual_rows_are_what_a_closer_look_makes_of_each(columns, rows, rules):
    header = understand_header(
        columns, choice=ColumnChoice(), limits=LIMITS, rules=PhoneRules(), line=1
    )
    judge = RowJudge(header, limits=LIMITS, rules=rules, zone=ZoneInfo("Asia/Kolkata"))
    remarks = []

    for row_no, (row, quick) in enumerate(
        zip(rows, judge._usual_contacts(rows, 3), strict=True), start=3
    ):
        if quick is not None:
            assert quick == judge._look_closely(row, row_no, remarks)
    assert not remarks


def test_the_rows_most_lists_are_made_of_need_no_closer_look():
    header = understand_header(
        ["agent", "customer", "priority"],
        choice=ColumnChoice(),
        limits=LIMITS,
        rules=PhoneRules(),
        line=1,
    )
    judge = RowJudge(header, limits=LIMITS, rules=PhoneRules(), zone=ZoneInfo("Asia/Kolkata"))

    (usual,) = judge._usual_contacts([Row(2, ["+919876543201", "9876543202", " "])], 1)
    assert usual is not None


@given(st.lists(st.one_of(NUMBERS, st.just("+919876543201\n+919876543202"))), RULES)
def test_numbers_read_together_are_what_each_is_by_itself(texts, rules):
    assert list(usual_mobiles(texts, rules)) == [usual_mobile(one, rules) for one in texts]


@given(st.from_regex(r"[+]?[0-9 -]{8,16}", fullmatch=True), RULES)
def test_a_usual_mobile_is_what_the_careful_reading_makes_of_it(text, rules):
    quick = usual_mobile(text, rules)

    assert quick is None or parse_phone(text, rules) == Phone(quick)

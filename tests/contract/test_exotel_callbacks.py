"""A callback is read in every encoding Exotel uses, and no bytes at all can crash the reader."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.attempt import CallReport, LegReport, ReportSource
from dialer.errors import CallbackRejected
from dialer.exotel import MAX_CALLBACK_BYTES, bodies, read_callback

SAMPLES = Path(__file__).parent / "samples"
# the first draw of text loads tables, which a busy machine does slowly
IST = ZoneInfo("Asia/Kolkata")
TERMINAL = json.loads((SAMPLES / "callback_terminal_completed.documented.json").read_bytes())
EVERY_SAMPLE = sorted(SAMPLES.glob("callback_*"))


def form_pairs(name):
    lines = (SAMPLES / name).read_text().splitlines()
    return [tuple(line.split("=", 1)) for line in lines]


def urlencoded(pairs):
    return urlencode(pairs).encode()


def multipart(pairs, boundary="xYzZY"):
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in pairs
    ]
    return "".join([*parts, f"--{boundary}--\r\n"]).encode()


def read(fields, **changes):
    return read_callback(json.dumps(fields | changes).encode(), None, timezone=IST)


# the samples


def test_of_the_full_callback_all_is_read_that_counts():
    report = read(TERMINAL)

    assert report == CallReport(
        source=ReportSource.CALLBACK,
        sid="80bfbec2d78bbbf10fb851f4fa165211",
        status="completed",
        is_over=True,
        agent_leg=LegReport(status="completed", on_call_s=335, answered_by="na"),
        customer_leg=LegReport(status="completed", on_call_s=320, answered_by="human"),
        talk_s=320,
        recording_url="https://s3-ap-southeast-1.amazonaws.com/recordings/abc123.mp3",
        ended_at=datetime(2024, 1, 15, 14, 30, 45, tzinfo=IST),
        updated_at=datetime(2024, 1, 15, 14, 30, 45, tzinfo=IST),
        agent="09000043210",
        customer="09000056789",
    )


def test_the_four_field_callback_tells_the_end_but_nothing_of_the_legs():
    body = (SAMPLES / "callback_default_4fields.documented.json").read_bytes()

    report = read_callback(body, "application/json", timezone=IST)

    assert (report.status, report.is_over) == ("completed", True)
    assert (report.agent_leg, report.customer_leg) == (None, None)


def test_a_busy_agent_leaves_the_customers_leg_untried():
    body = (SAMPLES / "callback_terminal_leg1_busy.reconstructed.json").read_bytes()

    report = read_callback(body, "application/json", timezone=IST)

    assert report.agent_leg == LegReport(status="busy", on_call_s=0, answered_by="na")
    assert report.customer_leg == LegReport(status=None, on_call_s=0, answered_by="na")
    assert (report.is_over, report.recording_url) == (True, None)


@pytest.mark.parametrize(
    ("sample", "customer_status"),
    [
        ("callback_answered_leg1.reconstructed.form.txt", None),
        ("callback_answered_leg2.reconstructed.form.txt", "in-progress"),
    ],
)
def test_an_answered_callback_is_not_the_end(sample, customer_status):
    report = read_callback(urlencoded(form_pairs(sample)), None, timezone=IST)

    assert (report.status, report.is_over) == ("in-progress", False)
    assert report.agent_leg.status == "in-progress"
    assert report.customer_leg.status == customer_status
    assert (report.ended_at, report.recording_url) == (None, None)


@pytest.mark.parametrize("encode", [urlencoded, multipart])
@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=xYzZY",
        'multipart/form-data; boundary="another"',
        "multipart/form-data",
        "\u2603",
    ],
)
def test_a_form_is_read_like_json_whatever_the_header_says(encode, content_type):
    pairs = form_pairs("callback_terminal_completed.reconstructed.form.txt")

    report = read_callback(encode(pairs), content_type, timezone=IST)

    assert report == read(TERMINAL)._replace(
        agent_leg=LegReport(status="completed", on_call_s=335),
        customer_leg=LegReport(status="completed", on_call_s=320),
        recording_url=dict(pairs)["RecordingUrl"],
    )


def test_json_is_read_whatever_the_header_says():
    body = b"\xef\xbb\xbf\r\n" + json.dumps(TERMINAL).encode()

    assert read_callback(body, "multipart/form-data; boundary=x", timezone=IST) == read(TERMINAL)


def test_multipart_with_a_preamble_is_found_by_the_headers_boundary():
    body = b"This is a multipart message.\r\n" + multipart([("CallSid", "a1")], boundary="b-1")

    report = read_callback(body, "multipart/form-data; boundary=b-1", timezone=IST)

    assert report.sid == "a1"


# legs


@pytest.mark.parametrize(
    "legs",
    [
        [{"Status": "completed"}, {"Status": "busy"}],
        [{"Leg": {"Id": 1, "Status": "completed"}}, {"Leg": {"Id": 2, "Status": "busy"}}],
        [{"Id": 2, "Status": "busy"}, {"Id": 1, "Status": "completed"}],
        {"0": {"Status": "completed"}, "1": {"Status": "busy"}},
        {"Leg": [{"Status": "Completed"}, {"Status": "BUSY"}]},
    ],
)
def test_legs_are_told_apart_in_every_shape_they_come_in(legs):
    report = read({"CallSid": "a1", "Legs": legs})

    assert report.agent_leg == LegReport(status="completed")
    assert report.customer_leg == LegReport(status="busy")


@pytest.mark.parametrize("legs", [None, "", "null", [], {}, 7, {"2": {"Status": "busy"}}], ids=repr)
def test_absent_legs_tell_nothing(legs):
    report = read({"CallSid": "a1", "Legs": legs})

    assert (report.agent_leg, report.customer_leg) == (None, None)


def test_a_null_leg_was_never_tried():
    report = read({"CallSid": "a1", "Legs": [{"Status": "no-answer"}, None]})

    assert report.customer_leg == LegReport(status=None)


# the end of a call


@pytest.mark.parametrize(
    ("event", "status", "is_over"),
    [
        ("terminal", "completed", True),
        ("Terminal", None, True),
        ("answered", "completed", False),
        ("ringing", "completed", False),
        (None, "completed", True),
        (None, "No-Answer", True),
        (None, "in-progress", False),
        (None, None, False),
    ],
)
def test_the_event_tells_the_end_and_without_one_the_status(event, status, is_over):
    assert read({"CallSid": "a1", "EventType": event, "Status": status}).is_over is is_over


# times and values


@pytest.mark.parametrize(
    "unset",
    [None, "", "null", "1970-01-01 05:30:00", "0001-01-01T00:00:00Z", "soon", 7, [], "9999-12-31"],
)
def test_an_unset_time_is_none(unset):
    assert read(TERMINAL, EndTime=unset).ended_at is None


def test_a_time_with_a_zone_keeps_it():
    report = read(TERMINAL, DateUpdated="2024-01-15T08:55:12Z")

    assert report.updated_at == datetime(2024, 1, 15, 8, 55, 12, tzinfo=UTC)


def test_a_time_without_a_zone_is_read_in_the_accounts():
    body = json.dumps(TERMINAL).encode()

    in_india = read_callback(body, None, timezone=IST)
    in_jakarta = read_callback(body, None, timezone=ZoneInfo("Asia/Jakarta"))

    assert in_india.updated_at - in_jakarta.updated_at == timedelta(hours=1.5)


def test_an_end_before_the_start_is_the_start():
    report = read(TERMINAL, EndTime="2024-01-15 14:25:00")

    assert report.ended_at == datetime(2024, 1, 15, 14, 25, 12, tzinfo=IST)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(17, 17), ("17", 17), (17.9, 17), ("17.0", 17), (0, 0), ("0", 0)]
    + [(wrong, None) for wrong in (None, "", "null", "x", -1, True, [1], 10**40, "1e999", 1e99)],
    ids=repr,
)
def test_a_duration_is_read_from_text_and_number_alike(value, seconds):
    report = read(TERMINAL, Duration=value, ConversationDuration=value)

    assert (report.total_s, report.talk_s) == (seconds, seconds)


@pytest.mark.parametrize(
    ("value", "price"),
    [("1.500", Decimal("1.5")), (1.5, Decimal("1.5")), (2, Decimal(2))]
    + [(wrong, None) for wrong in ("", "null", "free", "NaN", "1e999999", "1e-99", 10**30, {})],
    ids=repr,
)
def test_a_price_is_read_from_text_and_number_alike(value, price):
    assert read(TERMINAL, Price=value).price == price


def test_control_characters_do_not_travel_on():
    assert read(TERMINAL, From="a\x00b\ud800c\r\n").agent == "abc"


# what is refused


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no CallSid"),
        (b"garbage", "no CallSid"),
        (b"{}", "no CallSid"),
        (b'{"CallSid":null}', "no CallSid"),
        (b'{"CallSid":["a1"]}', "no CallSid"),
        (b'{"CallSid":"a1/../b"}', "no CallSid"),
        (b'{"CallSid":"' + b"a" * 65 + b'"}', "no CallSid"),
        (b'{"CallSid":"a1","Status":NaN}', "NaN is not JSON"),
        (b'{"CallSid":"a1","CallSid":"b1"}', "given twice"),
        (b'{"CallSid":"a1"', "not JSON"),
        (b'{"CallSid":"\xff"}', "not JSON"),
        (b'{"a":' + b"[" * 21 + b"]" * 21 + b"}", "nested deeper than 20"),
        (b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}", "nested too deep"),
        (json.dumps({str(n): n for n in range(101)}).encode(), "more than 100 fields"),
        (json.dumps({"Legs": list(range(101))}).encode(), "more than 100 fields"),
        (b"CallSid=a1&CallSid=b1", "given twice"),
        (b"Legs=x&Legs[0][Status]=busy", "both a value and parts"),
        (b"CallSid=\xff\xfe", "not UTF-8"),
        (urlencoded([(f"f{n}", n) for n in range(101)]), "more than 100 fields"),
        (b"Legs" + b"[a]" * 10_000 + b"=1", "nested deeper than 20"),
        (multipart([(f"f{n}", n) for n in range(101)]), "more than 100 fields"),
        (multipart([("CallSid", "a1"), ("CallSid", "b1")]), "given twice"),
        (multipart([("CallSid", "a1"), ("Status", "busy")])[:-20], "multipart cut short"),
        (multipart([('CallSid"; filename="x', "a1")]), "a file among the fields"),
        (b"--x\r\nContent-Disposition\x00: form-data\r\n\r\na\r\n--x--\r\n", "malformed multipart"),
        (b"--x\r\n\r\nno name\r\n--x--\r\n", "malformed multipart"),
        (b" " * (MAX_CALLBACK_BYTES + 1), "larger than 65536 bytes"),
    ],
    ids=range(27),
)
def test_a_callback_that_cannot_be_trusted_is_rejected_with_the_reason(body, reason):
    with pytest.raises(CallbackRejected, match=reason):
        read_callback(body, None, timezone=IST)


DOCUMENTS = st.dictionaries(
    st.text(),
    st.recursive(
        st.none() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=40,
    ),
)


@given(DOCUMENTS, st.integers(1, 40))
def test_what_keeps_the_bounds_at_a_glance_keeps_them(document, most):
    if bodies._is_small(json.dumps(document).encode(), most):
        bodies.check_bounds(document, max_fields=most)


# no bytes can crash it


def readable_or_rejected(body, content_type):
    try:
        report = read_callback(body, content_type, timezone=IST)
    except CallbackRejected:
        return
    assert isinstance(report, CallReport)
    assert report.sid


CONTENT_TYPES = st.none() | st.text() | st.sampled_from(["multipart/form-data; boundary=xYzZY"])


@given(body=st.binary(max_size=500), content_type=CONTENT_TYPES)
def test_any_bytes_are_read_or_rejected(body, content_type):
    readable_or_rejected(body, content_type)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(changes=st.dictionaries(st.sampled_from(sorted(TERMINAL)), JSON_VALUES))
def test_any_value_in_any_field_is_read_or_rejected(changes):
    readable_or_rejected(json.dumps(TERMINAL | changes).encode(), "application/json")


@given(
    pairs=st.lists(
        st.tuples(
            st.sampled_from(
                ["CallSid", "Legs", "Legs[0]", "Legs[1][Status]", "Legs[0][x][y]", "EndTime", "[]"]
            )
            | st.text(),
            st.text(),
        )
    ),
    encode=st.sampled_from([urlencoded, multipart]),
)
def test_any_form_is_read_or_rejected(pairs, encode):
    try:
        body = encode(pairs)
    except UnicodeEncodeError:
        return
    readable_or_rejected(body, None)


@given(data=st.data())
def test_a_sample_with_any_bytes_changed_is_read_or_rejected(data):
    path = data.draw(st.sampled_from(EVERY_SAMPLE))
    body = path.read_bytes()
    if path.suffix == ".txt":
        encode = data.draw(st.sampled_from([urlencoded, multipart]))
        body = encode(form_pairs(path.name))
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(len(body), start + 40)))

    mutated = body[:start] + data.draw(st.binary(max_size=40)) + body[end:]

    readable_or_rejected(mutated, data.draw(CONTENT_TYPES))

"""Calls are looked up one by one, by Sid and by number; one method is one request."""

import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.attempt import CallReport, LegReport, ReportSource
from dialer.errors import AccountRefused, LookupFailed, RateFeedback, TurnedAway
from dialer.exotel import Exotel, UnreadableBody, read_call

SAMPLES = Path(__file__).parent / "samples"
# the first draw of text loads tables, which a busy machine does slowly
IST = ZoneInfo("Asia/Kolkata")
SID = "b6cfaf5f5cef3ca0fc937749ef96d245"


class Provider:
    """Gives one answer to everything and keeps what it was asked."""

    def __init__(self, answer=b"", *, status=200, headers=None, failure=None):
        content = (SAMPLES / answer).read_bytes() if isinstance(answer, str) else answer
        self.answer = httpx.Response(status, content=content, headers=headers)
        self.failure = failure
        self.asked = []
        self.client = Exotel(
            account_sid="acct1",
            api_key="key",
            api_token="t0ken",
            base_url="https://api.example.com",
            details_base_url="https://ccm-api.example.com/",
            timezone=IST,
            clock_s=time.monotonic,
            transport=httpx.MockTransport(self.handle),
        )

    def handle(self, request):
        self.asked.append(request)
        if self.failure:
            raise self.failure
        return self.answer


# one call


def test_one_call_is_read_back_with_its_legs():
    provider = Provider("call_details_v1_details_true.documented.json")

    report = provider.client.call_details(SID)

    assert report == CallReport(
        source=ReportSource.DETAILS,
        sid=SID,
        status="completed",
        is_over=True,
        agent_leg=LegReport(status="completed", on_call_s=21),
        customer_leg=LegReport(status="completed", on_call_s=8),
        talk_s=8,
        total_s=17,
        price=Decimal("1.500"),
        recording_url="https://s3-ap-southeast-1.amazonaws.com/x/recording.mp3",
        created_at=datetime(2017, 3, 3, 10, 48, 33, tzinfo=IST),
        ended_at=datetime(2017, 3, 3, 10, 49, 50, tzinfo=IST),
        updated_at=datetime(2017, 3, 3, 10, 53, 33, tzinfo=IST),
        agent="09000030240",
        customer="09000038847",
    )
    (request,) = provider.asked
    assert request.method == "GET"
    assert str(request.url) == (
        f"https://api.example.com/v1/Accounts/acct1/Calls/{SID}.json?details=true"
    )
    assert request.headers["authorization"].startswith("Basic ")


def test_numbers_are_read_like_text():
    report = Provider("call_details_v1_numeric.documented.json").client.call_details(SID)

    assert (report.total_s, report.price) == (283, Decimal("1.5"))
    assert (report.agent_leg, report.customer_leg) == (None, None)


def test_who_answered_the_call_is_who_answered_the_customers_leg():
    fields = {"Sid": "a1", "AnsweredBy": "Machine", "Details": {"Leg2Status": "completed"}}

    report = Provider(json.dumps({"Call": fields}).encode()).client.call_details("a1")

    assert report.agent_leg is None
    assert report.customer_leg == LegReport(status="completed", answered_by="machine")


def test_legs_are_read_from_xml():
    body = b"""<TwilioResponse><Call><Sid>a1</Sid><Status>completed</Status><Details>
        <ConversationDuration>8</ConversationDuration>
        <Leg1Status>completed</Leg1Status><Leg2Status>busy</Leg2Status>
        <Legs><Leg><Id>1</Id><OnCallDuration>21</OnCallDuration></Leg>
        <Leg><Id>2</Id><OnCallDuration>0</OnCallDuration></Leg></Legs>
        </Details></Call></TwilioResponse>"""

    report = Provider(body).client.call_details("a1")

    assert report.agent_leg == LegReport(status="completed", on_call_s=21)
    assert report.customer_leg == LegReport(status="busy", on_call_s=0)


@pytest.mark.parametrize("status", ["queued", "ringing", "in-progress", ""])
def test_a_live_call_is_not_over(status):
    body = json.dumps({"Call": {"Sid": "a1", "Status": status}}).encode()

    assert not Provider(body).client.call_details("a1").is_over


def test_a_call_the_account_does_not_have_is_none():
    assert Provider(status=404).client.call_details(SID) is None
    assert Provider(status=404).client.call_details_v3(SID) is None


@pytest.mark.parametrize("sid", ["", "../Balance", "a b", "a" * 65])
def test_only_a_sid_becomes_part_of_an_address(sid):
    provider = Provider()

    with pytest.raises(ValueError, match="Sid"):
        provider.client.call_details(sid)

    assert not provider.asked


# v3


def test_v3_tells_the_custom_field_and_both_legs_in_one_word():
    provider = Provider("call_details_v3_completed.documented.json")

    report = provider.client.call_details_v3("cabfb1dfa8c5e1c7f2c458423b7716b3")

    assert report.sid == "cabfb1dfa8c5e1c7f2c458423b7716b3"
    assert (report.status, report.is_over) == ("completed", True)
    assert (report.agent_leg, report.customer_leg) == (LegReport("completed"),) * 2
    assert (report.talk_s, report.total_s) == (59, 84)
    assert report.recording_url.endswith("16b3.mp3")
    (request,) = provider.asked
    assert str(request.url) == (
        "https://ccm-api.example.com/v3/accounts/acct1/calls/cabfb1dfa8c5e1c7f2c458423b7716b3"
    )
    assert request.headers["content-type"] == "application/json"


def test_an_active_v3_call_has_neither_status_nor_end():
    provider = Provider("call_details_v3_active.documented.json")

    report = provider.client.call_details_v3("cabfb1dfa8c5e1c7f2c458423b7716b3")

    assert (report.status, report.is_over, report.ended_at) == (None, False, None)
    assert (report.agent_leg, report.customer_leg) == (None, None)


@pytest.mark.parametrize(
    ("word", "agent", "customer"),
    [
        ("from_leg_unanswered", "no-answer", None),
        ("from_leg_no_dial", "failed", None),
        ("from_leg_cancelled", "canceled", None),
        ("to_leg_unanswered", "completed", "no-answer"),
        ("to_leg_no_dial", "completed", None),
    ],
)
def test_v3s_words_tell_which_leg_failed(word, agent, customer):
    details = {"sid": "a1", "state": "terminal", "status": word, "custom_field": "attempt-1"}
    body = json.dumps({"response": {"call_details": details}}).encode()

    report = Provider(body).client.call_details_v3("a1")

    assert (report.agent_leg, report.customer_leg) == (LegReport(agent), LegReport(customer))
    assert report.custom_field == "attempt-1"


# many calls


def test_a_page_of_calls_names_the_next_one():
    provider = Provider("calls_bulk_v1.documented.json", headers={"X-RateLimit-Remaining": "9"})

    page = provider.client.calls(["c5797dcbaaeed7678c4062a4a3ed2f8a", "b1"])

    (report,) = page.reports
    assert (report.sid, report.status, report.total_s) == (
        "c5797dcbaaeed7678c4062a4a3ed2f8a",
        "completed",
        45,
    )
    assert report.recording_url == "https://x"
    assert page.next_page == "/v1/Accounts/sid/Calls.json?After=xyz"
    (request,) = provider.asked
    assert request.url.path == "/v1/Accounts/acct1/Calls.json"
    assert dict(request.url.params) == {
        "Sid": "c5797dcbaaeed7678c4062a4a3ed2f8a,b1",
        "details": "true",
        "PageSize": "100",
    }


@pytest.mark.parametrize(
    ("calls", "sids"),
    [
        ([{"Sid": "a1"}, {"Sid": "b1"}], ["a1", "b1"]),
        ([{"Call": {"Sid": "a1"}}], ["a1"]),
        ({"Call": [{"Sid": "a1"}, {"Sid": "b1"}]}, ["a1", "b1"]),
        ({"Call": {"Sid": "a1"}}, ["a1"]),
        ({"Sid": "a1"}, ["a1"]),
        ([], []),
        ({}, []),
        (None, []),
    ],
)
def test_calls_are_found_in_every_shape_they_come_in(calls, sids):
    page = Provider(json.dumps({"Calls": calls}).encode()).client.calls(["a1"])

    assert [report.sid for report in page.reports] == sids
    assert page.next_page is None


@pytest.mark.parametrize("calls", ["none", 7])
def test_a_page_of_no_calls_fails(calls):
    with pytest.raises(LookupFailed):
        Provider(json.dumps({"Calls": calls}).encode()).client.calls(["a1"])


@pytest.mark.parametrize(
    "row",
    [{"Status": "busy"}, None, {"Sid": ""}, {"Sid": {}}, {"Sid": "a b"}, "x", 5, [], {"Sid": None}],
)
def test_p17_a_row_that_names_no_call_is_set_aside_and_not_hidden(row):
    rows = [{"Sid": "a1"}, row, {"Sid": "b1"}]
    page = Provider(json.dumps({"Calls": rows}).encode()).client.calls(["a1"])

    assert [report.sid for report in page.reports] == ["a1", "b1"]
    (unreadable,) = page.unreadable
    assert unreadable.why


def test_p17_a_row_set_aside_keeps_what_tells_whose_it_is():
    row = {
        "From": "09000000001",
        "To": 9800000001,
        "CustomField": "x-1",
        "DateCreated": "2026-11-23 18:15:01",
    }
    page = Provider(json.dumps({"Calls": [row]}).encode()).client.calls(["a1"])

    (one,) = page.unreadable
    assert (one.agent, one.customer, one.custom_field) == ("09000000001", "9800000001", "x-1")
    assert one.created_at == datetime(2026, 11, 23, 12, 45, 1, tzinfo=UTC)


@pytest.mark.parametrize("count", [0, 101])
def test_no_more_sids_are_asked_for_than_exotel_takes(count):
    with pytest.raises(ValueError, match="1 to 100"):
        Provider().client.calls(["a1"] * count)


def test_a_search_names_numbers_and_local_times_with_the_semicolon_encoded():
    provider = Provider(b'{"Calls":[]}')

    provider.client.search_calls(
        agents=["+919000030240", "+919000030241"],
        customers=["+919000038847"],
        created_from=datetime(2026, 11, 23, 4, 0, tzinfo=UTC),
        created_until=datetime(2026, 11, 23, 4, 30, tzinfo=UTC),
    )

    (request,) = provider.asked
    assert dict(request.url.params) == {
        "From": "+919000030240,+919000030241",
        "To": "+919000038847",
        "DateCreated": "gte:2026-11-23 09:30:00;lte:2026-11-23 10:00:00",
        "details": "true",
        "PageSize": "100",
    }
    assert "%3B" in str(request.url)
    assert ";" not in str(request.url)
    assert "%2B91" in str(request.url)


def test_the_next_page_is_asked_for_as_it_was_named():
    provider = Provider(b'{"Calls":[],"Metadata":{"NextPageUri":null}}')

    page = provider.client.next_page("/v1/Accounts/acct1/Calls.json?Sid=a%2Cb&After=xyz")

    assert page.next_page is None
    (request,) = provider.asked
    assert str(request.url) == (
        "https://api.example.com/v1/Accounts/acct1/Calls.json?Sid=a%2Cb&After=xyz"
    )


@pytest.mark.parametrize(
    "page",
    [
        "https://evil.example.com/v1/Calls.json",
        "//evil.example.com/v1/Calls.json",
        "http://api.example.com/v1/Calls.json",
        "https://api.example.com:8443/v1/Calls.json",
        "https://a:b@api.example.com/v1/Calls.json",
        "file:///etc/passwd",
    ],
)
def test_credentials_never_follow_a_page_to_another_host(page):
    provider = Provider(b'{"Calls":[]}')

    with pytest.raises(LookupFailed):
        provider.client.next_page(page)

    assert not provider.asked


def test_a_page_that_names_itself_as_the_next_ends_the_search():
    page = "/v1/Accounts/acct1/Calls.json?After=xyz"
    body = json.dumps({"Calls": [], "Metadata": {"NextPageUri": page}}).encode()

    with pytest.raises(LookupFailed):
        Provider(body).client.next_page(page)


def test_a_page_may_be_larger_than_one_call():
    calls = [{"Sid": f"a{n}", "CustomField": "x" * 1000} for n in range(100)]
    body = json.dumps({"Calls": calls}).encode()

    assert len(Provider(body).client.calls(["a1"]).reports) == 100


def test_a_page_beyond_two_megabytes_is_refused():
    with pytest.raises(LookupFailed) as raised:
        Provider(b" " * (2 * 1024 * 1024 + 1)).client.calls(["a1"])

    assert raised.value.error_code == "body_too_large"


# credentials


def test_credentials_are_checked_without_a_call():
    provider = Provider("balance.documented.json")

    provider.client.check_credentials()

    (request,) = provider.asked
    assert (request.method, request.url.path) == ("GET", "/v1/Accounts/acct1/Balance.json")


def test_the_balance_is_read_with_its_currency():
    assert Provider("balance.documented.json").client.balance() == (1543.75, "INR")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{}",
        b'{"Account": []}',
        b'{"Account": {"BalanceData": {"Balance": "soon"}}}',
    ],
)
def test_an_answer_that_tells_no_balance_is_none(body):
    with pytest.raises(LookupFailed):
        Provider(body).client.balance()


@pytest.mark.parametrize("status", [401, 403, 404])
def test_refused_credentials_are_told_from_an_outage(status):
    with pytest.raises(AccountRefused):
        Provider(b"no", status=status).client.check_credentials()


# what goes wrong


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (302, b"", AccountRefused),
        (401, b"", AccountRefused),
        (402, b"", AccountRefused),
        (403, b"Call to [09000038847] is not allowed: NDNC", AccountRefused),
        (429, b"", TurnedAway),
        (503, "error_503_35008.recorded.json", TurnedAway),
        (503, b"<html>", LookupFailed),
        (400, "error_400.documented.json", LookupFailed),
        (409, b"", LookupFailed),
        (500, b"", LookupFailed),
        (200, b"", LookupFailed),
        (200, b"<html>", LookupFailed),
        (200, b"{}", LookupFailed),
    ],
)
def test_a_refused_look_up_says_what_to_do_and_nothing_about_a_call(status, body, kind):
    provider = Provider(body, status=status, headers={"X-RateLimit-Remaining": "0"})

    with pytest.raises(kind) as raised:
        provider.client.calls(["a1"])

    assert raised.value.http_status == status
    assert raised.value.rate == RateFeedback(None, 0)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (httpx.ConnectError("refused"), TurnedAway),
        (httpx.ReadTimeout("slow"), LookupFailed),
        (httpx.RemoteProtocolError("cut"), LookupFailed),
    ],
)
def test_an_unanswered_look_up_may_be_asked_again(failure, kind):
    with pytest.raises(kind):
        Provider(failure=failure).client.call_details("a1")


@given(body=st.binary(max_size=300))
def test_any_bytes_are_a_call_or_unreadable(body):
    try:
        call = read_call(body, timezone=IST)
    except UnreadableBody:
        return
    assert call.sid


@given(data=st.data())
def test_a_sample_with_any_bytes_changed_is_a_call_or_unreadable(data):
    path = data.draw(
        st.sampled_from(sorted(SAMPLES.glob("c*_*.*ml")) + sorted(SAMPLES.glob("c*.json")))
    )
    body = path.read_bytes()
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(len(body), start + 40)))

    mutated = body[:start] + data.draw(st.binary(max_size=40)) + body[end:]

    try:
        call = read_call(mutated, timezone=IST)
    except UnreadableBody:
        return
    assert call.sid

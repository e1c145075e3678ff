"""Each answer to POST connect becomes placed, not placed (and what to do), or unknown."""

import base64
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import httpx
import pytest

from campaigns.attempt import LegReport
from dialer.errors import (
    AccountRefused,
    AgentUnavailable,
    NumberRefused,
    PlacementUnknown,
    ProviderError,
    RateFeedback,
    RequestRefused,
    Side,
    TurnedAway,
)
from dialer.exotel import ConnectRequest, Exotel, read_call
from dialer.exotel_regions import REGIONS

SAMPLES = Path(__file__).parent / "samples"
IST = ZoneInfo("Asia/Kolkata")
REQUEST = ConnectRequest(
    agent="+919000030240",
    customer="+919000038847",
    caller_id="08000004890",
    time_limit_s=1800,
    time_out_s=30,
)


def exotel(handler, **changes):
    arguments = {
        "account_sid": "acct1",
        "api_key": "key",
        "api_token": "t0ken",
        "base_url": REGIONS["singapore"].api,
        "details_base_url": REGIONS["singapore"].details,
        "timezone": IST,
        "clock_s": time.monotonic,
        "transport": httpx.MockTransport(handler),
    }
    return Exotel(**arguments | changes)


def connect(status, body=b"", headers=None, request=REQUEST):
    """Place one call at a provider that gives this answer."""
    if isinstance(body, str):
        body = (SAMPLES / body).read_bytes()
    answer = httpx.Response(status, content=body, headers=headers)
    with exotel(lambda _: answer) as client:
        return client.connect(request)


def refusal(kind, status, body=b"", headers=None, request=REQUEST):
    with pytest.raises(kind) as raised:
        connect(status, body, headers, request)
    return raised.value


def rest_exception(message, code=None):
    body = {"RestException": {"Status": 0, "Message": message, "Code": code}}
    return httpx.Response(200, json=body).content


# the request


def test_the_request_goes_to_connect_json_as_a_form_with_basic_auth_in_the_header():
    seen = []

    def handler(request):
        seen.append(request)
        body = (SAMPLES / "connect_200_v3docs.json").read_bytes()
        return httpx.Response(200, content=body)

    exotel(handler).connect(REQUEST)

    (request,) = seen
    assert request.method == "POST"
    assert str(request.url) == "https://api.exotel.com/v1/Accounts/acct1/Calls/connect.json"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"key:t0ken").decode()
    assert request.headers["accept-encoding"] == "identity"
    assert parse_qsl(request.content.decode()) == REQUEST.to_form()


def test_each_region_has_its_two_hosts():
    assert REGIONS["singapore"].api == "https://api.exotel.com"
    assert REGIONS["singapore"].details == "https://ccm-api.exotel.com"
    assert REGIONS["mumbai"].api == "https://api.in.exotel.com"
    assert REGIONS["mumbai"].details == "https://ccm-api.in.exotel.com"


def test_a_printed_client_shows_no_credentials():
    assert "t0ken" not in repr(exotel(lambda _: httpx.Response(200)))


def test_a_request_whose_send_window_has_passed_is_not_sent():
    sent = []

    with pytest.raises(TurnedAway) as raised:
        exotel(sent.append, clock_s=lambda: 100.0).connect(REQUEST, send_before=100.0)

    assert raised.value.error_code == "send_window_passed"
    assert not sent


# placed


@pytest.mark.parametrize("status", [200, 201, 202])
def test_an_answer_that_names_a_sid_is_a_placed_call(status):
    placed = connect(status, "connect_200_v3docs.json")

    assert placed.sid == "b6cfaf5f5cef3ca0fc937749ef96d245"
    assert placed.http_status == status
    assert placed.rate is None


def test_a_call_just_placed_is_in_progress_and_has_no_end():
    call = read_call((SAMPLES / "connect_200_v3docs.json").read_bytes(), timezone=IST)

    assert call.sid == "b6cfaf5f5cef3ca0fc937749ef96d245"
    assert (call.agent, call.customer) == ("09000030240", "09000038847")
    assert (call.status, call.is_over) == ("in-progress", False)
    assert call.created_at == datetime(2024, 3, 3, 10, 48, 33, tzinfo=IST)
    assert call.updated_at == datetime(2024, 3, 3, 10, 53, 33, tzinfo=IST)
    assert (call.ended_at, call.total_s, call.price, call.recording_url) == (None,) * 4
    assert call.talk_s == 0
    assert call.agent_leg == LegReport(status="in-progress")
    assert call.customer_leg == LegReport(status="queued")


@pytest.mark.parametrize("sample", ["connect_200_v1docs.json", "connect_200.reconstructed.xml"])
def test_json_and_xml_name_the_same_call(sample):
    placed = connect(200, sample, headers={"content-type": "text/plain"})
    call = read_call((SAMPLES / sample).read_bytes(), timezone=IST)

    assert placed.sid == call.sid == "c5797dcbaaeed7678c4062a4a3ed2f8a"
    assert call.status == "in-progress"
    assert (call.ended_at, call.total_s, call.price, call.recording_url) == (None,) * 4
    assert (call.agent_leg, call.customer_leg) == (None, None)


def test_rate_headers_are_handed_on_where_they_come():
    headers = {"X-RateLimit-Limit": "200", "X-RateLimit-Remaining": "17"}

    assert connect(200, "connect_200_v3docs.json", headers).rate == RateFeedback(200, 17)
    assert refusal(TurnedAway, 429, b"", headers).rate == RateFeedback(200, 17)
    assert refusal(TurnedAway, 429, b"", {"X-RateLimit-Limit": "many"}).rate is None


# not placed


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_stops_the_account_and_is_not_followed(status):
    asked = []

    def handler(request):
        asked.append(request.url.host)
        return httpx.Response(status, headers={"location": "https://elsewhere.example.com/"})

    with pytest.raises(AccountRefused, match="EXOTEL_BASE_URL"):
        exotel(handler).connect(REQUEST)

    assert asked == ["api.exotel.com"]


@pytest.mark.parametrize(
    ("sample", "code"),
    [
        ("error_401.documented.json", None),
        ("error_401_code20003.documented.json", "20003"),
        ("error_401_codestring.documented.json", "UNAUTHORIZED"),
    ],
)
def test_wrong_credentials_stop_the_account(sample, code):
    error = refusal(AccountRefused, 401, sample)

    assert (error.http_status, error.error_code) == (401, code)
    assert "EXOTEL_API_KEY" in str(error)


@pytest.mark.parametrize("status", [401, 402, 403, 404])
@pytest.mark.parametrize("body", [b"", b"<html>", b"Forbidden", b"\xff\xfe", b"[]", b'{"a":1}'])
def test_the_status_stops_the_account_whatever_the_body(status, body):
    assert refusal(AccountRefused, status, body).http_status == status


def test_an_account_that_is_not_cleared_is_stopped_with_exotels_words():
    error = refusal(AccountRefused, 403, "error_403_kyc.recorded.json")

    assert error.error_code == "340030"
    assert "KYC" in str(error)


def test_a_403_that_only_links_to_the_do_not_call_page_stops_the_account():
    message = "Outgoing calls are off, see https://support.example.com/what-is-ncpr-and-DND"

    refusal(AccountRefused, 403, rest_exception(message))


def test_a_customer_on_the_do_not_call_list_is_named_by_the_last_ten_digits():
    request = replace(REQUEST, customer="+919000043212")

    error = refusal(NumberRefused, 403, "error_403_ndnc.recorded.json", request=request)

    assert (error.side, error.do_not_disturb) == (Side.CUSTOMER, True)
    assert "9000043212" not in str(error)
    assert "******3212" in str(error)


def test_an_agent_on_the_do_not_call_list_is_told_from_the_customer():
    request = replace(REQUEST, agent="+919000043212")

    error = refusal(NumberRefused, 403, "error_403_ndnc.recorded.json", request=request)

    assert error.side is Side.AGENT


def test_a_do_not_call_refusal_of_a_number_that_is_neither_names_no_side():
    error = refusal(NumberRefused, 403, "error_403_ndnc.fixture.xml")

    assert (error.side, error.do_not_disturb) == (None, True)


@pytest.mark.parametrize(
    ("message", "side"),
    [
        ("Invalid parameter: 'To' must be a valid phone number", Side.CUSTOMER),
        ("Invalid parameter: 'From' must be a valid phone number", Side.AGENT),
        ("Invalid To number", Side.CUSTOMER),
        ("From is missing", Side.AGENT),
        ("The number [09000030240] is not valid", Side.AGENT),
        ("Cannot dial +91 90000 38847", Side.CUSTOMER),
    ],
)
def test_a_400_about_one_number_closes_that_number(message, side):
    error = refusal(NumberRefused, 400, rest_exception(message))

    assert (error.side, error.do_not_disturb, error.http_status) == (side, False, 400)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Bad request",
        "Invalid CallerId",
        "CallerId 09000038847 is not linked to your account",
        "From and To must differ",
        "You are not allowed to set startplaybackvalue",
        "StatusCallback is not a valid url",
        "TimeLimit must be less than 14400; change it to a smaller value",
        "You need to send valid parameters",
        "To place calls, verify your account",
    ],
)
def test_a_400_about_anything_else_pauses_the_campaign(message):
    refusal(RequestRefused, 400, rest_exception(message, 34001))


def test_the_newer_apis_envelope_is_read_too():
    error = refusal(RequestRefused, 400, "error_400_v2_envelope.recorded.json")

    assert error.error_code == "1002"
    assert "Maximum allowed length" in str(error)


@pytest.mark.parametrize("code", [1012, "10706"])
def test_an_agent_who_cannot_be_rung_is_no_fault_of_the_contact(code):
    refusal(AgentUnavailable, 409, rest_exception("Agent device is off", code))


@pytest.mark.parametrize(
    ("retry_after", "wait_s"),
    [
        ("30", 30),
        ("1.5", 1.5),
        ("0", 1),
        ("-5", 1),
        ("1000000000", 300),
        ("Mon, 23 Nov 2026 10:00:40 GMT", 40),
        ("Mon, 23 Nov 2026 09:00:00 GMT", 1),
        ("soon", None),
        ("nan", None),
        ("", None),
    ],
)
def test_the_wait_after_a_429_is_believed_within_bounds(retry_after, wait_s):
    headers = {"Retry-After": retry_after, "Date": "Mon, 23 Nov 2026 10:00:00 GMT"}

    error = refusal(TurnedAway, 429, b"slow down", headers)

    assert (error.over_limit, error.wait_s) == (True, wait_s)


def test_a_retry_after_date_without_the_answers_own_date_is_not_believed():
    headers = {"Retry-After": "Mon, 23 Nov 2026 10:00:40 GMT"}

    assert refusal(TurnedAway, 429, b"", headers).wait_s is None


def test_the_documented_429_is_read_from_its_whole_answer():
    head, _, body = (SAMPLES / "error_429.documented.http").read_text().partition("\n\n")
    headers = dict(line.split(": ", 1) for line in head.splitlines()[1:])

    error = refusal(TurnedAway, 429, body.encode(), headers)

    assert (error.wait_s, error.error_code) == (30, "RATE_LIMIT_EXCEEDED")


def test_the_legs_apis_429_is_read_too():
    error = refusal(TurnedAway, 429, "error_429_legs_api.documented.json")

    assert (error.wait_s, error.error_code) == (None, "RATE_LIMIT_EXCEEDED")


def test_a_503_in_exotels_own_words_placed_nothing():
    error = refusal(TurnedAway, 503, "error_503_35008.recorded.json")

    assert (error.over_limit, error.error_code) == (False, "35008")


@pytest.mark.parametrize("failure", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout])
def test_a_connection_that_never_stood_placed_nothing(failure):
    def handler(request):
        raise failure("no route")

    with pytest.raises(TurnedAway) as raised:
        exotel(handler).connect(REQUEST)

    assert not raised.value.over_limit
    assert raised.value.http_status is None


# unknown


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (httpx.ReadTimeout, "read_timeout"),
        (httpx.WriteTimeout, "write_timeout"),
        (httpx.ReadError, "read_error"),
        (httpx.WriteError, "write_error"),
        (httpx.RemoteProtocolError, "remote_protocol_error"),
        (httpx.LocalProtocolError, "local_protocol_error"),
    ],
)
def test_a_request_that_may_have_arrived_is_unknown(failure, code):
    def handler(request):
        raise failure("gone")

    with pytest.raises(PlacementUnknown) as raised:
        exotel(handler).connect(REQUEST)

    assert (raised.value.http_status, raised.value.error_code) == (None, code)


@pytest.mark.parametrize("status", [408, 409, 418, 500, 502, 503, 504])
def test_an_answer_that_does_not_exclude_a_call_is_unknown(status):
    assert refusal(PlacementUnknown, status, b"<html>gateway</html>").http_status == status


def test_a_500_is_unknown_even_in_exotels_own_words():
    refusal(PlacementUnknown, 500, rest_exception("Internal error"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"OK",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b'{"Call":null}',
        b'{"Call":[]}',
        b'{"Call":{}}',
        b'{"Call":{"Sid":null}}',
        b'{"Call":{"Sid":""}}',
        b'{"Call":{"Sid":"null"}}',
        b'{"Call":{"Sid":{"a":1}}}',
        b'{"Call":{"Sid":"../../etc"}}',
        b'{"Call":{"Sid":"a","Sid":"b"}}',
        b'{"Call":{"Sid":"a","Price":NaN}}',
        b'{"Call":{"Sid":"\xff"}}',
        b'{"Call":{"Sid":"a","Details":' + b"[" * 5000 + b"]" * 5000 + b"}}",
        b"<html><body>Welcome</body></html>",
        b"<TwilioResponse><Call><Sid/></Call></TwilioResponse>",
        b"<TwilioResponse><Call><Sid>a</Sid><Sid>b</Sid></Call></TwilioResponse>",
        b"<TwilioResponse>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</TwilioResponse>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><TwilioResponse><Call><Sid>&a;</Sid></Call></TwilioResponse>',
        b'<?xml version="1.0" encoding="nonsense"?><TwilioResponse/>',
    ],
)
def test_a_success_that_names_no_call_is_unknown(body):
    error = refusal(PlacementUnknown, 200, body)

    assert (error.http_status, error.error_code) == (200, "unreadable_answer")


def test_a_body_beyond_the_cap_is_unknown():
    error = refusal(PlacementUnknown, 200, b" " * 65_537)

    assert error.error_code == "body_too_large"


def test_an_encoded_body_is_not_decoded_and_unknown():
    def handler(request):
        body = iter([b"\x1f\x8b not really gzip"])
        return httpx.Response(200, content=body, headers={"content-encoding": "gzip"})

    with pytest.raises(PlacementUnknown) as raised:
        exotel(handler).connect(REQUEST)

    assert raised.value.error_code == "encoded_body"


# what is said


def test_messages_mask_numbers_and_cut_urls_to_their_host():
    words = "Bad StatusCallback https://u:p@dialer.example.com/callbacks/s3cret for +919876543210"

    error = refusal(RequestRefused, 400, rest_exception(words))

    assert "https://dialer.example.com/…" in str(error)
    assert "+91******3210" in str(error)
    assert "s3cret" not in str(error)
    assert "u:p" not in str(error)


def test_a_message_without_end_is_read_and_told_only_in_part():
    error = refusal(RequestRefused, 400, rest_exception("From " * 12_000, "9" * 1000))

    assert len(str(error)) < 500
    assert len(error.error_code) == 64


def test_every_refusal_is_a_provider_error():
    for status in range(300, 600):
        assert refusal(ProviderError, status).http_status == status

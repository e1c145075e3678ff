"""A connect request holds every limit Exotel documents and is encoded as its API takes it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.exotel import ConnectRequest

REQUEST = ConnectRequest(
    agent="+919000000001",
    customer="+919876543210",
    caller_id="08000004890",
    time_limit_s=1800,
    time_out_s=30,
)


def test_a_plain_request_says_everything_whose_default_at_exotel_is_doubtful():
    assert REQUEST.to_form() == [
        ("From", "+919000000001"),
        ("To", "+919876543210"),
        ("CallerId", "08000004890"),
        ("CallType", "trans"),
        ("TimeLimit", "1800"),
        ("TimeOut", "30"),
        ("MaxRetries", "0"),
        ("Record", "false"),
    ]


def test_a_full_request_sends_every_parameter():
    request = replace(
        REQUEST,
        wait_url="https://media.example.com/wait.wav?v=2",
        record=True,
        recording_channels="dual",
        recording_format="mp3-hq",
        stream_url="wss://media.example.com/live",
        stream_begin="at Leg2Connect",
        custom_field="attempt-1",
        playback_to="Both",
        playback_url="https://media.example.com/hello.wav",
        status_callback="https://dialer.example.com/callbacks/exotel/k1/a1/mac",
        max_retries=2,
    )

    assert request.to_form()[6:] == [
        ("MaxRetries", "2"),
        ("Record", "true"),
        ("RecordingChannels", "dual"),
        ("RecordingFormat", "mp3-hq"),
        ("WaitUrl", "https://media.example.com/wait.wav?v=2"),
        ("StreamUrl", "wss://media.example.com/live"),
        ("StreamBegin", "at Leg2Connect"),
        ("CustomField", "attempt-1"),
        ("StartPlaybackToNew", "Both"),
        ("StartPlaybackValueNew", "https://media.example.com/hello.wav"),
        ("StartPlaybackTo", "Both"),
        ("StartPlaybackValue", "https://media.example.com/hello.wav"),
        ("StatusCallback", "https://dialer.example.com/callbacks/exotel/k1/a1/mac"),
        ("StatusCallbackEvents[0]", "terminal"),
        ("StatusCallbackEvents[1]", "answered"),
        ("StatusCallbackContentType", "application/json"),
    ]


@pytest.mark.parametrize(
    ("names", "sent"),
    [
        ("documented", {"StartPlaybackToNew", "StartPlaybackValueNew"}),
        ("plain", {"StartPlaybackTo", "StartPlaybackValue"}),
    ],
)
def test_playback_is_asked_for_under_the_chosen_names_only(names, sent):
    request = replace(
        REQUEST, playback_url="https://media.example.com/hello.wav", playback_names=names
    )

    assert {name for name, _ in request.to_form() if "Playback" in name} == sent


def test_no_callback_parameter_is_sent_without_a_callback_url():
    assert not [name for name, _ in REQUEST.to_form() if name.startswith("StatusCallback")]


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        ({"time_out_s": 0}, "TimeOut is 0; set a whole number from 1 to 60 s"),
        ({"time_out_s": 61}, "TimeOut is 61; set a whole number from 1 to 60 s"),
        ({"time_limit_s": 14_401}, "TimeLimit is 14401; set a whole number from 1 to 14400 s"),
        ({"time_limit_s": True}, "TimeLimit is True; set a whole number"),
        ({"max_retries": 4}, "MaxRetries is 4; set a whole number from 0 to 3"),
        ({"agent": "agent one"}, r"From \(the agent\) must be a phone number"),
        ({"customer": ""}, r"To \(the customer\) must be a phone number"),
        ({"caller_id": "0800\r\nX: y"}, "CallerId must be a phone number"),
        ({"recording_format": "wav"}, "RecordingFormat is 'wav'; set one of: mp3, mp3-hq"),
        ({"recording_channels": "two"}, "RecordingChannels is 'two'; set one of: single, dual"),
        ({"playback_to": "Caller"}, "StartPlaybackTo is 'Caller'; set one of: Callee, Both"),
        ({"playback_names": "old"}, "set one of: both, documented, plain"),
        ({"stream_begin": "now"}, "StreamBegin is 'now'; set one of: at Leg1Connect"),
        ({"custom_field": "x" * 129}, "CustomField has 129 characters; set at most 128"),
        ({"custom_field": "a\nb"}, "line breaks"),
        ({"custom_field": "a\x7fb"}, "line breaks"),
        ({"custom_field": "a\ud800"}, "line breaks"),
        ({"wait_url": "media.example.com/a.wav"}, "WaitUrl must be an absolute URL"),
        ({"status_callback": "https://dialer.example.com/a b"}, "StatusCallback must be"),
        ({"stream_url": "https://media.example.com"}, "starts with ws:// or wss://"),
        ({"stream_begin": "at Leg1Connect"}, "needs a StreamUrl"),
    ],
)
def test_a_value_out_of_bounds_is_refused_with_what_to_set(wrong, remedy):
    with pytest.raises(ValueError, match=remedy):
        replace(REQUEST, **wrong)


@given(time_out_s=st.integers(1, 60), time_limit_s=st.integers(1, 14_400))
def test_every_time_within_its_limits_is_sent_as_given(time_out_s, time_limit_s):
    request = replace(REQUEST, time_out_s=time_out_s, time_limit_s=time_limit_s)

    assert dict(request.to_form())["TimeOut"] == str(time_out_s)
    assert dict(request.to_form())["TimeLimit"] == str(time_limit_s)


def test_a_printed_request_shows_neither_numbers_nor_the_callback_secret():
    request = replace(REQUEST, status_callback="https://dialer.example.com/callbacks/s3cret")

    assert "9876543210" not in repr(request)
    assert "9000000001" not in repr(request)
    assert "s3cret" not in repr(request)


def test_a_refused_callback_url_is_not_repeated_in_the_message():
    with pytest.raises(ValueError) as refusal:
        replace(REQUEST, status_callback="ftp://dialer.example.com/callbacks/s3cret")

    assert "s3cret" not in str(refusal.value)

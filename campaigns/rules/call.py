"""The call itself. Limits and words are the provider's, checked when the request is built."""

from functools import partial

from pydantic import Field

from campaigns.rules.declaring import Panel, declared
from campaigns.rules.kinds import Seconds, SomeRules

_rule = partial(declared, Panel.CALL)


class CallRules(SomeRules):
    """What each call shows, lasts, plays and keeps."""

    caller_id: str = _rule(
        Field(min_length=3, max_length=16),
        "Shown number (caller id)",
        "the ExoPhone shown to both sides",
        "NUMBER",
        "08045678900",
        setting="EXOTEL_CALLER_ID",
    )
    time_limit_s: Seconds = _rule(
        Field(1800, ge=1, le=14400),
        "Longest call",
        "the call is cut after it, 1–14400 s",
        "S",
        "10m",
        setting="DIALER_TIME_LIMIT_S",
    )
    time_out_s: Seconds = _rule(
        Field(30, ge=1, le=60),
        "Ring time per phone",
        "ring time of each phone, 1–60 s",
        "S",
        "25",
        setting="DIALER_TIME_OUT_S",
    )
    record: bool = _rule(
        Field(False),
        "Record",
        "record the conversation",
        "",
        "yes",
    )
    recording_channels: str = _rule(
        Field("single"),
        "Recording's channels",
        "one channel for both, or one each",
        "WORD",
        "dual",
        words=("single", "dual"),
    )
    recording_format: str = _rule(
        Field("mp3"),
        "Recording's quality",
        "the sound quality of the recording",
        "WORD",
        "mp3-hq",
        words=("mp3", "mp3-hq"),
    )
    wait_url: str | None = _rule(
        Field(None),
        "Waiting sound",
        "a WAV the agent hears while the customer's phone rings",
        "URL",
        "https://example.com/wait.wav",
    )
    playback_url: str | None = _rule(
        Field(None),
        "Announcement",
        "played before the two are joined",
        "URL",
        "https://example.com/hello.wav",
    )
    playback_to: str = _rule(
        Field("Callee"),
        "Who hears it",
        "the customer, or both",
        "WORD",
        "Both",
        words=("Callee", "Both"),
    )
    stream_url: str | None = _rule(
        Field(None),
        "Live audio",
        "the live audio goes there",
        "URL",
        "wss://example.com/audio",
    )
    stream_begin: str | None = _rule(
        Field(None),
        "Live audio begins",
        "when the agent answers, or the customer",
        "WORD",
        "at Leg2Connect",
        words=("at Leg1Connect", "at Leg2Connect"),
    )
    custom_field: str | None = _rule(
        Field(None, max_length=500),
        "Custom field",
        "travels with each call; columns in braces",
        "TEXT",
        "{plan}/{city}",
    )

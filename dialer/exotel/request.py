"""What we ask Exotel for: ring the agent, then the customer, join them.

<https://developer.exotel.com/docs/voice-v3/api-reference/connect-two-numbers>
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from campaigns.sentence import told

MAX_TIME_LIMIT_S = 14_400
MAX_TIME_OUT_S = 60
MAX_RETRIES = 3
MAX_CUSTOM_FIELD_CHARACTERS = 128


CHOICES = {
    "RecordingChannels": ("single", "dual"),
    "RecordingFormat": ("mp3", "mp3-hq"),
    "StreamBegin": ("at Leg1Connect", "at Leg2Connect"),  # the agent's answer, the customer's
    "StartPlaybackTo": ("Callee", "Both"),
}
"""What may stand for parameters that take a word."""

_PLAYBACK_SUFFIXES = {"both": ("New", ""), "documented": ("New",), "plain": ("",)}
"""Behind the names under which playback is asked for: Exotel's pages and its clients disagree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectRequest:
    """One call to place. Wrong values fail here, not at Exotel.

    Args:
        agent: `From`, rung first; E.164 preferred.
        customer: `To`, rung when the agent has answered; E.164 preferred.
        caller_id: `CallerId`, the ExoPhone both see.
        time_limit_s: `TimeLimit`, 1 to 14,400: the call is cut after it. Required, because it
            bounds how long a call nobody reports on can still be live.
        time_out_s: `TimeOut`, 1 to 60: ring time of each leg, so ringing may last twice that.
        wait_url: A WAV below 2 MB the agent hears while the customer's phone rings.
        custom_field: At most 128 characters, handed back in callbacks.
        playback_url: Audio played before the two are joined; None plays nothing.
        playback_names: `both`, `documented` (StartPlaybackToNew, …) or `plain` (StartPlaybackTo, …).
        status_callback: Where Exotel reports to. Carries a secret, so it is never printed.
        max_retries: Exotel's own redials of the agent, 0 to 3. Sent always: its default is 3.

    Raises:
        ValueError: A value is out of bounds; the message says what to set.
    """

    agent: str = field(repr=False)
    customer: str = field(repr=False)
    caller_id: str
    time_limit_s: int
    time_out_s: int
    wait_url: str | None = None
    record: bool = False
    recording_channels: str = "single"
    recording_format: str = "mp3"
    stream_url: str | None = None
    stream_begin: str | None = None
    custom_field: str | None = None
    playback_to: str = "Callee"
    playback_url: str | None = None
    playback_names: str = "both"
    status_callback: str | None = field(default=None, repr=False)
    max_retries: int = 0

    def __post_init__(self) -> None:
        _check_number("From (the agent)", self.agent)
        _check_number("To (the customer)", self.customer)
        _check_number("CallerId", self.caller_id)
        _check_range("TimeLimit", self.time_limit_s, 1, MAX_TIME_LIMIT_S, unit=" s")
        _check_range("TimeOut", self.time_out_s, 1, MAX_TIME_OUT_S, unit=" s")
        _check_range("MaxRetries", self.max_retries, 0, MAX_RETRIES)
        for name, value in self._chosen.items():
            _check_choice(name, value, CHOICES[name])
        _check_choice("playback names", self.playback_names, _PLAYBACK_SUFFIXES)
        _check_url("WaitUrl", self.wait_url, {"http", "https"})
        _check_url("StartPlaybackValue", self.playback_url, {"http", "https"})
        _check_url("StatusCallback", self.status_callback, {"http", "https"})
        _check_url("StreamUrl", self.stream_url, {"ws", "wss"})
        if self.stream_begin is not None and self.stream_url is None:
            raise ValueError(told("StreamBegin needs a StreamUrl; set both or neither"))
        if self.custom_field is not None:
            _check_custom_field(self.custom_field)

    def to_form(self) -> list[tuple[str, str]]:
        """List the form fields as Exotel takes them, in a fixed order."""
        form = [
            ("From", self.agent),
            ("To", self.customer),
            ("CallerId", self.caller_id),
            ("CallType", "trans"),  # the only type that is documented
            ("TimeLimit", str(self.time_limit_s)),
            ("TimeOut", str(self.time_out_s)),
            ("MaxRetries", str(self.max_retries)),
            ("Record", "true" if self.record else "false"),
        ]
        if self.record:
            form.append(("RecordingChannels", self.recording_channels))
            form.append(("RecordingFormat", self.recording_format))
        optional = {
            "WaitUrl": self.wait_url,
            "StreamUrl": self.stream_url,
            "StreamBegin": self.stream_begin,
            "CustomField": self.custom_field,
        }
        form += [(name, value) for name, value in optional.items() if value is not None]
        return form + self._playback() + self._callback()

    @property
    def _chosen(self) -> dict[str, str]:
        """Give what is chosen of each of the `CHOICES`."""
        chosen = {
            "RecordingChannels": self.recording_channels,
            "RecordingFormat": self.recording_format,
            "StartPlaybackTo": self.playback_to,
        }
        return chosen if self.stream_begin is None else chosen | {"StreamBegin": self.stream_begin}

    def _playback(self) -> list[tuple[str, str]]:
        if self.playback_url is None:
            return []
        form = []
        # a form API ignores names it does not know, so sending both spellings is safe
        for suffix in _PLAYBACK_SUFFIXES[self.playback_names]:
            form.append((f"StartPlaybackTo{suffix}", self.playback_to))
            form.append((f"StartPlaybackValue{suffix}", self.playback_url))
        return form

    def _callback(self) -> list[tuple[str, str]]:
        if self.status_callback is None:
            return []
        return [
            ("StatusCallback", self.status_callback),
            # the indexed form is the one clients are known to use with success
            ("StatusCallbackEvents[0]", "terminal"),
            ("StatusCallbackEvents[1]", "answered"),
            ("StatusCallbackContentType", "application/json"),  # it may do as it likes
        ]


_NUMBER = re.compile(r"\+?[0-9]{3,15}")


def _check_number(name: str, value: str) -> None:
    if not _NUMBER.fullmatch(value):
        raise ValueError(
            told("{name} must be a phone number, digits with an optional + in front", name=name)
        )


def _check_range(name: str, value: int, low: int, high: int, *, unit: str = "") -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(
            told(
                "{name} is {value!r}; set a whole number from {low} to {high}{unit}",
                name=name,
                value=value,
                low=low,
                high=high,
                unit=unit,
            )
        )


def _check_choice(name: str, value: str, choices: Collection[str]) -> None:
    if value not in choices:
        raise ValueError(
            told(
                "{name} is {value!r}; set one of: {choices}",
                name=name,
                value=value,
                choices=", ".join(choices),
            )
        )


def _check_url(name: str, value: str | None, schemes: set[str]) -> None:
    if value is None:
        return
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    plain = value.isascii() and value.isprintable() and " " not in value
    if not plain or parts.scheme not in schemes or not parts.netloc:
        # the value is not shown: a callback URL carries a secret
        allowed = " or ".join(f"{scheme}://" for scheme in sorted(schemes))
        raise ValueError(
            told(
                "{name} must be an absolute URL that starts with {allowed}",
                name=name,
                allowed=allowed,
            )
        )


def _check_custom_field(value: str) -> None:
    if len(value) > MAX_CUSTOM_FIELD_CHARACTERS:
        raise ValueError(
            told(
                "CustomField has {count} characters; set at most {most}",
                count=len(value),
                most=MAX_CUSTOM_FIELD_CHARACTERS,
            )
        )
    if _NOT_TEXT.search(value):
        raise ValueError(told("CustomField must not contain line breaks or control characters"))


# what joins letters of Indic scripts and emoji is no control character, though it does not print
_NOT_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

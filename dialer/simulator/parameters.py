"""POST connect's form, read as strictly as the documentation states it.

Unknown names are ignored, as a form API does, but reported; a wrong value of a known name is
refused with a message that names the parameter.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

MAX_TIME_LIMIT_S = 14_400
MAX_TIME_OUT_S = 60
DEFAULT_RETRIES = 3
"""What a caller gets who says nothing: the agent's phone is rung four times."""
MAX_CUSTOM_FIELD_CHARS = 128


class InvalidParameter(Exception):
    """A parameter is missing or wrong.

    Args:
        name: The parameter, spelled as the caller should have.
        requirement: What it must be; completes "'To' …".
        code: The provider's own number for some mistakes.
    """

    def __init__(self, name: str, requirement: str, *, code: int | None = None) -> None:
        super().__init__(f"Invalid parameter: '{name}' {requirement}")
        self.name = name
        self.code = code


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """What a valid form asks for.

    Args:
        agent: The number rung first, as sent.
        customer: The number rung when the agent is up, as sent.
        time_limit_s: Longest conversation in seconds; None when the caller set no limit.
        time_out_s: Longest ringing of a leg in seconds; None when the caller set no limit.
        max_retries: Redials of the agent's leg.
        events: `answered`, `terminal`, or both; empty for the short callback at the end.
    """

    agent: str
    customer: str
    caller_id: str
    time_limit_s: int | None
    time_out_s: int | None
    max_retries: int
    record: bool
    custom_field: str | None
    status_callback: str | None
    events: frozenset[str]
    callback_as_json: bool


def read_connect(fields: Iterable[tuple[str, str]]) -> ConnectRequest:
    """Check every field of the form; raises `InvalidParameter` at the first that is wrong."""
    form, events = _sort(fields)
    if "Url" in form:
        # the parameters of a flow and of two numbers do not mix
        raise InvalidParameter("Url", "cannot be combined with 'To'", code=34001)
    for name in ("From", "To", "CallerId"):
        if name not in form:
            raise InvalidParameter(name, "is mandatory")
    for name, value in form.items():
        _CHECKS[name].hold(name, value)
    if not events <= {"terminal", "answered"}:
        raise InvalidParameter("StatusCallbackEvents", "must be 'terminal' or 'answered'")
    return ConnectRequest(
        agent=form["From"],
        customer=form["To"],
        caller_id=form["CallerId"],
        time_limit_s=_whole(form, "TimeLimit"),
        time_out_s=_whole(form, "TimeOut"),
        max_retries=int(form.get("MaxRetries", DEFAULT_RETRIES)),
        record=form.get("Record", "false").lower() == "true",
        custom_field=form.get("CustomField"),
        status_callback=form.get("StatusCallback"),
        events=events,
        callback_as_json=form.get("StatusCallbackContentType") == "application/json",
    )


def unknown_names(fields: Iterable[tuple[str, str]]) -> list[str]:
    """The names that the documentation does not have, a bare `StatusCallbackEvents` among them."""
    return sorted(
        {name for name, _ in fields if name not in _CHECKS and not _EVENT_KEY.match(name)}
    )


def _sort(fields: Iterable[tuple[str, str]]) -> tuple[dict[str, str], frozenset[str]]:
    """Part the events from the plain parameters; an empty value counts as not sent."""
    form: dict[str, str] = {}
    events: set[str] = set()
    for name, value in fields:
        if not value:
            continue
        if _EVENT_KEY.match(name):
            events.add(value)
        elif name in _CHECKS:
            form[name] = value
    return form, frozenset(events)


def _whole(form: Mapping[str, str], name: str) -> int | None:
    return int(form[name]) if name in form else None


@dataclass(frozen=True, slots=True)
class _Check:
    requirement: str
    passes: Callable[[str], bool]

    def hold(self, name: str, value: str) -> None:
        if not self.passes(value):
            raise InvalidParameter(name, self.requirement)


def _one_of(*words: str) -> _Check:
    return _Check(f"must be one of {', '.join(words)}", lambda value: value in words)


def _integer(lowest: int, highest: int) -> _Check:
    return _Check(
        f"must be an integer from {lowest} to {highest}",
        lambda value: bool(_DIGITS.fullmatch(value)) and lowest <= int(value) <= highest,
    )


def _absolute_url(*schemes: str) -> _Check:
    def passes(value: str) -> bool:
        try:
            url = urlsplit(value)
            return url.scheme in schemes and bool(url.hostname) and url.port != 0
        except ValueError:
            return False

    return _Check(f"must be an absolute {' or '.join(schemes)} URL", passes)


_EVENT_KEY = re.compile(r"StatusCallbackEvents\[\d*\]")
_DIGITS = re.compile(r"[0-9]{1,6}")
_PHONE = re.compile(r"\+?[0-9]{10,15}")

_A_PHONE = _Check("must be a valid phone number", lambda value: bool(_PHONE.fullmatch(value)))
_A_WEB_URL = _absolute_url("http", "https")
_A_BOOLEAN = _one_of("true", "false")
_A_LISTENER = _one_of("Callee", "Both", "both")

_CHECKS: dict[str, _Check] = {
    "From": _A_PHONE,
    "To": _A_PHONE,
    "CallerId": _A_PHONE,
    "CallType": _one_of("trans"),
    "TimeLimit": _integer(1, MAX_TIME_LIMIT_S),
    "TimeOut": _integer(1, MAX_TIME_OUT_S),
    "MaxRetries": _integer(0, DEFAULT_RETRIES),
    "WaitUrl": _A_WEB_URL,
    "Record": _A_BOOLEAN,
    "RecordingChannels": _one_of("single", "dual"),
    "RecordingFormat": _one_of("mp3", "mp3-hq"),
    "StreamUrl": _absolute_url("ws", "wss"),
    # the documentation and its readers spell these two ways
    "StreamBegin": _one_of("at Leg1Connect", "at Leg2Connect", "atLeg1connect", "atLeg2connect"),
    "CustomField": _Check(
        f"must have at most {MAX_CUSTOM_FIELD_CHARS} characters",
        lambda value: len(value) <= MAX_CUSTOM_FIELD_CHARS,
    ),
    "StartPlaybackTo": _A_LISTENER,
    "StartPlaybackToNew": _A_LISTENER,
    "StartPlaybackValue": _A_WEB_URL,
    "StartPlaybackValueNew": _A_WEB_URL,
    "StatusCallback": _A_WEB_URL,
    "StatusCallbackContentType": _one_of("multipart/form-data", "application/json"),
    "Url": _Check("must be a URL", bool),
}

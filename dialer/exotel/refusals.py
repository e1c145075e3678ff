"""What a "no" means: status and words of an answer → the error that says what the caller does.

    status                        placed?   error
    3xx, 401, 402, 404            no        AccountRefused
    403 NDNC or DND               no        NumberRefused, the side whose number it names
    403 otherwise                 no        AccountRefused
    400 about To or From          no        NumberRefused
    400 otherwise                 no        RequestRefused
    409 code 1012 or 10706        no        AgentUnavailable
    429, 503 with RestException   no        TurnedAway
    any other                     unknown   PlacementUnknown

The status decides, never a successful parse: bodies come in three shapes, as plain text, or cut
short. <https://developer.exotel.com/api/http-status-codes>
"""

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from campaigns.numbers.same_phone import same_phone
from dialer.errors import (
    AccountRefused,
    AgentUnavailable,
    LookupFailed,
    NumberRefused,
    PlacementUnknown,
    ProviderError,
    RateFeedback,
    RequestRefused,
    Side,
    TurnedAway,
)
from dialer.exotel import values
from dialer.exotel.bodies import UnreadableBody, read_document
from dialer.exotel.request import ConnectRequest

MIN_WAIT_S = 1.0
MAX_WAIT_S = 300.0
"""A wait the provider asks for is believed between these two."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP answer, its body read and bounded.

    Args:
        headers: Names in lower case.
        body: None when it could not be read in full.
        fault: Why not, in a word: `body_too_large`, `encoded_body`, `read_timeout`, …
    """

    status: int
    headers: dict[str, str]
    body: bytes | None
    fault: str | None = None

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


def connect_refusal(answer: HttpAnswer, request: ConnectRequest) -> ProviderError:
    """Turn an answer to connect that is no success into what the caller has to do."""
    words = _read_words(answer)
    match answer.status:
        case 400:
            return _bad_request(answer, words, request)
        case 403 if _names_do_not_disturb(words.message):
            return NumberRefused(
                _told(answer, words, "this number must not be rung"),
                side=_side_of_a_number(words.message, request),
                do_not_disturb=True,
                http_status=answer.status,
                error_code=words.code,
            )
        case 409 if words.code in {_DEVICE_OFF, IN_ANOTHER_CALL}:
            return _error(AgentUnavailable, answer, words, "the agent cannot be rung now")
    return _shared_refusal(answer, words) or _error(
        PlacementUnknown, answer, words, "whether the call was placed is not known"
    )


def lookup_refusal(answer: HttpAnswer) -> ProviderError:
    """Turn an answer to a look-up that is no success into what the caller has to do."""
    words = _read_words(answer)
    return _shared_refusal(answer, words) or _error(
        LookupFailed, answer, words, "the look-up was not answered"
    )


def rate_feedback(headers: dict[str, str]) -> RateFeedback | None:
    """Read the allowance from the headers, where there are any."""
    limit = _whole(headers.get("x-ratelimit-limit"))
    remaining = _whole(headers.get("x-ratelimit-remaining"))
    return None if limit is None and remaining is None else RateFeedback(limit, remaining)


def readable(message: str) -> str:
    """Make a provider's words fit for a log: numbers masked, URLs cut to their host."""
    hosts_only = _URL.sub(r"\1\2/…", message)
    masked = _LONG_NUMBER.sub(_mask, hosts_only)
    return "".join(char if char.isprintable() else " " for char in masked)[:_MAX_MESSAGE]


@dataclass(frozen=True, slots=True)
class _Words:
    """What the provider said, whichever shape it came in."""

    code: str | None = None
    message: str = ""
    is_rest_exception: bool = False


IN_ANOTHER_CALL = "10706"
"""The error code of an agent who is on a call that may not be ours."""
_DEVICE_OFF = "1012"
_MAX_CODE = 64  # characters
_MAX_READ = 2000  # characters of a message that are looked at
_MAX_MESSAGE = 300  # characters that are told
_ADVICE = {
    401: "check EXOTEL_API_KEY and EXOTEL_API_TOKEN; a wrong EXOTEL_REGION answers the same",
    402: "the balance or plan is used up",
    403: "the account lacks a permission",
    404: "check EXOTEL_ACCOUNT_SID and EXOTEL_REGION",
}

_URL = re.compile(r"\b(https?://|wss?://)(?:[^\s/@\"']*@)?([^\s/\"']+)[^\s\"']*", re.IGNORECASE)
_LONG_NUMBER = re.compile(r"\+?[0-9](?:[ ().-]?[0-9]){6,}")
_DO_NOT_DISTURB = re.compile(r"\b(NDNC|DND|NCPR)\b|do[ -]not[ -]disturb", re.IGNORECASE)
# a parameter's name: quoted, or with a parameter's company; "To place calls, …" is only English
_TO_OR_FROM = re.compile(
    r"['\"`](to|from)['\"`]"
    r"|(?:invalid|missing|parameter|field|value|number)\W+(to|from)\b"
    r"|\b(to|from)\W+(?:number|phone|field|parameter|is|must|should|cannot)\b",
    re.IGNORECASE,
)
_BOTH_SIDES = re.compile(r"\bFrom\b.*\bTo\b|\bTo\b.*\bFrom\b", re.DOTALL)
_OTHER_PARAMETER = re.compile(
    r"caller\s?_?id|url|callback|playback|custom\s?_?field|time\s?_?(?:limit|out)|record|stream"
    r"|call\s?_?type|max\s?_?retries|exophone",
    re.IGNORECASE,
)


def _shared_refusal(answer: HttpAnswer, words: _Words) -> ProviderError | None:
    """Judge what placing a call and looking one up have in common; None: they differ."""
    if 300 <= answer.status < 400:
        return _error(AccountRefused, answer, words, "it redirects; check EXOTEL_BASE_URL")
    if answer.status in _ADVICE:
        return _error(AccountRefused, answer, words, _ADVICE[answer.status])
    if answer.status == 429 or (answer.status == 503 and words.is_rest_exception):
        return TurnedAway(
            _told(answer, words, "turned away, nothing was placed"),
            wait_s=_wait_s(answer.headers),
            over_limit=answer.status == 429,
            http_status=answer.status,
            error_code=words.code,
        )
    return None


def _bad_request(answer: HttpAnswer, words: _Words, request: ConnectRequest) -> ProviderError:
    side = _side_at_fault(words.message, request)
    if side is None:
        return _error(RequestRefused, answer, words, "a setting of the campaign is wrong")
    return NumberRefused(
        _told(answer, words, f"the {side}'s number is at fault"),
        side=side,
        do_not_disturb=False,
        http_status=answer.status,
        error_code=words.code,
    )


def _side_at_fault(message: str, request: ConnectRequest) -> Side | None:
    """Tell whose number a 400 is about; None when it is about anything else, or unclear.

    Stopping a campaign for one bad number is a nuisance, but closing contact after contact for
    one bad caller id loses them all: only a message about a number alone names a side.
    """
    if _OTHER_PARAMETER.search(_URL.sub("", message)) or _BOTH_SIDES.search(message):
        return None
    if side := _side_of_a_number(message, request):
        return side
    named = {(found[found.lastindex or 0]).lower() for found in _TO_OR_FROM.finditer(message)}
    if len(named) != 1:
        return None
    return Side.CUSTOMER if named == {"to"} else Side.AGENT


def _side_of_a_number(message: str, request: ConnectRequest) -> Side | None:
    """Match the numbers in a message however they are spelt: `+91` comes back as `0`."""
    told = [found[0] for found in _LONG_NUMBER.finditer(message)]
    sides = [
        side
        for side, number in ((Side.AGENT, request.agent), (Side.CUSTOMER, request.customer))
        if any(same_phone(number, one) for one in told)
    ]
    return sides[0] if len(sides) == 1 else None


def _names_do_not_disturb(message: str) -> bool:
    # any refusal may link to the page about the do-not-call list
    return _DO_NOT_DISTURB.search(_URL.sub("", message)) is not None


def _wait_s(headers: dict[str, str]) -> float | None:
    """Read Retry-After, seconds or a date, within bounds; None when it is neither."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[+-]?[0-9]{1,20}(\.[0-9]*)?", value):
        wait_s = float(value)
    else:
        try:
            # against the answer's own date, so that our clock's error does not matter
            until, now = (parsedate_to_datetime(text) for text in (value, headers.get("date", "")))
            wait_s = (until - now).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(wait_s, MIN_WAIT_S), MAX_WAIT_S)


def _read_words(answer: HttpAnswer) -> _Words:
    if not answer.body:
        return _Words()
    try:
        document = read_document(answer.body)
    except UnreadableBody:
        return _plain_words(answer.body)
    if isinstance(exception := document.get("RestException"), dict):
        return _Words(
            code=_code(exception.get("Code")),
            message=(values.text(exception.get("Message")) or "")[:_MAX_READ],
            is_rest_exception=True,
        )
    return _enveloped_words(document.get("response"))


def _enveloped_words(response: Any) -> _Words:
    """Read the v2 and v3 envelope: `error_data` or `error`, in an object or a list of one."""
    if isinstance(response, list):
        response = response[0] if response else None
    error = values.member(response, "error_data") or values.member(response, "error")
    told = [values.text(values.member(error, key)) for key in ("message", "description")]
    return _Words(
        code=_code(values.member(error, "code")),
        message=": ".join(part for part in told if part)[:_MAX_READ],
    )


def _code(value: Any) -> str | None:
    """Read an error code, which comes as a number or as a text."""
    code = values.text(value)
    return code[:_MAX_CODE] if code else None


def _plain_words(body: bytes) -> _Words:
    """Take plain text as the message, but not a proxy's page."""
    text = body[:_MAX_READ].decode("utf-8", "replace").strip()
    return _Words() if text.startswith("<") else _Words(message=text)


def _error(
    kind: type[ProviderError], answer: HttpAnswer, words: _Words, meaning: str
) -> ProviderError:
    return kind(
        _told(answer, words, meaning),
        http_status=answer.status,
        error_code=words.code or answer.fault,
    )


def _told(answer: HttpAnswer, words: _Words, meaning: str) -> str:
    said = f": {readable(words.message)}" if words.message else ""
    return f"Exotel answered {answer.status}{said} ({meaning})"


def _mask(number: re.Match[str]) -> str:
    digits = re.sub(r"[^0-9]", "", number[0])
    country = f"+{digits[:2]}" if number[0].startswith("+") else ""
    return f"{country}******{digits[-4:]}"


def _whole(value: str | None) -> int | None:
    return int(value) if value and re.fullmatch(r"[0-9]{1,9}", value) else None

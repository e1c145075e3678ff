"""What came back from the provider: a body within bounds, what stands in it, or the error that says why not."""

import re
from collections.abc import Callable
from typing import TypeVar, cast

import httpx

from dialer.errors import LookupFailed, PlacementUnknown, ProviderError
from dialer.exotel.bodies import UnreadableBody
from dialer.exotel.call import read_placed_sid
from dialer.exotel.refusals import HttpAnswer, rate_feedback

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")

T = TypeVar("T")


def read_answer(response: httpx.Response, max_bytes: int) -> HttpAnswer:
    """Read the body within bounds; when that fails, the status still stands."""

    headers = dict(response.headers.items())  # dict(headers) would look each of them up

    def without_body(fault: str) -> HttpAnswer:
        return HttpAnswer(response.status_code, headers, None, fault)

    if headers.get("content-encoding", "identity").lower() != "identity":
        return without_body("encoded_body")
    body = bytearray()
    try:
        # the stream itself: httpx would only decode what is not encoded
        for chunk in cast("httpx.SyncByteStream", response.stream):
            body += chunk
            if len(body) > max_bytes:
                return without_body("body_too_large")
    except httpx.RequestError as error:
        return without_body(word_for(error))
    return HttpAnswer(response.status_code, headers, bytes(body))


def placed_sid(answer: HttpAnswer) -> str:
    """Read the Sid of a call that was placed, without which nobody knows whether one was."""
    fault = answer.fault or "no_body"
    if answer.body is not None:
        try:
            return read_placed_sid(answer.body)
        except UnreadableBody as error:
            fault = str(error)
    raise with_rate(
        PlacementUnknown(
            f"Exotel answered {answer.status} but named no call ({fault})",
            http_status=answer.status,
            error_code=answer.fault or "unreadable_answer",
        ),
        answer,
    )


def read(answer: HttpAnswer, reader: Callable[[bytes], T]) -> T:
    """Read a look-up's answer; what cannot be read says nothing about any call."""
    try:
        if answer.body is not None:
            return reader(answer.body)
    except UnreadableBody as error:
        fault = str(error)
    else:
        fault = answer.fault or "no body"
    raise with_rate(
        LookupFailed(
            f"Exotel answered {answer.status} with a body we cannot read ({fault})",
            http_status=answer.status,
            error_code=answer.fault or "unreadable_answer",
        ),
        answer,
    )


def with_rate(error: ProviderError, answer: HttpAnswer) -> ProviderError:
    """Tell with an error what its answer told of the allowance."""
    error.rate = rate_feedback(answer.headers)
    return error


def word_for(error: httpx.RequestError) -> str:
    """Name an error of httpx as a code of ours: ReadTimeout → read_timeout."""
    return _HUMP.sub("_", type(error).__name__).lower()

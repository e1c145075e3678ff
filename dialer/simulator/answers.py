"""Plain answers: the true one, and the refusals that leave no doubt."""

import json
from collections.abc import Mapping
from enum import Enum, auto

from starlette.responses import Response

from dialer.simulator.bodies import Json, as_xml
from dialer.simulator.faults import Fault, Trouble
from dialer.simulator.numbers import printed


class Style(Enum):
    """How a body is written."""

    JSON = auto()
    XML = auto()
    V3 = auto()


class Refusal(Exception):
    """A plain no: nothing was placed.

    Args:
        code: The provider's own number or word; many of its errors have none.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: int | str | None = None,
        retry_after: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.retry_after = retry_after

    def response(self, style: Style) -> Response:
        """Print it as this part of the API does."""
        headers = {} if self.retry_after is None else {"Retry-After": self.retry_after}
        code = {} if self.code is None else {"Code": self.code}
        body: Json = {"RestException": {"Status": self.status, "Message": self.message, **code}}
        if style is Style.V3:
            error = {"code": self.code or self.status, "message": self.message}
            body = {"http_code": self.status, "response": {"error": error}}
        return written(body, style, status=self.status, headers=headers)


def written(
    body: Json, style: Style, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """A body in the style that was asked for."""
    if style is Style.XML:
        return Response(as_xml(body), status, headers, media_type="application/xml")
    return Response(json.dumps(body), status, headers, media_type="application/json")


def unauthorized() -> Refusal:
    return Refusal(401, "Authentication failed. Check your API key and token.", code=20003)


def not_found(what: str) -> Refusal:
    return Refusal(404, f"The requested resource {what} was not found")


def over_limit(wait_s: int, *, retry_after: str | None = None) -> Refusal:
    return Refusal(
        429,
        f"Rate limit exceeded. Try again in {wait_s} seconds.",
        code="RATE_LIMIT_EXCEEDED",
        retry_after=retry_after,
    )


def do_not_disturb(number: str) -> Refusal:
    return Refusal(
        403,
        f"Call to [{printed(number)}] can not be made because of TRAI NDNC regulations."
        " Read more about this here: http://support.exotel.in/support/solutions/articles/35421",
    )


def refusal_of(fault: Fault, *, customer: str) -> Refusal | None:
    """The plain no that a fault asks for; None when its answer leaves things open."""
    if fault.trouble is Trouble.NDNC:
        return do_not_disturb(customer)
    if fault.trouble not in _REFUSALS:
        return None
    status, message, code = _REFUSALS[fault.trouble]
    return Refusal(status, message, code=code, retry_after=fault.retry_after)


_REFUSALS: Mapping[Trouble, tuple[int, str, int | str | None]] = {
    Trouble.BAD_REQUEST: (400, "Invalid parameter: 'To' must be a valid phone number", None),
    Trouble.UNAUTHORIZED: (401, "Authentication failed", 20003),
    Trouble.NO_BALANCE: (402, "Your account has insufficient balance", None),
    Trouble.KYC: (403, "Your account is not yet KYC compliant", 340030),
    Trouble.NOT_FOUND: (404, "The requested resource account was not found", None),
    Trouble.AGENT_OFFLINE: (409, "The device of the 'From' user is off", 1012),
    Trouble.AGENT_BUSY: (409, "The 'From' user is in another call", 10706),
    Trouble.TOO_MANY: (429, "Rate limit exceeded.", "RATE_LIMIT_EXCEEDED"),
    Trouble.UNAVAILABLE: (503, "Service Unavailable; ", 35008),
}

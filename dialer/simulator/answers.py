"""Plain answers: the true one, and the refusals that leave no doubt."""

import json
from enum import Enum, auto

from starlette.responses import Response

from dialer.simulator.bodies import Json, as_xml
from dialer.simulator.faults import PLAIN_NOES, Fault, Trouble
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
    if fault.trouble not in PLAIN_NOES:
        return None
    status, message, code = PLAIN_NOES[fault.trouble]
    return Refusal(status, message, code=code, retry_after=fault.retry_after)

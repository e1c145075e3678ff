"""What routes need: the services of the request's account, and a visitor with the right scope."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Path, Request
from fastapi.security import HTTPBearer

from dialer.access.api_keys import Scope
from dialer.deeds import Did
from dialer.ids import ContactId
from dialer.store import Campaign
from workers.web.access import Visitor
from workers.web.choosing import services_of, visitor_of
from workers.web.deeds import What, say_what_is_done
from workers.web.problems import ProblemDetails, not_found
from workers.web.services import Services

ROOT = "/api/v1"

_BEARER = HTTPBearer(auto_error=False, description="A key made by `dialer key create`.")

ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "model": ProblemDetails,
        "description": "The request cannot be met; `code` and `detail` say why.",
    },
    "5XX": {"model": ProblemDetails, "description": "It is not the request's fault."},
}


_Route = TypeVar("_Route", bound=Callable[..., Any])


class Router(APIRouter):
    """Routes about one thing; each that changes something says what the audit trail calls that.

    Args:
        path: Under which they are.
        tag: Under which they are described.
    """

    def __init__(self, path: str, tag: str) -> None:
        super().__init__(prefix=path, tags=[tag])

    def get(self, path: str, *, does: Did | None = None, **more: Any) -> Callable[[_Route], _Route]:
        """Declare what reads; of what leaves the house the trail is told."""
        self._say("GET", path, does)
        return super().get(path, **more)

    def post(self, path: str, does: What, **more: Any) -> Callable[[_Route], _Route]:  # type: ignore[override]
        """Declare what does something; the description of a form says whether it takes a file."""
        body = more.get("openapi_extra", {}).get("requestBody", {})
        self._say("POST", path, does, takes_file="multipart/form-data" in body.get("content", {}))
        return super().post(path, **more)

    def put(self, path: str, does: What, **more: Any) -> Callable[[_Route], _Route]:  # type: ignore[override]
        """Declare what sets something."""
        self._say("PUT", path, does)
        return super().put(path, **more)

    def patch(self, path: str, does: What, **more: Any) -> Callable[[_Route], _Route]:  # type: ignore[override]
        """Declare what changes something."""
        self._say("PATCH", path, does)
        return super().patch(path, **more)

    def delete(self, path: str, does: What, **more: Any) -> Callable[[_Route], _Route]:  # type: ignore[override]
        """Declare what removes something."""
        self._say("DELETE", path, does)
        return super().delete(path, **more)

    def _say(self, method: str, path: str, does: What | None, *, takes_file: bool = False) -> None:
        if does:
            say_what_is_done(method, f"{ROOT}{self.prefix}{path}", does, takes_file=takes_file)


def needs(wanted: Scope) -> Any:
    """Let only visitors with this scope use a route."""

    def check(request: Request, _key: Annotated[Any, Depends(_BEARER)]) -> Visitor:
        visitor = visitor_of(request)
        visitor.require(wanted)
        return visitor

    return Depends(check)


def find_campaign(
    campaign_id: Annotated[
        str, Path(pattern=r"^[0-9a-z]{8}$", description="The campaign's id, 8 characters.")
    ],
    services: Annotated[Services, Depends(services_of)],
) -> Campaign:
    """Read the campaign a path names."""
    return services.wiring.campaigns.find(campaign_id)


def find_contact(
    contact_id: Annotated[str, Path(max_length=20, description="As reports have it.")],
) -> ContactId:
    """Read the id of the contact a path names.

    Raises:
        Problem: It is none.
    """
    if id_ := ContactId.parse(contact_id):
        return id_
    raise not_found("There is no such contact.")


TheServices = Annotated[Services, Depends(services_of)]
TheCampaign = Annotated[Campaign, Depends(find_campaign)]
TheContact = Annotated[ContactId, Depends(find_contact)]
Onlooker = Annotated[Visitor, needs(Scope.READ_MASKED)]
Reader = Annotated[Visitor, needs(Scope.READ)]
Operator = Annotated[Visitor, needs(Scope.OPERATE)]
Uploader = Annotated[Visitor, needs(Scope.UPLOAD)]
Admin = Annotated[Visitor, needs(Scope.ADMIN)]

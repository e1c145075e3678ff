"""Who did what: the audit trail, to be read and kept elsewhere."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import StreamingResponse

from dialer.audit import by, faults_of
from dialer.deeds import Deed, DeedOutcome, Did
from dialer.store.trail import Line
from workers.web.access import Visitor
from workers.web.api.needs import Admin, Router, TheServices
from workers.web.deeds import actor_of, hidden_from
from workers.web.services import Services

router = Router("/audit", "audit")


class Shape(StrEnum):
    """How the records come."""

    JSON = "json"
    JSONL = "jsonl"  # all of them, a line each


class AuditDocument(BaseModel):
    """Records of the audit trail, the oldest first."""

    items: list[dict[str, Any]] = Field(
        description="`no`, `at`, `action` (joins the two records of one), `what`, `outcome` (begun, "
        "done, refused, failed), `who`, `from`, `on`, `asked`, `before`, `after`, `why`, `prev`, "
        "`hash`."
    )
    next: int | None = Field(description="Ask again with `after` set to this; null: no more.")
    faults: list[str] = Field(
        description="Where the whole trail is not as it was written; asked for with `check`."
    )


@router.get(
    "",
    response_model=AuditDocument,
    responses={
        200: {"content": {"application/x-ndjson": {}}, "description": "With `format=jsonl`: lines."}
    },
)
def read_audit(
    visitor: Admin,
    request: Request,
    services: TheServices,
    *,
    since: Annotated[AwareDatetime | None, Query(description="Not before this instant.")] = None,
    who: Annotated[
        str, Query(max_length=100, description="Id of the key or user, or a part of name or place.")
    ] = "",
    after: Annotated[int, Query(ge=0, description="Only records with a higher number.")] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    check: Annotated[bool, Query(description="Check the chain from its beginning.")] = False,
    format: Shape = Shape.JSON,  # noqa: A002 - as people call it
) -> Response | AuditDocument:
    """Tell who did what to the account; keys and sign-ins stand with the home's.

    A key that does not open all accounts is not shown keys and sign-ins. With `format=jsonl` all of it is sent, a record a line."""
    found = _found(services, visitor, since, who, after)
    if format is Shape.JSONL:
        services.wiring.audit.note(Deed(Did.AUDIT_TAKEN, actor_of(request.scope)), DeedOutcome.DONE)
        lines = (f"{line.exported()}\n" for line in found)
        return StreamingResponse(lines, media_type="application/x-ndjson")
    items = [line.as_json() for line in islice(found, limit + 1)]
    is_whole = len(items) <= limit
    items = items[:limit]
    trail = services.wiring.audit.trail
    return AuditDocument(
        items=items,
        next=None if is_whole else items[-1]["no"],
        faults=list(faults_of(trail.lines(), trail.ends())) if check else [],
    )


def _found(
    services: Services, visitor: Visitor, since: datetime | None, who: str, after: int
) -> Iterator[Line]:
    lines = services.wiring.audit.trail.lines(since_s=since.timestamp() if since else 0)
    lines = by(lines, who, without=hidden_from(visitor))
    return (line for line in lines if line.as_json()["no"] > after)

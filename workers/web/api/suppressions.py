"""The account's list of numbers that are never called."""

from datetime import datetime
from io import BytesIO
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from campaigns.plain_text import LONGEST_REASON
from dialer.steering.suppressing import Added
from workers.web import jobs
from workers.web.api.needs import Operator, Reader, TheDesk
from workers.web.api.shapes import Order
from workers.web.api.upload_form import SUPPRESS_FORM
from workers.web.lists import one, reading_choice
from workers.web.problems import Problem
from workers.web.services import Services
from workers.web.uploads import Upload, received_upload

router = APIRouter(prefix="/suppressions", tags=["suppressions"])


class SuppressedDocument(BaseModel):
    """A number that is never called."""

    number: str
    at: datetime | None
    source: str
    why: str


class SuppressedList(BaseModel):
    """Numbers that are never called, in no order."""

    items: list[SuppressedDocument]
    is_whole: bool = Field(description="There are no more.")


class NumberOrder(Order):
    """A number to put on the list."""

    number: str = Field(pattern=r"^[+0-9 ().-]{3,40}$")
    why: str = Field("", max_length=LONGEST_REASON)


class RemovalOrder(Order):
    """A number to take off the list."""

    number: str = Field(max_length=40)


class BadLineDocument(BaseModel):
    """A line that holds no number."""

    line: int
    message: str


class AddedDocument(BaseModel):
    """What became of the numbers."""

    added: int
    already: int
    bad: list[BadLineDocument] = Field(description="The first hundred.")
    bad_count: int


@router.get("")
def list_suppressed(
    _visitor: Reader,
    services: TheDesk,
    limit: Annotated[int, Query(ge=1, le=100_000)] = 1000,
) -> SuppressedList:
    """List numbers that are never called."""
    found = list(islice(services.wiring.suppressing.all(), limit + 1))
    items = [
        SuppressedDocument(number=each.number, at=each.at, source=each.source, why=each.why)
        for each in found[:limit]
    ]
    return SuppressedList(items=items, is_whole=len(found) <= limit)


@router.put("")
def suppress_number(visitor: Operator, services: TheDesk, order: NumberOrder) -> AddedDocument:
    """Put one number on the list; it counts with the next call."""
    added = services.wiring.suppressing.add(
        BytesIO(order.number.encode()), source=f"by {visitor.name}", why=order.why
    )
    if added.bad or not added.added + added.already:
        raise Problem(422, "invalid", "number: it is no phone number.")
    return _document(added)


@router.post("", openapi_extra=SUPPRESS_FORM)
async def suppress_file(_visitor: Operator, request: Request, services: TheDesk) -> AddedDocument:
    """Put a file's numbers on the list: one a line, or a table with a column of them."""
    async with received_upload(request, services.uploads_dir) as upload:
        return _document(await add_file(services, upload))


@router.post("/remove", status_code=204)
def unsuppress_number(_visitor: Operator, services: TheDesk, order: RemovalOrder) -> None:
    """Take a number off the list."""
    try:
        was_there = services.wiring.suppressing.remove(order.number)
    except ValueError as error:
        raise Problem(422, "invalid", f"number: {error}.") from None
    if not was_there:
        raise Problem(404, "not_found", "The number is not on the list.")


async def add_file(services: Services, upload: Upload) -> Added:
    """Put an uploaded file's numbers on the list."""
    return await services.apart.run(
        jobs.suppress_list,
        lambda _: None,
        services.settings_apart,
        upload.path,
        source=upload.name or "upload",
        why=one(upload.fields, "why"),
        column=one(upload.fields, "column") or None,
        reading=reading_choice(upload.fields),
    )


def _document(added: Added) -> AddedDocument:
    return AddedDocument(
        added=added.added,
        already=added.already,
        bad=[BadLineDocument(line=each.line, message=each.message) for each in added.bad],
        bad_count=added.bad_count,
    )

"""Lists of numbers that are never called: the account's, and that of all accounts."""

from io import BytesIO
from itertools import islice
from typing import Annotated

from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field

from campaigns.plain_text import LONGEST_REASON
from campaigns.sentence import told
from dialer.deeds import Did
from dialer.errors import NotDone
from dialer.steering.suppressing import Added, Suppressing
from workers.documents.suppressions import AddedDocument, SuppressedDocument
from workers.web import jobs
from workers.web.access import Visitor
from workers.web.api.needs import Operator, Reader, Router, TheServices
from workers.web.api.shapes import Order
from workers.web.api.upload_form import SUPPRESS_FORM
from workers.web.choosing import visitor_of
from workers.web.lists import one, reading_choice
from workers.web.problems import Problem, invalid, not_found
from workers.web.services import Services
from workers.web.uploads import Upload, received_upload

router = Router("/suppressions", "suppressions")

OfAll = Annotated[bool, Query(description="The list that every account heeds.")]


def list_for(visitor: Visitor, services: Services, *, all_accounts: bool) -> Suppressing:
    """Give the account's list, or that of all accounts to who has a key of all of them.

    Raises:
        Problem: Their key opens some accounts alone, or there is one alone.
    """
    if not all_accounts:
        return services.wiring.suppressing
    if not visitor.reaches_all:
        raise Problem(403, "accounts_missing", told("The list of all accounts is for keys of all."))
    try:
        return services.wiring.suppressing_for_all
    except NotDone as error:
        raise Problem(409, "one_account", str(error)) from None


def _the_list(
    request: Request, services: TheServices, *, all_accounts: OfAll = False
) -> Suppressing:
    return list_for(visitor_of(request), services, all_accounts=all_accounts)


TheList = Annotated[Suppressing, Depends(_the_list)]


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


@router.get("")
def list_suppressed(
    _visitor: Reader,
    suppressing: TheList,
    limit: Annotated[int, Query(ge=1, le=100_000)] = 1000,
) -> SuppressedList:
    """List numbers that are never called."""
    found = list(islice(suppressing.all(), limit + 1))
    items = [SuppressedDocument.of(each) for each in found[:limit]]
    return SuppressedList(items=items, is_whole=len(found) <= limit)


@router.put("", Did.NUMBERS_SUPPRESSED)
def suppress_number(visitor: Operator, suppressing: TheList, order: NumberOrder) -> AddedDocument:
    """Put one number on the list; it counts with the next call."""
    added = suppressing.add(
        BytesIO(order.number.encode()), source=f"by {visitor.name}", why=order.why
    )
    if added.bad or not added.added + added.already:
        raise invalid("number: it is no phone number.")
    return AddedDocument.of(added)


@router.post("", Did.NUMBERS_SUPPRESSED, openapi_extra=SUPPRESS_FORM)
async def suppress_file(
    visitor: Operator, request: Request, services: TheServices, *, all_accounts: OfAll = False
) -> AddedDocument:
    """Put a file's numbers on the list: one a line, or a table with a column of them."""
    list_for(visitor, services, all_accounts=all_accounts)
    async with received_upload(request, services.uploads_dir) as upload:
        return AddedDocument.of(await add_file(services, upload, for_all=all_accounts))


@router.post("/remove", Did.NUMBER_UNSUPPRESSED, status_code=204)
def unsuppress_number(_visitor: Operator, suppressing: TheList, order: RemovalOrder) -> None:
    """Take a number off the list."""
    try:
        was_there = suppressing.remove(order.number)
    except ValueError as error:
        raise invalid(f"number: {error}.") from None
    if not was_there:
        raise not_found(told("The number is not on the list."))


async def add_file(services: Services, upload: Upload, *, for_all: bool) -> Added:
    """Put an uploaded file's numbers on the account's list, or on that of all accounts."""
    return await services.work(
        jobs.suppress_list,
        upload.path,
        source=upload.name or "upload",
        why=one(upload.fields, "why"),
        column=one(upload.fields, "column") or None,
        reading=reading_choice(upload.fields),
        for_all=for_all,
    )

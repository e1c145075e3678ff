"""Contacts are looked for by what stands in a body: addresses stand in logs and histories."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from campaigns.lists.external_ids import LONGEST_EXTERNAL_ID
from dialer.clock import boottime_s
from dialer.deeds import tell
from dialer.watching.browsing import Filter, contacts_page, with_external_id
from workers.web.api.needs import Reader, TheDesk
from workers.web.api.shapes import ContactDocument, Order, Truth, Whole, contact_document
from workers.web.problems import Problem

router = APIRouter(prefix="/numbers", tags=["contacts"])

_DIGITS = r"^\+?[0-9]{3,15}$"
_LONGEST_S = 10.0


class Search(Order):
    """Which number, or which contact by its external id."""

    number: str | None = Field(
        None,
        pattern=_DIGITS,
        description="Some digits of the agent's or customer's number, side by side.",
    )
    external_id: str | None = Field(
        None,
        min_length=1,
        max_length=LONGEST_EXTERNAL_ID,
        description="The whole of it; instead of a number.",
    )
    agent: Truth = Field(False, description="It is all digits of the agent's number.")
    campaign_id: str | None = Field(
        None, pattern=r"^[0-9a-z]{8}$", description="Only there; else in all, the newest first."
    )
    limit: Whole = Field(100, ge=1, le=1000)


class Found(BaseModel):
    """Contacts that were found."""

    items: list[ContactDocument]
    is_whole: bool = Field(description="There are no more; else the limit, or 10 s, were reached.")


@router.post("/search")
def search_numbers(_visitor: Reader, services: TheDesk, search: Search) -> Found:
    """Find contacts by a number, or by an external id; writes nothing but who searched."""
    if (search.number is None) == (search.external_id is None):
        raise Problem(422, "invalid", "number, external_id: one of the two is needed.")
    campaigns = services.wiring.campaigns
    where = [campaigns.find(search.campaign_id)] if search.campaign_id else campaigns.all()
    if search.external_id is not None:
        tell(on="an external id")
        lines = with_external_id(services.wiring.db, where, search.external_id)
        return Found(
            items=[contact_document(*one) for one in lines[: search.limit]],
            is_whole=len(lines) <= search.limit,
        )
    digits = (search.number or "").removeprefix("+")
    tell(on=f"number …{digits[-3:]}")
    wanted = Filter(agent=digits) if search.agent else Filter(number=digits)
    ends_at_s = boottime_s() + _LONGEST_S
    found: list[ContactDocument] = []
    for campaign in where:
        cursor: int | None = 0
        while cursor is not None:
            if len(found) >= search.limit or boottime_s() > ends_at_s:
                return Found(items=found[: search.limit], is_whole=False)
            page = contacts_page(
                services.wiring.db, campaign, wanted, cursor=cursor, most=search.limit
            )
            found += [contact_document(campaign, line) for line in page.items]
            cursor = page.next_cursor
    return Found(items=found[: search.limit], is_whole=len(found) <= search.limit)

"""Numbers are looked for by what stands in a body: addresses stand in logs and histories."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from dialer.clock import boottime_s
from dialer.deeds import tell
from dialer.watching.browsing import Filter, contacts_page
from workers.web.api.needs import Reader, TheDesk
from workers.web.api.shapes import ContactDocument, Order, Truth, Whole, contact_document

router = APIRouter(prefix="/numbers", tags=["contacts"])

_DIGITS = r"^\+?[0-9]{3,15}$"
_LONGEST_S = 10.0


class Search(Order):
    """Which number."""

    number: str = Field(
        pattern=_DIGITS,
        description="Some digits of the agent's or customer's number, side by side.",
    )
    agent: Truth = Field(False, description="It is all digits of the agent's number.")
    campaign_id: str | None = Field(
        None, pattern=r"^[0-9a-z]{8}$", description="Only there; else in all, the newest first."
    )
    limit: Whole = Field(100, ge=1, le=1000)


class Found(BaseModel):
    """Contacts with the number."""

    items: list[ContactDocument]
    is_whole: bool = Field(description="There are no more; else the limit, or 10 s, were reached.")


@router.post("/search")
def search_numbers(_visitor: Reader, services: TheDesk, search: Search) -> Found:
    """Find contacts by a number; writes nothing but who searched."""
    campaigns = services.wiring.campaigns
    where = [campaigns.find(search.campaign_id)] if search.campaign_id else campaigns.all()
    digits = search.number.removeprefix("+")
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

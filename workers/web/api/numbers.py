"""Contacts are looked for by what stands in a body: addresses stand in logs and histories."""

from collections.abc import Iterator
from itertools import islice, starmap

from pydantic import BaseModel, Field

from campaigns.lists.external_ids import LONGEST_EXTERNAL_ID
from campaigns.sentence import told
from dialer.deeds import Did, tell
from dialer.watching.browsing import with_external_id
from dialer.watching.finding import FoundContact
from workers.web.access import Visitor
from workers.web.api.needs import Onlooker, Router, TheServices
from workers.web.api.shapes import ContactDocument, Order, Truth, Whole, contact_document
from workers.web.masking import WHOLE_NUMBER_NEEDED
from workers.web.problems import invalid

router = Router("/numbers", "contacts")

_NUMBER = r"^[^A-Za-z]*[0-9][^A-Za-z]*[0-9][^A-Za-z]*[0-9][^A-Za-z]*$"


class Search(Order):
    """Which number, which name, or which contact by its external id; one of the three."""

    number: str | None = Field(
        None,
        max_length=40,
        pattern=_NUMBER,
        description="The agent's or customer's, in any spelling: archives are searched as well. Or "
        "three or more of its digits, side by side.",
    )
    name: str | None = Field(
        None, min_length=2, max_length=100, description="A part of the customer's name."
    )
    external_id: str | None = Field(
        None,
        min_length=1,
        max_length=LONGEST_EXTERNAL_ID,
        description="The whole of it.",
    )
    agent: Truth = Field(False, description="It is all digits of the agent's number.")
    campaign_id: str | None = Field(
        None, pattern=r"^[0-9a-z]{8}$", description="Only there; else in all, the newest first."
    )
    limit: Whole = Field(100, ge=1, le=1000)


class Found(BaseModel):
    """Contacts that were found."""

    items: list[ContactDocument]
    is_whole: bool = Field(description="There are no more; else the limit was reached.")


@router.post("/search", Did.NUMBER_SEARCHED)
def search_numbers(visitor: Onlooker, services: TheServices, search: Search) -> Found:
    """Find contacts by a number, a name or an external id; writes nothing but who searched.

    Whoever sees numbers masked gives the whole of one.
    """
    if sum(one is not None for one in (search.number, search.name, search.external_id)) != 1:
        raise invalid("number, name, external_id: one of the three is needed.")
    campaigns = services.wiring.campaigns
    asked = [campaigns.find(search.campaign_id)] if search.campaign_id else None
    if search.external_id is not None:
        tell(on="an external id")
        among = asked or campaigns.unarchived()
        lines = with_external_id(services.wiring.db, among, search.external_id)
        return _first(starmap(FoundContact, lines), search.limit, visitor)
    if search.name is not None:
        if not services.wiring.settings.dialer_search_names:
            raise invalid(told("This installation finds people by their number alone."))
        tell(on="a name")
        return _first(services.finding.by_name(search.name, among=asked), search.limit, visitor)
    written = search.number or ""
    whole = services.wiring.suppressing.read_number(written) or ""
    if visitor.is_masked and not whole:
        raise invalid(WHOLE_NUMBER_NEEDED)
    digits = whole[1:] or "".join(mark for mark in written if mark in "0123456789")
    tell(on=f"number …{digits[-3:]}")
    found = services.finding.by_number(
        digits, is_whole=bool(whole) or search.agent, is_agents=search.agent, among=asked
    )
    return _first(found, search.limit, visitor)


def _first(found: Iterator[FoundContact], limit: int, visitor: Visitor) -> Found:
    """Tell the first of those who were found."""
    some = [
        contact_document(one.campaign, one.line, masked=visitor.is_masked)
        for one in islice(found, limit + 1)
    ]
    return Found(items=some[:limit], is_whole=len(some) <= limit)

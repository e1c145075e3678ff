"""The form that adds one contact to a campaign."""

from campaigns.lists.one_at_a_time import GivenContact
from dialer.access.api_keys import Scope
from dialer.deeds import Did
from dialer.loading.adding import Addition, Took
from workers.web.pages.declaring import Answer, Asked, Pages, page, to

pages = Pages()

_MOST_OWN = 30  # a form has forty fields at most
_OWN = "cell "
"""Stands before the name of a column of the campaign's own."""


@pages.get("/campaigns/{campaign_id}/add", Scope.UPLOAD)
def form(asked: Asked) -> Answer:
    """Show the empty form."""
    return _page(asked, None)


@pages.post("/campaigns/{campaign_id}/add", Scope.UPLOAD, does=Did.CONTACT_ADDED)
def add(asked: Asked) -> Answer:
    """Add what the form says, and show the contact, or the form again with the reason."""
    fields, campaign = asked.form, asked.campaign
    own = {name.removeprefix(_OWN): text for name, text in fields.items() if name.startswith(_OWN)}
    told = {name: fields.get(name, "") for name in GIVEN}
    (answer,) = asked.wiring.adding.add(
        campaign,
        [GivenContact(**told, row=own)],
        may_start=asked.visitor.may(Scope.OPERATE),
    )
    if answer.took in {Took.ADDED, Took.KNOWN} and answer.contact:
        return to(f"/campaigns/{campaign.id}/contacts/{answer.contact.n}")
    return _page(asked, answer)


GIVEN = (
    *("agent", "agent_group", "backup", "customer", "external_id"),
    *("priority", "not_before", "expires_at", "timezone"),
)


def _page(asked: Asked, answer: Addition | None) -> Answer:
    own = asked.wiring.adding.judge_of(asked.campaign).own_columns()[:_MOST_OWN]
    return page(
        "add_contact.html",
        status_code=422 if answer else 200,
        campaign=asked.campaign,
        fields=asked.form,
        answer=answer,
        own=[(_OWN + name, name) for name in own],
    )

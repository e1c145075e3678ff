"""The page of what pages are made of: for whoever builds one, and for an eye that looks for what is off."""

from campaigns.attempt import AttemptState
from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState
from campaigns.sentence import told
from dialer.access.api_keys import Scope
from workers.web.pages.declaring import Answer, Asked, Pages, page
from workers.web.pages.views import bar

pages = Pages()

_TONES = {
    "final": told("final"),
    "open": told("open"),
    "flight": told("in flight"),
    "unresolved": told("unresolved"),
    "retry": told("retry"),
    "waiting": told("waiting"),
}
_ENDS = {
    "connected": told("connected"),
    "customer": told("customer"),
    "agent": told("agent"),
    "other": told("other"),
}


@pages.get("/design", Scope.READ_MASKED)
def show(_asked: Asked) -> Answer:
    """Show every part of a page once, in each of its states."""
    return page(
        "design.html",
        states={
            "state": list(CampaignState),
            "contact": list(ContactState),
            "attempt": list(AttemptState),
        },
        tones=_TONES | _ENDS,
        progress=bar(
            [(tone, said, 100 * n, "#bars") for n, (tone, said) in enumerate(_TONES.items(), 1)]
        ),
        ends=bar(
            [(tone, said, 100 * n, "#bars") for n, (tone, said) in enumerate(_ENDS.items(), 1)]
        ),
    )

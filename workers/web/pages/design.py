"""The page of what pages are made of: for whoever builds one, and for an eye that looks for what is off."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from campaigns.attempt import AttemptState
from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState
from campaigns.sentence import told
from dialer.access.api_keys import Scope
from workers.web.pages.rendering import renderer_of, require
from workers.web.pages.views import bar

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


async def show(request: Request) -> Response:
    """Show every part of a page once, in each of its states."""
    require(request, Scope.READ_MASKED)
    return await renderer_of(request).page(
        request,
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


routes = [Route("/design", show)]

"""The rows behind the numbers: contacts and attempts, by filters."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from campaigns.attempt import Outcome
from campaigns.lists.external_ids import LONGEST_EXTERNAL_ID
from dialer.access.api_keys import Scope
from dialer.deeds import Did
from dialer.store import OpenAttempt
from dialer.store.agents import AgentStore
from dialer.watching.browsing import (
    AGENT_REACHED,
    NO_OUTCOME,
    Filter,
    attempts_page,
    contacts_page,
    names_of,
)
from dialer.watching.overview import RETRIES_DUE
from workers.web.api.contacts import ATTEMPT_STATES, CONTACT_STATES, ENDS
from workers.web.pages.declaring import Answer, Asked, Pages, page
from workers.web.pages.rendering import digits_in
from workers.wiring import Wiring

pages = Pages()

_ROWS = 100
_OUTCOMES = (AGENT_REACHED, *Outcome, NO_OUTCOME)
_LONGEST_ERROR = 80


_CONTACTS = "/campaigns/{campaign_id}/contacts"
_ATTEMPTS = "/campaigns/{campaign_id}/attempts"


@pages.get(_CONTACTS, Scope.READ_MASKED)
def contacts(asked: Asked) -> Answer:
    """List contacts by filters."""
    return _list(asked, "contacts.html", contacts_page, CONTACT_STATES, ENDS)


@pages.get(_ATTEMPTS, Scope.READ_MASKED)
def attempts(asked: Asked) -> Answer:
    """List attempts by filters."""
    return _list(asked, "attempts.html", attempts_page, ATTEMPT_STATES, _OUTCOMES)


# by a number, which stands in the body: addresses stand in logs
pages.post(_CONTACTS + "/search", Scope.READ, does=Did.NUMBER_SEARCHED)(contacts)
pages.post(_ATTEMPTS + "/search", Scope.READ, does=Did.NUMBER_SEARCHED)(attempts)


def _list(
    asked: Asked,
    template: str,
    read: Callable[..., Any],
    states: tuple[str, ...],
    ends: tuple[str, ...],
) -> Answer:
    wiring, campaign, search = asked.wiring, asked.campaign, asked.form
    filters = {
        "state": _known(asked, "state", states),
        "outcome": _known(asked, "outcome", ends),
        "due": _known(asked, "due", tuple(RETRIES_DUE)),
        "error": asked.query("error")[:_LONGEST_ERROR],
    }
    searched = {name: _digits(wiring, search.get(name, "")) for name in ("number", "agent")}
    searched["external_id"] = search.get("external_id", "").strip()[:LONGEST_EXTERNAL_ID]
    told: dict[str, Any] = {name: value or None for name, value in (filters | searched).items()}
    wanted = Filter(**told, due_at=wiring.db.now())
    cursor = digits_in(search.get("cursor", asked.query("cursor")))
    found = read(wiring.db, campaign, wanted, cursor=int(cursor or 0), most=_ROWS)
    ids = {one.id.n for one in found.items if isinstance(one, OpenAttempt)}
    rung = {one.attempt.agent if isinstance(one, OpenAttempt) else one.agent for one in found.items}
    kept = {name: value for name, value in filters.items() if value}
    more = f"?{urlencode({**kept, 'cursor': found.next_cursor})}" if found.next_cursor else ""
    return page(
        template,
        campaign=campaign,
        zone=campaign.rules.zone,
        page=found,
        names=names_of(wiring.db, campaign, ids) if ids else {},
        agent_names=AgentStore(wiring.db).names(rung),
        asked=filters,
        searched=searched,
        next_cursor=found.next_cursor,
        states=states,
        ends=ends,
        dues=tuple(RETRIES_DUE),
        more=more,
        is_first=not cursor,
    )


def _digits(wiring: Wiring, written: str) -> str:
    """Give the digits that somebody looks for: all of a number in any spelling, or some of one."""
    number = wiring.suppressing.read_number(written)
    return number[1:] if number else digits_in(written)


def _known(asked: Asked, name: str, words: tuple[str, ...]) -> str:
    value = asked.query(name)
    return value if value in words else ""

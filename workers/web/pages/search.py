"""Who called? A number in any spelling, or a name: everybody of it, in all campaigns of the account."""

import asyncio
from dataclasses import dataclass
from itertools import islice

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from campaigns.sentence import told
from dialer.access.api_keys import Scope
from dialer.clock import boottime_s
from dialer.deeds import tell
from dialer.steering.suppressing import Suppressed
from dialer.store.agents import AgentStore
from dialer.store.suppressed import SuppressionList
from dialer.watching.finding import Found
from workers.web.choosing import services_of
from workers.web.masking import WHOLE_NUMBER_NEEDED
from workers.web.pages.rendering import digits_in, plain_form, renderer_of, visitor_of
from workers.web.services import Services
from workers.wiring import Wiring

_MOST_SHOWN = 50
_LEAST_DIGITS, _LEAST_LETTERS = 3, 2


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found.

    Args:
        number: What was asked for, where that is a whole number; E.164, else ''.
        found: At most fifty.
        is_whole: There are no more.
        listed: What the lists of numbers never called say of the number, each with its name.
        never: Customers among them who stand on one of these lists, E.164.
        took_s: How long it took.
        problem: Why nothing was looked for; '' = it was.
    """

    number: str = ""
    found: tuple[Found, ...] = ()
    is_whole: bool = True
    listed: tuple[tuple[str, Suppressed], ...] = ()
    never: frozenset[str] = frozenset()
    took_s: float = 0.0
    problem: str = ""


async def search(request: Request) -> Response:
    """Find people; what is asked for stands in the body, since addresses stand in logs."""
    form = await plain_form(request, Scope.READ_MASKED)
    who = form.get("who", "").strip()[:100]
    visitor = visitor_of(request)
    answer = await asyncio.to_thread(_answer, services_of(request), who, masked=visitor.is_masked)
    return await renderer_of(request).page(
        request,
        "search.html",
        status_code=422 if answer.problem else 200,
        answer=answer,
        agent_names=await asyncio.to_thread(_agent_names, services_of(request), answer),
        searched_for=who,
        who=who,
        masked_search=visitor.is_masked,
        finds_names=services_of(request).wiring.settings.dialer_search_names,
        is_indexed=services_of(request).wiring.settings.dialer_search_index,
        most=_MOST_SHOWN,
    )


def _agent_names(services: Services, answer: Answer) -> dict[str, str]:
    return AgentStore(services.wiring.db).names(one.line.record.agent for one in answer.found)


def _answer(services: Services, who: str, *, masked: bool) -> Answer:
    began_s = boottime_s()
    wiring = services.wiring
    number = wiring.suppressing.read_number(who) or ""
    digits = number[1:] or digits_in(who)
    is_name = any(mark.isalpha() for mark in who)
    if masked and not is_name and not number:
        return Answer(problem=WHOLE_NUMBER_NEEDED)
    if is_name and not number:
        if problem := _objection(services, who):
            return Answer(problem=problem)
        tell(on="a name")
        found = services.finding.by_name(who)
    elif len(digits) >= _LEAST_DIGITS:
        tell(on=f"number …{digits[-3:]}")
        found = services.finding.by_number(digits, is_whole=bool(number))
    else:
        return Answer(problem=told("Write a number, three digits of one at least, or a name."))
    shown = tuple(islice(found, _MOST_SHOWN + 1))
    return Answer(
        number,
        shown[:_MOST_SHOWN],
        is_whole=len(shown) <= _MOST_SHOWN,
        listed=_listed(wiring, number) if number else (),
        never=frozenset(
            one for one in {each.line.record.customer for each in shown} if _listed(wiring, one)
        ),
        took_s=boottime_s() - began_s,
    )


def _listed(wiring: Wiring, number: str) -> tuple[tuple[str, Suppressed], ...]:
    """Read what the account's list and that of all accounts say of a number."""
    lists = (
        {told("the list of {account}", account=wiring.name): wiring.suppressing}
        if wiring.told_name
        else {}
    )
    lists = lists or {told("the list of numbers never called"): wiring.suppressing}
    if SuppressionList.of_all_accounts(wiring.db):
        lists[told("the list of all accounts")] = wiring.suppressing_for_all
    found = ((name, one.entry_of(number)) for name, one in lists.items())
    return tuple((name, entry) for name, entry in found if entry)


def _objection(services: Services, who: str) -> str:
    if not services.wiring.settings.dialer_search_names:
        return told(
            "This installation finds people by their number alone (DIALER_SEARCH_NAMES is off); write the number."
        )
    return "" if len(who) >= _LEAST_LETTERS else told("Write two letters of the name at least.")


routes = [Route("/search", search, methods=["POST"])]

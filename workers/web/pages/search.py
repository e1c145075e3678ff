"""Who called? A number in any spelling, or a name: everybody of it, in all campaigns of the account."""

import asyncio
from dataclasses import dataclass
from itertools import islice

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dialer.access.api_keys import Scope
from dialer.clock import boottime_s
from dialer.deeds import tell
from dialer.steering.suppressing import Suppressed
from dialer.store.agents import AgentStore
from dialer.watching.finding import Found
from workers.web.choosing import services_of
from workers.web.pages.rendering import digits_in, plain_form, renderer_of
from workers.web.services import Services

_MOST_SHOWN = 50
_LEAST_DIGITS, _LEAST_LETTERS = 3, 2


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found.

    Args:
        number: What was asked for, where that is a whole number; E.164, else ''.
        found: At most fifty.
        is_whole: There are no more.
        suppressed: What the account's list says of the number; None: it does not stand there.
        took_s: How long it took.
        problem: Why nothing was looked for; '' = it was.
    """

    number: str = ""
    found: tuple[Found, ...] = ()
    is_whole: bool = True
    suppressed: Suppressed | None = None
    took_s: float = 0.0
    problem: str = ""


async def search(request: Request) -> Response:
    """Find people; what is asked for stands in the body, since addresses stand in logs."""
    form = await plain_form(request, Scope.READ)
    who = form.get("who", "").strip()[:100]
    answer = await asyncio.to_thread(_answer, services_of(request), who)
    return await renderer_of(request).page(
        request,
        "search.html",
        status_code=422 if answer.problem else 200,
        answer=answer,
        agent_names=await asyncio.to_thread(_agent_names, services_of(request), answer),
        searched_for=who,
        who=who,
        most=_MOST_SHOWN,
    )


def _agent_names(services: Services, answer: Answer) -> dict[str, str]:
    return AgentStore(services.wiring.db).names(one.line.record.agent for one in answer.found)


def _answer(services: Services, who: str) -> Answer:
    began_s = boottime_s()
    wiring = services.wiring
    number = wiring.suppressing.read_number(who) or ""
    digits = number[1:] or digits_in(who)
    is_name = any(mark.isalpha() for mark in who)
    if is_name and not number:
        if problem := _objection(services, who):
            return Answer(problem=problem)
        tell(on="a name")
        found = services.finding.by_name(wiring.campaigns.all(), who)
    elif len(digits) >= _LEAST_DIGITS:
        tell(on=f"number …{digits[-3:]}")
        found = services.finding.by_number(wiring.campaigns.all(), digits, is_whole=bool(number))
    else:
        return Answer(problem="Write a number, three digits of one at least, or a name.")
    shown = tuple(islice(found, _MOST_SHOWN + 1))
    return Answer(
        number,
        shown[:_MOST_SHOWN],
        is_whole=len(shown) <= _MOST_SHOWN,
        suppressed=wiring.suppressing.entry_of(number) if number else None,
        took_s=boottime_s() - began_s,
    )


def _objection(services: Services, who: str) -> str:
    if not services.wiring.settings.dialer_search_names:
        return "This installation finds people by their number alone; write the number."
    return "" if len(who) >= _LEAST_LETTERS else "Write two letters of the name at least."


routes = [Route("/search", search, methods=["POST"])]

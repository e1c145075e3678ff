"""Who called? A number in any spelling, or a name: everybody of it, in all campaigns of the account."""

from dataclasses import dataclass
from itertools import islice

from campaigns.sentence import told
from dialer.access.api_keys import Scope
from dialer.clock import boottime_s
from dialer.deeds import Did, tell
from dialer.steering.suppressing import Suppressed
from dialer.store.agents import AgentStore
from dialer.store.suppressed import SuppressionList
from dialer.watching.finding import FoundContact
from workers.web.masking import WHOLE_NUMBER_NEEDED
from workers.web.pages.declaring import Answer, Asked, Pages, page
from workers.web.pages.rendering import digits_in
from workers.web.services import Services
from workers.wiring import Wiring

pages = Pages()

_MOST_SHOWN = 50
_LEAST_DIGITS, _LEAST_LETTERS = 3, 2


@dataclass(frozen=True, slots=True)
class SearchResult:
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
    found: tuple[FoundContact, ...] = ()
    is_whole: bool = True
    listed: tuple[tuple[str, Suppressed], ...] = ()
    never: frozenset[str] = frozenset()
    took_s: float = 0.0
    problem: str = ""


@pages.post("/search", Scope.READ_MASKED, does=Did.NUMBER_SEARCHED)
def search(asked: Asked) -> Answer:
    """Find people; what is asked for stands in the body, since addresses stand in logs."""
    who, masked, settings = (
        asked.form.get("who", "").strip()[:100],
        asked.visitor.is_masked,
        asked.wiring.settings,
    )
    answer = _answer(asked.services, who, masked=masked)
    rung = (one.line.record.agent for one in answer.found)
    return page(
        "search.html",
        status_code=422 if answer.problem else 200,
        answer=answer,
        agent_names=AgentStore(asked.wiring.db).names(rung),
        searched_for=who,
        who=who,
        masked_search=masked,
        finds_names=settings.dialer_search_names,
        is_indexed=settings.dialer_search_index,
        most=_MOST_SHOWN,
    )


def _answer(services: Services, who: str, *, masked: bool) -> SearchResult:
    began_s = boottime_s()
    wiring = services.wiring
    number = wiring.suppressing.read_number(who) or ""
    digits = number[1:] or digits_in(who)
    is_name = any(mark.isalpha() for mark in who)
    if masked and not is_name and not number:
        return SearchResult(problem=WHOLE_NUMBER_NEEDED)
    if is_name and not number:
        if problem := _objection(services, who):
            return SearchResult(problem=problem)
        tell(on="a name")
        found = services.finding.by_name(who)
    elif len(digits) >= _LEAST_DIGITS:
        tell(on=f"number …{digits[-3:]}")
        found = services.finding.by_number(digits, is_whole=bool(number))
    else:
        return SearchResult(
            problem=told("Write a number, three digits of one at least, or a name.")
        )
    shown = tuple(islice(found, _MOST_SHOWN + 1))
    return SearchResult(
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

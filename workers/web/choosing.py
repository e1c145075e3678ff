"""Which account a request is about, chosen here for all routes: the one that has what its path names,
else the one that it asks for, else the first that its key opens, the home before the others.

An account that a key does not open is to its holder as one that does not exist, and so is all it has.
"""

import asyncio
import re
from collections.abc import Callable
from typing import cast

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from campaigns.sentence import told
from dialer.access.sessions import LONGEST_S
from dialer.store.agents import AgentStore
from dialer.store.campaign import CampaignNotFound
from workers.web.access import Visitor
from workers.web.cookies import with_cookie
from workers.web.entrance import cookie_name
from workers.web.problems import EXPECTED_ERRORS, Problem, as_problem, problem_response
from workers.web.services import AllAccounts, Services

_Has = Callable[[Services, str], bool]


def _has_campaign(services: Services, id_: str) -> bool:
    try:
        services.wiring.campaigns.find(id_)
    except CampaignNotFound:
        return False
    return True


_NAMING: dict["re.Pattern[str]", _Has] = {
    re.compile(r"(?:/api/v1)?/campaigns/([^/]+)(?:/.*)?", re.DOTALL): _has_campaign,
    re.compile(r"/api/v1/contacts/([^/-]+)-[^/]*(?:/.*)?", re.DOTALL): _has_campaign,
    re.compile(r"(?:/api/v1)?/agents/([0-9a-z]{10})(?:/.*)?", re.DOTALL): (
        lambda services, id_: AgentStore(services.wiring.db).number_of(id_) is not None
    ),
    re.compile(r"(?:/api/v1)?/rehearsals/([^/]+)(?:/.*)?", re.DOTALL): (
        lambda services, id_: services.rehearsals.has(id_)
    ),
    re.compile(r"/imports/([^/]+)(?:/.*)?", re.DOTALL): (
        lambda services, id_: services.reviews.has(id_)
    ),
}
"""Paths that name something which one account has; a new one is added here."""


def _has(services: Services, path: str) -> bool:
    """Tell whether an account has what a path names; none has it where it names nothing."""
    for pattern, has in _NAMING.items():
        if found := pattern.fullmatch(path):
            return has(services, found[1])
    return False


class Choosing:
    """Notes the account of a request as `request.state.services`; stands behind the entrance.

    Args:
        remembers: What a page asked for is what the next page is about, by a cookie.
    """

    def __init__(self, app: ASGIApp, *, accounts: AllAccounts, remembers: bool = False) -> None:
        self._app = app
        self._accounts = accounts
        self._remembers = remembers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visitor: Visitor | None = scope.get("state", {}).get("visitor")
        if scope["type"] != "http" or visitor is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        asked = request.query_params.get("account", "")
        usual = request.cookies.get(account_cookie(request), "") if self._remembers else ""
        try:
            services = await asyncio.to_thread(
                _chosen, self._accounts, visitor, scope["path"], asked=asked, usual=usual
            )
        except EXPECTED_ERRORS as error:
            await problem_response(as_problem(error))(scope, receive, send)
            return
        scope["state"]["services"] = services
        name = services.wiring.name
        if self._remembers and asked and name != usual:
            send = with_cookie(request, send, account_cookie(request), name, for_s=LONGEST_S)
        await self._app(scope, receive, send)


def _chosen(
    accounts: AllAccounts, visitor: Visitor, path: str, *, asked: str, usual: str
) -> Services:
    """Give the account that a request is about. It may ask Redis, so it is called from threads.

    Args:
        asked: By name, to be heeded or refused; '' where nothing is asked.
        usual: What the visitor looks at, where nothing is asked.

    Raises:
        Problem: What is asked for is unknown, or the key opens no account.
    """
    found = [accounts.named(visitor, asked)] if asked else accounts.open_to(visitor)
    if not found:
        raise Problem(403, "no_account", told("The account of your key is served here no longer."))
    found.sort(key=lambda one: one.wiring.name != usual)  # it keeps the order of the others
    if len(found) == 1:
        return found[0]
    return next((one for one in found if _has(one, path)), found[0])


def visitor_of(request: Request) -> Visitor:
    """Give who sends a request; the entrance has asked them."""
    return cast("Visitor", request.state.visitor)


def services_of(request: Request) -> Services:
    """Give the services of the account that a request is about; the home's for who has no key."""
    at_home = request.app.state.services
    return cast("Services", getattr(request.state, "services", at_home))


def account_cookie(request: Request) -> str:
    """Name the cookie that says which account somebody looks at; it opens nothing."""
    return f"{cookie_name(request)}-account"

"""How a page is declared: its address, which key opens it, and the word the audit trail has for what it does.

    pages = Pages()

    @pages.get("/keys", Scope.ADMIN)
    def show(asked: Asked) -> Answer:
        return page("keys.html", keys=…)

A view is a function on a thread, where it may wait for Redis; one that waits for work done apart is a
coroutine on the loop. It answers with a page, which is rendered beside the loop, or with what is sent.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from inspect import iscoroutinefunction
from typing import Any, TypeVar, cast

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dialer.access.api_keys import Scope
from dialer.deeds import Did
from dialer.store import Campaign
from workers.web.access import Visitor
from workers.web.choosing import services_of, visitor_of
from workers.web.deeds import What, say_what_is_done
from workers.web.pages.rendering import read_form, renderer_of
from workers.web.services import Services
from workers.wiring import Wiring


@dataclass(frozen=True, slots=True)
class Page:
    """A template, and what stands in it."""

    template: str
    values: Mapping[str, Any]
    status_code: int


def page(template: str, /, *, status_code: int = 200, **values: Any) -> Page:
    """Show a page."""
    return Page(template, values, status_code)


def to(address: str) -> Response:
    """Lead on to a page once something is done."""
    return RedirectResponse(address, status_code=303)


class Asked:
    """A request for a page, by somebody who may make it.

    Args:
        fields: Of the form that was sent from a page of ours, each with all its values.
    """

    def __init__(self, request: Request, fields: Mapping[str, list[str]]) -> None:
        self.request = request
        self.fields = fields

    @property
    def visitor(self) -> Visitor:
        """Who asks."""
        return visitor_of(self.request)

    @property
    def services(self) -> Services:
        """Of the account that it is about."""
        return services_of(self.request)

    @property
    def wiring(self) -> Wiring:
        """Of that account."""
        return self.services.wiring

    @cached_property
    def form(self) -> dict[str, str]:
        """The fields that were sent, each with its last value."""
        return {name: values[-1] for name, values in self.fields.items()}

    @cached_property
    def campaign(self) -> Campaign:
        """The one that the address names."""
        return self.wiring.campaigns.find(self.named("campaign_id"))

    def named(self, name: str) -> str:
        """Give what stands at a place of the address."""
        return str(self.request.path_params[name])

    def query(self, name: str) -> str:
        """Give what the address asks by a name; '' when nothing."""
        return self.request.query_params.get(name, "")


Answer = Page | Response
_View = TypeVar("_View", bound=Callable[[Asked], Answer] | Callable[[Asked], Awaitable[Answer]])


class Pages:
    """The pages of a module, in the order in which their addresses are compared."""

    def __init__(self) -> None:
        self.routes: list[Route] = []

    def get(self, path: str, *scopes: Scope, does: Did | None = None) -> Callable[[_View], _View]:
        """Declare a page for whoever has these scopes.

        Args:
            does: What the audit trail calls it, where something leaves the house.
        """
        if does:
            say_what_is_done("GET", path, does)
        return self._declare("GET", path, scopes, None)

    def post(
        self, path: str, *scopes: Scope, does: What, most: int = 40
    ) -> Callable[[_View], _View]:
        """Declare what a form of a page of ours is sent to.

        Args:
            most: Fields that it may have.
        """
        say_what_is_done("POST", path, does)
        return self._declare("POST", path, scopes, most)

    def post_file(self, path: str, *scopes: Scope, does: Did) -> Callable[[_View], _View]:
        """Declare what a file is sent to; the view receives it, and checks the form's token."""
        say_what_is_done("POST", path, does, takes_file=True)
        return self._declare("POST", path, scopes, None)

    def _declare(
        self, method: str, path: str, scopes: tuple[Scope, ...], most: int | None
    ) -> Callable[[_View], _View]:
        def declare(view: _View) -> _View:
            async def answer(request: Request) -> Response:
                for one in scopes:
                    visitor_of(request).require(one)
                fields = await read_form(request, most=most) if most else {}
                answered = await _answered(view, Asked(request, fields))
                if isinstance(answered, Response):
                    return answered
                return await renderer_of(request).page(
                    request, answered.template, status_code=answered.status_code, **answered.values
                )

            self.routes.append(Route(path, answer, methods=[method]))
            return view

        return declare


async def _answered(view: Callable[[Asked], Any], asked: Asked) -> Answer:
    if not iscoroutinefunction(view):
        return cast("Answer", await asyncio.to_thread(view, asked))
    if "campaign_id" in asked.request.path_params:
        await asyncio.to_thread(
            lambda: asked.campaign
        )  # a view on the loop must not wait for Redis
    return cast("Answer", await view(asked))

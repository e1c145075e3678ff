"""Templates made into pages: what every page knows, and the forms that come back from them."""

import asyncio
from collections.abc import Callable
from functools import cache
from typing import Any, cast
from zoneinfo import ZoneInfo

from jinja2 import Environment, Template
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from campaigns.sentence import told
from dialer.access.api_keys import Scope
from dialer.clock import boottime_s
from dialer.watching.health import account_stops
from dialer.watching.living import Living, who_lives
from workers.web.access import Visitor
from workers.web.beside import beside
from workers.web.choosing import services_of, visitor_of
from workers.web.languages import language, language_links
from workers.web.pages.banners import Banner, banners
from workers.web.pages.static import script_texts, static_url
from workers.web.problems import Problem
from workers.web.services import Services
from workers.web.templating import (
    clock,
    code_marks,
    count,
    duration,
    in_bytes,
    instant,
    number,
    percent,
    phone,
    speaking,
    words,
)
from workers.web.texts import Texts, texts_of

PAGE_LINKS = (
    ("/", told("Today")),
    ("/campaigns", told("Campaigns")),
    ("/agents", told("Agents")),
    ("/suppression", told("Suppression")),
    ("/health", told("Health")),
)
"""Pages that everybody may open, as they stand in the header."""

ADMIN_LINKS = (
    ("/webhooks", told("Webhooks")),
    ("/alerts", told("Alerts")),
    ("/keys", told("Keys")),
    ("/accounts", told("Accounts")),
    ("/audit", told("Audit")),
)


class Renderer:
    """Renders pages of one web process, each in the language of the request that is being answered.

    Args:
        texts: Gives the texts of a language.
    """

    def __init__(self, texts: Callable[[str], Texts] = texts_of) -> None:
        self._texts = texts
        self._who_lives = _WhoLives()

    async def page(
        self,
        request: Request,
        template: str,
        *,
        status_code: int = 200,
        needs_redis: bool = True,
        **context: Any,
    ) -> Response:
        """Render a whole page for whoever asks.

        Args:
            needs_redis: Show what stops the account; without Redis nobody knows.
        """
        visitor = cast("Visitor | None", getattr(request.state, "visitor", None))
        services = services_of(request)
        known = {
            "visitor": visitor,
            "account": _account_shown(request, services),
            "accounts": [one.wiring.name for one in services.accounts.open_to(visitor)]
            if visitor
            else [],
            "path": request.url.path,
            "language_links": language_links(request),
            "page_links": PAGE_LINKS,
            "admin_links": ADMIN_LINKS,
            "searched_for": "",
            "is_away": False,
            "masked": visitor is None or visitor.is_masked,
            "can_operate": bool(visitor and visitor.may(Scope.OPERATE)),
            "can_upload": bool(visitor and visitor.may(Scope.UPLOAD)),
            "is_admin": bool(visitor and visitor.may(Scope.ADMIN)),
            "zone": services.wiring.zone,
            **context,
        }
        tokens, found = ("", ""), list[Banner]()
        if needs_redis and visitor:
            tokens, found = await asyncio.to_thread(self._asked, services, visitor)
        known |= {"csrf_token": tokens[0], "session_token": tokens[1], "banners": found}
        return HTMLResponse(await beside(self.part, template, **known), status_code)

    def _asked(self, services: Services, visitor: Visitor) -> tuple[tuple[str, str], list[Banner]]:
        return form_tokens(services, visitor), self._banners(services)

    def _template(self, name: str) -> Template:
        code = language()
        return environment_in(code, self._texts(code)).get_template(name)

    def _banners(self, services: Services) -> list[Banner]:
        db = services.wiring.db
        return banners(db, account_stops(db), self._who_lives.of(services))

    def say(self, value: object) -> str:
        """Put a sentence, or an error that was raised with one, into the language of the request."""
        return str(self._texts(language()).say(value))

    def part(self, template: str, **context: Any) -> str:
        """Render a piece of a page that is sent anew while the page is open."""
        return self._template(template).render(**context)


class _WhoLives:
    """Which processes live, by account; looked for every few seconds, since each page tells of it."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[float, Living]] = {}

    def of(self, services: Services) -> Living:
        known = self._found.get(services.sid)
        if known is None or boottime_s() - known[0] > _KNOWN_FOR_S:
            known = boottime_s(), who_lives(services.wiring.db)
            self._found[services.sid] = known
        return known[1]


_KNOWN_FOR_S = 2.0


def renderer_of(request: Request) -> Renderer:
    """Give what makes templates into pages."""
    return cast("Renderer", request.app.state.renderer)


def digits_in(value: str) -> str:
    """Give the digits of what somebody typed, as many as a number has."""
    return "".join(mark for mark in value if mark in "0123456789")[:15]


def _account_shown(request: Request, services: Services) -> str:
    """Name the account that a page is about; whoever has none chosen is told of none."""
    is_chosen = hasattr(request.state, "services")
    return services.wiring.name if is_chosen and len(services.accounts.all) > 1 else ""


def form_tokens(services: Services, visitor: Visitor) -> tuple[str, str]:
    """Give the tokens for forms about the account, and for those about the session."""
    make = services.authenticator.csrf_token
    return make(visitor, _further(services)), make(visitor)


def _further(services: Services) -> str:
    return services.sid if services.home else ""


async def check_token(request: Request, token: str, *, of_session: bool = False) -> None:
    """Check that a form came from a page of ours, about the account that this request is about.

    Args:
        of_session: It is about no account.

    Raises:
        Problem: It did not, or the page is from an earlier session, or of another account.
    """
    services = services_of(request)
    account = "" if of_session else _further(services)
    is_ours = services.authenticator.is_csrf_token
    if not await asyncio.to_thread(is_ours, visitor_of(request), token, account):
        raise Problem(
            403, "wrong_token", told("The page is out of date; load it again and repeat.")
        )


async def read_form(request: Request, *, most: int) -> dict[str, list[str]]:
    """Read a form without files, from a page of ours: its fields, each with all its values.

    Args:
        most: Fields that it may have.

    Raises:
        Problem: It is from elsewhere.
    """
    fields: dict[str, list[str]] = {}
    async with request.form(max_files=0, max_fields=most) as form:
        for name, value in form.multi_items():
            if isinstance(value, str):
                fields.setdefault(name, []).append(value)
    await check_token(request, fields.pop("csrf_token", [""])[-1])
    return fields


@cache
def environment_in(code: str, texts: Texts) -> Environment:
    """Make what templates are read with, in one language."""
    environment = speaking(texts)
    environment.globals["language"] = code
    environment.globals["script_texts"] = {one: texts.text(one) for one in script_texts()}
    environment.globals["static"] = static_url
    environment.globals["zone_of"] = ZoneInfo
    environment.filters |= {
        "n": number,
        "count": count,
        "percent": percent,
        "words": words,
        "said": told,
        "duration": duration,
        "bytes": in_bytes,
        "instant": instant,
        "clock": clock,
        "phone": phone,
        "code_marks": code_marks,
    }
    return environment

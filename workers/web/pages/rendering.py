"""Templates made into pages: what every page knows, and how values are written for people."""

import asyncio
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from dialer.access.api_keys import Scope
from dialer.clock import boottime_s
from dialer.store.processes import ROLES
from dialer.watching.health import account_stops
from dialer.watching.status import alive
from workers.web.access import Visitor
from workers.web.choosing import services_of
from workers.web.pages.banners import Banner, banners
from workers.web.pages.static import static_url
from workers.web.problems import Problem
from workers.web.services import Services

PAGE_LINKS = (
    ("/", "Today"),
    ("/campaigns", "Campaigns"),
    ("/agents", "Agents"),
    ("/suppression", "Suppression"),
    ("/health", "Health"),
)
"""Pages that everybody may open, as they stand in the header."""


class Renderer:
    """Renders pages of one web process."""

    def __init__(self) -> None:
        self._environment = _environment()
        self._missing = _Missing()

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
        tokens, found = ("", ""), list[Banner]()
        if needs_redis and visitor:
            tokens = await asyncio.to_thread(form_tokens, services, visitor)
            found = await asyncio.to_thread(self._banners, services)
        html = self._environment.get_template(template).render(
            visitor=visitor,
            csrf_token=tokens[0],
            session_token=tokens[1],
            account=_account_shown(request, services),
            accounts=[one.wiring.name for one in services.desks.open_to(visitor)]
            if visitor
            else [],
            banners=found,
            path=request.url.path,
            page_links=PAGE_LINKS,
            searched_for=context.pop("searched_for", ""),
            is_away=context.pop("is_away", False),
            masked=visitor is None or visitor.is_masked,
            can_operate=bool(visitor and visitor.may(Scope.OPERATE)),
            can_upload=bool(visitor and visitor.may(Scope.UPLOAD)),
            is_admin=bool(visitor and visitor.may(Scope.ADMIN)),
            **{"zone": ZoneInfo(services.wiring.settings.dialer_timezone), **context},
        )
        return HTMLResponse(html, status_code)

    def _banners(self, services: Services) -> list[Banner]:
        db = services.wiring.db
        return banners(db, account_stops(db), self._missing.of(services))

    def part(self, template: str, **context: Any) -> str:
        """Render a piece of a page that is sent anew while the page is open."""
        return self._environment.get_template(template).render(**context)


class _Missing:
    """Roles without a process, by account; looked for every few seconds, since it takes a scan."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[float, list[str]]] = {}

    def of(self, services: Services) -> list[str]:
        at_s, roles = self._found.get(services.sid, (float("-inf"), []))
        if boottime_s() - at_s > _MISSING_FOR_S:
            living = alive(services.wiring.db)
            roles = [role for role in ROLES if role not in living]
            self._found[services.sid] = boottime_s(), roles
        return roles


_MISSING_FOR_S = 2.0


def renderer_of(request: Request) -> Renderer:
    """Give what makes templates into pages."""
    return cast("Renderer", request.app.state.renderer)


def visitor_of(request: Request) -> Visitor:
    """Give who asks."""
    return cast("Visitor", request.state.visitor)


def require(request: Request, scope: Scope) -> Visitor:
    """Check that whoever asks may do something.

    Raises:
        Problem: They may not.
    """
    visitor = visitor_of(request)
    if not visitor.may(scope):
        raise Problem(403, "scope_missing", f"Your key lacks the scope “{scope}”.")
    return visitor


def digits_in(value: str) -> str:
    """Give the digits of what somebody typed, as many as a number has."""
    return "".join(mark for mark in value if mark in "0123456789")[:15]


def _account_shown(request: Request, services: Services) -> str:
    """Name the account that a page is about; whoever has none chosen is told of none."""
    is_chosen = hasattr(request.state, "services")
    return services.wiring.name if is_chosen and len(services.desks.all) > 1 else ""


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
        raise Problem(403, "wrong_token", "The page is out of date; load it again and repeat.")


async def plain_form(request: Request, scope: Scope) -> dict[str, str]:
    """Read a form without files, from a page of ours, by someone who may send it.

    Raises:
        Problem: Not so.
    """
    return {name: values[-1] for name, values in (await whole_form(request, scope)).items()}


async def whole_form(request: Request, scope: Scope, *, most: int = 40) -> dict[str, list[str]]:
    """Do as `plain_form`, where a field may have several values.

    Raises:
        Problem: As there.
    """
    require(request, scope)
    fields: dict[str, list[str]] = {}
    async with request.form(max_files=0, max_fields=most) as form:
        for name, value in form.multi_items():
            if isinstance(value, str):
                fields.setdefault(name, []).append(value)
    await check_token(request, fields.pop("csrf_token", [""])[-1])
    return fields


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("workers.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = static_url
    environment.globals["zone_of"] = ZoneInfo
    environment.filters |= {
        "n": number,
        "count": count,
        "percent": percent,
        "words": words,
        "duration": duration,
        "bytes": in_bytes,
        "instant": instant,
        "clock": clock,
        "phone": phone,
        "code_marks": code_marks,
    }
    return environment


def number(value: float | None) -> str:
    """Write a number with its thousands apart."""
    return "–" if value is None else f"{value:,}"


def percent(part: float, whole: float) -> str:
    """Write a share; nothing of nothing is a dash."""
    return f"{part / whole:.1%}" if whole else "–"


def words(code: str | None) -> str:
    """Write one of our fixed words as people do."""
    return "" if code is None else str(code).replace("_", " ")


def duration(seconds: float | None) -> str:
    """Write seconds as `42 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    for large, small, names in _UNITS:
        if whole >= large:
            rest = whole % large // small
            return f"{whole // large} {names[0]}" + (f" {rest} {names[1]}" if rest else "")
    return f"{whole} s"


_UNITS = ((86400, 3600, ("d", "h")), (3600, 60, ("h", "min")), (60, 1, ("min", "s")))


def count(number_: int, what: str) -> str:
    """Write how many of something."""
    return f"{number_:,} {what}" if number_ == 1 else f"{number_:,} {what}s"


def in_bytes(count: float) -> str:
    """Write an amount of memory."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def instant(epoch_s: float | None, zone: ZoneInfo) -> str:
    """Write an instant with its date."""
    return "–" if epoch_s is None else f"{_local(epoch_s, zone):%d %b %Y, %H:%M:%S}"


def clock(epoch_s: float | None, zone: ZoneInfo) -> str:
    """Write an instant of today, or nearly."""
    return "–" if epoch_s is None else f"{_local(epoch_s, zone):%H:%M:%S}"


def phone(e164: str) -> str:
    """Write a number in groups that the eye can hold: +91 98765 43210."""
    if e164.startswith("+91") and len(e164) == 13:
        return f"+91 {e164[3:8]} {e164[8:]}"
    return e164


def code_marks(text: str) -> Markup:
    """Write what stands between backticks as code."""
    pieces = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if i % 2 else escape(piece)
        for i, piece in enumerate(pieces)
    )


def _local(epoch_s: float, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(epoch_s, UTC).astimezone(zone)

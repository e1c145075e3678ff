"""Templates made into pages: what every page knows, and how values are written for people."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from campaigns.sentence import MONTHS, counted, told
from dialer.access.api_keys import Scope
from dialer.clock import boottime_s
from dialer.store.processes import ROLES
from dialer.watching.health import account_stops
from dialer.watching.status import alive
from workers.web.access import Visitor
from workers.web.choosing import services_of
from workers.web.languages import Texts, language, language_links, texts_of
from workers.web.pages.banners import Banner, banners
from workers.web.pages.static import script_texts, static_url
from workers.web.problems import Problem
from workers.web.services import Services

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
    ("/audit", told("Audit")),
)


class Renderer:
    """Renders pages of one web process, each in the language of the request that is being answered.

    Args:
        texts: Gives the texts of a language.
    """

    def __init__(self, texts: Callable[[str], Texts] = texts_of) -> None:
        self._texts = texts
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
        html = self._template(template).render(
            visitor=visitor,
            csrf_token=tokens[0],
            session_token=tokens[1],
            account=_account_shown(request, services),
            accounts=[one.wiring.name for one in services.desks.open_to(visitor)]
            if visitor
            else [],
            banners=found,
            path=request.url.path,
            language_links=language_links(request),
            page_links=PAGE_LINKS,
            admin_links=ADMIN_LINKS,
            searched_for=context.pop("searched_for", ""),
            is_away=context.pop("is_away", False),
            masked=visitor is None or visitor.is_masked,
            can_operate=bool(visitor and visitor.may(Scope.OPERATE)),
            can_upload=bool(visitor and visitor.may(Scope.UPLOAD)),
            is_admin=bool(visitor and visitor.may(Scope.ADMIN)),
            **{"zone": ZoneInfo(services.wiring.settings.dialer_timezone), **context},
        )
        return HTMLResponse(html, status_code)

    def _template(self, name: str) -> Template:
        code = language()
        return environment_in(code, self._texts(code)).get_template(name)

    def _banners(self, services: Services) -> list[Banner]:
        db = services.wiring.db
        return banners(db, account_stops(db), self._missing.of(services))

    def say(self, value: object) -> str:
        """Put a sentence, or an error that was raised with one, into the language of the request."""
        return str(self._texts(language()).say(value))

    def part(self, template: str, **context: Any) -> str:
        """Render a piece of a page that is sent anew while the page is open."""
        return self._template(template).render(**context)


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
        raise Problem(
            403, "scope_missing", told("Your key lacks the scope “{scope}”.", scope=scope.value)
        )
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
        raise Problem(
            403, "wrong_token", told("The page is out of date; load it again and repeat.")
        )


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
def environment_in(code: str, texts: Texts) -> Environment:
    """Make what templates are read with, in one language."""
    environment = Environment(
        loader=PackageLoader("workers.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        finalize=texts.say,
    )
    speak(environment, texts)
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


def speak(environment: Environment, texts: Texts) -> None:
    """Have templates say their texts, and sentences that stand in them, in one language."""

    def shown(values: dict[str, Any]) -> dict[str, Any]:
        count = {"count": number(values["count"])} if isinstance(values.get("count"), int) else {}
        return {name: texts.say(one) for name, one in {**values, **count}.items()}

    def gettext(english: str, /, **values: Any) -> Markup:
        return Markup(texts.text(english)) % shown(values)  # noqa: S704  # our own, as templates are

    def ngettext(one: str, many: str, count: int, /, **values: Any) -> Markup:
        return Markup(texts.plural(one, many, count)) % shown(values)  # noqa: S704

    environment.newstyle_gettext = True  # type: ignore[attr-defined]
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals |= {"_": gettext, "gettext": gettext, "ngettext": ngettext}


def number(value: float | None) -> str:
    """Write a number with its thousands apart."""
    return "–" if value is None else f"{value:,}"


def percent(part: float, whole: float) -> str:
    """Write a share; nothing of nothing is a dash."""
    return f"{part / whole:.1%}" if whole else "–"


def words(code: str | None) -> str:
    """Write one of our fixed words as people do."""
    return "" if code is None else told(str(code).replace("_", " "))


def duration(seconds: float | None) -> str:
    """Write seconds as `42 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    for large, small, (of_large, of_small) in _UNITS:
        if whole >= large:
            first, rest = told(of_large, n=whole // large), whole % large // small
            return (
                told("{first} {rest}", first=first, rest=told(of_small, n=rest)) if rest else first
            )
    return told(_S, n=whole)


_S, _MIN, _H, _D = told("{n} s"), told("{n} min"), told("{n} h"), told("{n} d")
_UNITS = ((86400, 3600, (_D, _H)), (3600, 60, (_H, _MIN)), (60, 1, (_MIN, _S)))


def count(number_: int, what: str) -> str:
    """Write how many of something, named in a template by its singular."""
    return counted(f"{{count:,}} {what}", f"{{count:,}} {what}s", number_)


def in_bytes(count: float) -> str:
    """Write an amount of memory."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def instant(epoch_s: float | None, zone: ZoneInfo) -> str:
    """Write an instant with its date."""
    if epoch_s is None:
        return "–"
    at = _local(epoch_s, zone)
    month = MONTHS[at.month - 1]
    return told(
        "{day} {month} {year}, {clock}",
        day=f"{at:%d}",
        month=month,
        year=at.year,
        clock=f"{at:%H:%M:%S}",
    )


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

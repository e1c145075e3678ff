"""Signing in with a key, and out."""

import asyncio
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from campaigns.sentence import told
from dialer.access.sessions import LONGEST_S
from dialer.deeds import Deed, DeedOutcome, Did
from dialer.logger import get_logger
from workers.web.choosing import account_cookie, services_of, visitor_of
from workers.web.cookies import keep_cookie
from workers.web.deeds import actor_named, say_what_is_done
from workers.web.entrance import address_of, cookie_name
from workers.web.pages.declaring import Pages
from workers.web.pages.rendering import check_token, renderer_of

log = get_logger(__name__)

pages = Pages()


async def show(request: Request) -> Response:
    """Ask for a key; who needs none goes on."""
    where = _inside(request.query_params.get("next", "/"))
    visitor = await services_of(request).identifying.by_cookie(request)
    if visitor:
        return RedirectResponse(where, status_code=303)
    return await renderer_of(request).page(request, "sign_in.html", next=where, problem=None)


async def sign_in(request: Request) -> Response:
    """Open a session for the holder of a key."""
    services = services_of(request)
    async with request.form(max_files=0, max_fields=5) as form:
        key, where = str(form.get("key", "")).strip(), _inside(str(form.get("next", "/")))
    visitor = await services.identifying.by_key(request, key)
    if visitor is None:
        return await renderer_of(request).page(
            request,
            "sign_in.html",
            status_code=401,
            next=where,
            problem=told("This key opens nothing. Check that all of it was copied."),
        )
    if before := request.cookies.get(cookie_name(request)):
        await asyncio.to_thread(services.authenticator.end_session, before)
    deed = Deed(Did.SIGNED_IN, actor_named(visitor, address_of(request)))
    await asyncio.to_thread(
        services.wiring.audit.note, deed, DeedOutcome.DONE
    )  # nobody is in yet: the home's
    session = await asyncio.to_thread(services.authenticator.open_session, visitor)
    log.info("signed_in", key_id=visitor.id, client=address_of(request))
    response = RedirectResponse(where, status_code=303)
    keep_cookie(request, response, cookie_name(request), session, for_s=LONGEST_S)
    return response


async def sign_out(request: Request) -> Response:
    """End the session: its cookie opens nothing from then on, wherever a copy of it is."""
    async with request.form(max_files=0, max_fields=5) as form:
        await check_token(request, str(form.get("csrf_token", "")), of_session=True)
    visitor = visitor_of(request)
    await asyncio.to_thread(services_of(request).authenticator.end_session, visitor.session)
    log.info("signed_out", key_id=visitor.id, client=address_of(request))
    response = RedirectResponse("/sign-in", status_code=303)
    is_tls = request.url.scheme == "https"
    for name in (cookie_name(request), account_cookie(request)):
        response.delete_cookie(name, path="/", secure=is_tls, samesite="strict")
    return response


def _inside(where: str) -> str:
    """Keep a way back only where it stays with us; browsers read a backslash as a slash."""
    try:
        parts = urlsplit(where.replace("\\", "/"))
    except ValueError:  # such as //[
        return "/"
    leads_away = parts.scheme or parts.netloc or not where.startswith("/")
    return "/" if leads_away or where.startswith(("//", "/\\")) else where


# nobody is in yet, or is on the way out: these are no pages that a scope opens
pages.routes += [
    Route("/sign-in", show, methods=["GET"]),
    Route("/sign-in", sign_in, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
]
say_what_is_done("POST", "/sign-in", Did.SIGNED_IN)
say_what_is_done("POST", "/sign-out", Did.SIGNED_OUT)

"""The account as a whole: numbers never called, health."""

import asyncio
import itertools
import re
from collections import Counter
from io import BytesIO
from urllib.parse import urlencode

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from campaigns.sentence import told
from dialer.access.api_keys import Scope
from dialer.dialing.resuming import resume_account
from dialer.steering.suppressing import Added, Suppressing
from dialer.store import Hold
from dialer.store.processes import ROLES
from dialer.watching.health import read_health
from workers.web.api.account import CapsOrder, end_hold
from workers.web.api.suppressions import add_file, list_for
from workers.web.choosing import services_of
from workers.web.pages.rendering import (
    check_token,
    digits_in,
    plain_form,
    renderer_of,
    require,
    visitor_of,
)
from workers.web.problems import Problem
from workers.web.uploads import received_upload

_MOST_SHOWN = 500
_OF_ALL = "all_accounts"
_COUNT = re.compile(r"[0-9]{1,9}")


async def suppression(request: Request) -> Response:
    """Show numbers that are never called."""
    require(request, Scope.READ)
    of_all = bool(request.query_params.get(_OF_ALL))
    return await _suppression(request, looked_for="", of_all=of_all)


async def search_suppression(request: Request) -> Response:
    """Show those that hold some digits; they come in the body, addresses stand in logs."""
    form = await plain_form(request, Scope.READ)
    looked_for = digits_in(form.get("number", ""))
    return await _suppression(request, looked_for=looked_for, of_all=bool(form.get(_OF_ALL)))


async def _suppression(request: Request, *, looked_for: str, of_all: bool) -> Response:
    suppressing = _the_list(request, of_all=of_all)
    matching = (one for one in suppressing.all() if looked_for in one.number)
    found = await asyncio.to_thread(lambda: list(itertools.islice(matching, _MOST_SHOWN + 1)))
    told = {name: request.query_params.get(name, "") for name in ("added", "already", "bad")}
    return await renderer_of(request).page(
        request,
        "suppression.html",
        numbers=sorted(found[:_MOST_SHOWN], key=lambda one: one.number),
        is_whole=len(found) <= _MOST_SHOWN,
        looked_for=looked_for,
        of_all=of_all,
        told={name: int(value) for name, value in told.items() if _COUNT.fullmatch(value)},
    )


async def suppress_number(request: Request) -> Response:
    """Put one number on the list."""
    form = await plain_form(request, Scope.OPERATE)
    of_all = bool(form.get(_OF_ALL))
    number = form.get("number", "").strip()
    if len(number.splitlines()) != 1:
        raise Problem(422, "invalid", told("Write one phone number."))
    added = await asyncio.to_thread(
        _the_list(request, of_all=of_all).add,
        BytesIO(number.encode()),
        source=f"by {visitor_of(request).name}",
        why=form.get("why", ""),
    )
    if added.bad or not added.added + added.already:
        raise Problem(422, "invalid", told("“{number}” is no phone number.", number=number[:40]))
    return _told(added, of_all=of_all)


async def suppress_file(request: Request) -> Response:
    """Put a file's numbers on the list."""
    require(request, Scope.OPERATE)
    services = services_of(request)
    async with received_upload(request, services.uploads_dir) as upload:
        await check_token(request, "".join(upload.fields.get("csrf_token", [])))
        of_all = bool("".join(upload.fields.get(_OF_ALL, [])))
        _the_list(request, of_all=of_all)
        return _told(await add_file(services, upload, for_all=of_all), of_all=of_all)


async def unsuppress(request: Request) -> Response:
    """Take a number off the list."""
    form = await plain_form(request, Scope.OPERATE)
    of_all = bool(form.get(_OF_ALL))
    try:
        await asyncio.to_thread(_the_list(request, of_all=of_all).remove, form.get("number", ""))
    except ValueError as error:
        raise Problem(422, "invalid", told("{why}.", why=str(error))) from None
    return RedirectResponse(f"/suppression?{urlencode(_kept(of_all))}", status_code=303)


def _the_list(request: Request, *, of_all: bool) -> Suppressing:
    return list_for(visitor_of(request), services_of(request), all_accounts=of_all)


def _kept(of_all: bool) -> dict[str, str]:
    return {_OF_ALL: "1"} if of_all else {}


async def health(request: Request) -> Response:
    """Show how processes, Redis, queue and callbacks are."""
    require(request, Scope.READ_MASKED)
    wiring = services_of(request).wiring
    found = await asyncio.to_thread(read_health, wiring.db)
    rate = await asyncio.to_thread(wiring.pacing.rate)
    today = await asyncio.to_thread(wiring.account_day.read)
    alive = Counter(one.role for one in found.processes)
    return await renderer_of(request).page(
        request,
        "health.html",
        health=found,
        rate=rate,
        today=today,
        missing=[role for role in ROLES if not alive[role]],
        settings=wiring.settings,
    )


async def hold(request: Request) -> Response:
    """Stop all dialling, or let it go on."""
    form = await plain_form(request, Scope.ADMIN)
    wiring = services_of(request).wiring
    match form.get("do"):
        case "hold":
            why = form.get("why", "").strip() or f"held by {visitor_of(request).name}"
            await asyncio.to_thread(wiring.holds.set_by_hand, why)
        case "release" | "release_unknown" as do:
            found = await asyncio.to_thread(wiring.holds.read)
            seen = _seen(found, do, form.get("hold", ""))
            await asyncio.to_thread(end_hold, wiring.holds, seen, confirmed=seen.hand is None)
        case "lift_stop":
            await asyncio.to_thread(resume_account, wiring.db)
        case _:
            raise Problem(422, "invalid", told("Say what to do."))
    return RedirectResponse("/health", status_code=303)


async def raise_caps(request: Request) -> Response:
    """Let more be used today."""
    form = await plain_form(request, Scope.ADMIN)
    try:
        # a form has texts, and an order of the API takes no text for a number
        order = CapsOrder.model_validate_strings(
            {one: str(form.get(one) or "0") for one in CapsOrder.model_fields}
        )
    except ValidationError:
        raise Problem(422, "invalid", told("Write whole numbers, from 0 up.")) from None
    await asyncio.to_thread(
        services_of(request).wiring.account_day.add_for_today, **order.model_dump()
    )
    return RedirectResponse("/health", status_code=303)


def _seen(found: Hold | None, do: str, id_: str) -> Hold:
    """Give the one hold that a form showed, by a person or by the machine.

    Raises:
        Problem: It is over, or another one stands by now.
    """
    hand = found.hand if found and do == "release" else None
    machine = found.machine if found and do == "release_unknown" else None
    shown = hand or machine
    if shown is None or shown.id != id_:
        raise Problem(
            409, "other_hold", told("This hold is over, or another one stands: look again.")
        )
    return Hold(hand, machine)


def _told(added: Added, *, of_all: bool) -> Response:
    told = {"added": added.added, "already": added.already, "bad": added.bad_count}
    return RedirectResponse(f"/suppression?{urlencode(_kept(of_all) | told)}", status_code=303)


routes = [
    Route("/suppression", suppression),
    Route("/suppression", suppress_number, methods=["POST"]),
    Route("/suppression/search", search_suppression, methods=["POST"]),
    Route("/suppression/file", suppress_file, methods=["POST"]),
    Route("/suppression/remove", unsuppress, methods=["POST"]),
    Route("/health", health),
    Route("/health/hold", hold, methods=["POST"]),
    Route("/health/caps", raise_caps, methods=["POST"]),
]

"""The account as a whole: numbers never called, health."""

import itertools
import re
from io import BytesIO
from urllib.parse import urlencode

from pydantic import ValidationError
from starlette.responses import Response

from campaigns.sentence import told
from dialer.access.api_keys import Scope
from dialer.deeds import Did
from dialer.dialing.resuming import resume_account
from dialer.steering.suppressing import Added, Suppressing
from dialer.store import Hold
from dialer.watching.health import read_health
from dialer.watching.living import who_lives
from workers.web.api.account import CapsOrder, end_hold
from workers.web.api.suppressions import add_file, list_for
from workers.web.pages.declaring import Answer, Asked, Pages, page, to
from workers.web.pages.rendering import check_token, digits_in
from workers.web.problems import Problem, invalid
from workers.web.uploads import received_upload

pages = Pages()

_MOST_SHOWN = 500
_OF_ALL = "all_accounts"
_COUNT = re.compile(r"[0-9]{1,9}")


@pages.get("/suppression", Scope.READ)
def suppression(asked: Asked) -> Answer:
    """Show numbers that are never called."""
    return _suppression(asked, looked_for="", of_all=bool(asked.query(_OF_ALL)))


@pages.post("/suppression/search", Scope.READ, does=Did.NUMBER_SEARCHED)
def search_suppression(asked: Asked) -> Answer:
    """Show those that hold some digits; they come in the body, addresses stand in logs."""
    looked_for = digits_in(asked.form.get("number", ""))
    return _suppression(asked, looked_for=looked_for, of_all=_is_of_all(asked))


def _suppression(asked: Asked, *, looked_for: str, of_all: bool) -> Answer:
    matching = (one for one in _the_list(asked, of_all=of_all).all() if looked_for in one.number)
    found = list(itertools.islice(matching, _MOST_SHOWN + 1))
    told = {name: asked.query(name) for name in ("added", "already", "bad")}
    return page(
        "suppression.html",
        numbers=sorted(found[:_MOST_SHOWN], key=lambda one: one.number),
        is_whole=len(found) <= _MOST_SHOWN,
        looked_for=looked_for,
        of_all=of_all,
        told={name: int(value) for name, value in told.items() if _COUNT.fullmatch(value)},
    )


@pages.post("/suppression", Scope.OPERATE, does=Did.NUMBERS_SUPPRESSED)
def suppress_number(asked: Asked) -> Answer:
    """Put one number on the list."""
    of_all, number = _is_of_all(asked), asked.form.get("number", "").strip()
    if len(number.splitlines()) != 1:
        raise invalid(told("Write one phone number."))
    added = _the_list(asked, of_all=of_all).add(
        BytesIO(number.encode()),
        source=f"by {asked.visitor.name}",
        why=asked.form.get("why", ""),
    )
    if added.bad or not added.added + added.already:
        raise invalid(told("“{number}” is no phone number.", number=number[:40]))
    return _told(added, of_all=of_all)


@pages.post_file("/suppression/file", Scope.OPERATE, does=Did.NUMBERS_SUPPRESSED)
async def suppress_file(asked: Asked) -> Answer:
    """Put a file's numbers on the list."""
    async with received_upload(asked.request, asked.services.uploads_dir) as upload:
        await check_token(asked.request, "".join(upload.fields.get("csrf_token", [])))
        of_all = bool("".join(upload.fields.get(_OF_ALL, [])))
        _the_list(asked, of_all=of_all)
        return _told(await add_file(asked.services, upload, for_all=of_all), of_all=of_all)


@pages.post("/suppression/remove", Scope.OPERATE, does=Did.NUMBER_UNSUPPRESSED)
def unsuppress(asked: Asked) -> Answer:
    """Take a number off the list."""
    of_all = _is_of_all(asked)
    try:
        _the_list(asked, of_all=of_all).remove(asked.form.get("number", ""))
    except ValueError as error:
        raise invalid(told("{why}.", why=str(error))) from None
    return to(f"/suppression?{urlencode(_kept(of_all))}")


def _is_of_all(asked: Asked) -> bool:
    return bool(asked.form.get(_OF_ALL))


def _the_list(asked: Asked, *, of_all: bool) -> Suppressing:
    return list_for(asked.visitor, asked.services, all_accounts=of_all)


def _kept(of_all: bool) -> dict[str, str]:
    return {_OF_ALL: "1"} if of_all else {}


@pages.get("/health", Scope.READ_MASKED)
def health(asked: Asked) -> Answer:
    """Show how processes, Redis, queue and callbacks are."""
    wiring = asked.wiring
    found = read_health(wiring.db)
    lives = who_lives(wiring.db)
    return page(
        "health.html",
        health=found,
        rate=wiring.pacing.rate(),
        today=wiring.account_day.read(),
        lives=lives,
        settings=wiring.settings,
    )


@pages.post("/health/hold", Scope.ADMIN, does=Did.HOLD_SET)
def hold(asked: Asked) -> Answer:
    """Stop all dialling, or let it go on."""
    form, holds = asked.form, asked.wiring.holds
    match form.get("do"):
        case "hold":
            holds.set_by_hand(form.get("why", "").strip() or f"held by {asked.visitor.name}")
        case "release" | "release_unknown" as do:
            seen = _seen(holds.read(), do, form.get("hold", ""))
            end_hold(holds, seen, confirmed=seen.hand is None)
        case "lift_stop":
            resume_account(asked.wiring.db)
        case _:
            raise invalid(told("Say what to do."))
    return to("/health")


@pages.post("/health/caps", Scope.ADMIN, does=Did.CAPS_RAISED)
def raise_caps(asked: Asked) -> Answer:
    """Let more be used today."""
    try:
        # a form has texts, and an order of the API takes no text for a number
        order = CapsOrder.model_validate_strings(
            {one: asked.form.get(one) or "0" for one in CapsOrder.model_fields}
        )
    except ValidationError:
        raise invalid(told("Write whole numbers, from 0 up.")) from None
    asked.wiring.account_day.add_for_today(**order.model_dump())
    return to("/health")


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
    return to(f"/suppression?{urlencode(_kept(of_all) | told)}")

"""Puts what visitors do into the audit trail: begun before the route is asked, and how it ended.

Whatever changes something is recorded, whether its route is named below or not; of what only reads,
the files that leave the house.
"""

import asyncio
import re
from collections.abc import Iterable
from typing import NamedTuple

import redis
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dialer.audit import Audit
from dialer.deeds import OF_INSTALLATION, Deed, Did, Outcome, under_way
from dialer.store.trail import TrailBusy
from workers.web.deeds import actor_of, outcome_of
from workers.web.entrance import Throttle
from workers.web.problems import as_problem, problem_response
from workers.web.recordings import is_a_listen
from workers.web.services import Services

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_IS_RECORDED = "is_recorded"
_KEY_ID = re.compile(r"dk_([0-9a-z]{10})_.*")

WORDS: dict[str, Did] = {
    # the API
    "POST /api/v1/campaigns": Did.LIST_LOADED,
    "POST /api/v1/campaigns/{campaign}/again": Did.LIST_LOADED,
    "POST /api/v1/campaigns/{campaign}/contacts": Did.LIST_APPENDED,
    "POST /api/v1/campaigns/{campaign}/leads": Did.CONTACT_ADDED,
    "POST /api/v1/campaigns/{campaign}/start": Did.CAMPAIGN_STARTED,
    "POST /api/v1/campaigns/{campaign}/pause": Did.CAMPAIGN_PAUSED,
    "POST /api/v1/campaigns/{campaign}/resume": Did.CAMPAIGN_RESUMED,
    "POST /api/v1/campaigns/{campaign}/cancel": Did.CAMPAIGN_CANCELLED,
    "PATCH /api/v1/campaigns/{campaign}/rules": Did.RULES_CHANGED,
    "PUT /api/v1/campaigns/{campaign}/rules": Did.RULES_CHANGED,
    "POST /api/v1/campaigns/{campaign}/rules/back": Did.RULES_CHANGED,
    "PUT /api/v1/campaigns/{campaign}/tags": Did.CAMPAIGN_TAGGED,
    "POST /api/v1/templates": Did.TEMPLATE_SAVED,
    "DELETE /api/v1/templates": Did.TEMPLATE_REMOVED,
    "POST /api/v1/campaigns/{campaign}/unresolved/{attempt}": Did.ATTEMPT_DECIDED,
    "POST /api/v1/agents": Did.AGENTS_LOADED,
    "PUT /api/v1/agents/notice": Did.NOTICE_SET,
    "PUT /api/v1/agents/presence": Did.PRESENCE_SET,
    "DELETE /api/v1/agents/{agent}": Did.AGENTS_REMOVED,
    "POST /api/v1/agents/{agent}/links": Did.AGENT_LINK_MADE,
    "DELETE /api/v1/agents/{agent}/links/{link}": Did.AGENT_LINK_REVOKED,
    "PUT /api/v1/agents/{agent}/presence": Did.PRESENCE_SET,
    "PUT /api/v1/agents/{agent}/shift": Did.SHIFT_SET,
    "POST /api/v1/agents/{agent}/move": Did.CONTACTS_MOVED,
    "POST /api/v1/agents/moves/{move}/undo": Did.MOVE_UNDONE,
    "POST /api/v1/contacts/{contact}/disposition": Did.DISPOSITION_GIVEN,
    "POST /api/v1/contacts/{contact}/notes": Did.CONTACT_NOTED,
    "PUT /api/v1/suppressions": Did.NUMBERS_SUPPRESSED,
    "POST /api/v1/suppressions": Did.NUMBERS_SUPPRESSED,
    "POST /api/v1/suppressions/remove": Did.NUMBER_UNSUPPRESSED,
    "POST /api/v1/numbers/search": Did.NUMBER_SEARCHED,
    "PUT /api/v1/health/hold": Did.HOLD_SET,
    "DELETE /api/v1/health/hold": Did.HOLD_RELEASED,
    "DELETE /api/v1/health/stop": Did.ACCOUNT_RESUMED,
    "POST /api/v1/health/caps": Did.CAPS_RAISED,
    "POST /api/v1/alerts": Did.ALERT_ADDED,
    "DELETE /api/v1/alerts/{alert}": Did.ALERT_REMOVED,
    "POST /api/v1/alerts/{alert}/test": Did.ALERT_TESTED,
    "POST /api/v1/keys": Did.KEY_MADE,
    "DELETE /api/v1/keys/{key}": Did.KEY_REVOKED,
    "POST /api/v1/webhooks": Did.WEBHOOK_ADDED,
    "DELETE /api/v1/webhooks/{webhook}": Did.WEBHOOK_REMOVED,
    "POST /api/v1/webhooks/{webhook}/test": Did.WEBHOOK_TESTED,
    "POST /api/v1/webhooks/{webhook}/replay": Did.WEBHOOK_REPLAYED,
    "POST /api/v1/webhooks/{webhook}/pause": Did.WEBHOOK_CHANGED,
    "POST /api/v1/webhooks/{webhook}/resume": Did.WEBHOOK_CHANGED,
    "POST /api/v1/webhooks/{webhook}/rotate": Did.WEBHOOK_CHANGED,
    "POST /api/v1/rehearsals": Did.REHEARSAL_STARTED,
    "DELETE /api/v1/rehearsals/{rehearsal}": Did.REHEARSAL_REMOVED,
    "GET /api/v1/campaigns/{campaign}/reports/{file}": Did.REPORT_TAKEN,
    "GET /api/v1/campaigns/{campaign}/rejected.csv": Did.REJECTED_TAKEN,
    "GET /api/v1/campaigns/{campaign}/contacts/{contact}/attempts/{attempt}/recording": Did.RECORDING_PLAYED,
    # the pages
    "GET /campaigns/{campaign}/contacts/{contact}/attempts/{attempt}/recording": Did.RECORDING_PLAYED,
    "POST /sign-in": Did.SIGNED_IN,
    "POST /sign-out": Did.SIGNED_OUT,
    "POST /imports": Did.LIST_REVIEWED,
    "POST /campaigns/{campaign}/again": Did.LIST_REVIEWED,
    "POST /campaigns/{campaign}/append": Did.LIST_REVIEWED,
    "POST /imports/{review}/check": Did.LIST_REVIEWED,
    "POST /imports/{review}/load": Did.LIST_LOADED,
    "POST /imports/{review}/discard": Did.LIST_DISCARDED,
    "GET /imports/{review}/rejected.csv": Did.REJECTED_TAKEN,
    "POST /agents/presence": Did.PRESENCE_SET,
    "POST /agents/notice": Did.NOTICE_SET,
    "POST /agents/list": Did.LIST_REVIEWED,
    "POST /agents/add": Did.AGENTS_LOADED,
    "POST /agents/{agent}/remove": Did.AGENTS_REMOVED,
    "POST /agents/{agent}/links": Did.AGENT_LINK_MADE,
    "POST /agents/{agent}/links/revoke": Did.AGENT_LINK_REVOKED,
    "POST /agents/{agent}/contacts/move": Did.CONTACTS_MOVED,
    "POST /agents/moves/{move}/undo": Did.MOVE_UNDONE,
    "POST /campaigns/several": Did.CAMPAIGNS_STEERED,
    "POST /campaigns/{campaign}/tags": Did.CAMPAIGN_TAGGED,
    "POST /templates": Did.TEMPLATE_SAVED,
    "POST /templates/remove": Did.TEMPLATE_REMOVED,
    "POST /campaigns/{campaign}/rules": Did.RULES_CHANGED,
    "POST /campaigns/{campaign}/add": Did.CONTACT_ADDED,
    "POST /campaigns/{campaign}/start": Did.CAMPAIGN_STARTED,
    "POST /campaigns/{campaign}/rehearse": Did.REHEARSAL_STARTED,
    "POST /campaigns/{campaign}/pause": Did.CAMPAIGN_PAUSED,
    "POST /campaigns/{campaign}/resume": Did.CAMPAIGN_RESUMED,
    "POST /campaigns/{campaign}/cancel": Did.CAMPAIGN_CANCELLED,
    "POST /campaigns/{campaign}/unresolved/{attempt}": Did.ATTEMPT_DECIDED,
    "POST /campaigns/{campaign}/books/compare": Did.BOOKS_COMPARED,
    "POST /campaigns/{campaign}/books/keep_recordings": Did.RECORDINGS_TAKEN,
    "POST /campaigns/{campaign}/books/archive": Did.CAMPAIGN_ARCHIVED,
    "POST /campaigns/{campaign}/books/delete": Did.CAMPAIGN_DELETED,
    "POST /campaigns/{campaign}/call-back": Did.CONTACT_CALLED_BACK,
    "POST /purge": Did.NUMBER_SEARCHED,
    "POST /purge/{task}": Did.DATA_PURGED,
    "POST /checks": Did.ACCOUNT_CHECKED,
    "GET /campaigns/{campaign}/reports/{file}": Did.REPORT_TAKEN,
    "GET /campaigns/{campaign}/rejected.csv": Did.REJECTED_TAKEN,
    "POST /suppression": Did.NUMBERS_SUPPRESSED,
    "POST /suppression/file": Did.NUMBERS_SUPPRESSED,
    "POST /suppression/remove": Did.NUMBER_UNSUPPRESSED,
    "POST /campaigns/{campaign}/contacts/search": Did.NUMBER_SEARCHED,
    "POST /campaigns/{campaign}/attempts/search": Did.NUMBER_SEARCHED,
    "POST /search": Did.NUMBER_SEARCHED,
    "POST /campaigns/{campaign}/contacts/{contact}/call-back": Did.CONTACT_CALLED_BACK,
    "POST /campaigns/{campaign}/contacts/{contact}/note": Did.CONTACT_NOTED,
    "POST /campaigns/{campaign}/contacts/{contact}/disposition": Did.DISPOSITION_GIVEN,
    "POST /suppression/search": Did.NUMBER_SEARCHED,
    "POST /alerts": Did.ALERT_ADDED,
    "POST /alerts/{alert}/remove": Did.ALERT_REMOVED,
    "POST /alerts/{alert}/test": Did.ALERT_TESTED,
    "POST /webhooks": Did.WEBHOOK_ADDED,
    "POST /webhooks/{webhook}/test": Did.WEBHOOK_TESTED,
    "POST /webhooks/{webhook}/replay": Did.WEBHOOK_REPLAYED,
    "POST /webhooks/{webhook}/pause": Did.WEBHOOK_CHANGED,
    "POST /webhooks/{webhook}/resume": Did.WEBHOOK_CHANGED,
    "POST /webhooks/{webhook}/rotate": Did.WEBHOOK_CHANGED,
    "POST /webhooks/{webhook}/remove": Did.WEBHOOK_REMOVED,
    "POST /keys": Did.KEY_MADE,
    "POST /keys/{key}/revoke": Did.KEY_REVOKED,
    "POST /accounts": Did.ACCOUNT_ADDED,
    "POST /health/hold": Did.HOLD_SET,
    "POST /health/caps": Did.CAPS_RAISED,
}


class _Known(NamedTuple):
    method: str
    path: "re.Pattern[str]"
    what: Did


def _compiled(words: Iterable[tuple[str, Did]]) -> list[_Known]:
    known = []
    for route, what in words:
        method, _, path = route.partition(" ")
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path))
        known.append(_Known(method, re.compile(pattern), what))
    return known


_KNOWN = _compiled(WORDS.items())


def what_is_done(method: str, path: str) -> tuple[Did | None, str]:
    """Tell what a request asks for and on what; None when it only reads."""
    for known in _KNOWN:
        if known.method == method and (found := known.path.fullmatch(path)):
            return known.what, " ".join(f"{name} {one}" for name, one in found.groupdict().items())
    return (None, "") if method in _SAFE_METHODS else (Did.OTHER, path)


class Recorded:
    """Records what is done by those whom the entrance let in; signing in records itself.

    Args:
        home: Has the trail of what is about no account.
    """

    def __init__(self, app: ASGIApp, *, home: Services) -> None:
        self._app = app
        self._home = home

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        what, on = what_is_done(scope["method"], scope["path"])
        goes_on = what is Did.RECORDING_PLAYED and not is_a_listen(
            Headers(scope=scope).get("range")
        )
        if what is None or goes_on or "visitor" not in scope.get("state", {}):
            await self._app(scope, receive, send)
            return
        scope["state"][_IS_RECORDED] = True
        asked = {"request": f"{scope['method']} {scope['path']}"}
        deed = Deed(what, actor_of(scope), on=on, asked=asked)
        try:
            audit = await asyncio.to_thread(self._audit_for, deed, scope)
            await asyncio.to_thread(audit.begin, deed)
        except (redis.RedisError, TrailBusy) as error:
            await problem_response(as_problem(error))(scope, receive, send)
            return
        await self._answer(audit, deed, scope, receive, send)

    def _audit_for(self, deed: Deed, scope: Scope) -> Audit:
        """Give the trail of the account that the request is about, or the home's."""
        services: Services = scope["state"].get("services", self._home)
        return (self._home if deed.what in OF_INSTALLATION else services).audit

    async def _answer(
        self, audit: Audit, deed: Deed, scope: Scope, receive: Receive, send: Send
    ) -> None:
        is_ended = False

        async def end(outcome: Outcome, why: str = "") -> None:
            nonlocal is_ended
            if not is_ended:
                is_ended = True
                await asyncio.to_thread(audit.end, deed, outcome, why=why)

        async def send_recorded(message: Message) -> None:
            if message["type"] == "http.response.start":
                # before the visitor hears of it: who asks the trail then finds it there
                status = message["status"]
                await end(outcome_of(status))
            await send(message)

        with under_way(deed):
            try:
                await self._app(scope, receive, send_recorded)
            except BaseException as error:
                await end(Outcome.FAILED, type(error).__name__)
                raise


class TurnedAway:
    """Records who was refused before anybody knew who it is: wrong keys, no key, another site.

    A flood of them is counted, and does not fill the trail; each process counts for itself.
    """

    def __init__(self, app: ASGIApp, *, audit: Audit) -> None:
        self._app = app
        self._audit = audit
        self._of_address = Throttle(per_s=0.1, burst=20)
        self._of_all = Throttle(per_s=1.0, burst=200)
        self._left_out = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def send_recorded(message: Message) -> None:
            if message["type"] == "http.response.start" and not state.get(_IS_RECORDED):
                await self._look_at(message["status"], scope)
            await send(message)

        await self._app(scope, receive, send_recorded)

    async def _look_at(self, status: int, scope: Scope) -> None:
        shown = Headers(scope=scope).get("authorization", "")
        is_about_a_key = status in {401, 429} and (shown or scope["path"] == "/sign-in")
        if is_about_a_key:
            await self._record(Did.KEY_REFUSED, scope, status, key=_id_in(shown))
        elif 400 <= status < 500 and scope["method"] not in _SAFE_METHODS:
            await self._record(Did.REQUEST_REFUSED, scope, status)

    async def _record(self, what: Did, scope: Scope, status: int, *, key: str = "") -> None:
        actor = actor_of(scope)
        if self._of_address.wait_s(actor.place) or self._of_all.wait_s(""):
            self._left_out += 1
            return
        asked: dict[str, object] = {"request": f"{scope['method']} {scope['path']}"}
        if key:
            asked["key"] = key
        if self._left_out:
            asked["not_recorded_before"], self._left_out = self._left_out, 0
        deed = Deed(what, actor, asked=asked, why=f"answered with {status}")
        await asyncio.to_thread(self._audit.note_quietly, deed, Outcome.REFUSED)


def _id_in(authorization: str) -> str:
    """Give the id in a key; its secret is nobody's to read."""
    found = _KEY_ID.fullmatch(authorization.rpartition(" ")[2])
    return found[1] if found else ""

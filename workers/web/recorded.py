"""Puts what visitors do into the audit trail: begun before the route is asked, and how it ended.

Whatever changes something is recorded, whether its route says by which word or not; of what only reads,
the files that leave the house.
"""

import asyncio
import re

import redis
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dialer.audit import Audit
from dialer.deeds import OF_INSTALLATION, Deed, DeedOutcome, Did, under_way
from dialer.store.trail import TrailBusy
from workers.web.deeds import SAFE_METHODS, actor_of, outcome_of, what_is_done
from workers.web.entrance import Throttle
from workers.web.problems import as_problem, problem_response
from workers.web.recordings import is_a_listen
from workers.web.services import Services

_IS_RECORDED = "is_recorded"
_KEY_ID = re.compile(r"dk_([0-9a-z]{10})_.*")


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
        return (self._home if deed.what in OF_INSTALLATION else services).wiring.audit

    async def _answer(
        self, audit: Audit, deed: Deed, scope: Scope, receive: Receive, send: Send
    ) -> None:
        is_ended = False

        async def end(outcome: DeedOutcome, why: str = "") -> None:
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
                await end(DeedOutcome.FAILED, type(error).__name__)
                raise


class RecordsTurnedAway:
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
        elif 400 <= status < 500 and scope["method"] not in SAFE_METHODS:
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
        await asyncio.to_thread(self._audit.note_quietly, deed, DeedOutcome.REFUSED)


def _id_in(authorization: str) -> str:
    """Give the id in a key; its secret is nobody's to read."""
    found = _KEY_ID.fullmatch(authorization.rpartition(" ")[2])
    return found[1] if found else ""

"""Errors as RFC 9457 problem details: one shape for all, and never a traceback."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import redis
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from campaigns.lists.header import ColumnsUnclear
from campaigns.lists.source import CampaignFileError
from campaigns.plain_text import NotPlain
from campaigns.reports.does_not_add_up import DoesNotAddUp
from campaigns.sentence import capital, told
from dialer.agents.presence import BadPresence
from dialer.agents.registry import UnknownAgent
from dialer.alerting.desk import BadAlertRule, NoSuchRule
from dialer.deeds import tell
from dialer.errors import NotDone, ProviderError
from dialer.events.outbox import BadCursor
from dialer.loading.adding import FileOnItsWay, NeedsSecondPerson
from dialer.loading.refusing import AlreadyLoaded, LoadRefused, StartRefused
from dialer.logger import get_logger
from dialer.recordings.places import GoneRecording, PlaceAway
from dialer.settings import SettingsError
from dialer.settling.deciding import NotUndecided
from dialer.settling.disposing import NotDisposed
from dialer.steering.calling_back import NoCallBack
from dialer.steering.changing_rules import RulesChanged, RulesRefused
from dialer.steering.noting import NotNoted
from dialer.steering.starting import NobodyToCall, SecondPersonNeeded
from dialer.steering.templates import NoSuchTemplate
from dialer.store.campaign import CampaignNotFound, WrongState
from dialer.store.refusals import refusal_of
from dialer.store.teams import TooManyTeams
from dialer.store.trail import TrailBusy
from dialer.webhooks.receivers import WebhookNotFound
from dialer.webhooks.sending import BadTarget
from workers.web.subprocesses import WorkDied

log = get_logger(__name__)


class Problem(Exception):
    """Something the caller should know, told as problem details.

    Args:
        code: A fixed word for programs.
        detail: One sentence for people.
        more: Further members of the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: object,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.headers = headers
        self.more = more


def invalid(detail: str) -> Problem:
    """Say why what was sent cannot be used."""
    return Problem(422, "invalid", detail)


def not_found(detail: str) -> Problem:
    """Say that there is no such thing, or none for who asks."""
    return Problem(404, "not_found", detail)


class ProblemDetails(BaseModel):
    """What an error looks like."""

    type: str = "about:blank"
    title: str = Field(description="the status in words")
    status: int
    code: str = Field(description="a fixed word for programs")
    detail: str = Field(description="one sentence for people")


_PLAIN: dict[type[Exception], tuple[int, str]] = {
    LoadRefused: (409, "load_refused"),
    UnknownAgent: (404, "not_found"),
    TooManyTeams: (409, "load_refused"),
    NoSuchRule: (404, "not_found"),
    GoneRecording: (404, "not_found"),
    PlaceAway: (503, "recordings_away"),
    BadAlertRule: (422, "invalid"),
    BadTarget: (422, "invalid"),
    BadCursor: (422, "invalid"),
    WebhookNotFound: (404, "not_found"),
    BadPresence: (422, "invalid"),
    NeedsSecondPerson: (409, "second_person_needed"),
    SecondPersonNeeded: (409, "second_person_needed"),
    NobodyToCall: (409, "nobody_to_call"),
    NotPlain: (422, "invalid"),
    NotUndecided: (409, "not_unresolved"),
    NotDisposed: (409, "not_taken"),
    NoCallBack: (409, "no_call_back"),
    NotNoted: (409, "not_noted"),
    NotDone: (409, "not_done"),  # of any other kind: what stands before it is more than that
    ProviderError: (502, "provider"),
    DoesNotAddUp: (500, "does_not_add_up"),
    WorkDied: (500, "work_died"),
    SettingsError: (503, "settings_missing"),
    TrailBusy: (503, "audit_busy"),
}

EXPECTED_ERRORS: tuple[type[Exception], ...] = (
    *(Problem, HTTPException, RequestValidationError, redis.RedisError),
    *(CampaignNotFound, CampaignFileError, RulesRefused, StartRefused, WrongState),
    *_PLAIN,
)

_TITLES = {
    400: "Bad request",
    401: "Key needed",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    409: "Conflict",
    411: "Length required",
    413: "Too large",
    415: "Unsupported media type",
    421: "Wrong host",
    422: "Cannot be used",
    429: "Too many requests",
    500: "Internal error",
    502: "Provider failed",
    503: "Not available",
    507: "Out of space",
}


def as_problem(error: Exception) -> Problem:
    """Translate whatever is raised while a request is answered; the audit trail is told of it."""
    problem = (
        _of_list(error)
        or _of_request(error)
        or _of_use_case(error)
        or _of_kind(error)
        or Problem(500, "internal", told("Something went wrong here; the log says what."))
    )
    tell(why=f"{problem.code}: {problem}")
    return problem


def _of_list(error: Exception) -> Problem | None:
    match error:
        case AlreadyLoaded(campaign_id=campaign_id, name=name):
            return Problem(
                409, "same_content", _sentence(error), campaign_id=campaign_id, name=name
            )
        case ColumnsUnclear(suggestion=found):
            suggestion = [dict(zip(("role", "column", "why"), one, strict=True)) for one in found]
            return _of_file(error, "columns_unclear", suggestion=suggestion)
        case CampaignFileError():
            return _of_file(error, "file_unusable")
        case _:
            return None


def _of_file(error: CampaignFileError, code: str, *, suggestion: object = None) -> Problem:
    return Problem(
        422,
        code,
        _sentence(error),
        line=error.line,
        columns=error.columns or None,
        rows=error.rows or None,
        field=error.choice or None,
        choices=list(error.choices) or None,
        glimpses=[asdict(one) for one in error.glimpses] or None,
        suggestion=suggestion,
    )


def _of_kind(error: Exception) -> Problem | None:
    for kind, (status, code) in _PLAIN.items():
        if isinstance(error, kind):
            return Problem(status, code, _sentence(error))
    return None


def _of_request(error: Exception) -> Problem | None:
    match error:
        case Problem():
            return error
        case HTTPException():
            code = _CODES.get(error.status_code, "refused")
            detail = _FRAMEWORKS.get(str(error.detail), str(error.detail))
            return Problem(error.status_code, code, detail, headers=error.headers)
        case RequestValidationError():
            faults = [_fault(one) for one in error.errors()]
            detail = "; ".join(f"{one['where']}: {one['what']}" for one in faults)
            return Problem(422, "invalid", detail, faults=faults)
        case _:
            return None


def _of_use_case(error: Exception) -> Problem | None:
    match error:
        case CampaignNotFound():
            return not_found(told("There is no such campaign."))
        case NoSuchTemplate():
            return not_found(_sentence(error))
        case RulesChanged(version=version, changes=changes):
            differs = [{"rule": a.rule, "before": a.before, "after": a.after} for a in changes]
            return Problem(
                409, "rules_changed", _sentence(error), rules_version=version, differs=differs
            )
        case WrongState(state=state):
            return Problem(409, "wrong_state", _sentence(error), state=state)
        case RulesRefused(faults=found):
            faults = [{"where": one.rule or "rules", "what": one.message} for one in found]
            return Problem(422, "invalid", str(error), faults=faults)
        case StartRefused():
            return Problem(403, "scope_missing", _sentence(error), scope="operate")
        case FileOnItsWay():
            return Problem(503, "list_on_its_way", _sentence(error), headers={"Retry-After": "5"})
        case redis.RedisError():
            return _of_redis(error)
        case _:
            return None


def _of_redis(error: redis.RedisError) -> Problem:
    code, detail = "redis_away", told("Redis does not answer; try again.")
    if refusal := refusal_of(error):
        code = "redis_refuses"
        detail = told("{why}: {remedy}.", why=refusal.why, remedy=refusal.remedy)
    return Problem(503, code, detail, headers={"Retry-After": "5"})


_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def problem_of(request: Request, error: Exception) -> Problem:
    """Translate what was raised for a request; a wrong method is told all that would be right.

    The framework names those of the first route of the path alone.
    """
    problem = as_problem(error)
    if problem.status == 405:
        allowed = [method for method in _METHODS if _is_taken(request, method)]
        problem.headers = {"Allow": ", ".join(allowed)}
    return problem


def _is_taken(request: Request, method: str) -> bool:
    scope = {**request.scope, "method": method}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)


_IN_STATE = "problem"


class _ProblemResponse(JSONResponse):
    """Problem details, which leave with the request what they say: on a page it is said in its reader's language."""

    def __init__(self, problem: Problem) -> None:
        body = {
            "type": "about:blank",
            "title": _TITLES.get(problem.status, "Error"),
            "status": problem.status,
            "code": problem.code,
            "detail": str(problem),
            **{name: value for name, value in problem.more.items() if value is not None},
        }
        headers = dict(problem.headers) if problem.headers else None
        super().__init__(
            body, problem.status, headers=headers, media_type="application/problem+json"
        )
        self._problem = problem

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})[_IN_STATE] = self._problem
        await super().__call__(scope, receive, send)


def problem_response(problem: Problem) -> JSONResponse:
    """Write problem details."""
    return _ProblemResponse(problem)


def problem_in(scope: Scope) -> Problem | None:
    """Give the problem that a request was answered with."""
    found: Problem | None = scope.get("state", {}).get(_IN_STATE)
    return found


def answer_with_problems(app: FastAPI) -> None:
    """Have every error of an app answered in this shape."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        problem = problem_of(request, error)
        if problem.status >= 500:
            log.error("request_failed", path=request.url.path, code=problem.code, exc_info=error)
        return problem_response(problem)

    for kind in EXPECTED_ERRORS:
        app.add_exception_handler(kind, answer)
    app.add_exception_handler(Exception, answer)


_FRAMEWORKS: dict[str, str] = {one: one for one in (told("Not Found"), told("Method Not Allowed"))}
"""What the framework says, as sentences of ours."""
_CODES = {404: "not_found", 405: "method_not_allowed", 400: "bad_request"}


def _sentence(error: Exception) -> str:
    begun = capital(str(error))
    return begun if begun.endswith((".", "!", "?")) else told("{why}.", why=begun)


def _fault(error: Mapping[str, Any]) -> dict[str, str]:
    where = ".".join(str(part) for part in error["loc"] if part != "body")
    return {"where": where or "body", "what": str(error["msg"]).removeprefix("Value error, ")}

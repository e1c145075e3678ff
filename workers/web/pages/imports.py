"""An upload on its way to a campaign: received, judged, looked at by a person, loaded or discarded."""

import asyncio
from itertools import chain

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from campaigns.sentence import told
from dialer.access.api_keys import Scope
from workers.web.choosing import services_of
from workers.web.deeds import actor_of
from workers.web.lists import READING, default_name, list_order
from workers.web.pages.rendering import (
    check_token,
    plain_form,
    renderer_of,
    require,
    visitor_of,
)
from workers.web.problems import Problem, as_problem
from workers.web.reviews import Review, Reviews, ReviewState
from workers.web.uploads import received_upload


async def receive(request: Request) -> Response:
    """Take a list for a new campaign."""
    return await _receive(request, append_to="")


async def receive_more(request: Request) -> Response:
    """Take a list to append to a campaign."""
    services = services_of(request)
    campaign_id = request.path_params["campaign_id"]
    campaign = await asyncio.to_thread(services.wiring.campaigns.find, campaign_id)
    return await _receive(request, append_to=campaign.id)


async def receive_agents(request: Request) -> Response:
    """Take a list of agents."""
    return await _receive(request, append_to="", of_agents=True)


async def _receive(request: Request, *, append_to: str, of_agents: bool = False) -> Response:
    require(request, Scope.OPERATE if of_agents else Scope.UPLOAD)
    async with received_upload(request, services_of(request).uploads_dir) as upload:
        fields = dict(upload.fields)
        await check_token(request, "".join(fields.pop("csrf_token", [])))
        if not append_to and not of_agents:
            # what is wrong with the form is told while it is still on the screen
            wiring, name = services_of(request).wiring, default_name(upload.name)
            await asyncio.to_thread(list_order, wiring, fields, default_name=name)
        review = _reviews(request).open(upload, fields, append_to=append_to, of_agents=of_agents)
    where = f"/imports/{review.id}"
    if "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(where, status_code=303)
    return JSONResponse({"location": where}, 201)


async def show(request: Request) -> Response:
    """Show how a list was understood, and ask what to do with it."""
    review = _review(request)
    if review.stage is ReviewState.LOADED and review.document:
        _reviews(request).discard(review)
        if review.of_agents:
            return RedirectResponse("/agents", status_code=303)
        where = f"/campaigns/{review.document['campaign_id']}"
        asks = not review.append_to and visitor_of(request).may(Scope.OPERATE)
        return RedirectResponse(f"{where}/start" if asks else where, status_code=303)
    if review.of_agents:
        return await renderer_of(request).page(
            request,
            "agents_review.html",
            review=review,
            share_done=_reviews(request).share_done(review),
            field=lambda key: "".join(review.fields.get(key, [""])[:1]),
        )
    name, target = "", None
    if review.append_to:
        target = await asyncio.to_thread(
            services_of(request).wiring.campaigns.find, review.append_to
        )
    else:
        name = await asyncio.to_thread(_name, request, review)
    return await renderer_of(request).page(
        request,
        "review.html",
        review=review,
        share_done=_reviews(request).share_done(review),
        name=name,
        target=target,
        field=lambda key: "".join(review.fields.get(key, [""])[:1]),
        columns=_columns(review),
        options=_options(review),
    )


async def progress(request: Request) -> Response:
    """Tell the page how far the work is."""
    review = _review(request)
    return JSONResponse({"stage": review.stage, "share_done": _reviews(request).share_done(review)})


async def check(request: Request) -> Response:
    """Judge the list again, with other columns or another name."""
    review = _idle(request)
    form = await plain_form(request, Scope.UPLOAD)
    known = READING | {"name"}
    changed = {name: [value] for name, value in form.items() if name in known}
    _reviews(request).check(review, **changed)
    return RedirectResponse(f"/imports/{review.id}", status_code=303)


async def load(request: Request) -> Response:
    """Load the list; whether its campaign starts is asked on a page of its own."""
    review = _idle(request)
    form = await plain_form(request, Scope.OPERATE if review.of_agents else Scope.UPLOAD)
    may_start = visitor_of(request).may(Scope.OPERATE)
    confirmed = {name: [value] for name, value in form.items() if name in READING | {"again"}}
    _reviews(request).load(review, confirmed, may_start=may_start, by=actor_of(request.scope))
    return RedirectResponse(f"/imports/{review.id}", status_code=303)


async def discard(request: Request) -> Response:
    """Forget the list."""
    review = _review(request)
    await plain_form(request, Scope.UPLOAD)
    _reviews(request).discard(review)
    where = f"/campaigns/{review.append_to}" if review.append_to else "/campaigns"
    where = "/agents" if review.of_agents else where
    return RedirectResponse(where, status_code=303)


async def rejected(request: Request) -> Response:
    """Send the rows that would not be taken."""
    require(request, Scope.UPLOAD)
    review = _review(request)
    path = _reviews(request).rejected_file(review)
    if path is None:
        raise HTTPException(404)
    return FileResponse(path, media_type="text/csv; charset=utf-8", filename="rejected.csv")


def _reviews(request: Request) -> Reviews:
    return services_of(request).reviews


def _review(request: Request) -> Review:
    require(request, Scope.UPLOAD)
    found = _reviews(request).find(request.path_params["review_id"])
    if found is None:
        raise Problem(404, "not_found", told("This upload was loaded or discarded, or never was."))
    return found


def _idle(request: Request) -> Review:
    review = _review(request)
    if review.is_working:
        raise Problem(409, "in_progress", told("The list is still being read."))
    return review


def _options(review: Review) -> list[str]:
    """Name the file's own columns, as far as it was read; each way of reading it has its own."""
    if review.document:
        return list(review.document["all_columns"])
    problem = review.problem or {}
    ways = [one["columns"] for one in problem.get("glimpses") or ()]
    return list(dict.fromkeys(chain(problem.get("columns") or (), *ways)))


def _columns(review: Review) -> dict[str, str]:
    """Tell which column each of the drop-downs begins with: as chosen, as understood, as suggested."""
    problem, document = review.problem or {}, review.document or {}
    found = {one["role"]: one["column"] for one in problem.get("suggestion") or ()}
    found |= {one["role"]: one["column"] for one in document.get("columns", [])}
    return {
        role: "".join(review.fields.get(f"{role}_column", [])) or found.get(role, "")
        for role in ("agent", "customer", "name")
    }


def _name(request: Request, review: Review) -> str:
    try:
        return _reviews(request).order(review).name
    except Exception as error:
        if as_problem(error).status >= 500:
            raise
        return "".join(review.fields.get("name", []))


routes = [
    Route("/imports", receive, methods=["POST"]),
    Route("/agents/list", receive_agents, methods=["POST"]),
    Route("/campaigns/{campaign_id}/append", receive_more, methods=["POST"]),
    Route("/imports/{review_id}", show),
    Route("/imports/{review_id}/progress", progress),
    Route("/imports/{review_id}/check", check, methods=["POST"]),
    Route("/imports/{review_id}/load", load, methods=["POST"]),
    Route("/imports/{review_id}/discard", discard, methods=["POST"]),
    Route("/imports/{review_id}/rejected.csv", rejected),
]

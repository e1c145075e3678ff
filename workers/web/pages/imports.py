"""An upload on its way to a campaign: received, judged, looked at by a person, loaded or discarded."""

import asyncio
from itertools import chain
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, JSONResponse

from campaigns.sentence import told
from dialer.access.api_keys import Scope
from dialer.deeds import Did
from workers.web.deeds import actor_of
from workers.web.entrance import wants_page
from workers.web.lists import READING, default_name, list_order
from workers.web.pages.declaring import Answer, Asked, Pages, page, to
from workers.web.pages.rendering import check_token
from workers.web.problems import Problem, as_problem, not_found
from workers.web.reviews import Review, Reviews, ReviewState
from workers.web.uploads import received_upload

pages = Pages()


@pages.post_file("/imports", Scope.UPLOAD, does=Did.LIST_REVIEWED)
async def receive(asked: Asked) -> Answer:
    """Take a list for a new campaign."""
    return await _receive(asked, append_to="")


@pages.post_file("/campaigns/{campaign_id}/append", Scope.UPLOAD, does=Did.LIST_REVIEWED)
async def receive_more(asked: Asked) -> Answer:
    """Take a list to append to a campaign."""
    return await _receive(asked, append_to=asked.campaign.id)


@pages.post_file("/agents/list", Scope.OPERATE, does=Did.LIST_REVIEWED)
async def receive_agents(asked: Asked) -> Answer:
    """Take a list of agents."""
    return await _receive(asked, append_to="", of_agents=True)


async def _receive(asked: Asked, *, append_to: str, of_agents: bool = False) -> Answer:
    services = asked.services
    async with received_upload(asked.request, services.uploads_dir) as upload:
        fields = dict(upload.fields)
        await check_token(asked.request, "".join(fields.pop("csrf_token", [])))
        if not append_to and not of_agents:
            # what is wrong with the form is told while it is still on the screen
            name = default_name(upload.name)
            await asyncio.to_thread(list_order, services.wiring, fields, default_name=name)
        review = services.reviews.open(upload, fields, append_to=append_to, of_agents=of_agents)
    where = f"/imports/{review.id}"
    if wants_page(asked.request):
        return to(where)
    return JSONResponse({"location": where}, 201)


@pages.get("/imports/{review_id}", Scope.UPLOAD)
async def show(asked: Asked) -> Answer:
    """Show how a list was understood, and ask what to do with it."""
    review, reviews = _review(asked), asked.services.reviews
    if review.stage is ReviewState.LOADED and review.document:
        reviews.discard(review)
        if review.of_agents:
            return to("/agents")
        where = f"/campaigns/{review.document['campaign_id']}"
        asks = not review.append_to and asked.visitor.may(Scope.OPERATE)
        return to(f"{where}/start" if asks else where)
    shown: dict[str, Any] = {
        "review": review,
        "share_done": reviews.share_done(review),
        "field": lambda key: "".join(review.fields.get(key, [""])[:1]),
    }
    if review.of_agents:
        return page("agents_review.html", **shown)
    name, target = "", None
    if review.append_to:
        target = await asyncio.to_thread(asked.wiring.campaigns.find, review.append_to)
    else:
        name = await asyncio.to_thread(_name, reviews, review)
    return page(
        "review.html",
        **shown,
        name=name,
        target=target,
        columns=_columns(review),
        options=_options(review),
    )


@pages.get("/imports/{review_id}/progress", Scope.UPLOAD)
async def progress(asked: Asked) -> Answer:
    """Tell the page how far the work is."""
    review = _review(asked)
    share_done = asked.services.reviews.share_done(review)
    return JSONResponse({"stage": review.stage, "share_done": share_done})


@pages.post("/imports/{review_id}/check", Scope.UPLOAD, does=Did.LIST_REVIEWED)
async def check(asked: Asked) -> Answer:
    """Judge the list again, with other columns or another name."""
    review = _idle(asked)
    changed = {name: [one] for name, one in asked.form.items() if name in READING | {"name"}}
    asked.services.reviews.check(review, **changed)
    return to(f"/imports/{review.id}")


@pages.post("/imports/{review_id}/load", Scope.UPLOAD, does=Did.LIST_LOADED)
async def load(asked: Asked) -> Answer:
    """Load the list; whether its campaign starts is asked on a page of its own."""
    review, may_start = _idle(asked), asked.visitor.may(Scope.OPERATE)
    if review.of_agents:
        asked.visitor.require(Scope.OPERATE)
    confirmed = {name: [one] for name, one in asked.form.items() if name in READING | {"again"}}
    by = actor_of(asked.request.scope)
    asked.services.reviews.load(review, confirmed, may_start=may_start, by=by)
    return to(f"/imports/{review.id}")


@pages.post("/imports/{review_id}/discard", Scope.UPLOAD, does=Did.LIST_DISCARDED)
async def discard(asked: Asked) -> Answer:
    """Forget the list."""
    review = _review(asked)
    asked.services.reviews.discard(review)
    where = f"/campaigns/{review.append_to}" if review.append_to else "/campaigns"
    return to("/agents" if review.of_agents else where)


@pages.get("/imports/{review_id}/rejected.csv", Scope.UPLOAD, does=Did.REJECTED_TAKEN)
async def rejected(asked: Asked) -> Answer:
    """Send the rows that would not be taken."""
    path = asked.services.reviews.rejected_file(_review(asked))
    if path is None:
        raise HTTPException(404)
    return FileResponse(path, media_type="text/csv; charset=utf-8", filename="rejected.csv")


def _review(asked: Asked) -> Review:
    found = asked.services.reviews.find(asked.named("review_id"))
    if found is None:
        raise not_found(told("This upload was loaded or discarded, or never was."))
    return found


def _idle(asked: Asked) -> Review:
    review = _review(asked)
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


def _name(reviews: Reviews, review: Review) -> str:
    try:
        return reviews.order(review).name
    except Exception as error:
        if as_problem(error).status >= 500:
            raise
        return "".join(review.fields.get("name", []))

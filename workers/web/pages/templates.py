"""The page of templates: rules under a name, made, changed and removed."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from campaigns.campaign import LONGEST_NAME
from campaigns.rules_in_words import rules_in_words
from dialer.access.api_keys import Scope
from dialer.errors import NotDone
from dialer.steering.changing_rules import RulesRefused
from workers.web.choosing import services_of
from workers.web.pages.rendering import plain_form, renderer_of, require, whole_form
from workers.web.pages.rules import form_context, told_faults
from workers.web.rules_form import MOST_FIELDS, read_form, values_of_given
from workers.wiring import Wiring


async def show(request: Request) -> Response:
    """List the templates."""
    require(request, Scope.READ_MASKED)
    found = await asyncio.to_thread(services_of(request).wiring.templates.all)
    return await renderer_of(request).page(
        request,
        "templates.html",
        templates=[(one, rules_in_words(one.rules) if one.rules else {}) for one in found],
    )


async def edit(request: Request) -> Response:
    """Show the form of one: of a template's rules, of a campaign's, or of the account's defaults."""
    require(request, Scope.UPLOAD)
    require(request, Scope.READ)
    wiring = services_of(request).wiring
    name, like = (request.query_params.get(one, "") for one in ("name", "like"))
    given = await asyncio.to_thread(wiring.templates.given, template=name, like=like)
    values = values_of_given(wiring.settings, given)
    return await _form(request, wiring, name=name, values=values)


async def save(request: Request) -> Response:
    """Save the form, or show it again with what is wrong."""
    fields = await whole_form(request, Scope.UPLOAD, most=MOST_FIELDS)
    require(request, Scope.READ)
    wiring = services_of(request).wiring
    name = "".join(fields.pop("template_name", []))
    try:
        given, _ = read_form(fields)
        await asyncio.to_thread(_save, wiring, name, given)
    except RulesRefused as error:
        faults = told_faults(error.faults)
    except NotDone as error:
        faults = [("", str(error))]
    else:
        return RedirectResponse("/templates", status_code=303)
    values = {one: texts[-1] for one, texts in fields.items()}
    return await _form(request, wiring, name=name, values=values, faults=faults)


def _save(wiring: Wiring, name: str, given: dict[str, Any]) -> None:
    wiring.templates.save(name, wiring.templates.tidied(given))


async def remove(request: Request) -> Response:
    """Forget one."""
    form = await plain_form(request, Scope.UPLOAD)
    templates = services_of(request).wiring.templates
    await asyncio.to_thread(templates.remove, form.get("name", ""))
    return RedirectResponse("/templates", status_code=303)


async def _form(
    request: Request,
    wiring: Wiring,
    *,
    name: str,
    values: dict[str, str],
    faults: Any = (),
) -> Response:
    return await renderer_of(request).page(
        request,
        "template.html",
        status_code=422 if faults else 200,
        name=name,
        faults=faults,
        longest_name=LONGEST_NAME,
        **form_context(wiring, values),
    )


routes = [
    Route("/templates", show),
    Route("/templates/edit", edit),
    Route("/templates", save, methods=["POST"]),
    Route("/templates/remove", remove, methods=["POST"]),
]

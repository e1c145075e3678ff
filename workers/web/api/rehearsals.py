"""Rehearsals: a list and its rules against the simulator, on a fast clock; no phone rings."""

import asyncio
from dataclasses import asdict
from typing import Annotated

from fastapi import Depends, Path, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import FileResponse

from dialer.deeds import Did
from dialer.steering.changing_rules import new_rules
from workers.web import jobs
from workers.web.api.needs import Reader, Router, TheServices, Uploader
from workers.web.api.upload_form import REHEARSE_FORM
from workers.web.choosing import services_of
from workers.web.downloads import MEDIA_TYPES
from workers.web.lists import READING, READING_FORM, Fields, load_options, one, truth
from workers.web.problems import Problem, invalid, not_found
from workers.web.rehearsal_options import MOST_ROWS, agents_of, dashed, environment, rule_options
from workers.web.rehearsals import AlreadyRehearsing, RehearsalNotFound, RehearsalState
from workers.web.rules import given_rules, refuse_unknown
from workers.web.services import Services
from workers.web.uploads import received_upload

router = Router("/rehearsals", "rehearsals")
single = Router("/rehearsals/{rehearsal_id}", "rehearsals")

_SLOWEST, _USUAL, _FASTEST = 1.0, 30.0, 200.0  # as `dialer rehearse --speed` has them
_OPTIONS = READING | {"speed"}


class RehearsalStarted(BaseModel):
    """A rehearsal that was started."""

    rehearsal_id: str
    state: RehearsalState


class RehearsalSummary(BaseModel):
    """What came out."""

    counts: dict[str, int]
    outcomes: dict[str, int] = Field(description="Contacts, by how they ended.")
    sums: list[str] = Field(description="Written out; they hold, or there would be no report.")
    books_agree: bool | None = Field(
        description="Ours and the simulator's; null where they were not compared."
    )


class RehearsalDocument(RehearsalStarted):
    """A rehearsal as it stands."""

    status_line: str | None = Field(description="What it said last, while it runs.")
    summary: RehearsalSummary | None = Field(description="Null until a report is there.")
    files: list[str] = Field(description="Names of its report files.")
    error: str | None = Field(description="Why it failed.")


def find_rehearsal(
    rehearsal_id: Annotated[
        str, Path(pattern=r"^[0-9a-f]{12}$", description="The rehearsal's id, 12 characters.")
    ],
    services: Annotated[Services, Depends(services_of)],
) -> str:
    """Check that the rehearsal a path names exists."""
    try:
        services.rehearsals.standing(rehearsal_id)
    except RehearsalNotFound:
        raise not_found("There is no such rehearsal.") from None
    return rehearsal_id


TheRehearsal = Annotated[str, Depends(find_rehearsal)]


@router.post("", Did.REHEARSAL_STARTED, status_code=202, openapi_extra=REHEARSE_FORM)
async def start_rehearsal(
    _visitor: Uploader, request: Request, response: Response, services: TheServices
) -> RehearsalStarted:
    """Rehearse a list of at most 10,000 rows, for an hour at most, one at a time."""
    settings = services.wiring.settings
    async with received_upload(request, services.uploads_dir) as upload:
        options = _options(upload.fields)
        rules = new_rules(settings, given_rules(upload.fields))
        file = jobs.ListFile(upload.path, load_options(upload.fields))
        checked = await services.work(jobs.check_list, file, rules, jobs.NOWHERE)
        if checked["rows"] > MOST_ROWS:
            raise Problem(422, "too_many_rows", f"At most {MOST_ROWS:,} rows are rehearsed.")
        try:
            id_ = await services.rehearsals.start(
                upload.path,
                options,
                environment(settings),
                agents=await asyncio.to_thread(agents_of, services.wiring),
            )
        except AlreadyRehearsing:
            raise Problem(
                409, "already_rehearsing", "Another rehearsal runs; wait for it, or delete it."
            ) from None
    response.headers["Location"] = f"/api/v1/rehearsals/{id_}"
    return RehearsalStarted(rehearsal_id=id_, state=RehearsalState.RUNNING)


@single.get("")
def show_rehearsal(
    _visitor: Reader, services: TheServices, rehearsal: TheRehearsal
) -> RehearsalDocument:
    """Tell where a rehearsal stands and what came out."""
    standing = services.rehearsals.standing(rehearsal)
    is_running = standing.state is RehearsalState.RUNNING
    summary = None if is_running else services.rehearsals.summary(rehearsal)
    return RehearsalDocument(
        rehearsal_id=rehearsal,
        state=standing.state,
        status_line=(services.rehearsals.last_line(rehearsal) or None) if is_running else None,
        summary=RehearsalSummary(**asdict(summary)) if summary else None,
        files=[] if is_running else list(services.rehearsals.files(rehearsal)),
        error=standing.error or None,
    )


@single.get(
    "/files/{name}",
    response_class=FileResponse,
    responses={
        200: {"content": {"text/csv": {}, "text/html": {}}, "description": "The report file."}
    },
)
def rehearsal_file(
    _visitor: Reader,
    services: TheServices,
    rehearsal: TheRehearsal,
    name: Annotated[str, Path(max_length=200, description="One of `files`.")],
) -> Response:
    """Give a report file of a rehearsal."""
    path = services.rehearsals.files(rehearsal).get(name)
    if path is None:
        raise not_found("The rehearsal has no such file.")
    return FileResponse(path, media_type=MEDIA_TYPES[path.suffix], filename=name)


@single.delete("", Did.REHEARSAL_REMOVED, status_code=204)
async def remove_rehearsal(
    _visitor: Uploader, services: TheServices, rehearsal: TheRehearsal
) -> None:
    """Stop a rehearsal and remove it with its files."""
    await services.rehearsals.remove(rehearsal)


_SWITCHES = frozenset(name for name, one in READING_FORM.items() if one["type"] == "boolean")


def _options(fields: Fields) -> list[str]:
    """Write a form as options of the command.

    Each value stays in one word with its option, so that none can pass for another option.
    """
    refuse_unknown(fields, beside=_OPTIONS)
    given = {name: value for name in _OPTIONS - {"speed"} if (value := one(fields, name))}
    return [
        f"--speed={_speed(fields):g}",
        *(
            f"--{dashed(name)}={value}"
            for name, value in sorted(given.items())
            if name not in _SWITCHES
        ),
        *(f"--{dashed(name)}" for name in sorted(_SWITCHES) if truth(fields, name)),
        *rule_options(given_rules(fields)),
    ]


def _speed(fields: Fields) -> float:
    text = one(fields, "speed")
    try:
        speed = float(text or _USUAL)
    except ValueError:
        speed = 0.0
    if not _SLOWEST <= speed <= _FASTEST:
        raise invalid(f"speed is from {_SLOWEST:g} to {_FASTEST:g}.")
    return speed

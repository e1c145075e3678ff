"""Everything of one contact, and what whoever runs the desk may do about it."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException

from campaigns.dispositions import LONGEST_NOTE, choices
from campaigns.sentence import told
from dialer import clock
from dialer.access.api_keys import Scope
from dialer.deeds import Did
from dialer.ids import ContactId
from dialer.recordings.finding import kept_of
from dialer.recordings.places import PlaceAway
from dialer.settling.disposing import NotDisposed, Said, dispose, may_be_corrected
from dialer.steering.calling_back import NoCallBack, call_back
from dialer.steering.noting import NotNoted, note
from dialer.store import Campaign
from dialer.store.agents import AgentStore
from dialer.store.recordings import Kept
from dialer.store.snapshot import ContactLine
from workers.instants import as_written
from workers.web.contact_timeline import story_of
from workers.web.pages.declaring import Answer, Asked, Pages, page, to
from workers.web.recordings import recording_answer
from workers.wiring import Wiring

pages = Pages()

_CONTACT = "/campaigns/{campaign_id}/contacts/{n}"
_NONE_SUCH = told("The campaign has no such contact.")
_NOT_A_TIME = told("Write the time as a day and an hour, such as 2026-11-24 15:30.")


@pages.get(_CONTACT, Scope.READ_MASKED)
def show(asked: Asked) -> Answer:
    """Show one contact with all that happened to it."""
    return _show(asked)


@pages.post(_CONTACT + "/call-back", Scope.OPERATE, does=Did.CONTACT_CALLED_BACK)
def call_contact_back(asked: Asked) -> Answer:
    """Have a contact called again, at a time or as soon as it may be."""
    id_, only = _id(asked), asked.form.get("who") == "agent"
    try:
        at = instant_of(asked.form.get("at", ""), asked.campaign.rules.zone) or clock.now()
        call_back(asked.wiring.db, id_, at, reopen=True, only_agent=only)
    except (ValueError, NoCallBack) as error:
        return _show(asked, call_back_problem=str(error))
    return _back_to(id_)


@pages.post(_CONTACT + "/disposition", Scope.OPERATE, does=Did.DISPOSITION_GIVEN)
def give_disposition(asked: Asked) -> Answer:
    """Say what came of a conversation in its agent's stead, or correct what was said."""
    id_, form, wiring = _id(asked), asked.form, asked.wiring
    no = form.get("attempt", "")
    try:
        said = Said(
            form.get("disposition", ""),
            by=asked.visitor.name,
            note=form.get("note", ""),
            call_back_at=instant_of(form.get("at", ""), asked.campaign.rules.zone),
            only_agent=form.get("who") == "agent",
            no=int(no) if re.fullmatch("[1-9][0-9]{0,4}", no) else None,
        )
        dispose(wiring.db, wiring.settling, id_, said)
    except (ValueError, NotDisposed) as error:
        return _show(asked, disposition_problem=str(error))
    return _back_to(id_)


@pages.post(_CONTACT + "/note", Scope.OPERATE, does=Did.CONTACT_NOTED)
def note_on_contact(asked: Asked) -> Answer:
    """Write a note on a contact."""
    id_ = _id(asked)
    try:
        note(asked.wiring.db, id_, asked.form.get("note", ""), by=asked.visitor.name)
    except NotNoted as error:
        return _show(asked, note_problem=str(error))
    return _back_to(id_)


@pages.get(_CONTACT + "/attempts/{no}/recording", Scope.READ, does=Did.RECORDING_PLAYED)
def recording(asked: Asked) -> Answer:
    """Play an attempt's recording."""
    n, no = asked.named("n"), asked.named("no")
    if not (re.fullmatch("[1-9][0-9]{0,9}", n) and re.fullmatch("[1-9][0-9]{0,4}", no)):
        raise HTTPException(404, told("The campaign has no such attempt."))
    part = asked.request.headers.get("range")
    return recording_answer(asked.wiring, asked.campaign, int(n), int(no), part)


def _id(asked: Asked) -> ContactId:
    """Read which contact a path names."""
    n = asked.named("n")
    if not re.fullmatch("[1-9][0-9]{0,9}", n):
        raise HTTPException(404, _NONE_SUCH)
    return ContactId(asked.campaign.id, int(n))


def instant_of(written: str, zone: ZoneInfo) -> datetime | None:
    """Read an instant in a campaign's time; None: nothing was written.

    Raises:
        ValueError: It is none; says what to write.
    """
    if not written.strip():
        return None
    try:
        return as_written(written, zone)
    except ValueError:
        raise ValueError(_NOT_A_TIME) from None


def _back_to(id_: ContactId) -> Answer:
    return to(f"/campaigns/{id_.campaign}/contacts/{id_.n}")


def _show(
    asked: Asked,
    *,
    call_back_problem: str = "",
    disposition_problem: str = "",
    note_problem: str = "",
) -> Answer:
    wiring, campaign = asked.wiring, asked.campaign
    line = asked.services.finding.contact(campaign, _id(asked).n)
    if line is None:
        raise HTTPException(404, _NONE_SUCH)
    now_s, masked = wiring.db.now(), asked.visitor.is_masked
    words = choices(campaign.rules.disposition)
    return page(
        "contact.html",
        status_code=422 if call_back_problem or disposition_problem or note_problem else 200,
        note_problem=note_problem,
        call_back_problem=call_back_problem,
        disposition_problem=disposition_problem,
        campaign=campaign,
        zone=campaign.rules.zone,
        line=line,
        agent_names=AgentStore(wiring.db).names([line.planned, line.rung]),
        cells=[] if masked else list(zip(campaign.columns, line.row.cells, strict=False)),
        story=story_of(line, masked=masked),
        kept=_kept_of(wiring, campaign, line),
        words=words,
        longest_note=LONGEST_NOTE,
        correctable={
            one.attempt.no for one in line.attempts if may_be_corrected(one.attempt, words)
        },
        call_speed=wiring.settings.call_speed or 1.0,
        undecided=[one for one in line.attempts if one.attempt.may_be_decided(now_s=now_s)],
    )


def _kept_of(wiring: Wiring, campaign: Campaign, line: ContactLine) -> dict[int, Kept]:
    nos = [one.attempt.no for one in line.attempts]
    try:
        return kept_of(wiring.db, wiring.recordings_place, campaign, line.n, nos)
    except PlaceAway as error:
        return {no: Kept("", "", 0, "", 0.0, error=str(error)) for no in nos}

"""`dialer contact …`: one contact, and when it is to be called back."""

import shlex
from typing import Annotated, Any

import typer
from rich.markup import escape

from campaigns.attempt import Attempt
from dialer.ids import ContactId
from dialer.settling.disposing import Said, dispose
from dialer.steering.calling_back import call_back as set_call_back
from dialer.store import Campaign
from dialer.store.snapshot import ContactLine
from dialer.watching.browsing import contact_line, with_external_id
from workers.cli.faults import JobFailed, WrongUse
from workers.cli.instants import iso, local, read_instant
from workers.cli.printing import AsJson, answer, plain_table, say, say_json, show
from workers.cli.session import open_wiring
from workers.wiring import Wiring

Id = Annotated[
    str,
    typer.Argument(metavar="CONTACT", help="Its id, as reports have it, or its external id."),
]


def show_(contact: Id, *, as_json: AsJson = False) -> None:
    """Show a contact, its row, and every attempt to reach it."""
    wiring = open_wiring()
    campaign, line = _find(wiring, contact)
    if as_json:
        say_json(_as_json(campaign, line))
    else:
        _tell(campaign, line)


def call_back(
    contact: Id,
    *,
    at: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="2026-11-24T15:30, in the campaign's time zone if none is named."
        ),
    ],
    reopen: Annotated[
        bool, typer.Option("--reopen", help="Call a closed contact all the same.")
    ] = False,
    only_agent: Annotated[
        bool,
        typer.Option("--only-agent", help="By whoever was rung last alone, not by their group."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let a contact wait until then. Hours, caps, suppression and pause hold all the same.

    When its time has come it goes before contacts that were never tried.
    """
    wiring = open_wiring()
    campaign, line = _find(wiring, contact)
    due_at = read_instant("--at", at, campaign.rules.zone)
    id_ = ContactId(campaign.id, line.n)
    answered = set_call_back(wiring.db, id_, due_at, reopen=reopen, only_agent=only_agent)
    if as_json:
        said = {"contact_id": str(id_), "due_at": iso(due_at), "reopened": answered == "opened"}
        say_json(said)
        return
    say(f"Contact {id_} is to be called {local(due_at.timestamp(), campaign.rules.zone)}.")
    state = wiring.campaigns.find(campaign.id).state
    if state != "running":
        to_type = escape(shlex.quote(campaign.name))
        say(f"{escape(campaign.name)} is {state}: dialer campaign start {to_type}")


def disposition(
    contact: Id,
    name: Annotated[
        str, typer.Argument(metavar="DISPOSITION", help="One of those its campaign has.")
    ],
    *,
    note: Annotated[str, typer.Option(metavar="TEXT", help="A line beside it.")] = "",
    at: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help="The customer wants to be called then: 2026-11-24T15:30, in the campaign's zone.",
        ),
    ] = "",
    only_agent: Annotated[
        bool,
        typer.Option("--only-agent", help="That call is for who spoke alone, not for a group."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what came of the conversation with a contact, or correct what was said.

    What follows from it is done at once; that a customer is never to be called again stays.
    """
    wiring = open_wiring()
    campaign, line = _find(wiring, contact)
    id_ = ContactId(campaign.id, line.n)
    due_at = read_instant("--at", at, campaign.rules.zone) if at else None
    said = Said(name, by="the command line", note=note, call_back_at=due_at, only_agent=only_agent)
    after = dispose(wiring.db, wiring.settling, id_, said)
    given = {"attempt_no": after.no, "disposition": after.disposition, "note": after.note}
    told = {"contact_id": str(id_), **given}
    answer(told, f"Contact {id_}: {after.disposition}.", as_json=as_json)


def _find(wiring: Wiring, text: str) -> tuple[Campaign, ContactLine]:
    id_ = ContactId.parse(text)
    if id_ is None or not wiring.campaigns.read([id_.campaign]):
        return _find_by_external_id(wiring, text)
    campaign = wiring.campaigns.find(id_.campaign)
    line = contact_line(wiring.db, campaign, id_.n)
    if line is None:
        raise JobFailed(
            f"campaign {campaign.name} has no contact {id_.n}; it has {campaign.accepted}"
        )
    return campaign, line


def _find_by_external_id(wiring: Wiring, text: str) -> tuple[Campaign, ContactLine]:
    found = with_external_id(wiring.db, wiring.campaigns.unarchived(), text)
    if not found:
        raise WrongUse(
            f"{text!r} is no contact's id, such as 7f3kq2xa-42 in reports, and no external id in any "
            "campaign that is not archived"
        )
    if len(found) > 1:
        ids = ", ".join(f"{campaign.id}-{line.n} ({campaign.name})" for campaign, line in found)
        raise WrongUse(f"{text!r} is the external id of several contacts; say which: {ids}")
    return found[0]


def _as_json(campaign: Campaign, line: ContactLine) -> dict[str, Any]:
    record, zone = line.record, campaign.rules.zone
    return {
        "contact_id": f"{campaign.id}-{line.n}",
        "campaign_id": campaign.id,
        "campaign": campaign.name,
        "state": record.state,
        "outcome": record.outcome,
        "agent": line.agent,
        "agent_planned": line.planned,
        "agent_rung": line.rung or None,
        "call_back_by": line.pinned or None,
        "customer": record.customer,
        "priority": record.priority,
        "attempts": record.made,
        "charged": record.charged,
        "due_at": iso(record.due_s, zone),
        "expires_at": iso(record.expires_s, zone),
        "line": line.row.line,
        "external_id": line.row.external_id or None,
        "row": dict(zip(campaign.columns, line.row.cells, strict=False)),
        "made": [
            {
                "attempt_id": str(one.id),
                "requested_at": iso(one.attempt.requested_at, zone),
                "state": one.attempt.state,
                "outcome": one.attempt.outcome,
                "call_sid": one.attempt.sid,
                "talk_s": one.attempt.talk_s,
                "rules_version": one.attempt.rules_version,
                "window": one.attempt.window,
            }
            for one in line.attempts
        ],
    }


def _tell(campaign: Campaign, line: ContactLine) -> None:
    record, zone = line.record, campaign.rules.zone
    end = f": {record.outcome}" if record.outcome else ""
    say(f"Contact {campaign.id}-{line.n} of {escape(campaign.name)} is {record.state}{end}.")
    facts = {
        "agent": line.planned,
        **({"rung last": line.rung} if line.team and line.rung else {}),
        **({"call back by": f"{line.pinned} alone"} if line.pinned else {}),
        "customer": record.customer,
        "due": local(record.due_s, zone) if record.due_s else "at once",
        "expires": local(record.expires_s, zone) if record.expires_s else "never",
        "attempts": f"{record.made}, {record.charged} of {campaign.rules.max_attempts} used up",
        "line": str(line.row.line) if line.row.line else "none: it was added by itself",
        **({"external id": line.row.external_id} if line.row.external_id else {}),
    }
    table = plain_table("", "")
    # a list's own column may be called agent, and its cell is not what is dialled
    own = zip(campaign.columns, line.row.cells, strict=False)
    for name, value in (*facts.items(), *own):
        table.add_row(f"[dim]{escape(name)}[/dim]", escape(value))
    show(table)
    if not line.attempts:
        return
    attempts = plain_table("attempt", "requested", "state", "outcome", "talked", "call")
    for one in line.attempts:
        attempts.add_row(str(one.id), *_cells(one.attempt, campaign))
    show(attempts)


def _cells(attempt: Attempt, campaign: Campaign) -> tuple[str, ...]:
    return (
        local(attempt.requested_at, campaign.rules.zone),
        attempt.state,
        attempt.outcome or "–",
        f"{attempt.talk_s} s" if attempt.talk_s else "–",
        attempt.sid or "–",
    )

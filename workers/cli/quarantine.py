"""`dialer campaign unresolved` and `resolve`: attempts of which nobody knows whether a phone rang."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from campaigns.plain_text import did_you_mean
from dialer.ids import AttemptId
from dialer.settling.deciding import Decision, decide
from dialer.store import Campaign, OpenAttempt
from dialer.store.contacts import Contacts
from dialer.watching.browsing import names_of, undecided
from workers.cli.campaign import Name
from workers.cli.faults import WrongUse
from workers.cli.instants import iso, local
from workers.cli.printing import AsJson, answer, plain_table, say, say_json, show
from workers.cli.session import open_wiring, terminal_user

_WORDS = {"redial": Decision.NOT_PLACED}
"""Beside the decisions' own names."""


def unresolved(campaign: Name, *, as_json: AsJson = False) -> None:
    """List attempts in quarantine: their request may have arrived, and no answer came.

    They are looked for at the provider until no call of theirs can be live any more; meanwhile
    agent and customer are not called. Whoever knows better decides with `resolve`. Calls that
    nobody tells to be over, though none can last so long, are listed too.
    """
    wiring = open_wiring()
    found = wiring.campaigns.find(campaign)
    now_s = wiring.db.now()
    attempts = list(undecided(wiring.db, found, now_s=now_s))
    if as_json:
        say_json([_as_json(one, now_s, found) for one in attempts])
        return
    if not attempts:
        say(f"Nothing is unresolved in {escape(found.name)}.")
        return
    table = plain_table(
        *("attempt", "agent", "customer", "name"),
        *("requested", "why", "looked", "resolves itself by"),
    )
    names = names_of(wiring.db, found, {one.id.n for one in attempts})
    for one in attempts:
        attempt = one.attempt
        table.add_row(
            str(one.id),
            attempt.agent,
            attempt.customer,
            escape(names.get(one.id.n, "")),
            local(attempt.requested_at, found.rules.zone),
            escape(attempt.error_code or "no answer"),
            f"{attempt.looks} times",
            local(attempt.quarantine_ends_at, found.rules.zone),
        )
    show(table)
    say("\nDecide one: dialer campaign resolve ATTEMPT --as connected")


def resolve(
    attempt: Annotated[str, typer.Argument(metavar="ATTEMPT", help="Its id.")],
    *,
    as_: Annotated[
        str,
        typer.Option(
            "--as",
            metavar="WHAT",
            help="connected, customer_no_answer, customer_busy, agent_no_answer: a call was made "
            "and ended so; redial: none was made, dial again; skip: close the contact; give_up: "
            "as the campaign's rule for unknown attempts.",
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Decide an attempt in quarantine by what you know, from Exotel's dashboard or the agent.

    So may one be whose call nobody tells to be over, though none can last so long. Where a call was found meanwhile, nothing is changed. What follows is what the campaign's
    rules have for that outcome.
    """
    id_ = AttemptId.parse(attempt)
    if id_ is None:
        raise WrongUse(f"{attempt!r} is no attempt's id; see: dialer campaign unresolved")
    decision = _decision(as_)
    wiring = open_wiring()
    after = decide(wiring.db, wiring.settling, id_, decision, who=terminal_user())
    contact = Contacts(wiring.db).get(id_.campaign, id_.n)
    state = contact.state if contact else None
    told = {"attempt_id": attempt, "outcome": after.outcome, "contact_state": state}
    text = f"Attempt {attempt} ended as {after.outcome}; its contact is {state}."
    answer(told, text, as_json=as_json)


def _decision(word: str) -> Decision:
    try:
        return _WORDS.get(word) or Decision(word)
    except ValueError:
        known = (*_WORDS, *Decision)
        near = did_you_mean(word, known)
        raise WrongUse(f"--as {word}: use one of {', '.join(known)}{near}") from None


def _as_json(one: OpenAttempt, now_s: float, campaign: Campaign) -> dict[str, Any]:
    attempt, zone = one.attempt, campaign.rules.zone
    return {
        "attempt_id": str(one.id),
        "contact_id": str(one.id.contact),
        "agent": attempt.agent,
        "customer": attempt.customer,
        "since": iso(attempt.requested_at, zone),
        "age_s": round(now_s - attempt.requested_at),
        "why": attempt.error_code,
        "http_status": attempt.http_status,
        "looks": attempt.looks,
        "looked_at": iso(attempt.looked_at, zone),
        "resolves_by": iso(attempt.quarantine_ends_at, zone),
    }

"""`dialer agents list|load|remove|pause|resume|shift`: who the agents are, and where."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from campaigns.agents.agent import Agent, Presence
from campaigns.hours.local_day import zone_named
from campaigns.lists.source import ReadingChoice
from campaigns.retry_policy import seconds_in
from dialer.loading.uploads import unchanged
from dialer.store.agents import Whereabouts
from dialer.watching.agents_now import agents_now
from workers.cli.faults import JobFailed, WrongUse
from workers.cli.instants import iso, read_instant, weekday
from workers.cli.printing import AsJson, complain, plain_table, say, say_json, show
from workers.cli.session import open_wiring
from workers.cli.shared_options import Hidden, Sheet, given_file
from workers.documents.agents import agents_document
from workers.wiring import Wiring

_MOST_TOLD = 20
_WORDS = {
    Presence.ON: "on",
    Presence.BREAK: "on a break",
    Presence.OFF: "off",
    Presence.SHIFT: "out of their shift",
    Presence.FULL: "done for the day",
    Presence.MISSED: "left alone for missed calls",
}

SomeAgents = Annotated[
    list[str],
    typer.Argument(metavar="AGENT…", help="Numbers as people write them, or ids; or `all`."),
]


def load(
    file: Annotated[
        Path,
        given_file(
            "A table (CSV, workbook): number, and as it likes name, groups, shift, timezone, "
            "languages, skills, most_calls_a_day."
        ),
    ],
    *,
    sheet: Sheet = None,
    hidden_rows: Hidden = None,
    as_json: AsJson = False,
) -> None:
    """Load a list of agents. Who is known is changed, who is not is added, who is not listed stays.

    A column that is not there leaves what is known as it is; an empty cell takes it away. What changes
    counts at once, in running campaigns too.
    """
    wiring = open_wiring()
    with unchanged(file) as opened:
        reading = ReadingChoice(sheet=sheet, hidden_rows=hidden_rows)
        loaded = wiring.registry.load(opened, reading=reading)
    listed = loaded.listed
    if as_json:
        say_json(agents_document(loaded, most=len(listed.rejected)))
    else:
        same = len(listed.taken) - loaded.new - loaded.changed
        say(
            f"{loaded.new:,} new, {loaded.changed:,} changed, {same:,} as before, "
            f"{len(listed.rejected):,} rejected."
        )
        if listed.ignored:
            say(f"Columns that mean nothing here: {escape(', '.join(listed.ignored))}.")
        complain(*(one.message for one in listed.rejected[:_MOST_TOLD]))
    if listed.rejected and not listed.taken:
        raise JobFailed(f"{file} holds no agent; mend the rows and load it again")


def list_(
    *,
    group: Annotated[str | None, typer.Option(help="Those of this group.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the agents that are registered, and where they are."""
    wiring = open_wiring()
    found = [
        one
        for one in wiring.registry.all()
        if group is None or group.casefold() in {name.casefold() for name in one.groups}
    ]
    where = wiring.presences.of(found)
    if as_json:
        say_json([_as_json(*one) for one in zip(found, where, strict=True)])
        return
    if not found:
        say("No agent is registered; take a list with: dialer agents load FILE")
        return
    table = plain_table("agent", "id", "name", "is", "until", "groups", "shift")
    zone = wiring.zone
    for agent, at in zip(found, where, strict=True):
        word = f"{at.state} ({at.reason})" if at.reason else str(at.state)
        groups, shift = ", ".join(agent.groups), agent.shift.in_words() if agent.shift else ""
        cells = (agent.name, word, weekday(at.until, zone) if at.until else "", groups, shift)
        table.add_row(agent.number, agent.id, *map(escape, cells))
    show(table)


def remove(agent: SomeAgents, *, as_json: AsJson = False) -> None:
    """Remove agents: nobody rings them any more, and their links open nothing.

    A call in progress goes on. What they did stays in reports until their numbers are purged; contacts
    for them alone wait. Who is loaded again is rung again.
    """
    wiring = open_wiring()
    agents = _find(wiring, agent, adds=False)
    waiting = {one.number: one.waiting for one in agents_now(wiring.db).agents}
    wiring.registry.remove(agents)
    left = {one: waiting.get(one.number, 0) for one in agents}
    if as_json:
        say_json([{"agent_id": one.id, "contacts_waiting": n} for one, n in left.items()])
        return
    for one, n in left.items():
        wait = f"; {n:,} contacts wait for them alone" if n else ""
        say(f"{escape(one.name or one.number)} is removed{wait}.")


def pause(
    agent: SomeAgents,
    *,
    off: Annotated[bool, typer.Option("--off", help="For the rest of the day and longer.")] = False,
    reason: Annotated[str, typer.Option(help="Shown wherever the agent is.")] = "",
    for_: Annotated[
        str | None,
        typer.Option("--for", metavar="DURATION", help="Back by themselves after 30m, 2h …"),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Back by themselves then, such as 2026-11-24T15:30."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send agents on a break, or off: they are not rung. A call in progress goes on.

    Their contacts wait and use up nothing; it counts with the next call, within a second.
    """
    wiring = open_wiring()
    if for_ is not None and until is not None:
        raise WrongUse("give --for or --until, not both")
    until_s = _end(wiring, for_, until)
    agents = _find(wiring, agent, adds=True)
    state = Presence.OFF if off else Presence.BREAK
    wiring.presences.set(agents, state, reason=reason, until_s=until_s)
    _tell(wiring, agents, as_json=as_json)


def resume(agent: SomeAgents, *, as_json: AsJson = False) -> None:
    """Let agents be rung again: from a break, off, outside their shift, or left alone for missed calls."""
    wiring = open_wiring()
    agents = _find(wiring, agent, adds=False)
    wiring.presences.set(agents, Presence.ON)
    _tell(wiring, agents, as_json=as_json)


def shift(
    agent: SomeAgents,
    *,
    hours: Annotated[
        str,
        typer.Option(
            help="Such as 'mon-fri 09:00-18:00; not IN'; 'none': at any time.",
        ),
    ],
    timezone: Annotated[
        str | None,
        typer.Option(help="Of these hours.", show_default="as before, or DIALER_TIMEZONE"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Give agents the hours they are at work; outside of them they are not rung."""
    wiring = open_wiring()
    agents = _find(wiring, agent, adds=True)
    text = "" if hours.strip().casefold() == "none" else hours
    try:
        zone = zone_named(timezone) if timezone else None
        agents = [wiring.registry.set_shift(one, text, zone=zone) for one in agents]
    except ValueError as error:
        raise WrongUse(str(error)) from None
    _tell(wiring, agents, as_json=as_json)


def _find(wiring: Wiring, named: list[str], *, adds: bool) -> list[Agent]:
    registry = wiring.registry
    if named == ["all"]:
        return registry.all()
    return [registry.find_or_add(one) if adds else registry.find(one) for one in named]


def _end(wiring: Wiring, for_: str | None, until: str | None) -> float | None:
    if for_ is not None:
        try:
            return wiring.db.now() + seconds_in(for_, longest_days=365)
        except ValueError as error:
            raise WrongUse(f"--for: {error}") from None
    if until is None:
        return None
    zone = wiring.zone
    return read_instant("--until", until, zone).timestamp()


def _tell(wiring: Wiring, agents: list[Agent], *, as_json: bool) -> None:
    where = wiring.presences.of(agents)
    if as_json:
        say_json([_as_json(*one) for one in zip(agents, where, strict=True)])
        return
    zone = wiring.zone
    for agent, at in zip(agents, where, strict=True):
        until = f" until {weekday(at.until, zone)}" if at.until else ""
        name = f"{agent.name} ({agent.number})" if agent.name else agent.number
        say(f"{escape(name)} is {_WORDS[at.state]}{until}.")
    if not agents:
        say("No agent is registered.")


def _as_json(agent: Agent, at: Whereabouts) -> dict[str, Any]:
    return {
        "agent_id": agent.id,
        "agent": agent.number,
        "name": agent.name,
        "state": at.state,
        "reason": at.reason,
        "since": iso(at.since),
        "until": iso(at.until),
        "by": at.by,
        "groups": list(agent.groups),
        "languages": list(agent.languages),
        "skills": list(agent.skills),
        "shift": str(agent.shift) if agent.shift else None,
        "timezone": agent.shift.zone.key if agent.shift else None,
        "most_calls_a_day": agent.most_calls_a_day or None,
    }

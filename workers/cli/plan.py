"""`dialer campaign plan`: what a list would take, before it is loaded."""

from collections import Counter
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import typer

from campaigns.agents.team import is_team
from campaigns.campaign_rules import CampaignRules
from campaigns.lists.judged_rows import Chunk
from campaigns.lists.team_cells import LooseTeams
from campaigns.outlook.plan import Assumptions, Plan
from campaigns.rules_in_words import span_in_words
from workers.cli.faults import WrongUse
from workers.cli.list_options import GivenList, ListFile, takes_list
from workers.cli.printing import AsJson, plain_table, progress, say, say_json, show
from workers.cli.rules import GivenRules, campaign_rules, takes_rules
from workers.cli.session import open_wiring
from workers.planning import planned

_USUAL = Assumptions()
_assuming = partial(typer.Option, rich_help_panel="Assumptions")


@takes_rules
@takes_list
def plan(
    file: ListFile,
    *,
    agent_answers: Annotated[
        float, _assuming(help="Share of calls agents take, 0–1.")
    ] = _USUAL.agent_answers,
    customer_answers: Annotated[
        float, _assuming(help="The same of customers.")
    ] = _USUAL.customer_answers,
    talk: Annotated[float, _assuming(help="Mean conversation, s.")] = _USUAL.talk_s,
    ring: Annotated[float, _assuming(help="Mean ringing until an answer, s.")] = _USUAL.ring_s,
    as_json: AsJson = False,
    given_list: GivenList,
    given: GivenRules,
) -> None:
    """Forecast a campaign: how long it takes, what binds, how many calls each agent has.

    Nothing is written. The figures are what is expected under the assumptions; other campaigns
    that run at the same time share the limit and are left aside.

    **Example**

      dialer campaign plan contacts.csv --hours 10:00-18:00 --customer-answers 0.3 --talk 90
    """
    wiring = open_wiring()
    rules = campaign_rules(wiring.settings, given)
    try:
        assumptions = Assumptions(agent_answers, customer_answers, talk, ring)
    except ValueError as error:
        raise WrongUse(str(error)) from None
    contacts: Counter[str] = Counter()

    def count(chunk: Chunk) -> None:
        contacts.update(contact.agent for contact in chunk.accepted)

    options = given_list.as_options(again=True)
    with file.open("rb") as opened, progress(f"Reading {file.name}") as on_share:
        judged = wiring.loading.check(
            opened, rules=rules, options=options, on_progress=on_share, on_chunk=count
        )
    teams = judged.contact_list.teams if judged.contact_list else LooseTeams()
    of_teams = [(team, count) for one, count in contacts.items() if (team := teams.team_of(one))]
    of_agents = {one: count for one, count in contacts.items() if not is_team(one)}
    at_s = wiring.db.now()
    found = planned(wiring, rules, of_agents, of_teams, at_s=at_s, assumptions=assumptions)
    if as_json:
        say_json(_as_json(found, assumptions))
    else:
        _tell(found, rules)


def _tell(plan: Plan, rules: CampaignRules) -> None:
    fewest, mean, most = plan.calls_per_agent
    if not plan.contacts:
        say("Nobody would be called: every row is rejected or a duplicate.")
        return
    if plan.starts_at is None:
        say("The calling hours never open.")
        return
    if plan.done_at is None:
        say("It would not be done within a year.")
        return
    took = span_in_words((plan.done_at - plan.starts_at).total_seconds() // 60 * 60 or 60)
    say(
        f"[bold]{plan.contacts:,} contacts[/bold] of {plan.agents:,} agents: started "
        f"{_local(plan.starts_at, rules)}, done about {_local(plan.done_at, rules)}, "
        f"[bold]{took}[/bold] later."
    )
    say(
        f"{plan.requests:,.0f} calls, {plan.connected:,.0f} contacts connected; each agent has "
        f"{mean:,.0f} calls, the fewest {fewest:,.0f}, the most {most:,.0f}."
    )
    say(f"\n[bold]{plan.bounds[0].sentence}[/bold] That binds first:")
    table = plain_table("constraint", "alone it would be done", "because")
    for bound in plan.bounds:
        table.add_row(bound.constraint, _local(bound.done_at, rules), bound.sentence)
    show(table)
    if plan.left_at_end:
        say(f"\n[yellow]About {plan.left_at_end:,} contacts still wait when it ends.[/yellow]")
    say(f"\n[dim]Assuming {plan.assuming}; calls placed only in calling hours.[/dim]")


def _local(at: datetime, rules: CampaignRules) -> str:
    return f"{at.astimezone(rules.zone):%a %d %b %H:%M %Z}"


def _as_json(plan: Plan, assumptions: Assumptions) -> dict[str, Any]:
    fewest, mean, most = plan.calls_per_agent
    starts_at, done_at = plan.starts_at, plan.done_at
    return {
        "contacts": plan.contacts,
        "agents": plan.agents,
        "calls": round(plan.requests),
        "connected": round(plan.connected),
        "calls_per_agent": {
            "fewest": round(fewest, 1),
            "mean": round(mean, 1),
            "most": round(most, 1),
        },
        "starts_at": starts_at,
        "done_at": done_at,
        "duration_s": round((done_at - starts_at).total_seconds())
        if done_at and starts_at
        else None,
        "binding": plan.bounds[0].constraint if plan.bounds else None,
        "bounds": [
            {"constraint": one.constraint, "done_at": one.done_at, "why": one.sentence}
            for one in plan.bounds
        ],
        "left_at_end": plan.left_at_end,
        "assumptions": asdict(assumptions),
    }

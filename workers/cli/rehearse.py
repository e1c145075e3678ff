"""`dialer rehearse`: the user's own list and rules against the simulator, on a fast clock."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from campaigns.campaign import CampaignState
from campaigns.campaign_rules import CampaignRules
from campaigns.contact_state import ContactState
from campaigns.outlook.rehearsal import rehearsed
from dialer.ids import ContactId
from dialer.loading.loading import LoadOptions
from dialer.settings import Settings
from dialer.simulator import Fate, SimulatorOptions
from dialer.steering.calling_back import call_back
from dialer.store import Campaign
from dialer.store.snapshot import contact_lines
from workers.cli.faults import JobFailed, WrongUse
from workers.cli.in_sandbox import (
    follow,
    log_folder,
    report,
    tell_result,
    undo_on_signals,
    wait_until_up,
)
from workers.cli.list_options import GivenList, ListFile, takes_list
from workers.cli.lists import tell_judgement
from workers.cli.printing import progress, say
from workers.cli.rehearsed_agents import people_groups, take_agents
from workers.cli.rules import GivenRules, campaign_rules, takes_rules
from workers.cli.session import read_users_settings
from workers.cli.simulator import read_weights, read_whole_span
from workers.instants import instant
from workers.sandbox import staged
from workers.wiring import Wiring

_PREFIX = "rehearsal-"
_NAME_CHARS = 40
_LOOKUP_AFTER_CALL_S, _LOOKUP_EVERY_CALL_S, _VALUES_AFTER_CALL_S = 120, 60, 150
_DAY_CAPS = tuple(f"DIALER_MAX_{what}_PER_DAY" for what in ("CALLS", "MINUTES", "SPEND"))
_simulated = partial(typer.Option, rich_help_panel="The simulated calls")


@takes_rules
@takes_list
def rehearse(
    file: ListFile,
    *,
    out: Annotated[
        Path, typer.Option(file_okay=False, help="Folder of the reports and the processes' logs.")
    ] = Path("out"),
    speed: Annotated[float, typer.Option(min=1, max=200, help="Seconds that pass in one.")] = 30.0,
    within: Annotated[float, typer.Option(help="Give up after so many minutes.")] = 60.0,
    outcome: Annotated[
        list[str] | None,
        _simulated(
            metavar="FATE=WEIGHT", help=f"Replaces the usual mix. Fates: {', '.join(Fate)}."
        ),
    ] = None,
    talk: Annotated[str, _simulated(metavar="FROM-TO", help="Talking, s.")] = "10-180",
    agents: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            readable=True,
            help="List of agents, as `dialer agents load` takes it; without it groups have made-up ones.",
        ),
    ] = None,
    seed: Annotated[int, _simulated(help="Decides each call's fate.")] = 0,
    given_list: GivenList,
    given: GivenRules,
) -> None:
    """Rehearse a campaign: your list and your rules, no phone rings, time passes faster.

    The real processes run in a folder of their own against the simulator, and the same reports
    are written, marked as a rehearsal. Your account, your Redis and your campaigns are not
    touched; suppression lists are not asked.

    **Example**

      dialer rehearse contacts.csv --max-attempts 2 --retry customer_busy=10mx2 --outcome connected=1
    """
    settings = read_users_settings()
    rules = campaign_rules(settings, given)
    simulator = _simulator(settings, speed=speed, outcome=outcome or (), talk=talk, seed=seed)
    options = given_list.as_options(again=True)
    file, out = file.resolve(), out.resolve()
    agents = agents.resolve() if agents else None
    undo_on_signals()
    with staged(log_folder(out), simulator, _environment(settings, rules, simulator)) as stage:
        wait_until_up(stage)
        if agents:
            take_agents(stage.wiring.registry, agents)
        else:
            options = replace(options, new_groups=True)
        campaign = _load(stage.wiring, file, rules, options, speed=speed)
        say(f"\nThe web page, while this runs: [link]{stage.page_url}[/link]\n")
        follow(stage, campaign, within_s=within * 60)
        written = report(stage, campaign, out)
        say("\n[bold]This was a rehearsal: no phone rang.[/bold]")
        all_hold = tell_result(stage, campaign, written)
    if not all_hold:
        raise JobFailed(f"our books and the simulator's differ; the logs are in {out / 'logs'}")


def _simulator(
    settings: Settings, *, speed: float, outcome: Sequence[str], talk: str, seed: int
) -> SimulatorOptions:
    usual = SimulatorOptions()
    try:
        return SimulatorOptions(
            speed=speed,
            seed=seed,
            rate_limit=settings.exotel_rate_limit,
            rate_window_s=settings.exotel_rate_window_s / speed,
            outcomes=read_weights(outcome, Fate) or usual.outcomes,
            talk_s=read_whole_span(talk),
            latency_ms=(5, 20),
        )
    except ValueError as error:
        raise WrongUse(str(error)) from None


def _environment(
    settings: Settings, rules: CampaignRules, simulator: SimulatorOptions
) -> dict[str, str]:
    """Take over what decides how rows are judged and paced; scale what counts in seconds."""
    speed = simulator.speed
    return {
        "EXOTEL_CALLER_ID": rules.caller_id,
        "EXOTEL_RATE_LIMIT": str(settings.exotel_rate_limit),
        "EXOTEL_RATE_WINDOW_S": str(simulator.rate_window_s),
        "EXOTEL_MAX_CONCURRENT_CALLS": str(settings.exotel_max_concurrent_calls),
        "DIALER_ALLOWED_COUNTRIES": ",".join(settings.dialer_allowed_countries),
        "DIALER_DEFAULT_COUNTRY": settings.dialer_default_country,
        "DIALER_ALLOWED_URL_HOSTS": ",".join(settings.dialer_allowed_url_hosts),
        "DIALER_MAX_TIME_LIMIT_S": str(settings.dialer_max_time_limit_s),
        "DIALER_MAX_ATTEMPTS_ALLOWED": str(settings.dialer_max_attempts_allowed),
        # a rehearsal's days are minutes long
        **dict.fromkeys(_DAY_CAPS, "0"),
        "DIALER_CALLING_HOURS": "always",
        "DIALER_LOOKUP_AFTER_S": str(_LOOKUP_AFTER_CALL_S / speed),
        "DIALER_LOOKUP_EVERY_S": str(max(1.0, _LOOKUP_EVERY_CALL_S / speed)),
        "DIALER_FINAL_VALUES_AFTER_S": str(_VALUES_AFTER_CALL_S / speed),
        "DIALER_CALL_SPEED": str(speed),
    }


def _load(
    wiring: Wiring, file: Path, rules: CampaignRules, options: LoadOptions, *, speed: float
) -> Campaign:
    rehearsal = rehearsed(rules, speed=speed)
    name = f"{_PREFIX}{file.stem}"[:_NAME_CHARS]
    with file.open("rb") as opened, progress(f"Reading {escape(file.name)}") as on_share:
        loaded = wiring.loading.load(
            opened, name=name, rules=rehearsal.rules, options=options, on_progress=on_share
        )
    tell_judgement(loaded)
    campaign = wiring.campaigns.find(name)
    say("\n[bold]A rehearsal differs from the campaign:[/bold]")
    for difference in rehearsal.differences:
        say(f"  {escape(difference)}")
    limit, window_s = wiring.allowance.requests, wiring.allowance.window_s
    say(f"  The request limit is {limit} in {window_s:g} s, for {limit} in {window_s * speed:g} s.")
    if agents_made := people_groups(wiring):
        say(f"  Made-up agents stand in for {escape(', '.join(agents_made[:5]))}.")
    say("  Agents are always at work: shifts, breaks and their calls of a day are left out.")
    if early := sum(1 for _ in _called_at_once(wiring, campaign)):
        say(f"  {early:,} contacts with a not-before are called at once.")
    wiring.campaigns.move(campaign, CampaignState.RUNNING)
    return campaign


def _called_at_once(wiring: Wiring, campaign: Campaign) -> Iterator[ContactId]:
    """Call contacts that were to wait for a day that does not come."""
    now_s = wiring.db.now()
    for line in contact_lines(wiring.db, campaign.id, size=campaign.accepted):
        if line.record.state is ContactState.WAITING and line.record.due_s > now_s:
            id_ = ContactId(campaign.id, line.n)
            call_back(wiring.db, id_, instant(now_s))
            yield id_

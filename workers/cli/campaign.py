"""`dialer campaign …`: list, status, start, pause, resume, cancel."""

import shlex
from typing import Annotated, Any

import typer
from rich.markup import escape

from campaigns.campaign import CampaignState
from campaigns.plain_text import LONGEST_REASON, plain_line
from campaigns.tags import has_tags
from dialer.store import Campaign, Counts
from dialer.store.archived import count_archived
from dialer.store.campaign import PARTS, WrongState
from workers.cli.completing import campaigns
from workers.cli.faults import WrongUse
from workers.cli.printing import AsJson, note, plain_table, say, say_json, show
from workers.cli.session import open_accounts, open_wiring, store_of, terminal_user
from workers.cli.status_view import panel, rules_panel, state_shown
from workers.wiring import Wiring

Name = Annotated[
    str,
    typer.Argument(metavar="CAMPAIGN", help="Its id or its name.", shell_complete=campaigns),
]
Why = Annotated[str, typer.Option(help="Kept with the campaign, for those who ask later.")]


def list_(
    *,
    tag: Annotated[
        list[str] | None, typer.Option(help="Only those with this tag; of several, with all.")
    ] = None,
    archived: Annotated[bool, typer.Option("--archived", help="List those archived.")] = False,
    most: Annotated[int, typer.Option(min=1, help="So many archived ones at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List campaigns, the newest first; of several accounts, one account after the other."""
    wirings = open_accounts()
    found = [
        (one.name, *line)
        for one in wirings
        for line in (one.campaigns.archived(0, most) if archived else one.campaigns.counted())
        if has_tags(line[0].tags, tag or ())
    ]
    apart = 0 if archived else sum(count_archived(one.db) for one in wirings)
    if as_json:
        say_json(
            [
                {
                    "account": account,
                    **_plain(campaign),
                    "tags": list(campaign.tags),
                    "archived": campaign.archived_at is not None,
                    **_shown(counts),
                }
                for account, campaign, counts in found
            ]
        )
        return
    if not found and tag:
        tags = " and ".join(map(escape, tag))
        say(f"No campaign has the tag {tags}.")
        return
    if not found and not apart:
        store = escape(store_of(wirings[0].settings))
        say(f"No campaigns yet in {store}. Load one: dialer campaign load FILE --name NAME")
        return
    numbers = tuple(name.replace("_", " ") for name in _NUMBERS)
    several = ("account",) if len(wirings) > 1 else ()
    tagged = ("tags",) if any(campaign.tags for _, campaign, _ in found) else ()
    table = plain_table(*several, "id", "name", *tagged, "state", *numbers, numbers=numbers)
    for account, campaign, counts in found:
        table.add_row(
            *(escape(account) for _ in several),
            campaign.id,
            escape(campaign.name),
            *(escape(", ".join(campaign.tags)) for _ in tagged),
            state_shown(campaign),
            *(f"{number:,}" for number in _shown(counts).values()),
        )
    if found:
        show(table)
    if apart:
        say(f"{apart:,} archived: dialer campaign list --archived")


def status(
    campaign: Name,
    *,
    watching: Annotated[
        bool, typer.Option("--watch", "-w", help="Stay and follow it until it ends; Ctrl-C leaves.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show where a campaign stands, what binds it now, and when it will be done.

    The words of **blocked_by** in JSON: loading, not_started, paused, redis_refuses,
    no_feeder, no_worker, settings_differ, hold, stopped, account_caps, hours, caps, blocked,
    channels, agents, retry_timers, limit, calls, quarantine; null when nothing is left.
    """
    if watching and as_json:
        raise WrongUse("--watch is for people and --json for programs: choose one")
    wiring = open_wiring()
    if watching:
        from workers.cli.watching import watch  # noqa: PLC0415 - Rich's live display is for it alone

        watch(wiring, campaign)
        return
    found = wiring.statuses.of(campaign)
    if as_json:
        say_json(found.as_json())
    else:
        show(panel(found, wiring.pacing.history(minutes=5), wiring.allowance))
        show(rules_panel(found.campaign.rules, version=found.campaign.rules_version))


def tag(
    campaign: Name,
    tags: Annotated[
        list[str] | None, typer.Argument(metavar="[TAG]...", help="To put on it.")
    ] = None,
    *,
    remove: Annotated[list[str] | None, typer.Option(help="A tag to take off it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Put tags on a campaign, or take them off; without either, show them.

    **Examples**

      dialer campaign tag diwali north renewals

      dialer campaign tag diwali --remove north
    """
    wiring = open_wiring()
    found = wiring.campaigns.find(campaign)
    if tags or remove:
        from dialer.steering.tagging import tag as put_tags  # noqa: PLC0415 - few ask for it

        found = put_tags(wiring.campaigns, found, tags or (), remove or ())
    if as_json:
        say_json({**_plain(found), "tags": list(found.tags)})
        return
    say(f"{escape(found.name)}: {escape(', '.join(found.tags)) or 'no tags'}")


def start(campaign: Name, *, as_json: AsJson = False) -> None:
    """Start a loaded or paused campaign; starting twice changes nothing."""
    _steer(campaign, CampaignState.RUNNING, as_json=as_json)


def pause(campaign: Name, *, why: Why = "", as_json: AsJson = False) -> None:
    """Pause: no new call after less than a second; live calls end as usual."""
    _steer(campaign, CampaignState.PAUSED, why=why, as_json=as_json)


def resume(campaign: Name, *, as_json: AsJson = False) -> None:
    """Go on with a paused campaign."""
    wiring = open_wiring()
    found = wiring.campaigns.find(campaign)
    if found.state is CampaignState.LOADED:
        raise WrongState(
            f"campaign {found.name} has not been started; "
            f"dialer campaign start {shlex.quote(found.name)}",
            state=found.state,
        )
    _steer(campaign, CampaignState.RUNNING, as_json=as_json)


def cancel(campaign: Name, *, why: Why = "", as_json: AsJson = False) -> None:
    """Cancel for good: waiting contacts are closed as cancelled, live calls end as usual."""
    _steer(campaign, CampaignState.CANCELLING, why=why, as_json=as_json)


def _steer(name: str, to: CampaignState, *, why: str = "", as_json: bool) -> None:
    wiring = open_wiring()
    campaign = wiring.campaigns.find(name)
    if to is CampaignState.RUNNING:
        wiring.starting.start(campaign, who=terminal_user())
    else:
        wiring.campaigns.move(campaign, to, why=plain_line(why, "--why", most=LONGEST_REASON))
    say_steered(wiring, campaign.id, as_json=as_json)


def say_steered(wiring: Wiring, campaign: str, *, as_json: bool) -> None:
    """Print where a campaign stands after a change of state."""
    found = wiring.statuses.of(campaign)
    if as_json:
        say_json(_plain(found.campaign))
        return
    say(f"{escape(found.campaign.name)} is {found.campaign.state}.")
    if found.binding and found.campaign.state is CampaignState.RUNNING:
        note(f"[dim]{escape(found.binding.at_a_terminal)}[/dim]")


_NUMBERS = ("accepted", *PARTS)


def _shown(counts: Counts) -> dict[str, int]:
    return {name: getattr(counts, name) for name in _NUMBERS}


def _plain(campaign: Campaign) -> dict[str, Any]:
    return {
        "campaign_id": campaign.id,
        "name": campaign.name,
        "state": campaign.state,
        "why": campaign.why or None,
    }

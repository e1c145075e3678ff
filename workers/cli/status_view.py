"""A campaign's status as a panel for the terminal."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from campaigns.attempt import AGENT_SIDE, CUSTOMER_SIDE, PROVIDER_SIDE, Outcome
from campaigns.campaign import CampaignState
from campaigns.campaign_rules import CampaignRules
from campaigns.outlook.forecast import Forecast
from campaigns.rules_in_words import rules_in_words
from dialer.pacing import Allowance
from dialer.store import Campaign
from dialer.watching.status import Status

History = Sequence[tuple[int, int, int]]
"""Of each second: epoch second, requests, refusals."""

_WIDTH = 100
_BAR_CELLS = 60
_SPARK_CELLS, _SPARK_CELL_S = 30, 10
_SPARKS = " ▁▂▃▄▅▆▇█"
_STYLES = {
    "final": "green",
    "open": "yellow",
    "in_flight": "cyan",
    "unresolved": "magenta",
    "waiting": "grey37",
}
_STATE_STYLES = {
    CampaignState.RUNNING: "bold cyan",
    CampaignState.PAUSED: "bold yellow",
    CampaignState.CANCELLING: "bold yellow",
    CampaignState.CANCELLED: "bold red",
    CampaignState.COMPLETED: "bold green",
}


def panel(status: Status, history: History, allowance: Allowance) -> Panel:
    """Draw it.

    Args:
        history: Of the last five minutes.
    """
    campaign = status.campaign
    style = _STATE_STYLES.get(campaign.state, "bold")
    return Panel(
        Group(
            _bar(status),
            _sums(status),
            Text(),
            _facts(status, history, allowance),
            *_outcomes(status.counts.attempt_outcomes),
        ),
        title=f"[bold]{escape(campaign.name)}[/bold] · [{style}]{state_shown(campaign)}[/{style}]",
        title_align="left",
        subtitle=f"[dim]{campaign.id}[/dim]",
        subtitle_align="right",
        border_style="dim",
        padding=(1, 2),
        width=_WIDTH,
    )


def state_shown(campaign: Campaign) -> str:
    """Give a campaign's state, and whether its contacts are in files by now."""
    return campaign.state if campaign.archived_at is None else f"{campaign.state}, archived"


def rules_table(rules: CampaignRules) -> Table:
    """Lay a campaign's rules out in words."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for topic, words in rules_in_words(rules).items():
        table.add_row(topic, escape(words.replace("; ", "\n") if topic == "retries" else words))
    return table


def rules_panel(rules: CampaignRules, *, version: int) -> Panel:
    """Draw a campaign's rules below its status."""
    return Panel(
        rules_table(rules),
        title=f"rules, version {version}",
        title_align="left",
        border_style="dim",
        padding=(0, 2),
        width=_WIDTH,
    )


def line(status: Status) -> str:
    """Say it in one line, for a log."""
    counts = status.counts
    bound = f" · {status.binding.at_a_terminal}" if status.binding else ""
    return (
        f"{status.campaign.state}: {counts.final:,} of {counts.accepted:,} final, "
        f"{counts.in_flight} in flight, {counts.unresolved} unresolved, {counts.open} open, "
        f"{status.rate.last_60_s} requests in the last minute{bound}"
    )


def sparkline(history: History, *, until_s: float, allowance: Allowance) -> str:
    """Draw the requests of the last five minutes against the limit, ten seconds a mark."""
    full = allowance.requests * _SPARK_CELL_S / allowance.window_s
    sums = [0] * _SPARK_CELLS
    for second, requests, _ in history:
        cell = _SPARK_CELLS - 1 - int((until_s - second) // _SPARK_CELL_S)
        if 0 <= cell < _SPARK_CELLS:
            sums[cell] += requests
    return "".join(_spark(number / full) for number in sums)


def _spark(share: float) -> str:
    top = len(_SPARKS) - 1
    return _SPARKS[0] if share <= 0 else _SPARKS[max(1, min(top, round(share * top)))]


def _bar(status: Status) -> Text:
    counts = status.counts
    bar = Text()
    if not counts.accepted:
        return bar
    filled = 0
    before = 0
    for state, style in _STYLES.items():
        # rounding the running sum keeps the bar's length whatever the shares are
        before += getattr(counts, state)
        upto = round(_BAR_CELLS * before / counts.accepted)
        bar.append("━" * (upto - filled), style=style)
        filled = upto
    bar.append(f"  {counts.final / counts.accepted:.0%}", style="bold")
    return bar


def _sums(status: Status) -> Text:
    """Write the sum out: it adds up at every instant."""
    counts = status.counts
    sums = Text(f"{counts.accepted:,} accepted =")
    for number, state in enumerate(reversed(_STYLES)):
        sums.append(" + " if number else " ")
        sums.append(f"{getattr(counts, state):,} {state.replace('_', ' ')}", style=_STYLES[state])
    if status.campaign.loading:
        sums.append(f"   ({status.campaign.loading:,} of them still loading)", style="dim")
    return sums


def _facts(status: Status, history: History, allowance: Allowance) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    if status.binding:
        table.add_row("now", Text(status.binding.at_a_terminal, style="bold"))
    if status.forecast:
        table.add_row("done", _done(status, status.forecast))
    spark = sparkline(history, until_s=status.as_of, allowance=allowance)
    refused = f", {status.rate.refused_60_s} refused" if status.rate.refused_60_s else ""
    limit = status.rate.limit * 60 / allowance.window_s
    table.add_row(
        "requests", f"{status.rate.last_60_s} in 60 s of {limit:g}{refused}  [cyan]{spark}[/cyan]"
    )
    if status.is_over:
        return table
    agents = status.agents
    table.add_row(
        "agents",
        f"{agents.free} free · {agents.on_call} on a call · {agents.resting} resting · "
        f"{agents.parked} parked · {agents.away} away "
        "[dim](with a contact due)[/dim]",
    )
    if status.timers.first_due_at:
        many = "many" if status.timers.contacts is None else f"{status.timers.contacts:,}"
        next_at = datetime.fromtimestamp(status.timers.first_due_at, status.campaign.rules.zone)
        table.add_row("due later", f"{many}, the next at {next_at:%d %b %H:%M:%S}")
    if status.callbacks_waiting:
        table.add_row("callbacks", f"{status.callbacks_waiting:,} to settle")
    lives = status.processes
    shown = " · ".join(f"{role} {number}" for role, number in sorted(lives.by_role.items()))
    table.add_row("processes", escape(lives.says) or shown or "[red]none[/red]")
    return table


def _done(status: Status, forecast: Forecast) -> Text:
    done_at = forecast.done_at.astimezone(status.campaign.rules.zone)
    left = timedelta(seconds=max(0, round(done_at.timestamp() - status.as_of)))
    text = Text(f"in about {_words(left)}, {done_at:%d %b %H:%M}")
    text.append(f"  ({forecast.assuming})", style="dim")
    return text


def _words(span: timedelta) -> str:
    if span < timedelta(seconds=100):
        return f"{span.seconds} s"
    minutes = round(span.total_seconds() / 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _outcomes(outcomes: Mapping[str, int]) -> Iterator[RenderableType]:
    """Lay the attempts' outcomes out, both sides apart."""
    if not outcomes:
        return
    total = sum(outcomes.values())
    connected = outcomes.get(Outcome.CONNECTED, 0)
    yield Text()
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    table.add_row(
        "connected",
        f"[green]{connected:,}[/green] of {total:,} ended attempts, {connected / total:.0%}",
    )
    sides = {
        "customer side": CUSTOMER_SIDE,
        "agent side": AGENT_SIDE,
        "otherwise": PROVIDER_SIDE | {Outcome.UNKNOWN},
    }
    for side, members in sides.items():
        counted = [
            f"{outcome.removeprefix('customer_').removeprefix('agent_').replace('_', ' ')} {number:,}"
            for outcome, number in sorted(outcomes.items(), key=lambda item: -item[1])
            if outcome in members and number
        ]
        if counted:
            table.add_row(side, " · ".join(counted))
    yield table

"""`dialer demo`: everything at once, with nothing at stake."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from campaigns.campaign import CampaignState
from dialer.clock import boottime_s
from dialer.loading import LoadOptions
from dialer.store import Campaign
from workers.cli.faults import JobFailed
from workers.cli.lists import tell_judgement
from workers.cli.printing import console, plain_table, say, show
from workers.cli.rules import campaign_rules
from workers.cli.watching import Follower
from workers.demo import RETRIES, Stage, agreements, sample_list, staged

if TYPE_CHECKING:
    from workers.reports import ReportSet

_NAME = "sample"
_LOOK_EVERY_S = 0.5
_UP_WITHIN_S = 60.0
_DONE_WITHIN_S = 300.0
_FINAL_WITHIN_S = 30.0


def add_to(app: typer.Typer) -> None:
    """Add the command to `dialer`."""
    app.command()(demo)


def demo(
    *,
    out: Annotated[
        Path, typer.Option(file_okay=False, help="Folder of the reports and the processes' logs.")
    ] = Path("out"),
) -> None:
    """Dial a sample campaign against a simulated Exotel, in about a minute.

    Starts an embedded Redis-compatible server, the simulator and every process, loads sixty
    agent–customer pairs, shows them being dialled, writes the reports, and holds them against the
    simulator's own books. Needs no account, no server and no network, and leaves nothing running.
    """
    out = out.resolve()
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _end_as_by_ctrl_c)
    with staged(_fresh(out / "logs")) as stage:
        _wait_until_up(stage)
        campaign = _load(stage)
        say(f"\nThe web page, while this runs: [link]{stage.page_url}[/link]\n")
        _follow(stage, campaign)
        written = _report(stage, campaign, out)
        all_hold = _tell_result(stage, campaign, written)
    if not all_hold:
        raise JobFailed(f"our books and the simulator's differ; the logs are in {out / 'logs'}")


def _wait_until_up(stage: Stage) -> None:
    with console(stderr=True).status("Starting the server, the simulator and four processes …"):
        _wait(stage, stage.is_up, within_s=_UP_WITHIN_S, what="the processes did not start")


def _load(stage: Stage) -> Campaign:
    wiring = stage.wiring
    with sample_list() as file:
        loaded = wiring.loading.load(
            file,
            name=_NAME,
            rules=campaign_rules(wiring.settings, {"retry": RETRIES}),
            options=LoadOptions(),
        )
    tell_judgement(loaded)
    campaign = wiring.campaigns.find(_NAME)
    wiring.campaigns.move(campaign, CampaignState.RUNNING)
    return campaign


def _follow(stage: Stage, campaign: Campaign) -> None:
    with Follower(stage.wiring, campaign.id) as follower:
        _wait(
            stage,
            lambda: follower.look().is_over,
            within_s=_DONE_WITHIN_S,
            what="the campaign did not end",
        )


def _report(stage: Stage, campaign: Campaign, out: Path) -> "ReportSet":
    from workers.reports import Format, report_to  # noqa: PLC0415 - pandas takes a while

    wiring = stage.wiring
    with console(stderr=True).status("Fetching the calls' prices, writing the reports …"):
        _wait(
            stage,
            lambda: not wiring.statuses.of(campaign.id).values_late,
            within_s=_FINAL_WITHIN_S,
            what="the calls' prices did not come",
        )
        return report_to(
            out, wiring, wiring.campaigns.find(campaign.id), formats=(Format.CSV, Format.HTML)
        )


def _tell_result(stage: Stage, campaign: Campaign, written: "ReportSet") -> bool:
    """Print outcomes, sums and agreements; tell whether all of these hold."""
    counts = stage.wiring.campaigns.counts(campaign.id)
    table = plain_table("outcome", "attempts", "contacts", numbers=("attempts", "contacts"))
    for outcome in sorted(
        counts.attempt_outcomes | counts.outcomes,
        key=lambda one: -counts.attempt_outcomes.get(one, 0),
    ):
        ended, closed = counts.attempt_outcomes.get(outcome, 0), counts.outcomes.get(outcome, 0)
        table.add_row(outcome.replace("_", " "), str(ended or "–"), str(closed or "–"))
    say()
    show(table)
    say()
    for one in written.sums:
        say(f"[green]✓[/green] {escape(str(one))}")
    say("\nThe simulator's own books agree:")
    found = agreements(stage, campaign)
    for agreement in found:
        say(f"{'[green]✓[/green]' if agreement.holds else '[red]✗[/red]'} {agreement.says}")
    say("\nReports:")
    for file in written.files:
        say(f"  {escape(str(file))}")
    return all(agreement.holds for agreement in found)


def _wait(stage: Stage, condition: Callable[[], bool], *, within_s: float, what: str) -> None:
    give_up_at_s = boottime_s() + within_s
    while not condition():
        if boottime_s() > give_up_at_s:
            raise JobFailed(f"{what} within {within_s:g} s; the logs are in {stage.log_dir}")
        stage.processes.poll(_LOOK_EVERY_S)


def _fresh(log_dir: Path) -> Path:
    """Empty the folder of what an earlier demo said."""
    log_dir.mkdir(parents=True, exist_ok=True)
    for file in log_dir.glob("*.log"):
        file.unlink()
    return log_dir


def _end_as_by_ctrl_c(_signum: int, _frame: object) -> None:
    raise KeyboardInterrupt

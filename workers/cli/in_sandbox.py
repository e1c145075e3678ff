"""What `dialer demo` and `dialer rehearse` share: waiting, watching, and telling how it ended."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from dialer.clock import boottime_s
from dialer.store import Campaign
from workers.cli.faults import JobFailed
from workers.cli.printing import console, plain_table, say, show
from workers.cli.watching import Follower
from workers.sandbox import Sandbox, agreements
from workers.stopping import STOPS, hear

if TYPE_CHECKING:
    from workers.reports import ReportSet

_LOOK_EVERY_S = 0.5
_UP_WITHIN_S = 180.0  # a machine with a third of a core to spare takes more than one minute
_FINAL_WITHIN_S = 90.0


def log_folder(out: Path) -> Path:
    """Make the folder of the processes' logs, without what an earlier run said."""
    log_dir = out / "logs"
    log_dir.mkdir(parents=True, exist_ok=True)
    for file in log_dir.glob("*.log"):
        file.unlink()
    return log_dir


def undo_on_signals() -> None:
    """Let every signal that ends this process undo the stage first, and say that it does."""
    hear(_end)


def wait_until_up(stage: Sandbox) -> None:
    """Wait until every process lives."""
    with console(stderr=True).status("Starting the server, the simulator and four processes …"):
        _wait(
            stage,
            stage.is_up,
            within_s=_UP_WITHIN_S,
            what="the processes did not start",
            progress=stage.who_lives,
        )


def follow(stage: Sandbox, campaign: Campaign, *, within_s: float) -> None:
    """Show the campaign until it is over."""
    with Follower(stage.wiring, campaign.id) as follower:
        _wait(
            stage,
            lambda: follower.look().is_over,
            within_s=within_s,
            what="the campaign did not end",
        )


def report(stage: Sandbox, campaign: Campaign, out: Path) -> "ReportSet":
    """Write the reports once all late values are there."""
    from workers.reports import report_to  # noqa: PLC0415 - pandas takes a while

    wiring = stage.wiring

    def late() -> int:
        return wiring.statuses.of(campaign.id).values_late

    with console(stderr=True).status("Fetching the calls' prices, writing the reports …"):
        _wait(
            stage,
            lambda: not late(),
            within_s=_FINAL_WITHIN_S,
            what="the calls' prices did not come",
            progress=late,
        )
        return report_to(out, wiring, wiring.campaigns.find(campaign.id))


def tell_result(stage: Sandbox, campaign: Campaign, written: "ReportSet") -> bool:
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


def _wait(
    stage: Sandbox,
    condition: Callable[[], bool],
    *,
    within_s: float,
    what: str,
    progress: Callable[[], object] = lambda: None,
) -> None:
    """Wait for so long, and as long again each time that there is progress: a busy machine takes its time."""
    came_to, give_up_at_s = progress(), boottime_s() + within_s
    while not condition():
        if (now := progress()) != came_to:
            came_to, give_up_at_s = now, boottime_s() + within_s
        if boottime_s() > give_up_at_s:
            raise JobFailed(f"{what} within {within_s:g} s; the logs are in {stage.log_dir}")
        stage.processes.poll(_LOOK_EVERY_S)


def _end(signum: int, _frame: object) -> None:
    for one in STOPS:  # what is undone hurries already, and must come to its end
        signal.signal(one, signal.SIG_IGN)
    with suppress(OSError):  # a terminal that was closed
        os.write(2, "stopping …\n".encode())  # unbuffered: a print may be what was interrupted
    raise SystemExit(128 + signum)  # as shells have it

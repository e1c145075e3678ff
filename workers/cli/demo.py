"""`dialer demo`: everything at once, with nothing at stake."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from campaigns.campaign import CampaignState
from dialer.loading.loading import LoadOptions
from dialer.store import Campaign
from dialer.store.snapshot import contact_lines
from workers.cli.faults import JobFailed
from workers.cli.in_sandbox import (
    follow,
    log_folder,
    report,
    tell_result,
    undo_on_signals,
    wait_until_up,
)
from workers.cli.lists import tell_judgement
from workers.cli.printing import say
from workers.cli.rules import campaign_rules
from workers.demo import RETRIES, SETTINGS, SIMULATOR, sample_list
from workers.demo_agents import DISPOSITIONS, WITHIN, played_agents
from workers.sandbox import Sandbox, staged

_NAME = "sample"
_DONE_WITHIN_S = 300.0


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
    undo_on_signals()
    with staged(log_folder(out), SIMULATOR, SETTINGS) as stage:
        wait_until_up(stage)
        campaign = _load(stage)
        say(f"\nThe web page, while this runs: [link]{stage.page_url}[/link]")
        with played_agents(stage.wiring, _agents(stage, campaign), stage.page_url) as desk:
            say(f"An agent's own page; some others are played: [link]{desk}[/link]\n")
            follow(stage, campaign, within_s=_DONE_WITHIN_S)
        written = report(stage, campaign, out)
        all_hold = tell_result(stage, campaign, written)
    page = next((one for one in written.files if one.suffix == ".html"), None)
    say("\nThe page ended with the demo. To look again: dialer demo; what came of it stays:")
    say(f"  {escape(str(page))}")
    if not all_hold:
        raise JobFailed(f"our books and the simulator's differ; the logs are in {out / 'logs'}")


def _agents(stage: Sandbox, campaign: Campaign) -> list[str]:
    lines = contact_lines(stage.wiring.db, campaign.id, size=campaign.accepted)
    return list(dict.fromkeys(line.record.agent for line in lines))


def _load(stage: Sandbox) -> Campaign:
    wiring = stage.wiring
    with sample_list() as file:
        loaded = wiring.loading.load(
            file,
            name=_NAME,
            rules=campaign_rules(
                wiring.settings,
                {"retry": RETRIES, "disposition": DISPOSITIONS, "disposition_within_s": WITHIN},
            ),
            options=LoadOptions(),
        )
    tell_judgement(loaded)
    campaign = wiring.campaigns.find(_NAME)
    wiring.campaigns.move(campaign, CampaignState.RUNNING)
    return campaign

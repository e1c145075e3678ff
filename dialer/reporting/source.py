"""What a report is made of: read from Redis, or from the archive once the campaign is there."""

from pathlib import Path

from campaigns.events import EventsTold
from campaigns.reports.occupancy import Presences
from campaigns.reports.subject import Pace
from dialer.archiving.archive import Archive
from dialer.pacing import Allowance
from dialer.reporting.presences import presences_of
from dialer.reporting.reporting import ReportInput
from dialer.store import Attempts, Campaign, Database
from dialer.store.agents import AgentStore
from dialer.store.callback_inbox import orphans_of
from dialer.store.events import told
from dialer.store.imports import Imports
from dialer.store.snapshot import contact_lines, with_teams


def report_source(
    db: Database, campaign: Campaign, allowance: Allowance, *, archives: Path
) -> ReportInput:
    """Open a campaign for one report; contacts and rejected rows are read as it is written.

    Args:
        archives: The folder of all archives.
    """
    archive = None if campaign.archived_at is None else Archive.of(campaign, archives)

    def told_of() -> EventsTold | None:
        return told(db, [campaign.id])[0].of_ends

    def presences(as_of_s: float) -> Presences:
        store = AgentStore(db)
        told = archive.card().presence if archive else None
        if told is None:
            from_s, until_s = campaign.time_span(as_of_s)
            told = store.whereabouts(from_s=from_s, until_s=until_s)
        return presences_of(campaign, store.all(), told, as_of_s=as_of_s)

    imports = Imports(db)
    input_hashes = tuple(one["hash"] for one in imports.history(campaign.id))
    pace = Pace(limit=allowance.requests, window_s=allowance.window_s, ready_s=campaign.ready_s)
    return ReportInput(
        campaign=campaign,
        contacts=with_teams(db, archive.contacts())
        if archive
        else contact_lines(db, campaign.id, size=campaign.accepted),
        rejected=archive.rejected() if archive else imports.rejected_rows(campaign.id),
        input_hashes=input_hashes,
        pace=pace,
        orphans=archive.orphans() if archive else orphans_of(db, campaign.id),
        next_looks={} if archive else Attempts(db).next_looks(campaign.id),
        told=told_of,
        presences=presences,
    )

"""What a report is made of: read from Redis, or from the archive once the campaign is there."""

from pathlib import Path
from typing import cast

from campaigns.report import Pace
from dialer.archive import Archive
from dialer.ids import AttemptId
from dialer.pacing import Allowance
from dialer.report_tables import Orphan
from dialer.reporting import ReportSource
from dialer.store import Campaign, Campaigns, Database
from dialer.store.database import text
from dialer.store.snapshot import contact_lines


def report_source(
    db: Database, campaign: Campaign, allowance: Allowance, *, archives: Path
) -> ReportSource:
    """Open a campaign for one report; contacts and rejected rows are read as it is written.

    Args:
        archives: The folder of all archives.
    """
    campaigns = Campaigns(db)
    input_hashes = tuple(one["hash"] for one in campaigns.imports(campaign.id))
    pace = Pace(limit=allowance.requests, window_s=allowance.window_s, ready_s=campaign.ready_s)
    if campaign.archived_at is not None:
        archive = Archive.of(campaign, archives)
        return ReportSource(
            campaign=campaign,
            contacts=archive.contacts(),
            rejected=archive.rejected(),
            input_hashes=input_hashes,
            pace=pace,
            orphans=archive.orphans(),
        )
    return ReportSource(
        campaign=campaign,
        contacts=contact_lines(db, campaign.id, size=campaign.accepted),
        rejected=campaigns.rejected_rows(campaign.id),
        input_hashes=input_hashes,
        pace=pace,
        orphans=orphans_of(db, campaign.id),
        next_looks=_next_looks(db, campaign.id),
    )


def orphans_of(db: Database, campaign: str) -> list[Orphan]:
    """Read the callbacks for a campaign that belong to no call we know."""
    stored = cast("list[tuple[bytes, dict[bytes, bytes]]]", db.client.xrange(db.key("orphans")))
    found = []
    for id_, fields in stored:
        attempt = AttemptId.parse(text(fields[b"attempt"]))
        if attempt and attempt.campaign == campaign:
            received_at = int(text(id_).partition("-")[0]) / 1000
            found.append(Orphan(str(attempt), text(fields[b"why"]), received_at))
    return found


def _next_looks(db: Database, campaign: str) -> dict[str, float]:
    listed = cast(
        "list[tuple[bytes, float]]", db.client.zrange(db.key("open"), 0, -1, withscores=True)
    )
    return {text(id_): at for id_, at in listed if text(id_).partition("-")[0] == campaign}

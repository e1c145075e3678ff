"""A campaign's report files, from the store to a folder."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

from campaigns.report import DoesNotAddUp, Report
from dialer.report_files import Format
from dialer.report_source import report_source
from dialer.reporting import ReportSet, write_reports
from dialer.store import Campaign
from workers.wiring import Wiring

__all__ = ["DoesNotAddUp", "Format", "ReportSet", "report_to"]


def report_to(
    out: Path,
    wiring: Wiring,
    campaign: Campaign,
    *,
    formats: Collection[Format],
    raw: bool = False,
    bom: bool = False,
    on_share: Callable[[float], None] = lambda _: None,
) -> ReportSet:
    """Write a campaign's report as of now.

    Args:
        raw: As in `write_reports`, as is `bom`.
        on_share: Told how much is done: 0 … 1.

    Raises:
        DoesNotAddUp: A sum does not hold. Nothing was written.
    """
    return write_reports(
        report_source(wiring.db, campaign, wiring.allowance),
        out,
        as_of=datetime.fromtimestamp(wiring.db.now(), UTC),
        formats=formats,
        raw=raw,
        bom=bom,
        render_html=_page() if Format.HTML in formats else None,
        on_progress=lambda done, total: on_share(done / total if total else 1.0),
    )


def _page() -> Callable[[Report], str]:
    from workers.html_report import render_html_report  # noqa: PLC0415 - Plotly takes a while

    return render_html_report

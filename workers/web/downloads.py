"""Files on their way out: rows not taken, and reports, which are written apart and then sent."""

import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response, StreamingResponse

from campaigns.lists.judged_rows import write_rejected
from dialer.reporting.files import Format
from dialer.reporting.tables import STREAMED_KINDS, WHOLE, Kind
from dialer.store import Campaign
from dialer.store.imports import Imports
from workers.web import jobs
from workers.web.access import Visitor
from workers.web.problems import Problem, not_found
from workers.web.services import Services

MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".parquet": "application/vnd.apache.parquet",
}

_FIGURES = frozenset(Kind) - STREAMED_KINDS
"""Tables without a row of the upload."""

REPORT_POLICY = {
    # The page brings a policy of its own, and runs nothing; the sandbox keeps it out of our origin.
    "Content-Security-Policy": "sandbox allow-downloads allow-modals; frame-ancestors 'none'",
}


async def rejected_csv(
    services: Services, campaign: Campaign, *, text_numbers: bool, bom: bool = True
) -> Response:
    """Send the rows that were not taken, ready to be mended and loaded again.

    Raises:
        ArchiveDamaged: The campaign's archive has them, and cannot be read.
    """
    if campaign.archived_at is None:
        rows = Imports(services.wiring.db).rejected_rows(campaign.id)
        lines = write_rejected(campaign.columns, rows, text_numbers=text_numbers, bom=bom)
        return csv_stream(lines, f"{campaign.id}_rejected.csv")

    async def write(folder: Path) -> list[Path]:
        return await services.work(
            jobs.write_not_taken,
            campaign.id,
            account=services.wiring.name,
            out=folder,
            text_numbers=text_numbers,
            bom=bom,
        )

    return await _written(services, write)


def csv_stream(lines: Iterator[str], name: str) -> Response:
    """Send CSV lines as a file.

    Args:
        name: Of our own making, so that it needs no quoting.
    """
    return StreamingResponse(
        lines,
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def report_response(
    services: Services,
    campaign: Campaign,
    kind: str,
    format_: Format,
    visitor: Visitor,
    *,
    text_numbers: bool,
    bom: bool = True,
    inline: bool = False,
) -> Response:
    """Write a table of a campaign's report, or the whole as a page or a workbook, and send it.

    Args:
        kind: A table's, or `report`: all of them.
        bom: Begin a CSV with a byte order mark, for Excel.
        inline: Show the page in the browser instead of saving it.

    Raises:
        Problem: The table has rows, and the visitor may read masked alone; or all tables are asked
            for in a format that has a file for each.
        DoesNotAddUp: A sum does not hold, so there is no report.
    """
    if visitor.is_masked and kind not in _FIGURES and format_ is not Format.HTML:
        raise Problem(403, "scope_missing", "This table takes the scope read.", scope="read")
    if kind == WHOLE and format_ not in {Format.HTML, Format.XLSX}:
        raise not_found(f"The whole report is html or xlsx; {format_} is of a table.")

    async def write(folder: Path) -> list[Path]:
        return await services.work(
            jobs.write_report,
            campaign.id,
            account=services.wiring.name,
            kind=None if kind == WHOLE else Kind(kind),
            format_=format_,
            out=folder,
            masked=visitor.is_masked,
            text_numbers=text_numbers,
            bom=bom,
        )

    return await _written(services, write, inline=inline)


async def _written(
    services: Services, write: Callable[[Path], Awaitable[list[Path]]], *, inline: bool = False
) -> Response:
    """Have a file written into a folder of its own, and send it; nothing of it is left behind."""
    services.reports_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=services.reports_dir))
    try:
        (path,) = await write(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return FileResponse(
        path,
        media_type=MEDIA_TYPES[path.suffix],
        filename=path.name,
        content_disposition_type="inline" if inline else "attachment",
        headers=REPORT_POLICY if path.suffix == ".html" else None,
        background=BackgroundTask(shutil.rmtree, folder, ignore_errors=True),
    )

"""A campaign's report files, from the store to a folder."""

import gc
from collections.abc import Callable, Collection
from pathlib import Path

from campaigns.numbers.mask import NO_MASK, Mask, NumberMask
from campaigns.reports.does_not_add_up import DoesNotAddUp
from campaigns.reports.report import Report
from dialer.reporting.files import Format
from dialer.reporting.reporting import ReportSet, write_reports
from dialer.reporting.tables import ALL_KINDS, Kind
from dialer.settings import Settings
from dialer.store import Campaign
from workers.instants import instant
from workers.record_keeping import source_of
from workers.wiring import Wiring

__all__ = [
    "DoesNotAddUp",
    "Format",
    "ReportSet",
    "collect_garbage_rarely",
    "number_mask",
    "report_to",
]


def report_to(
    out: Path,
    wiring: Wiring,
    campaign: Campaign,
    *,
    formats: Collection[Format] | None = None,
    mask: NumberMask = NO_MASK,
    raw: bool = False,
    bom: bool = False,
    text_numbers: bool = False,
    on_share: Callable[[float], None] = lambda _: None,
) -> ReportSet:
    """Write a campaign's report as of now.

    Args:
        formats: None: a page to read, a workbook, and as CSV the tables that programs ask for.
        mask: As in `write_reports`, as are `raw`, `bom` and `text_numbers`.
        on_share: Told how much is done: 0 … 1.

    Raises:
        DoesNotAddUp: A sum does not hold. Nothing was written.
    """
    collect_garbage_rarely()
    return write_reports(
        source_of(wiring, campaign),
        out,
        as_of=instant(wiring.db.now()),
        formats=_USUAL_FORMATS if formats is None else formats,
        apart=_USUALLY_APART if formats is None else ALL_KINDS,
        mask=mask,
        raw=raw,
        bom=bom,
        text_numbers=text_numbers,
        render_html=_page() if formats is None or Format.HTML in formats else None,
        on_progress=lambda done, total: on_share(done / total if total else 1.0),
    )


_USUAL_FORMATS = (Format.HTML, Format.XLSX, Format.CSV)
_USUALLY_APART = (Kind.SUMMARY, Kind.CONTACTS, Kind.ATTEMPTS)


def collect_garbage_rarely() -> None:
    """Let this process look for cycles of garbage more rarely than Python does by itself.

    A report makes a dozen objects a row, which hold each other but never in a cycle; to look for
    cycles among them was a fifth of its time.
    """
    gc.set_threshold(100_000)


def number_mask(word: str, settings: Settings) -> NumberMask:
    """Make the mask that goes by a word, keyed by the settings.

    Raises:
        ValueError: There is no such mask, or it needs a key.
    """
    if word not in set(Mask):
        raise ValueError(f"use one of {', '.join(Mask)}")
    key = settings.dialer_mask_key.get_secret_value().encode()
    if word == Mask.HASHED and not key:
        raise ValueError("set DIALER_MASK_KEY; without a secret, ten digits are soon guessed")
    return NumberMask(Mask(word), key)


def _page() -> Callable[[Report], str]:
    from workers.html_report import render_html_report  # noqa: PLC0415 - templates take a while

    return render_html_report

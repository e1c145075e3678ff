"""Batches of a table's rows, column by column: what every format of a report is written from."""

from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from campaigns.reports.frames import (
    agents_frame,
    groups_frame,
    hours_frame,
    kpis_frame,
    outcomes_frame,
    summary_frame,
)
from campaigns.reports.report import Report
from campaigns.spreadsheet_safety import SUSPECT, safe_cells
from dialer.reporting.tables import Columns, Kind, Table

Made = TypeVar("Made")


def figures_columns(report: Report, table: Table) -> Columns:
    """Give a table that is small and known only at the end."""
    match table.kind:
        case Kind.SUMMARY:
            frame = summary_frame(report)
        case Kind.KPIS:
            frame = kpis_frame(report)
        case Kind.BY_AGENT:
            frame = agents_frame(report)
        case Kind.BY_ATTEMPT:
            frame = groups_frame(report.by_attempt)
        case Kind.BY_HOUR:
            frame = hours_frame(report)
        case Kind.BY_OUTCOME:
            frame = outcomes_frame(report)
        case Kind.BY_DISPOSITION:
            frame = groups_frame(report.by_disposition)
        case Kind.ATTEMPTS | Kind.CONTACTS | Kind.REJECTED | Kind.UNRESOLVED:
            raise ValueError(f"{table.kind} is written while contacts are read")
    return [_cells_of(frame[name]) for name in table.header] if len(frame) else []


def _cells_of(column: "pd.Series") -> list[Any]:
    """Give a column's cells as Python values, what is missing as None."""
    return list(column.astype(object).where(column.notna(), None))


def instants(cells: Sequence[float | None], zone: ZoneInfo) -> pd.DatetimeIndex:
    """Give epoch seconds as instants in the zone, to the millisecond, as in every format."""
    return pd.DatetimeIndex(stamps(cells), tz="UTC").tz_convert(zone)


def stamps(cells: Sequence[float | None]) -> "np.ndarray[Any, np.dtype[np.datetime64]]":
    """Give epoch seconds as instants of UTC, to the millisecond; what is missing as NaT."""
    at_s = pa.array(cells, pa.float64()).to_numpy(zero_copy_only=False)  # missing: NaN
    whole_s = np.floor(at_s)
    at_ms = whole_s * 1000 + np.rint((at_s - whole_s) * 1000)  # of all digits these are too many
    known = ~np.isnan(at_ms)
    made = np.full(len(cells), "NaT", dtype="datetime64[ms]")
    made[known] = at_ms[known].astype("int64").view("datetime64[ms]")
    return made


def walls_and_offsets(
    instants: pd.DatetimeIndex, write_offset: Callable[[float], str]
) -> tuple[pd.DatetimeIndex, "pa.LargeStringArray | str"]:
    """Give what clocks showed at these instants, and how far they were ahead of UTC, as text.

    Args:
        write_offset: Writes an offset in seconds.
    """
    walls = instants.tz_localize(None)
    ahead_s = (walls - instants.tz_convert(None)).total_seconds().fillna(0).to_numpy()
    offsets_s, which = np.unique(ahead_s, return_inverse=True)
    texts = [write_offset(offset_s) for offset_s in offsets_s.tolist()]
    return walls, texts[0] if len(texts) == 1 else text_array(texts).take(pa.array(which))


def iso_texts(instants: pd.DatetimeIndex) -> "pa.LargeStringArray":
    """Write instants as ISO 8601 with their offset."""
    walls, offsets = walls_and_offsets(instants, offset_text)
    texts = pa.array(walls).cast(pa.large_string())  # with a space where the T belongs
    return joined(pc.utf8_replace_slice(texts, 10, 11, "T"), offsets)


def changes_clocks(zone: ZoneInfo, year: int) -> bool:
    """Tell whether the zone's clocks go forward and back, so that an hour of a year is there twice."""
    offsets = {datetime(year, month, 1, tzinfo=zone).utcoffset() for month in (1, 4, 7, 10)}
    return len(offsets) > 1


def offset_text(offset_s: float) -> str:
    """Write an offset from UTC as ISO 8601 has it."""
    minutes = round(abs(offset_s) / 60)
    return f"{'-' if offset_s < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}"


def one_by_one(cells: Sequence[Any], make: Callable[[Any], Made]) -> list[Made | None]:
    """Convert a column whose cells are few different ones, each of these once; None stays."""
    made: dict[Hashable, Made] = {cell: make(cell) for cell in set(cells) if cell is not None}
    return [made.get(cell) for cell in cells]


def all_missing(cells: Sequence[Any]) -> bool:
    """Tell whether a column has no value, as many have none: nobody need look at its cells then."""
    return cells[0] is None and cells.count(None) == len(cells)


def text_array(texts: Sequence[Any]) -> "pa.LargeStringArray":
    """Hand a column of texts to Arrow; a batch of long ones may hold more than 2 GB."""
    return pa.array(texts, pa.large_string())


def safe_texts(texts: Sequence[str | None]) -> "pa.LargeStringArray":
    """Hand a column over as `safe_cells` makes it, which is asked only where Arrow finds a suspect."""
    found = text_array(texts)
    is_suspect = pc.any(pc.match_substring_regex(found, SUSPECT)).as_py()
    return text_array(safe_cells(texts)) if is_suspect else found


def integer_texts(cells: Sequence[int | None]) -> "pa.LargeStringArray":
    """Write whole numbers."""
    return pa.array(cells, pa.int64()).cast(pa.large_string())


def number_texts(cells: Sequence[Any]) -> "pa.LargeStringArray":
    """Write numbers of several types, each as Python does."""
    return text_array([None if cell is None else str(cell) for cell in cells])


def joined(
    *parts: "pa.LargeStringArray | str", missing: str | None = None, between: str = ""
) -> "pa.LargeStringArray":
    """Join columns and fixed texts, row by row.

    Args:
        missing: What stands for a missing cell; None: a row that lacks a cell is missing itself.
    """
    return pc.binary_join_element_wise(
        *(_part(one) for one in (*parts, between)),
        null_handling="emit_null" if missing is None else "replace",
        null_replacement=missing or "",
    )


def _part(part: "pa.LargeStringArray | str") -> "pa.LargeStringArray | pa.LargeStringScalar":
    return pa.scalar(part, pa.large_string()) if isinstance(part, str) else part


def end_to_end(texts: "pa.LargeStringArray") -> memoryview:
    """Give the texts of a column that was just made as it holds them, in UTF-8, nothing between."""
    size = pc.sum(pc.binary_length(texts)).as_py() or 0
    return memoryview(texts.buffers()[2] or b"")[:size]

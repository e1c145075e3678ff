"""Batches of rows as DataFrames: what every format of a report is written from."""

from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from campaigns.report import Report
from campaigns.report_frames import (
    groups_frame,
    hours_frame,
    kpis_frame,
    outcomes_frame,
    summary_frame,
)
from dialer.report_tables import Kind, Rows, Table, Type


def frame_of(rows: Rows, table: Table, *, zone: ZoneInfo) -> pd.DataFrame:
    """Turn rows into a frame; instants are in the zone, to the millisecond, as in every format."""
    frame = pd.DataFrame(rows, columns=table.header, dtype=object)
    for column in table.columns:
        if column.type is Type.INSTANT:
            at_s = frame[column.name].astype("float64")
            instants = pd.to_datetime(at_s, unit="s", utc=True).dt.round("ms").dt.tz_convert(zone)
            frame[column.name] = instants.dt.as_unit("ms")
    return frame


def figures_frame(report: Report, table: Table) -> pd.DataFrame:
    """Give a table that is small and known only at the end."""
    match table.kind:
        case Kind.SUMMARY:
            frame = summary_frame(report)
        case Kind.KPIS:
            frame = kpis_frame(report)
        case Kind.BY_AGENT:
            frame = groups_frame(report.by_agent)
        case Kind.BY_ATTEMPT:
            frame = groups_frame(report.by_attempt)
        case Kind.BY_HOUR:
            frame = hours_frame(report)
        case Kind.BY_OUTCOME:
            frame = outcomes_frame(report)
        case Kind.ATTEMPTS | Kind.CONTACTS | Kind.REJECTED | Kind.UNRESOLVED:
            raise ValueError(f"{table.kind} is written while contacts are read")
    return frame[table.header]


def cells_of(column: "pd.Series") -> list[Any]:
    """Give a column's cells as Python values, what is missing as None."""
    return list(column.astype(object).where(column.notna(), None))


def iso_texts(instants: "pd.Series") -> list[str | None]:
    """Write instants as ISO 8601 with their offset; a whole column costs what 200 cells would."""
    wall = instants.dt.tz_localize(None)
    offsets_s = (wall - instants.dt.tz_convert(None)).dt.total_seconds()
    written = {offset_s: _offset(offset_s) for offset_s in offsets_s.dropna().unique()}
    texts = np.datetime_as_string(wall.to_numpy(), unit="ms").tolist()
    return [
        text + written[offset_s] if offset_s in written else None
        for text, offset_s in zip(texts, offsets_s.tolist(), strict=True)
    ]


def _offset(offset_s: float) -> str:
    minutes = round(abs(offset_s) / 60)
    return f"{'-' if offset_s < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}"

"""What became of a list of contacts."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, Field

from campaigns.campaign import CampaignState
from campaigns.lists.judged_rows import CodeCount
from dialer.loading.loading import Loaded


class CodeDocument(BaseModel):
    """How often a code came up."""

    count: int
    examples: list[str]


class ColumnDocument(BaseModel):
    """How a column was understood."""

    column: str
    role: str
    why: str


class FirstRow(BaseModel):
    """A row as it is understood."""

    line: int
    agent: str
    customer: str
    name: str
    problem: str = Field(description="Why it would not be taken; '' when it would.")


class SameContentDocument(BaseModel):
    """Another campaign of the very same bytes."""

    campaign_id: str
    name: str
    state: CampaignState


class LoadDocument(BaseModel):
    """What became of a file's rows: rows = accepted + rejected + duplicate."""

    campaign_id: str | None = Field(description="None after a dry run.")
    name: str | None
    state: CampaignState | None
    rows: int
    accepted: int
    rejected: int
    duplicate: int
    blank: int
    already: bool = Field(description="This content was loaded before; nothing was done.")
    rejected_file: str | None = Field(description="Where the rows not taken can be had.")
    understood_as: str | None
    notes: list[str] = Field(description="What was odd about the file as a whole.")
    columns: list[ColumnDocument]
    columns_confirmed: bool = Field(
        description="False: they are a suggestion, and a load needs `yes_columns` or their names."
    )
    all_columns: list[str]
    first_rows: list[FirstRow]
    mended: int = Field(description="Rows not taken before that this file has again.")
    same_content: list[SameContentDocument]
    faults: dict[str, CodeDocument]
    warnings: dict[str, CodeDocument]


def load_document(loaded: Loaded) -> dict[str, Any]:
    """Tell in JSON's terms what became of a file, as a `LoadDocument`; its sentences keep their languages."""
    summary, contact_list, campaign = loaded.summary, loaded.contact_list, loaded.campaign
    header = contact_list.header if contact_list else None
    return {
        "campaign_id": campaign.id if campaign else None,
        "name": campaign.name if campaign else None,
        "state": str(campaign.state) if campaign else None,
        **summary.counts,
        "blank": summary.blank,
        "already": loaded.already,
        "rejected_file": (
            f"/api/v1/campaigns/{campaign.id}/rejected.csv"
            if campaign and summary.rejected + summary.duplicate
            else None
        ),
        "understood_as": contact_list.source.description if contact_list else None,
        "notes": list(contact_list.notes) if contact_list else [],
        "columns": [
            {"column": one.column, "role": str(one.role), "why": one.why}
            for one in (header.matched if header else ())
        ],
        "columns_confirmed": not (header and header.is_suggested),
        "all_columns": list(header.columns) if header else [],
        "first_rows": [asdict(row) for row in contact_list.preview()] if contact_list else [],
        "mended": loaded.mended,
        "same_content": [
            {"campaign_id": one.id, "name": one.name, "state": str(one.state)}
            for one in loaded.same_content
        ],
        "faults": _codes(summary.faults),
        "warnings": _codes(summary.warnings),
    }


def _codes(codes: Mapping[str, CodeCount]) -> dict[str, Any]:
    most_first = sorted(codes.items(), key=lambda item: -item[1].count)
    return {
        str(code): {"count": one.count, "examples": list(one.examples)} for code, one in most_first
    }

"""What a report is about, and what its requests are measured against."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from campaigns.campaign import CampaignState


@dataclass(frozen=True, slots=True)
class Pace:
    """What the requests are measured against.

    Args:
        limit: Requests the account may send in any window.
        ready_s: How long the campaign had work it was allowed to send; None: not known.
    """

    limit: int
    window_s: float = 60
    ready_s: float | None = None

    def allowed(self, sent: int, *, busiest: int) -> float | None:
        """Give how many requests the limit allowed while work was ready; None: nobody can say.

        Work that is sent at once is ready too short to be measured. Where no window came near the
        limit either, it was not the limit that bound, and a share of it would say nothing.

        Args:
            busiest: Requests of the busiest window.
        """
        if self.ready_s is None:
            return None
        allowed = self.limit * self.ready_s / self.window_s
        if allowed >= sent:
            return allowed
        return float(sent) if busiest >= _NEAR * self.limit else None


_NEAR = 0.9
"""Of the limit; a busiest window below that was bound by something else."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about.

    Args:
        input_hashes: SHA-256 of each file loaded, in order.
        rows: Data lines judged, as the campaign keeps them; so are the next three.
        in_part: SHA-256 of a file of which only a part is here; '' = of none.
        account: Whose campaign it is; '' where the installation has one account.
    """

    campaign: str
    campaign_id: str
    state: CampaignState
    as_of: datetime
    zone: ZoneInfo
    input_hashes: tuple[str, ...]
    rows: int
    accepted: int
    rejected: int
    duplicate: int
    pace: Pace
    in_part: str = ""
    account: str = ""

    @property
    def what_is_missing(self) -> str:
        """Say what of the files is in no sum; '' = nothing."""
        if not self.in_part:
            return ""
        happened = (
            "the campaign was closed before this file was loaded whole"
            if self.state.is_over or self.state is CampaignState.CANCELLING
            else "this file is not loaded whole yet; if its load broke off, give the same file again"
        )
        return f"{happened}: its other rows are in no sum"

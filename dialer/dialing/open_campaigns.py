"""Campaigns that are not over, found without reading all that ever were."""

from collections.abc import Iterator
from itertools import islice

from dialer.store import Campaign, Campaigns


class OpenCampaigns:
    """Remembers which campaigns are over; of those it looks at some hundreds again, in turn.

    One that is over goes on when a list is appended to it, or a contact of it is to be called back.

    Args:
        looked_at_again: How many of those that are over `read` looks at again each time.
    """

    def __init__(self, campaigns: Campaigns, *, looked_at_again: int = 500) -> None:
        self._campaigns = campaigns
        self._looked_at_again = looked_at_again
        self._over: dict[str, None] = {}  # who was looked at longest ago comes first

    def read(self) -> Iterator[Campaign]:
        """Read those that are not over, the newest first."""
        self._look_again()
        known = [id_ for id_ in self._campaigns.ids() if id_ not in self._over]
        for campaign in self._campaigns.readable(known):
            if campaign.state.is_over:
                self._over[campaign.id] = None
            else:
                yield campaign

    def _look_again(self) -> None:
        ids = list(islice(self._over, self._looked_at_again))
        for id_, state in zip(ids, self._campaigns.states(ids), strict=True):
            del self._over[id_]
            if state and state.is_over:
                self._over[id_] = None

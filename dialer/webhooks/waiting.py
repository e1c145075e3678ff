"""How many events wait for a receiver, counted from its cursor on.

Counting reads what it counts. While the cursor stands, which is where many wait, it goes on from what was
counted the last time; so a receiver that is dead costs a look no more than one that is told everything.
"""

from dataclasses import dataclass, replace

from dialer.events.outbox import Outbox
from dialer.store.webhooks import Standing, Webhook
from dialer.webhooks.delivering import wanted_by

MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for one receiver.

    Args:
        cursor: Where it stands.
        counted_to: Up to here it was counted.
        events: `MOST_COUNTED` stands for so many or more.
        oldest_at: Of them, epoch s; 0: none waits.
    """

    cursor: str
    counted_to: str
    events: int = 0
    oldest_at: float = 0.0


class Counting:
    """Counts what waits; remembers it for the next time."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._known: dict[str, Waiting] = {}

    def of(self, webhook: Webhook, standing: Standing) -> Waiting:
        """Count what waits for one receiver."""
        known = self._known.get(webhook.id)
        if known is None or known.cursor != standing.cursor:
            known = Waiting(standing.cursor, standing.cursor)
        self._known[webhook.id] = known = self._counted_on(webhook, known)
        return known

    def _counted_on(self, webhook: Webhook, known: Waiting) -> Waiting:
        while known.events < MOST_COUNTED:
            page = self._outbox.after(
                known.counted_to, most=MOST_COUNTED - known.events, wanted=wanted_by(webhook)
            )
            oldest_at = known.oldest_at or (page.entries[0].at if page.entries else 0.0)
            events = known.events + len(page.entries)
            known = replace(known, counted_to=page.cursor, events=events, oldest_at=oldest_at)
            if page.is_last:
                break
        return known

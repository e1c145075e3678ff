"""The account's balance, asked of the provider rarely, each time in a slot of the request allowance.

Whoever asks writes first when it may be asked again, so that processes which take the watch over, or die
at it, ask no sooner; the answer stands in Redis beside it. A thread asks: a provider that hangs holds up
no look.
"""

import threading
from dataclasses import replace
from functools import partial

from campaigns.alerts import Balance
from dialer.errors import ProviderError
from dialer.exotel import Exotel
from dialer.logger import get_logger
from dialer.settling.lookups import Lookups, NoSlot
from dialer.store import Database
from dialer.store.alerts import Alerts, AskedBalance

log = get_logger(__name__)

EVERY_S = 600.0
_NO_ROOM_S = 60.0  # longer than a slot is waited for; the provider allows one a minute


class Balances:
    """Knows an account's balance, as old as it may be."""

    def __init__(self, db: Database, provider: Exotel, lookups: Lookups) -> None:
        self._alerts = Alerts(db)
        self._ask = partial(lookups.paced, provider.balance, overdue=False)
        self._under_way: threading.Thread | None = None

    def last(self, now_s: float) -> Balance | None:
        """Give what was told last, and have it asked anew where that was long ago; None: nothing yet."""
        known = self._alerts.balance()
        if known.next_at <= now_s and not (self._under_way and self._under_way.is_alive()):
            self._alerts.note_balance(replace(known, next_at=now_s + _NO_ROOM_S))
            self._under_way = threading.Thread(
                target=self._asked, args=(known, now_s), name="balance", daemon=True
            )
            self._under_way.start()
        return known.balance

    def settle(self, within_s: float) -> None:
        """Wait until it is known that is asked for now."""
        if self._under_way:
            self._under_way.join(within_s)

    def _asked(self, known: AskedBalance, now_s: float) -> None:
        later = replace(known, next_at=now_s + EVERY_S)
        try:
            self._alerts.note_balance(replace(later, balance=self._ask()))
        except NoSlot:
            return  # calls need the allowance; it is asked in a minute
        except ProviderError as error:
            log.warning("balance_not_told", message=str(error))
            self._alerts.note_balance(later)
        except Exception:
            log.exception("balance_not_told")

"""Use case: Redis was restarted, failed over or lost state; dial again only when that is safe.

hold set (by any script, see lua/prelude/account.lua; one set by hand stands beside it and waits for nobody)
  ├─ each worker host replays its journal: intents Redis lost come back as unknown
  ├─ nothing was missing, every host reported     → released, within seconds
  └─ something was missing
       ├─ phantom slots seal the allowance
       ├─ every host reported, or the longest call is over
       └─ the provider's calls of the last while are read, each bound that may be ours → released
"""

from dialer.dialing.lost_calls import LostCalls
from dialer.dialing.options import DialingOptions
from dialer.logger import get_logger
from dialer.pacing import SPACING_SLACK_S, WINDOW_MARGIN_S, Allowance
from dialer.settling.searching import CallSearch
from dialer.settling.settling import Settling
from dialer.store import Campaigns, Database, Holds
from dialer.store.holds import ByMachine

log = get_logger(__name__)

_HOST_PATIENCE_S = 30.0
_GAP_S = 120.0
"""A Redis that knew of no host for so long before may have lost what they did meanwhile."""

_HOSTS_APPEAR_S = 5.0  # one that Redis lost too tells within a second or two that it lives
_SLOWEST_ANSWER_S = 5.0
_PLAIN_OPTIONS = DialingOptions()


class AccountRecovery:
    """The feeder's part: it decides when a hold that the machine set may end.

    Args:
        longest_call_s: The longest that a call can be live by the settings; campaigns may have
            rules of their own.
        options: What else that depends on.
    """

    def __init__(
        self,
        db: Database,
        *,
        allowance: Allowance,
        settling: Settling,
        search: CallSearch,
        longest_call_s: float,
        options: DialingOptions = _PLAIN_OPTIONS,
    ) -> None:
        self._db = db
        self._allowance = allowance
        self._holds = Holds(db)
        self._campaigns = Campaigns(db)
        self._settings_longest_s = longest_call_s
        self._options = options
        self._lost_calls = LostCalls(
            db, allowance=allowance, settling=settling, search=search, options=options
        )

    def tick(self) -> bool:
        """Bring the machine's hold nearer to its end; call each second while there is one, as it tells."""
        hold = self._holds.read()
        if hold is None or hold.machine is None:
            return False
        self._bring_on(hold.machine)
        return True

    def _bring_on(self, machine: ByMachine) -> None:
        held_s = self._db.now() - machine.since
        if machine.lost:
            self._seal(machine)
        if not self._has_heard_enough(machine, held_s):
            return
        if machine.lost:
            # after the hosts: a call needs its attempt back first
            unplaced = self._lost_calls.read(machine, longest_s=self._longest_call_s(machine))
            if unplaced != machine.unplaced:
                self._holds.note_unplaced(machine, unplaced)
            if unplaced:
                return
        if self._holds.end(machine):
            log.warning(
                "hold_released",
                why=machine.why,
                held_s=round(held_s, 1),
                restored=machine.restored,
            )

    def _has_heard_enough(self, machine: ByMachine, held_s: float) -> bool:
        """Tell whether no host is waited for any more."""
        if machine.lost and held_s < _HOSTS_APPEAR_S:
            return False
        if not machine.waiting_for:
            return True
        is_old = machine.since - machine.known_until >= _GAP_S
        if not machine.lost and not is_old:
            return held_s >= _HOST_PATIENCE_S
        return held_s >= self._settings_longest_s and held_s >= self._longest_call_s(machine)

    def _longest_call_s(self, machine: ByMachine) -> float:
        """Give how long a call can be live that a lost host placed, by all that is known, s.

        Redis may have lost a campaign's newest rules too: then the other hosts' journals tell.
        """
        by_rules = (
            self._options.quarantine_s(
                time_out_s=one.rules.time_out_s, time_limit_s=one.rules.time_limit_s
            )
            for one in self._campaigns.unarchived()
            if not one.state.is_over
        )
        return max(self._settings_longest_s, machine.longest_s, *by_rules)

    def _seal(self, machine: ByMachine) -> None:
        self._holds.seal(
            machine,
            requests=self._allowance.requests,
            spacing_s=self._allowance.spacing_s,
            answer_s=_SLOWEST_ANSWER_S + WINDOW_MARGIN_S + SPACING_SLACK_S,
        )

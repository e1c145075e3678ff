"""The provider's calls of the last while, each given to its attempt, which Redis may have lost."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any, TypeVar

import numpy as np

from campaigns.attempt import Attempt, AttemptState, CallReport
from campaigns.custom_field import attempt_id_in
from campaigns.numbers.mask import FORGOTTEN
from campaigns.numbers.same_phone import country_code_length, endings, same_phone
from campaigns.settlement import Conflict
from dialer import failpoints
from dialer.dialing.options import DialingOptions
from dialer.dialing.restoring import bring_back
from dialer.exotel import UnreadableRow
from dialer.ids import AttemptId
from dialer.logger import get_logger
from dialer.pacing import Allowance
from dialer.settling.lookups import Listed
from dialer.settling.searching import CallSearch
from dialer.settling.settling import Settling
from dialer.store import CallbackInbox, Campaigns, ContactRecord, Database
from dialer.store.agents import AgentStore
from dialer.store.contacts import Contacts
from dialer.store.holds import ByMachine
from dialer.store.record_table import customers_of_all
from dialer.store.teams import KnownTeams

log = get_logger(__name__)

_CLOCKS_APART_S = 300.0
_READ_BACK_S = 86_400.0
_LOOK_AGAIN_S = 60.0  # while rows of the list cannot be placed

Listable = TypeVar("Listable", CallReport, UnreadableRow)


class LostCalls:
    """Reads what the provider was told to call while Redis may have forgotten it."""

    def __init__(
        self,
        db: Database,
        *,
        allowance: Allowance,
        settling: Settling,
        search: CallSearch,
        options: DialingOptions,
    ) -> None:
        self._db = db
        self._allowance = allowance
        self._settling = settling
        self._search = search
        self._options = options
        self._contacts = Contacts(db)
        self._campaigns = Campaigns(db)
        self._read_for: str | None = None
        self._again_at = 0.0

    def read(self, machine: ByMachine, *, longest_s: float) -> int:
        """Give each of these calls to its attempt, once a hold.

        Args:
            longest_s: How long a call can be live that a lost host placed.

        Returns:
            How many rows of the list may be calls of ours and do not tell whose; while there are
            any, the list is read again from time to time.
        """
        now_s = self._db.now()
        if self._read_for == machine.id and (not machine.unplaced or now_s < self._again_at):
            return machine.unplaced
        listed = self._calls_since(_first_lost_s(machine, longest_s), now_s)
        claimed = self._claimed(self._to_our_customers(listed.reports))
        told = [(id_, report.created_at, report.sid, report.agent) for id_, report in claimed]
        named, unplaced = self._named_by(listed.unreadable)
        # all of them before any is settled: a contact's last attempt says where it stands
        restored = [str(one[0]) for one in (*told, *named) if self._restore(*one)]
        for id_, report in claimed:
            if isinstance(answer := self._settling.report(id_, report, at=now_s), Conflict):
                log.warning("call_unplaced", attempt_id=str(id_), sid=report.sid, why=answer.why)
        if restored:
            CallbackInbox(self._db).take_up_again(restored)
        failpoints.reach("calls_read")
        self._read_for, self._again_at = machine.id, now_s + _LOOK_AGAIN_S
        log.warning("provider_calls_read", calls=len(claimed), unplaced=len(unplaced))
        for row in unplaced:
            log.error("row_unplaced", created_at=row.created_at, why=row.why)
        return len(unplaced)

    def _calls_since(self, from_s: float, now_s: float) -> Listed:
        created_from = datetime.fromtimestamp(from_s, UTC)
        created_until = datetime.fromtimestamp(now_s + _CLOCKS_APART_S, UTC)
        return self._search.between(created_from, created_until)

    def _named_by(
        self, rows: Sequence[UnreadableRow]
    ) -> tuple[list[tuple[AttemptId, datetime | None, None, str | None]], list[UnreadableRow]]:
        """Tell rows that name their attempt from those that may be anybody's, ours too.

        Calls of ours have its id in what we sent along: a row that shows something else is none.
        """
        mute = [row for row in rows if row.custom_field is None]
        claims = [(attempt_id_in(row.custom_field), row) for row in rows if row.custom_field]
        ids = [(AttemptId.parse(claim or ""), row) for claim, row in claims]
        named = [(id_, row.created_at, None, row.agent) for id_, row in ids if id_]
        return named, self._to_our_customers(mute, unless_told=True)

    def _claimed(self, reports: Sequence[CallReport]) -> list[tuple[AttemptId, CallReport]]:
        """Find whose calls they are, each contact's in the order of its attempts."""
        claims = [(self._search.owner(report), report) for report in reports]
        found = [(id_, report) for id_, report in claims if id_]
        return sorted(found, key=lambda one: (one[0].campaign, one[0].n, one[0].no))

    def _to_our_customers(
        self, reports: Sequence[Listable], *, unless_told: bool = False
    ) -> list[Listable]:
        """Pass over calls to anybody no open campaign wants to reach: nothing can come of them.

        Args:
            unless_told: Keep those that do not tell to whom.
        """
        customers = customers_of_all(self._db, self._campaigns.sizes_of_active()) if reports else ()
        if not len(customers):
            return []
        ours = _without_country(np.unique(customers))
        told: list[list[int]] = [
            [int(one) for one in endings(report.customer or "")] for report in reports
        ]
        known = set(ours[np.isin(ours, [*chain.from_iterable(told)])].tolist())
        return [
            one
            for one, spelt in zip(reports, told, strict=True)
            if known.intersection(spelt) or (unless_told and not spelt)
        ]

    def _restore(
        self, id_: AttemptId, created_at: datetime | None, sid: str | None, agent: str | None
    ) -> bool:
        """Bring back the attempt of a call that no journal knew: its host is gone too."""
        contact = self._contacts.get(id_.campaign, id_.n)
        if contact is None:
            return False
        rules = self._campaigns.find(id_.campaign).rules
        now_s = self._db.now()
        attempt = Attempt(
            version=1,
            state=AttemptState.UNKNOWN,
            requested_at=created_at.timestamp() if created_at else now_s,
            no=id_.no,
            nonce=id_.nonce,
            agent=self._rung(contact, agent),
            customer=contact.customer,
            quarantine_s=self._options.quarantine_s(
                time_out_s=rules.time_out_s, time_limit_s=rules.time_limit_s
            ),
            error_code="redis_lost",
        )
        # however long ago it ended, it was made: the contact must not be rung for it again
        is_back = bring_back(
            self._db,
            id_,
            attempt,
            ends_at=now_s + _CLOCKS_APART_S,
            slot_lease_s=self._allowance.lease_s,
            holds=False,
        )
        if is_back:
            log.warning("attempt_restored", attempt_id=str(id_), sid=sid)
        return is_back

    def _rung(self, contact: ContactRecord, told: str | None) -> str:
        """Tell who was rung: of a team the provider alone knows, and may spell it as it likes."""
        team = KnownTeams(self._db).team_of(contact.agent)
        if team is None:
            return contact.agent
        known = team.agents or [one.number for one in AgentStore(self._db).all()]
        return next((one for one in known if same_phone(one, told or "")), FORGOTTEN)


def _first_lost_s(machine: ByMachine, longest_s: float) -> float:
    """Give when the first call was placed that Redis may have lost, epoch s; a day ago at most."""
    from_s = machine.since - longest_s
    if machine.known_until:
        from_s = min(from_s, machine.known_until - _CLOCKS_APART_S)
    return max(from_s, machine.since - _READ_BACK_S)


def _without_country(
    numbers: "np.ndarray[Any, np.dtype[np.int64]]",
) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Give what `national_digits` would of each of these, E.164 digits as integers."""
    powers = 10 ** np.arange(18, dtype=np.int64)
    length = np.searchsorted(powers, numbers, side="right")
    first, which = np.unique(numbers // powers[np.maximum(length - 3, 0)], return_inverse=True)
    countries = np.array([country_code_length(str(one)) for one in first.tolist()], dtype=np.int64)
    without: np.ndarray[Any, np.dtype[np.int64]] = numbers % powers[length - countries[which]]
    return without

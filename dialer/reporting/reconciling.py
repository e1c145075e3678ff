"""Use case: our attempts compared with the provider's own list of calls.

attempts ──▶ Sids, numbers, period ──▶ the provider's list of that period, page by page
   │                                      ├─ a Sid of ours       → compared
   │                                      ├─ claims this campaign → extra
   │                                      ├─ anybody else's       → passed over
   │                                      └─ names no call        → set aside, and told of
   └─ Sids not in the list ──▶ asked by Sid ──▶ compared, or missing
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from campaigns.attempt import Attempt, CallReport
from campaigns.custom_field import attempt_id_in
from campaigns.numbers.same_phone import endings, national_digits
from campaigns.reports.reconciliation import OURS, THEIRS, Verdict, reconciled
from campaigns.settlement import outcome_of, overall_outcome
from dialer.exotel import CallsPage, UnreadableRow
from dialer.file_set import FileSet
from dialer.ids import AttemptId
from dialer.masking import mask_text
from dialer.reporting.reporting import file_stem
from dialer.settling.lookups import SIDS_PER_LOOKUP, Lookups
from dialer.store import Campaign, OpenAttempt
from dialer.store.snapshot import ContactLine

_MARGIN = timedelta(minutes=5)  # the provider's clock and ours; a request on its way
_LONGEST_PERIOD = timedelta(days=30)  # the provider takes a month
_OLDEST = timedelta(days=180)  # and keeps half a year


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How the books agree.

    Args:
        calls: A row a call, see `campaigns.reports.reconciliation`.
        live: Attempts of ours whose call has not ended; they are not compared.
        foreign: Ended calls of the account that belong to others.
        unreadable: Rows of the provider's list that name no call, and may tell of one of these.
        requests: Look-ups it took.
    """

    calls: pd.DataFrame
    live: int
    foreign: int
    unreadable: Sequence[UnreadableRow]
    requests: int

    @property
    def counts(self) -> dict[str, int]:
        """Calls by verdict."""
        found = self.calls["verdict"].value_counts()
        return {str(verdict): int(found.get(verdict, 0)) for verdict in Verdict}

    def disagreeing(self) -> list[dict[str, Any]]:
        """Give the calls that did not match, by column; what nobody told is None."""
        wrong = self.calls[self.calls["verdict"] != Verdict.MATCHED]
        rows: list[dict[str, Any]] = wrong.where(wrong.notna(), None).to_dict("records")
        return rows

    @staticmethod
    def in_words(row: dict[str, Any]) -> str:
        """Tell of a call that did not match: ours first, then the provider's."""
        differs = row["differs"].split()
        values = (f"{name} {row[name]} ≠ {row[f'{name}_provider']}" for name in differs)
        attempt = row["attempt_id"] or "no attempt of ours"
        return f"{row['verdict']} {row['call_sid']} · {attempt} {' · '.join(values)}".rstrip()

    def unreadable_rows(self) -> list[dict[str, str | None]]:
        """Tell what is known of rows of the provider's list that name no call."""
        return [
            {
                "created_at": row.created_at.isoformat(timespec="seconds")
                if row.created_at
                else None,
                "agent": row.agent and mask_text(row.agent),
                "customer": row.customer and mask_text(row.customer),
                "why": row.why,
            }
            for row in self.unreadable
        ]

    def write(self, out: Path, *, campaign: Campaign, as_of: datetime) -> Path:
        """Write a row a call as CSV, whole or not at all."""
        with FileSet(out) as files:
            path = files.place(f"{file_stem(campaign, 'reconcile', as_of)}.csv")
            self.calls.to_csv(path, index=False, lineterminator="\r\n")
            return files.publish()[0]


class Reconciling:
    """Compares campaigns with the provider.

    Args:
        owner_of: Names the attempt that holds a Sid, where that is still known.
    """

    def __init__(self, lookups: Lookups, *, owner_of: Callable[[str], str | None]) -> None:
        self._lookups = lookups
        self._owner_of = owner_of

    def reconcile(
        self,
        campaign: str,
        contacts: Iterable[ContactLine],
        *,
        as_of: datetime,
        on_progress: Callable[[float], None] = lambda _: None,
    ) -> Reconciliation:
        """Compare a campaign's settled attempts with the provider's calls.

        Args:
            campaign: Its id.
            on_progress: Told how much of the period was read: 0 … 1.

        Raises:
            NoSlot, ProviderError: Not all could be read.
        """
        requests_before = self._lookups.requests
        ours = _Ours()
        for line in contacts:
            for one in line.attempts:
                ours.add(one)
        told: dict[str, Sequence[object]] = {}
        unreadable: list[UnreadableRow] = []
        foreign = 0
        for page in self._listed(ours, as_of, on_progress):
            unreadable += [row for row in page.unreadable if ours.may_have(row, campaign)]
            for report in page.reports:
                if not report.is_over or report.sid in ours.live:
                    continue
                if report.sid in ours.settled or self._is_extra(report, campaign, ours):
                    told[report.sid] = _their_row(report)
                else:
                    foreign += 1
        asked, unread = self._asked(ours.settled.keys() - told.keys())
        told |= {report.sid: _their_row(report) for report in asked}
        calls = reconciled(
            pd.DataFrame(ours.settled.values(), columns=OURS, dtype=object),
            pd.DataFrame(told.values(), columns=THEIRS, dtype=object),
            unread=unread,
        )
        requests = self._lookups.requests - requests_before
        return Reconciliation(calls, len(ours.live), foreign, unreadable, requests)

    def _listed(
        self, ours: "_Ours", as_of: datetime, on_progress: Callable[[float], None]
    ) -> Iterator[CallsPage]:
        if ours.first_at is None or ours.last_at is None:
            return
        begin = max(ours.first_at - _MARGIN, as_of - _OLDEST)
        end = min(ours.last_at + _MARGIN, as_of + _MARGIN)
        whole = end - begin
        while begin < end:
            until = min(begin + _LONGEST_PERIOD, end)
            for page in self._lookups.pages(created_from=begin, created_until=until, overdue=True):
                yield page
                # the newest come first
                if page.reports and (oldest := page.reports[-1].created_at):
                    on_progress(1 - (oldest - begin) / whole)
            begin = until
        on_progress(1.0)

    def _asked(self, sids: Iterable[str]) -> tuple[list[CallReport], Sequence[str]]:
        """Ask for these by name; gives what is told, and the Sids whose rows cannot be read."""
        left = sorted(sids)
        told: list[CallReport] = []
        asked = self._lookups.halving(
            [
                left[first : first + SIDS_PER_LOOKUP]
                for first in range(0, len(left), SIDS_PER_LOOKUP)
            ],
            lambda batch: self._lookups.by_sid(batch, overdue=True),
            lambda _, found: told.extend(found.values()),
            does_answer=lambda: True,  # it has just listed its calls
        )
        if asked.stopped:
            raise asked.stopped
        return told, asked.failed

    def _is_extra(self, report: CallReport, campaign: str, ours: "_Ours") -> bool:
        """Tell whether a call we do not know is this campaign's all the same."""
        claims = _claimed(report.custom_field)
        if claims is None and ours.has_pair(report.agent, report.customer):
            # bulk rows may lack what we sent along; a number alone proves nothing
            owner = self._owner_of(report.sid)
            claims = AttemptId.parse(owner or "") or _claimed(
                self._lookups.custom_field(report.sid, overdue=True)
            )
            return claims is None or claims.campaign == campaign
        return claims is not None and claims.campaign == campaign


@dataclass(slots=True)
class _Ours:
    """What is compared of a campaign: its settled attempts by Sid."""

    settled: dict[str, Sequence[object]] = field(default_factory=dict)
    live: set[str] = field(default_factory=set)
    pairs: set[tuple[str, str]] = field(default_factory=set)
    first_at: datetime | None = None
    last_at: datetime | None = None

    def add(self, one: OpenAttempt) -> None:
        attempt = one.attempt
        at = datetime.fromtimestamp(attempt.requested_at, UTC)
        self.first_at = min(self.first_at or at, at)
        self.last_at = max(self.last_at or at, at)
        self.pairs.add((national_digits(attempt.agent), national_digits(attempt.customer)))
        if attempt.sid and attempt.is_settled:
            self.settled[attempt.sid] = _our_row(one.id, attempt)
        elif attempt.sid:
            self.live.add(attempt.sid)

    def has_pair(self, agent: str | None, customer: str | None) -> bool:
        """Tell whether a call between these, as printed, may be one of ours."""
        customers = list(endings(customer or ""))
        return any(
            (one, other) in self.pairs for one in endings(agent or "") for other in customers
        )

    def may_have(self, row: UnreadableRow, campaign: str) -> bool:
        """Tell whether a row that names no call may be one of ours; one that tells nothing may."""
        if row.custom_field:
            claims = _claimed(row.custom_field)
            return claims is not None and claims.campaign == campaign
        if row.agent and row.customer:
            return self.has_pair(row.agent, row.customer)
        return True


def _our_row(id_: AttemptId, attempt: Attempt) -> Sequence[object]:
    price = None if attempt.price is None else Decimal(attempt.price)
    return (
        attempt.sid,
        str(id_),
        attempt.outcome,
        attempt.talk_s,
        attempt.total_s,
        price,
        attempt.is_final,
    )


def _their_row(report: CallReport) -> Sequence[object]:
    claims = _claimed(report.custom_field)
    return (
        report.sid,
        None if claims is None else str(claims),
        outcome_of(report) or overall_outcome(report),
        report.talk_s,
        report.total_s,
        report.price,
    )


def _claimed(custom_field: str | None) -> AttemptId | None:
    return AttemptId.parse(attempt_id_in(custom_field or ""))

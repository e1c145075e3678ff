"""Finds calls at the provider by whom they ring, when, and what we sent along."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice

from campaigns.attempt import Attempt, CallReport
from campaigns.custom_field import attempt_id_in
from campaigns.numbers.same_phone import same_phone
from dialer.errors import LookupFailed
from dialer.ids import AttemptId
from dialer.settling.lookups import Listed, Lookups
from dialer.store import Attempts, Database, OpenAttempt

_SEARCH_MARGIN_S = 60.0  # the provider's clock and ours
_MOST_PAGES, _MOST_PAGES_OF_A_PAIR = 5, 50  # nobody rings a pair so often in an hour


class CallSearch:
    """Searches the provider's list of ended calls."""

    def __init__(self, db: Database, lookups: Lookups) -> None:
        self._lookups = lookups
        self._attempts = Attempts(db)

    def around(self, attempts: Sequence[Attempt], *, overdue: bool) -> Listed:
        """Read the ended calls between their numbers, around their time.

        Raises:
            NoSlot, ProviderError: Not all could be read, or there were too many.
        """
        earliest = min(one.requested_at for one in attempts) - _SEARCH_MARGIN_S
        latest = max(one.quarantine_ends_at for one in attempts) + _SEARCH_MARGIN_S
        pages = self._lookups.pages(
            agents=[one.agent for one in attempts],
            customers=[one.customer for one in attempts],
            created_from=datetime.fromtimestamp(earliest, UTC),
            created_until=datetime.fromtimestamp(latest, UTC),
            overdue=overdue,
        )
        most = _MOST_PAGES_OF_A_PAIR if len(attempts) == 1 else _MOST_PAGES
        found = Listed.of(islice(pages, most))
        if next(pages, None) is not None:
            # what was not read may be what is sought: half as many pairs have fewer calls
            raise LookupFailed("more calls than are read", http_status=200, error_code="cut_short")
        return found

    def between(self, created_from: datetime, created_until: datetime) -> Listed:
        """Read all ended calls of the account that were created in between.

        Raises:
            NoSlot, ProviderError: Not all could be read.
        """
        pages = self._lookups.pages(
            created_from=created_from, created_until=created_until, overdue=True
        )
        return Listed.of(pages)

    def owner(self, report: CallReport) -> AttemptId | None:
        """Tell which attempt a call was placed for; None when it is nobody's of ours.

        Raises:
            NoSlot, ProviderError: The provider had to be asked, and was not or did not answer.
        """
        owner = self._attempts.owner(report.sid)
        if owner is None:
            # rows of the bulk list may lack what we sent along
            sent = report.custom_field or self._lookups.custom_field(report.sid, overdue=True)
            owner = attempt_id_in(sent or "")
        return AttemptId.parse(owner or "")

    def is_of(self, one: OpenAttempt, report: CallReport) -> bool:
        """Tell whether a call that was found is an attempt's."""
        if report.custom_field:
            return attempt_id_in(report.custom_field) == str(one.id)
        if not _same_pair(one.attempt, report):
            return False
        if report.sid == one.attempt.sid:
            return True
        if report.created_at and not _may_be_created(one.attempt, report.created_at):
            return False
        owner = self._attempts.owner(report.sid)
        return owner is None or owner == str(one.id)


def _may_be_created(attempt: Attempt, created_at: datetime) -> bool:
    """A provider may overlook a filter of ours: is the call of the right time at all?"""
    since_s = created_at.timestamp() - attempt.requested_at
    return -_SEARCH_MARGIN_S <= since_s <= attempt.quarantine_s + _SEARCH_MARGIN_S


def _same_pair(attempt: Attempt, report: CallReport) -> bool:
    """Whether the call is between these two, by what is printed."""
    return same_phone(attempt.agent, report.agent or "") and same_phone(
        attempt.customer, report.customer or ""
    )

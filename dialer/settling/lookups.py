"""Questions to the provider about calls, each inside the account's request allowance."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from campaigns.attempt import SEND_WINDOW_S, CallReport
from dialer import failpoints
from dialer.clock import Sleep, boottime_s
from dialer.errors import LookupFailed, NotDone, ProviderError, TurnedAway
from dialer.exotel import CallsPage, Exotel, UnreadableRow
from dialer.exotel.recordings import RecordingHosts
from dialer.ids import new_nonce
from dialer.meters import LOOKUPS
from dialer.pacing import Pacing

SIDS_PER_LOOKUP = 20
"""The provider advises 20 and allows 100."""

_OK = 200
_MOST_IN_A_ROW = 6
"""Look-ups that fail one after the other before that is the provider's trouble and not a row's."""

Asked = TypeVar("Asked")
_OTHER_LIMIT = (
    "the account's processes have another EXOTEL_RATE_LIMIT or EXOTEL_RATE_WINDOW_S than is set here, "
    "and nothing is asked until they are the same"
)

Found = TypeVar("Found")
Found_co = TypeVar("Found_co", covariant=True)


class Request(Protocol[Found_co]):
    """One look-up, ready to be sent."""

    def __call__(self, *, send_before: float) -> Found_co:
        """Send it, unless it is too late by then (`dialer.clock.boottime_s`)."""


def unreadable_rows(rows: Sequence[UnreadableRow]) -> LookupFailed:
    """Say that what is sought may stand in rows that cannot be read; the provider does answer."""
    return LookupFailed(
        f"the provider's list has {len(rows)} rows that cannot be read ({rows[0].why})",
        http_status=_OK,
        error_code="unreadable_row",
    )


class NoSlot(NotDone):
    """The allowance has no room for a look-up now; ask later."""


@dataclass(frozen=True, slots=True)
class Halved(Generic[Asked]):
    """What came of looking many up.

    Args:
        failed: Those whose look-up fails even by themselves, while the provider answers others.
        stopped: Why the rest was not asked about; None: all were.
    """

    failed: tuple[Asked, ...]
    stopped: NoSlot | ProviderError | None


@dataclass(frozen=True, slots=True)
class Listed:
    """What several pages of calls tell, and the rows of them that cannot be read."""

    reports: list[CallReport]
    unreadable: list[UnreadableRow]

    @classmethod
    def of(cls, pages: Iterable[CallsPage]) -> "Listed":
        """Read pages to their end."""
        found = cls([], [])
        for page in pages:
            found.reports.extend(page.reports)
            found.unreadable.extend(page.unreadable)
        return found


class Lookups:
    """Looks calls up, below dials.

    Args:
        patience_s: Longest wait for a slot.
        overdue_patience_s: The same, for a look-up that may go before waiting dials, a few a minute.
    """

    def __init__(
        self,
        provider: Exotel,
        pacing: Pacing,
        *,
        sleep: Sleep,
        patience_s: float = 5.0,
        overdue_patience_s: float = 30.0,
    ) -> None:
        self._provider = provider
        self._pacing = pacing
        self._sleep = sleep
        self._patience_s = patience_s
        self._overdue_patience_s = overdue_patience_s
        self.requests = 0
        self.put_off = 0
        """Look-ups that found no slot: ordinary while dials use the allowance."""
        self.answered = 0

    def by_sid(self, sids: Sequence[str], *, overdue: bool) -> dict[str, CallReport]:
        """Read the ended ones among at most 100 calls.

        Raises:
            NoSlot, ProviderError: They were not asked for, there was no answer, or one of them
                cannot be read.
        """
        page = self.paced(partial(self._provider.calls, sids), overdue=overdue)
        if page.unreadable:  # it is one of these; halved, the batch tells which
            raise unreadable_rows(page.unreadable)
        return {report.sid: report for report in page.reports}

    def single(self, sid: str, *, overdue: bool) -> CallReport | None:
        """Read one call, ended or not; None when the provider does not know it.

        Raises:
            NoSlot, ProviderError: As in `by_sid`.
        """
        return self.paced(partial(self._provider.call_details, sid), overdue=overdue)

    def custom_field(self, sid: str, *, overdue: bool) -> str | None:
        """Read what we sent along with a call; only v3 tells it of every call.

        Raises:
            NoSlot, ProviderError: As in `by_sid`.
        """
        report = self.paced(partial(self._provider.call_details_v3, sid), overdue=overdue)
        return report.custom_field if report else None

    def pages(
        self,
        *,
        created_from: datetime,
        created_until: datetime,
        overdue: bool,
        agents: Sequence[str] = (),
        customers: Sequence[str] = (),
    ) -> Iterator[CallsPage]:
        """Read the ended calls that were created in between, of these numbers or of all.

        Args:
            created_until: At most a month later, or the provider refuses.
            agents: E.164, at most five, as are `customers`; none: any.

        Yields:
            A hundred calls at most, the newest first.

        Raises:
            NoSlot, ProviderError: Not all could be read.
        """
        page = self.paced(
            partial(
                self._provider.search_calls,
                created_from=created_from,
                created_until=created_until,
                agents=agents,
                customers=customers,
            ),
            overdue=overdue,
        )
        yield page
        while page.next_page:
            page = self.paced(partial(self._provider.next_page, page.next_page), overdue=overdue)
            yield page

    def download(self, hosts: RecordingHosts, url: str, into: Path, *, overdue: bool) -> int:
        """Write a recording into a file, inside the allowance where the API's own host has it.

        Raises:
            NoSlot, ProviderError, OSError: It is not there; see `RecordingHosts.download`.
        """
        if hosts.is_api(url):
            return self.paced(partial(hosts.download, url, into), overdue=overdue)
        return hosts.download(url, into)

    def halving(
        self,
        batches: Iterable[Sequence[Asked]],
        look: Callable[[Sequence[Asked]], Found],
        take: Callable[[Sequence[Asked], Found], None],
        *,
        does_answer: Callable[[], bool],
    ) -> Halved[Asked]:
        """Look up batch by batch; one that fails is halved, down to the row that it fails for.

        One row that the provider cannot print must not keep all others waiting.

        Args:
            look: Makes the look-up of a batch; may raise what `by_sid` does.
            take: Is handed each answer at once.
            does_answer: Tells whether the provider answers other look-ups; where it does not, its
                trouble is nobody's own.
        """
        failed: list[tuple[Asked, LookupFailed]] = []
        stopped: NoSlot | ProviderError | None = None
        waiting = deque(batches)
        in_a_row = 0
        while waiting and stopped is None:
            batch = waiting.popleft()
            try:
                found = look(batch)
            except LookupFailed as error:
                in_a_row += error.http_status != _OK  # else it does answer, what we cannot read
                if in_a_row == _MOST_IN_A_ROW:
                    stopped = error
                elif len(batch) > 1:
                    # behind the others: where they are answered, the trouble is in these
                    half = (len(batch) + 1) // 2
                    waiting += (batch[:half], batch[half:])
                else:
                    failed.append((batch[0], error))
            except (NoSlot, ProviderError) as error:
                stopped = error
            else:
                in_a_row = 0
                take(batch, found)
        own = [one for one, error in failed if error.http_status == _OK or does_answer()]
        if failed and not own:
            stopped = stopped or failed[-1][1]
        return Halved(tuple(own), stopped)

    def paced(self, request: Request[Found], *, overdue: bool) -> Found:
        """Make one request inside the allowance, and learn from its answer.

        Args:
            request: Takes `send_before`: a slot covers only a request that leaves soon.

        Raises:
            NoSlot: No slot came free in time; nothing was sent.
        """
        came_of_it = "failed"
        try:
            found = self._paced(request, overdue=overdue)
            came_of_it = "answered"
        except NoSlot:
            came_of_it = "put_off"
            raise
        finally:
            self._pacing.meters.count(LOOKUPS, came_of_it)
        return found

    def _paced(self, request: Request[Found], *, overdue: bool) -> Found:
        member = f"look/{new_nonce()}"
        send_before = self._wait_for_slot(member, overdue=overdue)
        self.requests += 1
        try:
            found = request(send_before=send_before)
        except TurnedAway as error:
            if error.over_limit and self._pacing.allowance.shares_lookups:
                self._pacing.close_for(error.wait_s)
            if error.http_status is None:
                self._pacing.never_sent(member)
            else:
                self._pacing.answered(member)
            raise
        except LookupFailed as error:
            if error.http_status is None:
                self._pacing.unanswered(member)
            else:
                self._pacing.answered(member)
            raise
        except ProviderError:
            self._pacing.answered(member)
            raise
        self._pacing.answered(member)
        self.answered += 1
        failpoints.reach("looked_up")
        return found

    def _wait_for_slot(self, member: str, *, overdue: bool) -> float:
        """Take a slot; tell until when the request may leave."""
        left_s = self._overdue_patience_s if overdue else self._patience_s
        while True:
            asked = boottime_s()
            wait_s = self._pacing.take_slot(member, overdue=overdue)
            if wait_s < 0:
                raise NoSlot(_OTHER_LIMIT)
            if wait_s == 0:
                return asked + SEND_WINDOW_S
            if wait_s > left_s:
                self.put_off += 1
                raise NoSlot("no room for a look-up in the account's allowance")
            self._sleep(wait_s)
            left_s -= wait_s

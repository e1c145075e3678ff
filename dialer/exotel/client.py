"""Exotel over HTTP: one method is one request, nothing is retried, every failure has a meaning."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Self
from urllib.parse import quote, quote_plus, urljoin, urlsplit
from zoneinfo import ZoneInfo

import httpx

from campaigns.alerts import Balance
from campaigns.attempt import CallReport
from campaigns.sentence import told
from dialer.errors import (
    LookupFailed,
    PlacementUnknown,
    RateFeedback,
    TurnedAway,
)
from dialer.exotel import values
from dialer.exotel.bodies import read_document
from dialer.exotel.call import (
    UnreadableRow,
    read_balance,
    read_call,
    read_calls,
    read_v3_details,
)
from dialer.exotel.deadline import ClockS, Deadline, DeadlineTransport, IsWanted
from dialer.exotel.reading import placed_sid, read, read_answer, with_rate, word_for
from dialer.exotel.refusals import (
    HttpAnswer,
    connect_refusal,
    lookup_refusal,
    rate_feedback,
    readable,
)
from dialer.exotel.request import ConnectRequest

MAX_SIDS_PER_PAGE = 100
MAX_NUMBERS_PER_SEARCH = 5
MAX_ANSWER_BYTES = 64 * 1024
MAX_PAGE_BYTES = 2 * 1024 * 1024
MAX_CONNECT_S = 10.0
"""To all addresses, handshake apart, where no send window ends sooner."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A call was placed: the agent's phone is about to ring."""

    sid: str
    rate: RateFeedback | None
    http_status: int


@dataclass(frozen=True, slots=True)
class CallsPage:
    """One page of calls, newest first.

    Args:
        reports: Ended calls only: bulk look-ups leave ongoing ones out.
        unreadable: Rows that could not be read, set aside.
        next_page: What `Exotel.next_page` takes; None on the last page.
    """

    reports: tuple[CallReport, ...]
    unreadable: tuple[UnreadableRow, ...]
    next_page: str | None


class Exotel:
    """An account at Exotel; safe to share between threads, close it when done.

    `send_before`, wherever it is taken, is the clock's value from which the request must not leave
    any more; it is checked on the open connection, right before the first byte.

    Args:
        base_url: Scheme and host of the v1 API, see `dialer.exotel_regions`.
        details_base_url: Scheme and host of v3 call details.
        timezone: Of v1's time stamps, which carry none.
        clock_s: Seconds that only move forward; measures the deadline and `send_before`.
        deadline_s: For a whole request, from name resolution to the last byte. Exotel dials
            inside the request: short deadlines make calls whose placing is unknown.
        transport: Replaces the network in tests; the deadline is then the test's business.
    """

    def __init__(
        self,
        *,
        account_sid: str,
        api_key: str,
        api_token: str,
        base_url: str,
        details_base_url: str,
        timezone: ZoneInfo,
        clock_s: ClockS,
        deadline_s: float = 45.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        account = quote(account_sid, safe="")
        self._account_url = f"{base_url.rstrip('/')}/v1/Accounts/{account}/"
        self._connect_url = httpx.URL(f"{self._account_url}Calls/connect.json")  # parsed once
        self._details_url = f"{details_base_url.rstrip('/')}/v3/accounts/{account}/calls/"
        self._timezone = timezone
        self._clock_s = clock_s
        self._deadline_s = deadline_s
        headers = {
            # in the header, never in a URL: URLs are logged
            "Authorization": _basic(api_key, api_token),
            "Accept": "application/json",
            # an encoded body could grow a thousandfold while it is read
            "Accept-Encoding": "identity",
            "User-Agent": "dialer",
        }
        self._headers = httpx.Headers(headers)
        self._connect_headers = httpx.Headers(  # with all but the length, which httpx need not seek
            {
                "Host": self._connect_url.netloc.decode(),
                **headers,
                "Content-Type": "application/x-www-form-urlencoded",
            }
        )
        self._json_headers = httpx.Headers({**headers, "Content-Type": "application/json"})
        self._timeout = httpx.Timeout(deadline_s, connect=min(MAX_CONNECT_S, deadline_s)).as_dict()
        # the transport alone: of what a client adds, cookies, redirects and the environment's
        # proxies are not wanted, and the rest is a third of a request's cost
        self._transport = transport or DeadlineTransport()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the kept-alive connections."""
        self._transport.close()

    def connect(
        self,
        request: ConnectRequest,
        *,
        send_before: float | None = None,
        is_wanted: IsWanted | None = None,
    ) -> Connected:
        """Place a call: ring the agent, then the customer.

        Args:
            request: What to place.
            is_wanted: Asked once more, right before the first byte leaves.

        Raises:
            ProviderError: One of its kinds, see `dialer.exotel.refusals`. An answer that never
                came, or does not name the call, is `PlacementUnknown`.
        """
        try:
            answer = self._send(
                self._connect_request(request), send_before=send_before, is_wanted=is_wanted
            )
        except _SURELY_NOT_SENT as error:
            raise _not_sent(error) from error
        except httpx.RequestError as error:
            raise PlacementUnknown(
                f"Exotel did not answer: {readable(str(error))} (the call may have been placed)",
                error_code=word_for(error),
            ) from error
        if not answer.is_success:
            raise with_rate(connect_refusal(answer, request), answer)
        return Connected(placed_sid(answer), rate_feedback(answer.headers), answer.status)

    def reach(self, *, within_s: float) -> None:
        """Open a connection to where calls are placed, without asking for anything.

        Raises:
            TurnedAway: It cannot be reached from here.
        """
        if not isinstance(self._transport, DeadlineTransport):
            return  # a test's network has no connections
        deadline = Deadline(self._clock_s, total_s=within_s)
        try:
            self._transport.reach(self._connect_url, deadline)
        except httpx.TransportError as error:
            raise _not_sent(error) from error

    def call_details(self, sid: str, *, send_before: float | None = None) -> CallReport | None:
        """Look one call up, ongoing or ended; None when the account has no such call."""
        answer = self._look_up(
            f"{self._account_url}Calls/{_checked(sid)}.json",
            params={"details": "true"},
            may_be_missing=True,
            send_before=send_before,
        )
        if answer.status == 404:
            return None
        return read(answer, lambda body: read_call(body, timezone=self._timezone))

    def call_details_v3(self, sid: str, *, send_before: float | None = None) -> CallReport | None:
        """Look one call up in v3, the only look-up that returns our `custom_field`.

        v3 calls it over when all its values are final, minutes after the end.
        """
        answer = self._look_up(
            f"{self._details_url}{_checked(sid)}",
            headers=self._json_headers,  # asked for, though there is no body
            may_be_missing=True,
            send_before=send_before,
        )
        if answer.status == 404:
            return None
        return read(answer, lambda body: read_v3_details(body, timezone=self._timezone))

    def calls(self, sids: Sequence[str], *, send_before: float | None = None) -> CallsPage:
        """Look ended calls up by their Sids, at most 100; Exotel advises 20."""
        if not 1 <= len(sids) <= MAX_SIDS_PER_PAGE:
            raise ValueError(f"{len(sids)} Sids; ask for 1 to {MAX_SIDS_PER_PAGE}")
        wanted = ",".join(_checked(sid) for sid in sids)
        return self._first_page({"Sid": wanted}, send_before=send_before)

    def search_calls(
        self,
        *,
        created_from: datetime,
        created_until: datetime,
        agents: Sequence[str] = (),
        customers: Sequence[str] = (),
        send_before: float | None = None,
    ) -> CallsPage:
        """Look ended calls up by their numbers (E.164) and the time they were created.

        Args:
            agents: At most five, as are `customers`; none: any.
        """
        if max(len(agents), len(customers)) > MAX_NUMBERS_PER_SEARCH:
            raise ValueError(f"a search takes {MAX_NUMBERS_PER_SEARCH} numbers of a side")
        earliest, latest = (
            moment.astimezone(self._timezone).strftime("%Y-%m-%d %H:%M:%S")
            for moment in (created_from, created_until)
        )
        numbers = {"From": ",".join(agents), "To": ",".join(customers)}
        return self._first_page(
            {"DateCreated": f"gte:{earliest};lte:{latest}"}
            | {name: wanted for name, wanted in numbers.items() if wanted},
            send_before=send_before,
        )

    def next_page(self, page: str, *, send_before: float | None = None) -> CallsPage:
        """Fetch the page that `CallsPage.next_page` names; only our own host is asked."""
        url = urljoin(self._account_url, page)
        if urlsplit(url)[:2] != urlsplit(self._account_url)[:2]:
            raise LookupFailed("the next page is on another host", error_code="foreign_page")
        found = self._page(url, send_before=send_before)
        if found.next_page == page:
            raise LookupFailed("a page names itself as the next", error_code="endless_pages")
        return found

    def check_credentials(self, *, send_before: float | None = None) -> None:
        """Ask for the balance, which places no call; Exotel allows it once a minute.

        Raises:
            AccountRefused: The account, its credentials or the region is wrong.
        """
        self._ask_balance(send_before)

    def balance(self, *, send_before: float | None = None) -> Balance:
        """Read how much money the account has; Exotel allows it once a minute."""
        answer = self._ask_balance(send_before)
        return read(answer, read_balance)

    def _ask_balance(self, send_before: float | None) -> HttpAnswer:
        return self._look_up(f"{self._account_url}Balance.json", send_before=send_before)

    def _first_page(self, filters: dict[str, str], *, send_before: float | None) -> CallsPage:
        return self._page(
            f"{self._account_url}Calls.json",
            params=filters | {"details": "true", "PageSize": str(MAX_SIDS_PER_PAGE)},
            send_before=send_before,
        )

    def _page(
        self, url: str, *, params: dict[str, str] | None = None, send_before: float | None
    ) -> CallsPage:
        answer = self._look_up(
            url, params=params, max_bytes=MAX_PAGE_BYTES, send_before=send_before
        )
        document = read(answer, read_document)
        calls, unreadable = read(answer, lambda _: read_calls(document, timezone=self._timezone))
        next_page = values.text(values.member(document.get("Metadata"), "NextPageUri"))
        return CallsPage(
            reports=tuple(calls),
            unreadable=unreadable,
            next_page=next_page,
        )

    def _look_up(
        self,
        url: str,
        *,
        params: dict[str, str] | None = None,
        headers: httpx.Headers | None = None,
        max_bytes: int = MAX_ANSWER_BYTES,
        may_be_missing: bool = False,
        send_before: float | None = None,
    ) -> HttpAnswer:
        try:
            request = httpx.Request("GET", url, params=params, headers=headers or self._headers)
            answer = self._send(request, max_bytes=max_bytes, send_before=send_before)
        except _SURELY_NOT_SENT as error:
            raise _not_sent(error) from error
        except httpx.RequestError as error:
            raise LookupFailed(
                told("Exotel did not answer: {error}", error=readable(str(error))),
                error_code=word_for(error),
            ) from error
        if answer.is_success or (may_be_missing and answer.status == 404):
            return answer
        raise with_rate(lookup_refusal(answer), answer)

    def _connect_request(self, request: ConnectRequest) -> httpx.Request:
        body = _encoded(request.to_form())
        headers = self._connect_headers.copy()
        headers["Content-Length"] = str(len(body))
        stream = httpx.ByteStream(body)
        return httpx.Request("POST", self._connect_url, headers=headers, stream=stream)

    def _send(
        self,
        request: httpx.Request,
        *,
        max_bytes: int = MAX_ANSWER_BYTES,
        send_before: float | None = None,
        is_wanted: IsWanted | None = None,
    ) -> HttpAnswer:
        deadline = Deadline(
            self._clock_s,
            total_s=self._deadline_s,
            send_before=send_before,
            is_wanted=is_wanted,
        )
        deadline.check_may_send()  # no connection is opened in vain
        request.extensions = {"timeout": self._timeout, "deadline": deadline}
        response = self._transport.handle_request(request)
        try:
            return read_answer(response, max_bytes)
        finally:
            response.close()


_SURELY_NOT_SENT = (
    httpx.ConnectError,  # refused, no such host, TLS: the connection never stood
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
)


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def _encoded(form: Sequence[tuple[str, str]]) -> bytes:
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in form).encode()


_QUOTED_ASCII = {ord(one): quote_plus(one) for one in map(chr, range(128))}


@lru_cache(maxsize=256)  # all names and most values of a campaign's requests are the same
def _quoted(text: str) -> str:
    # quote_plus goes byte by byte in Python
    return text.translate(_QUOTED_ASCII) if text.isascii() else quote_plus(text)


def _not_sent(error: httpx.RequestError) -> TurnedAway:
    return TurnedAway(
        told("the request did not leave: {error}", error=readable(str(error))),
        error_code=word_for(error),
    )


def _checked(sid: str) -> str:
    if values.sid(sid) != sid:
        raise ValueError("a Sid has letters, digits, _ and - only")
    return sid

"""The bulk list of calls: filters, pages, newest first; calls that still go on are not in it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from dialer.simulator.answers import Refusal
from dialer.simulator.bodies import CallPrinter, Json
from dialer.simulator.clock import IST, SimulatorClock
from dialer.simulator.exchange import Call, Exchange
from dialer.simulator.numbers import last_ten

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 100
MAX_SIDS = 100
MAX_NUMBERS = 5
MAX_RANGE = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which calls are wanted; an empty set and None do not filter.

    Args:
        created_from: Inclusive, as `created_to`; the list knows whole seconds.
        after: Sid of the last row of the page before.
        before: Sid of the first row of the page after.
    """

    sids: frozenset[str]
    agents: frozenset[str]
    customers: frozenset[str]
    caller_ids: frozenset[str]
    statuses: frozenset[str]
    created_from: datetime | None
    created_to: datetime | None
    page_size: int
    after: str | None
    before: str | None

    def matches(self, call: Call, created_at: datetime) -> bool:
        request = call.request
        return (
            _in(call.sid, self.sids)
            and _in(last_ten(request.agent), self.agents)
            and _in(last_ten(request.customer), self.customers)
            and _in(last_ten(request.caller_id), self.caller_ids)
            and _in(call.course.status, self.statuses)
            and (self.created_from is None or created_at >= self.created_from)
            and (self.created_to is None or created_at <= self.created_to)
        )


def read_filter(query: QueryParams) -> Filter:
    """Check the query's values; raises `Refusal` at the first that is wrong."""
    created_from, created_to = _range(query.get("DateCreated"))
    return Filter(
        sids=_words(query, "Sid", MAX_SIDS),
        agents=_numbers(query, "From"),
        customers=_numbers(query, "To"),
        caller_ids=_numbers(query, "PhoneNumber"),
        statuses=_words(query, "Status", MAX_SIDS),
        created_from=created_from,
        created_to=created_to,
        page_size=_page_size(query.get("PageSize")),
        after=query.get("After"),
        before=query.get("Before"),
    )


def page_of_calls(
    query: QueryParams,
    *,
    path: str,
    exchange: Exchange,
    clock: SimulatorClock,
    printer: CallPrinter,
    at_s: float,
) -> Json:
    """One page of the ended calls that match, with links to its neighbours."""
    wanted = read_filter(query)
    matching = [
        call
        for call in _candidates(exchange, wanted)
        if call.is_over(at_s)
        and wanted.matches(call, clock.wall(call.placed_at_s).replace(microsecond=0))
    ]
    rows = _cut(matching, wanted, exchange)
    details = query.get("details") == "true"

    def link(**cursor: str) -> str:
        kept = {key: query[key] for key in query if key not in {"After", "Before"}}
        return f"{path}?{urlencode(kept | cursor)}"

    return {
        "Metadata": {
            "Total": len(matching),
            "PageSize": wanted.page_size,
            "FirstPageUri": link(),
            "PrevPageUri": link(Before=rows[0].sid) if rows and rows[0] != matching[0] else None,
            "NextPageUri": link(After=rows[-1].sid) if rows and rows[-1] != matching[-1] else None,
        },
        "Calls": [printer.v1_row(call, at_s, details=details) for call in rows],
    }


def _candidates(exchange: Exchange, wanted: Filter) -> Iterable[Call]:
    """The calls that may match, newest first, by the narrowest index there is."""
    if wanted.sids:
        known = filter(None, map(exchange.find, wanted.sids))
        return sorted(known, key=lambda call: call.serial, reverse=True)
    if numbers := wanted.customers or wanted.agents:
        calls = {call.serial: call for number in numbers for call in exchange.of_number(number)}
        return [calls[serial] for serial in sorted(calls, reverse=True)]
    return reversed(exchange.calls)


def _cut(matching: list[Call], wanted: Filter, exchange: Exchange) -> list[Call]:
    if wanted.after:
        last = _cursor(exchange, "After", wanted.after)
        return [call for call in matching if call.serial < last.serial][: wanted.page_size]
    if wanted.before:
        first = _cursor(exchange, "Before", wanted.before)
        return [call for call in matching if call.serial > first.serial][-wanted.page_size :]
    return matching[: wanted.page_size]


def _cursor(exchange: Exchange, name: str, sid: str) -> Call:
    call = exchange.find(sid)
    if call is None:
        raise _wrong(name, "is no cursor of ours")
    return call


def _in(value: str, allowed: frozenset[str]) -> bool:
    return not allowed or value in allowed


def _words(query: QueryParams, name: str, most: int) -> frozenset[str]:
    words = [word for word in query.get(name, "").split(",") if word]
    if len(words) > most:
        raise _wrong(name, f"takes at most {most} values")
    return frozenset(words)


def _numbers(query: QueryParams, name: str) -> frozenset[str]:
    return frozenset(map(last_ten, _words(query, name, MAX_NUMBERS)))


def _page_size(text: str | None) -> int:
    if text is None:
        return DEFAULT_PAGE_SIZE
    if not text.isdecimal() or not 1 <= int(text) <= MAX_PAGE_SIZE:
        raise _wrong("PageSize", f"must be an integer from 1 to {MAX_PAGE_SIZE}")
    return int(text)


def _range(text: str | None) -> tuple[datetime | None, datetime | None]:
    """Read `gte:2024-01-15 14:00:00;lte:2024-01-15 15:00:00`; each half may stand alone."""
    if text is None:
        return None, None
    bounds: dict[str, datetime] = {}
    for half in filter(None, text.split(";")):
        bound, _, stamp = half.partition(":")
        try:
            bounds[bound] = datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S").replace(tzinfo=IST)
        except ValueError:
            raise _wrong("DateCreated", "must be gte:YYYY-MM-DD HH:MM:SS;lte:…") from None
    if not bounds or not bounds.keys() <= {"gte", "lte"}:
        raise _wrong("DateCreated", "must be bounded by gte and lte")
    earliest, latest = bounds.get("gte"), bounds.get("lte")
    if earliest and latest and latest - earliest > MAX_RANGE:
        raise _wrong("DateCreated", "must not span more than a month")
    return earliest, latest


def _wrong(name: str, requirement: str) -> Refusal:
    return Refusal(400, f"Invalid parameter: '{name}' {requirement}")

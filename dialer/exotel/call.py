"""A call as Exotel's v1 and v3 APIs describe it.

<https://developer.exotel.com/docs/voice-v3/api-reference/connect-two-numbers>
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from campaigns.alerts import Balance
from campaigns.attempt import LIVE_STATUSES, CallReport, LegReport, ReportSource
from dialer.exotel import values
from dialer.exotel.bodies import Fields, UnreadableBody, read_document

_FINAL_STATUSES = frozenset({"completed", "failed", "busy", "no-answer", "canceled"})


def is_over(status: str | None, ended_at: datetime | None) -> bool:
    """Tell whether a call has ended; a word we do not know, or none, leaves it to the end's instant."""
    if status in _FINAL_STATUSES or status in LIVE_STATUSES:
        return status in _FINAL_STATUSES
    return ended_at is not None


def read_call(body: bytes, *, timezone: ZoneInfo) -> CallReport:
    """Read `{"Call": {…}}`, as v1 prints a call on placing it and on reading it back, JSON or XML.

    Raises:
        UnreadableBody: Neither of them, or a call without a Sid.
    """
    return call_from(read_document(body).get("Call"), timezone=timezone)


def read_placed_sid(body: bytes) -> str:
    """Read the Sid of `{"Call": {…}}`; of a call just placed nothing else is news.

    Raises:
        UnreadableBody: As `read_call`.
    """
    return _sid(read_document(body).get("Call"))


def read_balance(body: bytes) -> Balance:
    """Read how much money the account has.

    Raises:
        UnreadableBody: As `read_call`, or it tells no amount.
    """
    told = values.member(read_document(body).get("Account"), "BalanceData")
    amount = values.price(values.member(told, "Balance"))
    if amount is None:
        raise UnreadableBody("it tells no balance")
    currency = values.text(values.member(told, "Currency")) or ""
    return Balance(float(amount), currency[:8])


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row of a list that names no call: some call it is, and nobody can ask which.

    Args:
        agent: As in `CallReport`, as are the others; None where it does not tell.
        why: What is wrong with it.
    """

    agent: str | None = field(repr=False)
    customer: str | None = field(repr=False)
    custom_field: str | None
    created_at: datetime | None
    why: str


def read_calls(
    document: Fields, *, timezone: ZoneInfo
) -> tuple[list[CallReport], tuple[UnreadableRow, ...]]:
    """Read the calls of a bulk page: a list, one object, or either of them inside `Call`.

    Returns:
        The calls, and the rows that are none. Whoever passes those over must not take a call for one
        that was never placed.

    Raises:
        UnreadableBody: No calls there.
    """
    if "Calls" not in document:
        raise UnreadableBody("a page without calls")
    calls, unreadable = [], []
    for row in _rows(document["Calls"]):
        try:
            calls.append(call_from(row, timezone=timezone))
        except UnreadableBody as error:
            unreadable.append(_set_aside(row, str(error), timezone))
    return calls, tuple(unreadable)


def call_from(fields: Any, *, timezone: ZoneInfo) -> CallReport:
    """Read a call from its fields; at first its status is `in-progress` or `queued`, which says nothing of the legs.

    Raises:
        UnreadableBody: There is no Sid.
    """
    sid = _sid(fields)
    details = values.member(fields, "Details")
    status = values.status(fields.get("Status"))
    agent_leg, customer_leg = _detail_legs(details, values.word(fields.get("AnsweredBy")))
    ended_at = values.ended(fields.get("StartTime"), fields.get("EndTime"), timezone)
    return CallReport(
        source=ReportSource.DETAILS,
        sid=sid,
        status=status,
        is_over=is_over(status, ended_at),
        agent_leg=agent_leg,
        customer_leg=customer_leg,
        talk_s=values.seconds(values.member(details, "ConversationDuration")),
        total_s=values.seconds(fields.get("Duration")),
        price=values.price(fields.get("Price")),
        recording_url=values.text(fields.get("RecordingUrl")),
        created_at=values.instant(fields.get("DateCreated"), timezone),
        ended_at=ended_at,
        updated_at=values.instant(fields.get("DateUpdated"), timezone),
        agent=values.text(fields.get("From")),
        customer=values.text(fields.get("To")),
        custom_field=values.text(fields.get("CustomField")),
    )


def read_legs(legs: Any) -> dict[int, LegReport]:
    """Read legs by number, 1 the agent's and 2 the customer's; a number not told of is absent.

    They come as a list, as an object keyed "0" and "1", each perhaps wrapped in `Leg`, or null.
    A leg that is there but null was never tried.
    """
    if isinstance(legs, dict) and "Leg" in legs:  # from XML
        legs = legs["Leg"]
        legs = legs if isinstance(legs, list) else [legs]
    entries = list(enumerate(legs)) if isinstance(legs, list) else _keyed(legs)
    found: dict[int, LegReport] = {}
    for index, entry in entries:
        wrapped = values.member(entry, "Leg") or entry
        leg = wrapped if isinstance(wrapped, dict) else {}
        number = values.seconds(leg.get("Id"))
        found[number if number in (1, 2) else index + 1] = LegReport(
            status=values.status(leg.get("Status")),
            on_call_s=values.seconds(leg.get("OnCallDuration")),
            answered_by=values.word(leg.get("AnsweredBy")),
        )
    return found


def read_v3_details(body: bytes, *, timezone: ZoneInfo) -> CallReport:
    """Read v3 call details: the only look-up that returns our `custom_field`.

    Raises:
        UnreadableBody: Not JSON, or details without a Sid.
    """
    details = values.member(read_document(body).get("response"), "call_details")
    sid = values.sid(values.member(details, "sid"))
    if sid is None:
        raise UnreadableBody("no sid")
    status = values.word(details.get("status"))
    agent_leg, customer_leg = _V3_LEGS.get(status or "", (None, None))
    return CallReport(
        source=ReportSource.DETAILS,
        sid=sid,
        status=status,
        is_over=values.word(details.get("state")) == "terminal",
        agent_leg=agent_leg,
        customer_leg=customer_leg,
        talk_s=values.seconds(details.get("total_talk_time")),
        total_s=values.seconds(details.get("total_duration")),
        recording_url=_first_recording(details.get("recordings")),
        created_at=values.instant(details.get("created_time"), timezone),
        ended_at=values.ended(details.get("start_time"), details.get("end_time"), timezone),
        updated_at=values.instant(details.get("updated_time"), timezone),
        custom_field=values.text(details.get("custom_field")),
    )


def _set_aside(fields: Any, why: str, timezone: ZoneInfo) -> UnreadableRow:
    return UnreadableRow(
        agent=values.text(values.member(fields, "From")),
        customer=values.text(values.member(fields, "To")),
        custom_field=values.text(values.member(fields, "CustomField")),
        created_at=values.instant(values.member(fields, "DateCreated"), timezone),
        why=why,
    )


def _sid(fields: Any) -> str:
    sid = values.sid(values.member(fields, "Sid"))
    if sid is None:
        raise UnreadableBody("no Sid")
    return sid


_NEVER_TRIED = LegReport(status=None)
_COMPLETED = LegReport(status="completed")

# v3 tells the legs' fate in one word; it knows no `busy`
_V3_LEGS: dict[str, tuple[LegReport, LegReport]] = {
    "completed": (_COMPLETED, _COMPLETED),
    "from_leg_unanswered": (LegReport(status="no-answer"), _NEVER_TRIED),
    "from_leg_no_dial": (LegReport(status="failed"), _NEVER_TRIED),
    "from_leg_cancelled": (LegReport(status="canceled"), _NEVER_TRIED),
    "to_leg_unanswered": (_COMPLETED, LegReport(status="no-answer")),
    "to_leg_no_dial": (_COMPLETED, _NEVER_TRIED),
}


def _detail_legs(
    details: Any, answered_by: str | None
) -> tuple[LegReport | None, LegReport | None]:
    """Join `LegNStatus` with what `Legs` says of the same leg's seconds."""
    if not isinstance(details, dict):
        return None, None
    told = read_legs(details.get("Legs"))
    legs: list[LegReport | None] = []
    for number, key in ((1, "Leg1Status"), (2, "Leg2Status")):
        leg = told.get(number)
        if key not in details and leg is None:
            legs.append(None)
            continue
        leg = leg or _NEVER_TRIED
        legs.append(
            LegReport(
                status=values.status(details.get(key)) or leg.status,
                on_call_s=leg.on_call_s,
                answered_by=leg.answered_by or (answered_by if number == 2 else None),
            )
        )
    return legs[0], legs[1]


def _keyed(legs: Any) -> list[tuple[int, Any]]:
    if not isinstance(legs, dict):
        return []
    return [(int(key), legs[key]) for key in ("0", "1") if key in legs]


def _rows(calls: Any) -> list[Any]:
    if not calls:
        return []
    if isinstance(calls, dict):
        return _rows(calls["Call"]) if "Call" in calls else [calls]
    if isinstance(calls, list):
        return [values.member(row, "Call") or row for row in calls]
    raise UnreadableBody("calls of an unknown shape")


def _first_recording(recordings: Any) -> str | None:
    if not isinstance(recordings, list) or not recordings:
        return None
    return values.text(values.member(recordings[0], "url"))

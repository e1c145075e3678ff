"""A status callback: what Exotel posts to us when a leg answers and when the call is over."""

from zoneinfo import ZoneInfo

from campaigns.attempt import CallReport, ReportSource
from dialer.errors import CallbackRejected
from dialer.exotel import values
from dialer.exotel.bodies import Fields, UnreadableBody, read_form
from dialer.exotel.call import is_over, read_legs

MAX_CALLBACK_BYTES = 64 * 1024
MAX_CALLBACK_FIELDS = 100


def read_callback(body: bytes, content_type: str | None, *, timezone: ZoneInfo) -> CallReport:
    """Read a callback, full or of four fields, in any of Exotel's encodings.

    Raises:
        CallbackRejected: Too large, malformed, or without a call's Sid.
    """
    if len(body) > MAX_CALLBACK_BYTES:
        raise CallbackRejected(f"larger than {MAX_CALLBACK_BYTES} bytes")
    try:
        fields = read_form(body, content_type, max_fields=MAX_CALLBACK_FIELDS)
    except UnreadableBody as error:
        raise CallbackRejected(str(error)) from error
    return _report(fields, timezone)


def _report(fields: Fields, timezone: ZoneInfo) -> CallReport:
    sid = values.sid(fields.get("CallSid"))
    if sid is None:
        raise CallbackRejected("no CallSid")
    event = values.word(fields.get("EventType"))
    status = values.status(fields.get("Status"))
    legs = read_legs(fields.get("Legs"))
    ended_at = values.ended(fields.get("StartTime"), fields.get("EndTime"), timezone)
    return CallReport(
        source=ReportSource.CALLBACK,
        sid=sid,
        status=status,
        # a four-field callback names no event; there the status has to do
        is_over=event == "terminal" if event else is_over(status, ended_at),
        agent_leg=legs.get(1),
        customer_leg=legs.get(2),
        talk_s=values.seconds(fields.get("ConversationDuration")),
        total_s=values.seconds(fields.get("Duration")),
        price=values.price(fields.get("Price")),
        recording_url=values.text(fields.get("RecordingUrl")),
        ended_at=ended_at,
        updated_at=values.instant(fields.get("DateUpdated"), timezone),
        agent=values.text(fields.get("From")),
        customer=values.text(fields.get("To")),
    )

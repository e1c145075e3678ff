"""What the provider says of a call: v1 and v3 resources, callbacks, errors; in JSON and in XML.

The shapes follow the documentation's examples, their inconsistencies included: numbers lose
their country code, stamps carry no zone, Duration is now a string and now a number.
"""

import uuid
from collections.abc import Mapping
from enum import StrEnum
from html import escape
from typing import Any

from dialer.simulator.clock import SimulatorClock
from dialer.simulator.exchange import Call
from dialer.simulator.fates import Fate
from dialer.simulator.numbers import last_ten, printed

Json = dict[str, Any]

V3_STATUS: Mapping[Fate, str] = {
    Fate.CONNECTED: "completed",
    Fate.MACHINE: "completed",
    Fate.CUSTOMER_NO_ANSWER: "to_leg_unanswered",
    Fate.CUSTOMER_BUSY: "to_leg_unanswered",
    Fate.CUSTOMER_FAILED: "to_leg_no_dial",
    Fate.CUSTOMER_NOT_DIALLED: "to_leg_no_dial",
    Fate.AGENT_LEFT: "from_leg_cancelled",
    Fate.AGENT_NO_ANSWER: "from_leg_unanswered",
    Fate.AGENT_BUSY: "from_leg_unanswered",
    Fate.AGENT_FAILED: "from_leg_no_dial",
    Fate.PROVIDER_FAILED: "from_leg_no_dial",
}
UNSET_V3_INSTANT = "1970-01-01 05:30:00+05:30"


class Event(StrEnum):
    """What a callback is sent for. The provider calls both answers `answered`."""

    AGENT_ANSWERED = "agent_answered"
    CUSTOMER_ANSWERED = "customer_answered"
    ENDED = "ended"


class CallPrinter:
    """Prints calls as they look at a moment, in real seconds since the start."""

    def __init__(self, *, account_sid: str, clock: SimulatorClock) -> None:
        self._account_sid = account_sid
        self._clock = clock

    def placed(self, call: Call, *, details: bool) -> Json:
        """The answer to POST connect; `in-progress` here does not mean that anyone answered."""
        at_s = call.placed_at_s
        body = self._common(call, at_s) | {"Status": "in-progress"}
        if not details:
            return body | self._without_details(call) | {"RecordingUrl": None}
        return body | {
            "RecordingUrl": None,
            "Details": {
                "ConversationDuration": 0,
                "Leg1Status": "in-progress",
                "Leg2Status": "queued",
                "Legs": [],
            },
        }

    def v1(self, call: Call, at_s: float, *, details: bool) -> Json:
        """The v1 resource; Duration and Price are strings with details and numbers without."""
        body = self._common(call, at_s)
        recording_url = self.recording_url(call, at_s)
        if at_s >= call.values_at_s:
            total_s, price = call.course.ends_s, call.price
            body |= {
                "EndTime": self._stamp(call.ends_at_s),
                "Duration": str(total_s) if details else total_s,
                "Price": price if details else float(price),
            }
        if details:
            return body | {"RecordingUrl": recording_url, "Details": self._details(call, at_s)}
        return body | self._without_details(call) | {"RecordingUrl": recording_url}

    def v1_row(self, call: Call, at_s: float, *, details: bool) -> Json:
        """A row of the bulk list: strings again."""
        row = self.v1(call, at_s, details=True)
        return row if details else {key: row[key] for key in row if key != "Details"}

    def v3(self, call: Call, at_s: float) -> Json:
        """The v3 resource; `terminal` comes with the late values, not with the hang-up."""
        processed = at_s >= call.values_at_s
        body: Json = {
            "sid": call.sid,
            "direction": "outbound",
            "virtual_number": f"+91{last_ten(call.request.caller_id)}",
            "state": "terminal" if processed else "active",
            "status": V3_STATUS[call.course.fate] if processed else None,
            "created_time": self._v3_stamp(call.placed_at_s),
            "updated_time": self._v3_stamp(call.updated_at_s(at_s)),
            "start_time": self._v3_stamp(call.placed_at_s),
            "end_time": self._v3_stamp(call.ends_at_s) if processed else UNSET_V3_INSTANT,
            "custom_field": call.request.custom_field,
        }
        if not processed:
            return body
        recording_url = self.recording_url(call, at_s)
        return body | {
            "legs": f"/v3/accounts/{self._account_sid}/calls/{call.sid}/legs",
            "total_duration": call.course.ends_s,
            "total_talk_time": call.course.talk_s,
            "app_id": None,
            "app_name": None,
            "digits": None,
            "recordings": [{"url": recording_url}] if recording_url else [],
        }

    def callback(self, call: Call, event: Event, at_s: float) -> Json:
        """The full callback of an event, as JSON."""
        ended = event is Event.ENDED
        agent_status, customer_status = self._leg_statuses(call, at_s)
        course = call.course
        answered_by = "MACHINE" if course.fate is Fate.MACHINE else "HUMAN"
        body: Json = {
            "CallSid": call.sid,
            "EventType": "terminal" if ended else "answered",
            "DateCreated": self._stamp(call.placed_at_s),
            "DateUpdated": self._stamp(call.updated_at_s(at_s)),
            "To": printed(call.request.customer),
            "From": printed(call.request.agent),
            "PhoneNumberSid": printed(call.request.caller_id),
            "StartTime": self._stamp(call.placed_at_s),
            "EndTime": self._stamp(call.ends_at_s) if ended else None,
            "Status": course.status if ended else "in-progress",
            "ConversationDuration": course.talk_s if ended else 0,
            "Direction": "outbound-api",
            "RecordingUrl": self.recording_url(call, at_s),
            "Legs": [
                {
                    "OnCallDuration": self._agent_on_call_s(call, at_s),
                    "Status": agent_status,
                    "AnsweredBy": "NA",
                },
                {
                    "OnCallDuration": course.talk_s if ended else 0,
                    "Status": customer_status,
                    "AnsweredBy": answered_by if call.customer_is_up(at_s) else "NA",
                },
            ],
        }
        if ended and call.request.custom_field is not None:
            body["CustomField"] = call.request.custom_field
        return body

    def recording_url(self, call: Call, at_s: float) -> str | None:
        if not (call.was_recorded and call.is_over(at_s)):
            return None
        return f"{call.host_url}/recordings/{self._account_sid}/{call.sid}.mp3"

    def _common(self, call: Call, at_s: float) -> Json:
        return {
            "Sid": call.sid,
            "ParentCallSid": None,
            "DateCreated": self._stamp(call.placed_at_s),
            "DateUpdated": self._stamp(call.updated_at_s(at_s)),
            "AccountSid": self._account_sid,
            "To": printed(call.request.customer),
            "From": printed(call.request.agent),
            "PhoneNumberSid": printed(call.request.caller_id),
            "Status": self._status(call, at_s),
            "StartTime": self._stamp(call.placed_at_s),
            "EndTime": None,
            "Duration": None,
            "Price": None,
            "Direction": "outbound-api",
            "AnsweredBy": None,
        }

    def _without_details(self, call: Call) -> Json:
        return {
            "ForwardedFrom": None,
            "CallerName": None,
            "Uri": f"/v1/Accounts/{self._account_sid}/Calls.json/{call.sid}",
        }

    def _details(self, call: Call, at_s: float) -> Json:
        agent_status, customer_status = self._leg_statuses(call, at_s)
        talk_s = call.course.talk_s if call.is_over(at_s) else 0
        legs_s = (self._agent_on_call_s(call, at_s), talk_s)
        return {
            "ConversationDuration": talk_s,
            "Leg1Status": agent_status,
            "Leg2Status": customer_status if call.is_over(at_s) else customer_status or "queued",
            "Legs": [
                {"Leg": {"Id": number, "OnCallDuration": leg_s}}
                for number, leg_s in enumerate(legs_s, start=1)
            ],
        }

    def _status(self, call: Call, at_s: float) -> str:
        if call.is_over(at_s):
            return call.course.status
        return "in-progress" if call.agent_is_up(at_s) else "ringing"

    def _leg_statuses(self, call: Call, at_s: float) -> tuple[str | None, str | None]:
        if call.is_over(at_s):
            return call.course.agent_status, call.course.customer_status
        if call.agent_is_up(at_s):
            return "in-progress", "in-progress" if call.customer_is_up(at_s) else None
        return "ringing", None

    def _agent_on_call_s(self, call: Call, at_s: float) -> int:
        if call.is_over(at_s):
            return call.course.agent_on_call_s
        if call.agent_answers_at_s is None or not call.agent_is_up(at_s):
            return 0
        return int(self._clock.call_s(at_s - call.agent_answers_at_s))

    def _stamp(self, at_s: float) -> str:
        return f"{self._clock.wall(at_s):%Y-%m-%d %H:%M:%S}"

    def _v3_stamp(self, at_s: float) -> str:
        return f"{self._stamp(at_s)}+05:30"


def minimal(callback: Json) -> Json:
    """The four fields of a caller who asked for no events."""
    return {name: callback[name] for name in ("CallSid", "Status", "RecordingUrl", "DateUpdated")}


def flattened(callback: Json) -> dict[str, str]:
    """A callback as form fields: `Legs[0][Status]`, and an empty value where JSON has null."""
    fields = {name: _form_value(value) for name, value in callback.items() if name != "Legs"}
    for number, leg in enumerate(callback.get("Legs", ())):
        for name, value in leg.items():
            fields[f"Legs[{number}][{name}]"] = _form_value(value)
    return fields


def v3_envelope(details: Json) -> Json:
    """What v3 wraps around the details of a call."""
    return {
        "request_id": uuid.uuid4().hex,
        "method": "GET",
        "http_code": 200,
        "response": {"code": 200, "status": "success", "call_details": details},
    }


def as_xml(body: Json) -> str:
    """What whoever leaves `.json` off gets; nulls are empty elements."""
    content = "".join(_element(name, value) for name, value in body.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<TwilioResponse>{content}</TwilioResponse>'


def _element(name: str, value: object) -> str:
    match value:
        case None:
            return f"<{name}/>"
        case dict():
            content = "".join(_element(key, inner) for key, inner in value.items())
        case list():
            content = "".join(_element(name.removesuffix("s"), inner) for inner in value)
        case _:
            content = escape(str(value), quote=False)
    return f"<{name}>{content}</{name}>"


def _form_value(value: object) -> str:
    return "" if value is None else str(value)

"""An Exotel that does what a test says, behind httpx's own fake transport; it keeps the ledger."""

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import httpx

from dialer.clock import boottime_s
from dialer.exotel import Exotel

IST = ZoneInfo("Asia/Kolkata")


class Answer(StrEnum):
    """What becomes of one POST connect."""

    PLACED = "placed"
    PLACED_UNHEARD = "placed, and the response is lost"
    LOST = "nothing placed, and the response is lost"
    OVER_LIMIT = "429"
    UNAVAILABLE = "503"
    BAD_NUMBER = "400 about the customer's number"
    BAD_SETTING = "400 about the caller id"
    DO_NOT_DISTURB = "403 NDNC"
    NO_CREDENTIALS = "401"
    NO_BALANCE = "402"
    NO_CONNECTION = "connection refused"
    AGENT_IN_CALL = "409, agent in another call"


@dataclass(slots=True)
class Call:
    """A call that was placed."""

    sid: str
    attempt_id: str
    agent: str
    customer: str
    placed_at_s: float
    form: dict[str, str]
    is_over: bool = False
    details: dict[str, Any] = field(default_factory=dict)


class PhoneCompany:
    """The provider and its ledger.

    Args:
        now_s: The clock it stamps calls with, epoch s.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self.answers: deque[Answer] = deque()
        self.calls: list[Call] = []
        self.posts: list[str] = []
        self.looks: list[str] = []
        self.look_status = 200
        self.headers: dict[str, str] = {}
        """Of its answers where a call was placed."""
        self.same_sid_again = False
        self.before_answering: Callable[[], None] = lambda: None
        self.while_posting: Callable[[Call], None] = lambda _: None
        self.client = Exotel(
            account_sid="acct1",
            api_key="key",
            api_token="t0ken",
            base_url="https://api.example.com",
            details_base_url="https://ccm-api.example.com",
            timezone=IST,
            clock_s=boottime_s,
            transport=httpx.MockTransport(self._handle),
        )

    def live(self) -> list[Call]:
        """Calls that are not over."""
        return [call for call in self.calls if not call.is_over]

    def end(self, call: Call, **details: Any) -> None:
        """End a call; from now on look-ups find it."""
        call.is_over = True
        call.details = {
            "Status": "completed",
            "Duration": "45",
            "Price": "1.500",
            "EndTime": _stamp(self._now_s()),
            "Details": {
                "ConversationDuration": 30,
                "Leg1Status": "completed",
                "Leg2Status": "completed",
                "Legs": [{"Leg": {"Id": 1, "OnCallDuration": 38}}, {"Leg": {"Id": 2}}],
            },
            **details,
        }

    def _handle(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return self._connect(request)
        self.looks.append(str(request.url))
        if self.look_status != 200:
            return httpx.Response(self.look_status, headers={"Retry-After": "30"})
        return self._look(request)

    def _connect(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        attempt_id = form["CustomField"].partition("|")[0]
        self.posts.append(attempt_id)
        self.before_answering()
        answer = self.answers.popleft() if self.answers else Answer.PLACED
        if answer in {Answer.PLACED, Answer.PLACED_UNHEARD}:
            call = Call(
                sid=f"{1 if self.same_sid_again else len(self.calls) + 1:032x}",
                attempt_id=attempt_id,
                agent=form["From"],
                customer=form["To"],
                placed_at_s=self._now_s(),
                form=form,
            )
            self.calls.append(call)
            self.while_posting(call)
            if answer is Answer.PLACED:
                return _json({"Call": self._fields(call)}, headers=self.headers)
        match answer:
            case Answer.PLACED_UNHEARD | Answer.LOST:
                raise httpx.ReadTimeout("no answer", request=request)
            case Answer.NO_CONNECTION:
                raise httpx.ConnectError("refused", request=request)
            case Answer.OVER_LIMIT:
                return httpx.Response(429, headers={"Retry-After": "20"})
            case Answer.UNAVAILABLE:
                return _refusal(503, 34011, "Not now", headers={"Retry-After": "20"})
            case Answer.BAD_NUMBER:
                return _refusal(400, 34009, f"Invalid number {form['To']}")
            case Answer.BAD_SETTING:
                return _refusal(400, 34010, "Invalid parameter CallerId")
            case Answer.DO_NOT_DISTURB:
                return _refusal(403, 34003, f"Call to {form['To']} cannot be made: NDNC")
            case Answer.AGENT_IN_CALL:
                return _refusal(409, 10706, "The agent is in another call")
            case Answer.NO_CREDENTIALS:
                return _refusal(401, 34000, "Authentication failed")
            case Answer.NO_BALANCE:
                return _refusal(402, 34001, "No balance")
        raise AssertionError(answer)

    def _look(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        ended = [call for call in self.calls if call.is_over]
        if "Sid" in asked:
            sids = asked["Sid"].split(",")
            found = [call for call in ended if call.sid in sids]
        elif "From" in asked:
            numbers = (asked["From"], asked["To"])
            found = [call for call in ended if (call.agent, call.customer) == numbers]
        elif request.url.path.endswith("/Calls.json"):
            found = ended
        else:
            sid = request.url.path.rsplit("/", 1)[1].removesuffix(".json")
            one = [call for call in self.calls if call.sid == sid]
            return _json({"Call": self._fields(one[0])}) if one else httpx.Response(404)
        return _json({"Metadata": {}, "Calls": [self._fields(call) for call in found]})

    def _fields(self, call: Call) -> dict[str, Any]:
        return {
            "Sid": call.sid,
            "Status": "in-progress",
            "From": call.agent,
            "To": call.customer,
            "DateCreated": _stamp(call.placed_at_s),
            "StartTime": _stamp(call.placed_at_s),
            **call.details,
        }


def _stamp(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).astimezone(IST).strftime("%Y-%m-%d %H:%M:%S")


def _json(body: dict[str, Any], *, headers: Mapping[str, str] | None = None) -> httpx.Response:
    return httpx.Response(200, content=json.dumps(body), headers=headers)


def _refusal(
    status: int, code: int, message: str, *, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    body = {"RestException": {"Status": status, "Code": code, "Message": message}}
    return httpx.Response(status, content=json.dumps(body), headers=headers)

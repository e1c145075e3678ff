"""The provider's routes: POST connect and the reads of v1 and v3."""

import asyncio
import base64
import hmac
import math
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from dialer.simulator.answers import (
    Refusal,
    Style,
    do_not_disturb,
    not_found,
    over_limit,
    refusal_of,
    unauthorized,
    written,
)
from dialer.simulator.bodies import Json, v3_envelope
from dialer.simulator.exchange import Call
from dialer.simulator.faults import Fault, Trouble
from dialer.simulator.ledger import ConnectEntry, ReadEntry
from dialer.simulator.listing import page_of_calls
from dialer.simulator.misbehaviour import Silence, Truth, misbehaving
from dialer.simulator.numbers import last_ten
from dialer.simulator.parameters import ConnectRequest, InvalidParameter, read_connect
from dialer.simulator.world import Simulator, World

MAX_BODY_BYTES = 65_536
CALLBACK_FIRST_WAIT_S = 30.0
"""How long an answer waits for the callback that shall overtake it."""

Endpoint = Callable[[Request], Awaitable[Response]]
Reader = Callable[[World, Request], Json]


class ExotelApi:
    """Answers as the provider does; every request is entered in the ledger."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        options = simulator.options
        credentials = f"{options.api_key}:{options.api_token}".encode()
        self._authorization = b"Basic " + base64.b64encode(credentials)
        self._dnd_numbers = frozenset(map(last_ten, options.dnd_numbers))
        self._caller_ids = frozenset(map(last_ten, options.caller_ids))

    def routes(self) -> list[BaseRoute]:
        v1 = "/v1/Accounts/{account}"
        connects = (f"{v1}/Calls/connect", f"{v1}/Calls/connect.json")
        reads: tuple[tuple[str, Reader], ...] = (
            (f"{v1}/Calls", _call_list),
            (f"{v1}/Calls.json", _call_list),
            (f"{v1}/Calls/{{call_sid}}", _one_call),
            (f"{v1}/Balance.json", self._balance),
            ("/v3/accounts/{account}/calls/{call_sid}", _v3_call),
        )
        return [
            *(Route(path, self._connect, methods=["POST"]) for path in connects),
            *(Route(path, self._reading(read), methods=["GET"]) for path, read in reads),
            Route("/recordings/{account}/{name}", self._recording, methods=["GET"]),
        ]

    # POST connect

    async def _connect(self, request: Request) -> Response:
        world = self._simulator.world
        entry = world.ledger.open_connect(world.clock.now_s())
        admitted = _count(world, entry.arrived_at_s)
        style = _style(request)
        refused = False
        try:
            fields = world.ledger.note_body(entry, await _body(request))
            self._let_in(world, request, entry.arrived_at_s, admitted=admitted)
            response = await self._answer(world, request, entry, self._wanted(request, fields))
            refused = 300 <= response.status_code < 400
        except Refusal as refusal:
            response, refused = refusal.response(style), True
        status = None if isinstance(response, Silence) else response.status_code
        world.ledger.close_connect(entry, status=status, refused=refused)
        return response

    def _wanted(self, request: Request, fields: list[tuple[str, str]]) -> ConnectRequest:
        """Read the form; raises `Refusal` for what the provider would not ring."""
        if not request.headers.get("content-type", "").startswith(
            "application/x-www-form-urlencoded"
        ):
            fields = []
        try:
            wanted = read_connect(fields)
        except InvalidParameter as invalid:
            raise Refusal(400, str(invalid), code=invalid.code) from invalid
        if self._caller_ids and last_ten(wanted.caller_id) not in self._caller_ids:
            raise Refusal(400, "Invalid parameter: 'CallerId' is not an ExoPhone of this account")
        for number in (wanted.agent, wanted.customer):
            if last_ten(number) in self._dnd_numbers:
                raise do_not_disturb(number)
        return wanted

    async def _answer(
        self, world: World, request: Request, entry: ConnectEntry, wanted: ConnectRequest
    ) -> Response:
        """Place the call unless a fault prevents it, and answer what the fault leaves of the truth."""
        fault = world.faults.connect_fault(wanted.agent, wanted.customer)
        entry.fault = str(fault) if fault else None
        await asyncio.sleep(self._latency_s(world, fault))
        if fault and (refusal := refusal_of(fault, customer=wanted.customer)):
            raise refusal
        if fault and not fault.placed:
            return self._misbehaving(world, fault, None)
        call = world.exchange.place(wanted, host_url=str(request.base_url).rstrip("/"))
        world.ledger.note_call(entry, call)
        first_callback_sent = world.sender.follow(call)
        details = request.query_params.get("details") == "true"
        truth: Json = {"Call": world.printer.placed(call, details=details)}
        if fault is None or fault.trouble is Trouble.STALL:
            return written(truth, _style(request))
        if fault.trouble is Trouble.CALLBACK_FIRST:
            await _wait_for(first_callback_sent)
            return written(truth, _style(request))
        return self._misbehaving(world, fault, truth)

    def _misbehaving(self, world: World, fault: Fault, body: Json | None) -> Response:
        options, calls = self._simulator.options, world.exchange.calls
        truth = Truth(
            body=body,
            known_sid=calls[0].sid if calls else "0" * 32,
            hang_s=options.hang_s,
            drip_interval_s=options.drip_interval_s,
        )
        return misbehaving(fault.trouble, truth)

    # reads

    def _reading(self, read: Reader) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            world = self._simulator.world
            at_s = world.clock.now_s()
            style = Style.V3 if request.url.path.startswith("/v3/") else _style(request)
            shares = self._simulator.options.reads_share_limit
            admitted = not shares or _count(world, at_s)
            try:
                self._let_in(world, request, at_s, admitted=admitted)
                response = await self._read(world, request, read, style)
            except Refusal as refusal:
                response = refusal.response(style)
            status = None if isinstance(response, Silence) else response.status_code
            target = f"{request.url.path}?{request.url.query}"
            world.ledger.note_read(ReadEntry(at_s, target, status))
            return response

        return endpoint

    async def _read(self, world: World, request: Request, read: Reader, style: Style) -> Response:
        fault = world.faults.read_fault()
        await asyncio.sleep(self._latency_s(world, fault))
        if fault and (refusal := refusal_of(fault, customer="")):
            raise refusal
        body = read(world, request)
        if fault is None or fault.trouble in {Trouble.STALL, Trouble.CALLBACK_FIRST}:
            return written(body, style)
        return self._misbehaving(world, fault, body)

    def _balance(self, world: World, request: Request) -> Json:
        now_s = world.clock.now_s()
        paid = sum(float(call.price) for call in world.exchange.calls if call.ends_at_s <= now_s)
        return {
            "Account": {
                "AccountSid": request.path_params["account"],
                "BalanceData": {
                    "Balance": f"{self._simulator.options.balance - paid:.2f}",
                    "Currency": "INR",
                    "PricingPlan": "Pay As You Go",
                    "DateUpdated": f"{world.clock.wall(now_s):%Y-%m-%d %H:%M:%S}",
                },
            }
        }

    async def _recording(self, request: Request) -> Response:
        if not self._is_ours(request):
            return unauthorized().response(Style.XML)
        call = self._simulator.world.exchange.find(request.path_params["name"].removesuffix(".mp3"))
        if call is None or not call.was_recorded:
            return not_found("recording").response(Style.XML)
        return Response(
            b"ID3\x04\x00\x00\x00\x00\x00\x00" + call.sid.encode(), media_type="audio/mpeg"
        )

    # at the door

    def _let_in(self, world: World, request: Request, at_s: float, *, admitted: bool) -> None:
        """Raises `Refusal` unless the account is ours and inside its limit."""
        if not self._is_ours(request):
            raise unauthorized()
        if request.path_params["account"] != self._simulator.options.account_sid:
            raise not_found("account")
        if not admitted:
            wait_s = math.ceil(world.limiter.wait_s(at_s))
            wish = str(wait_s) if self._simulator.options.retry_after else None
            raise over_limit(wait_s, retry_after=wish)

    def _is_ours(self, request: Request) -> bool:
        sent = request.headers.get("authorization", "").encode()
        return hmac.compare_digest(sent, self._authorization)

    def _latency_s(self, world: World, fault: Fault | None) -> float:
        options = self._simulator.options
        latency_s = world.rng.uniform(*options.latency_ms) / 1000
        asked_to_stall = fault is not None and fault.trouble is Trouble.STALL
        if asked_to_stall or world.rng.random() < options.stall_probability:
            latency_s += world.rng.uniform(*options.stall_s)
        return latency_s


def _count(world: World, at_s: float) -> bool:
    """Enter an arrival against the limit; False when it comes too soon."""
    world.ledger.arrive(at_s)
    return world.limiter.admit(at_s)


def _style(request: Request) -> Style:
    return Style.JSON if request.url.path.endswith(".json") else Style.XML


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise Refusal(413, "Request entity too large")
    except ClientDisconnect as gone:
        raise Refusal(400, "The request broke off") from gone
    return bytes(body)


async def _wait_for(event: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(CALLBACK_FIRST_WAIT_S):
            await event.wait()
    except TimeoutError:
        return


def _find(world: World, request: Request) -> Call:
    call = world.exchange.find(request.path_params["call_sid"].removesuffix(".json"))
    if call is None:
        raise not_found("call")
    return call


def _one_call(world: World, request: Request) -> Json:
    details = request.query_params.get("details") == "true"
    call = _find(world, request)
    return {"Call": world.printer.v1(call, world.clock.now_s(), details=details)}


def _call_list(world: World, request: Request) -> Json:
    return page_of_calls(
        request.query_params,
        path=request.url.path,
        exchange=world.exchange,
        clock=world.clock,
        printer=world.printer,
        at_s=world.clock.now_s(),
    )


def _v3_call(world: World, request: Request) -> Json:
    return v3_envelope(world.printer.v3(_find(world, request), world.clock.now_s()))

"""What the simulator's tests share: a valid form, a client, and a receiver of callbacks."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from dialer.simulator import Fate, SimulatorOptions
from tests.patience import until

SAMPLES = Path(__file__).parent / "samples"
CONNECT = "/v1/Accounts/demo/Calls/connect.json"
AGENT = "+919000000001"
CUSTOMER = "+919876543201"
FORM = {
    "From": AGENT,
    "To": CUSTOMER,
    "CallerId": "08000004890",
    "TimeLimit": "600",
    "TimeOut": "30",
    "MaxRetries": "0",
    "Record": "true",
    "CustomField": "attempt-1",
}
FAST = SimulatorOptions(
    speed=1000,
    latency_ms=(0, 1),
    values_late_s=0,
    outcomes={Fate.CONNECTED: 1},
    callback_retry_delays_s=(0.01, 0.02),
)
"""Calls of a minute take 60 ms, and everyone talks."""


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text())


def events(url: str, *, as_json: bool = True) -> dict[str, str]:
    """The parameters of somebody who wants to hear everything."""
    wanted = {
        "StatusCallback": url,
        "StatusCallbackEvents[0]": "terminal",
        "StatusCallbackEvents[1]": "answered",
    }
    return wanted | ({"StatusCallbackContentType": "application/json"} if as_json else {})


@contextmanager
def client_of(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=url, auth=("demo-key", "demo-token"), timeout=240, verify=False
    ) as client:
        yield client


@dataclass
class Received:
    path: str
    content_type: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def fields(self) -> dict[str, str]:
        message = message_from_bytes(
            b"Content-Type: " + self.content_type.encode() + b"\r\n\r\n" + self.body
        )
        return {
            str(part.get_param("name", header="content-disposition")): part.get_payload()
            for part in message.get_payload()
        }


@dataclass
class Receiver:
    """Takes callbacks; answers the given statuses in turn, then 200."""

    url: str
    statuses: list[int] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)

    def take(self, received: Received) -> int:
        self.received.append(received)
        return self.statuses.pop(0) if self.statuses else 200

    def wait_for(self, count: int) -> list[Received]:
        until(lambda: len(self.received) >= count, what=f"callback {count}", every_s=0.005)
        return list(self.received)


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.take(Received(self.path, self.headers["Content-Type"], body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(url=f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()

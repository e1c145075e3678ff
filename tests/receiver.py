"""A receiver of webhooks, of others' making: it checks signatures by the public specification alone.

It refuses, hangs, resets and answers as a test says, and keeps what it took.
"""

import base64
import hashlib
import hmac
import json
import socket
import struct
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

HANG_S = 30.0
SLOW_S = 1.0


def is_signed(headers: Any, body: bytes, secret: str) -> bool:
    """Verify as Standard Webhooks' specification says; knows nothing of ours."""
    key = base64.b64decode(secret.split("_", 1)[1])
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    given = [one.partition(",") for one in headers["webhook-signature"].split()]
    return any(version == "v1" and hmac.compare_digest(one, wanted) for version, _, one in given)


@dataclass
class Receiver:
    """What came, and how to answer.

    Args:
        answers: One each; then `usual`. A status, `slow`, `hang` or `reset`.
        fails: Ids of events that are answered with 500, whatever else is answered.
        secret: Deliveries that are not signed with it are counted, and refused with 401.
        checks: Whose check of signatures is used.
        told_under: What each id of a delivery was told under it: ids of events.
    """

    url: str = ""
    answers: deque[int | str] = field(default_factory=deque)
    usual: int | str = 200
    fails: set[str] = field(default_factory=set)
    secret: str = ""
    checks: Callable[[Any, bytes, str], bool] = is_signed
    told_under: defaultdict[str, set[tuple[str, ...]]] = field(
        default_factory=lambda: defaultdict(set)
    )
    requests: list[str] = field(default_factory=list)
    taken: Counter[str] = field(default_factory=Counter)
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    unsigned: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def ids(self) -> set[str]:
        """Ids of the events that it said it took."""
        return set(self.taken)

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The documents of one kind, in the order in which they came first."""
        return [one for one in self.documents.values() if one["type"] == kind]

    def is_failing(self, body: bytes) -> bool:
        return any(one["id"] in self.fails for one in _events(body))

    def take(self, body: bytes) -> None:
        for one in _events(body):
            self.taken[one["id"]] += 1
            self.documents.setdefault(one["id"], one)


def _events(body: bytes) -> list[dict[str, Any]]:
    told = json.loads(body)
    return told.get("events", [told])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    receiver: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        receiver = self.receiver
        receiver.requests.append(self.headers["webhook-id"])
        receiver.told_under[self.headers["webhook-id"]].add(
            tuple(one["id"] for one in _events(body))
        )
        answer = receiver.answers.popleft() if receiver.answers else receiver.usual
        if receiver.is_failing(body):
            answer = 500
        if answer == "hang":
            receiver.stopping.wait(HANG_S)
        if answer in {"hang", "reset"}:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        if answer == "slow":
            receiver.stopping.wait(SLOW_S)
            answer = 200
        if receiver.secret and not receiver.checks(self.headers, body, receiver.secret):
            receiver.unsigned += 1
            answer = 401
        if answer == 200:
            receiver.take(body)
        self.send_response(int(answer))
        if 300 <= int(answer) < 400:
            self.send_header("location", f"{receiver.url}/elsewhere")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def receiving(port: int = 0, *, again: Receiver | None = None) -> Iterator[Receiver]:
    """Run a receiver on loopback; `again` goes on as one that was away, with what it has."""
    receiver = again or Receiver()
    receiver.stopping.clear()
    if again:
        port = urlsplit(again.url).port or 0
    handler = type("Handler", (_Handler,), {"receiver": receiver})
    ThreadingHTTPServer.allow_reuse_address = True
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()

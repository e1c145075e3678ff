"""What only a real socket can show: deadlines that hold, reuse, resets, bodies without end."""

import gzip
import itertools
import json
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from zoneinfo import ZoneInfo

import httpcore
import httpx
import pytest

from dialer.errors import AccountRefused, LookupFailed, PlacementUnknown, TurnedAway
from dialer.exotel import ConnectRequest, Exotel, deadline, http1
from tests.patience import Patience

REQUEST = ConnectRequest(
    agent="+919000030240",
    customer="+919000038847",
    caller_id="08000004890",
    time_limit_s=1800,
    time_out_s=30,
)
PLACED = json.dumps({"Call": {"Sid": "a1", "Status": "in-progress"}}).encode()
DEADLINE_S = 0.5
"""Of those that are kept waiting; whoever is answered has time, on a machine however busy."""


class Provider:
    """A TCP server that serves each connection with `serve(connection, number)`.

    `requests` holds what arrived, `connections` counts who came, `stopping` ends a slow answer.
    """

    def __init__(self, serve, port=0):
        self.requests = []
        self.connections = 0
        self.stopping = threading.Event()
        self._serve = serve
        self._waker = None
        self._listener = socket.create_server(("127.0.0.1", port))
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def address(self):
        return "{}:{}".format(*self._listener.getsockname())

    def _accept(self):
        while True:
            connection, peer = self._listener.accept()
            if peer == self._waker:
                connection.close()
                return  # whoever connected before has been counted
            self.connections += 1
            arguments = (connection, self.connections)
            thread = threading.Thread(target=self._serve_one, args=arguments)
            self._threads.append(thread)
            thread.start()

    def _serve_one(self, connection, number):
        with connection:
            try:
                self._serve(self, connection, number)
            except OSError:
                return  # the client has left

    def read_request(self, connection):
        """Read one whole request; empty when the client has closed."""
        data = b""
        while b"\r\n\r\n" not in data:
            received = connection.recv(65_536)
            if not received:
                return b""
            data += received
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        while len(body) < length:
            body += connection.recv(65_536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]

    def drip(self, connection, data):
        for byte in data:
            connection.sendall(bytes([byte]))
            if self.stopping.wait(0.05):
                return

    def stop(self):
        self.stopping.set()
        with socket.socket() as waker:
            waker.bind(("127.0.0.1", 0))
            self._waker = waker.getsockname()
            waker.connect(self._listener.getsockname())
        for thread in self._threads:
            thread.join()
        self._listener.close()


@contextmanager
def exotel_at(serve, *, scheme="http", port=0, **changes):
    provider = Provider(serve, port)
    arguments = {
        "account_sid": "acct1",
        "api_key": "key",
        "api_token": "t0ken",
        "base_url": f"{scheme}://{provider.address}",
        "details_base_url": f"{scheme}://{provider.address}",
        "timezone": ZoneInfo("Asia/Kolkata"),
        "clock_s": time.monotonic,
        "deadline_s": 60,
    }
    client = Exotel(**arguments | changes)
    try:
        yield client, provider
    finally:
        client.close()
        provider.stop()


def http(body, *, status="200 OK", headers=""):
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


def answering(data):
    """Answer every request on a connection with these bytes."""

    def serve(provider, connection, number):
        while provider.read_request(connection):
            connection.sendall(data)

    return serve


def reset(connection):
    """Close with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@contextmanager
def taking_at_most(seconds):
    patience = Patience(seconds)
    yield
    assert not patience.is_over


# the deadline


@pytest.mark.parametrize("dripped_from", [0, len(http(PLACED)) - len(PLACED)])
def test_the_deadline_holds_against_a_byte_at_a_time(dripped_from):
    def serve(provider, connection, number):
        provider.read_request(connection)
        connection.sendall(http(PLACED)[:dripped_from])
        provider.drip(connection, http(PLACED)[dripped_from:])

    with (
        exotel_at(serve, deadline_s=DEADLINE_S) as (client, provider),
        taking_at_most(DEADLINE_S + 0.5),
        pytest.raises(PlacementUnknown) as raised,
    ):
        client.connect(REQUEST)

    assert raised.value.error_code == "read_timeout"
    assert len(provider.requests) == 1


def test_the_deadline_holds_against_endless_interim_answers():
    def serve(provider, connection, number):
        provider.read_request(connection)
        while not provider.stopping.wait(0.02):
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    with (
        exotel_at(serve, deadline_s=DEADLINE_S) as (client, _),
        taking_at_most(DEADLINE_S + 0.5),
        pytest.raises(PlacementUnknown),
    ):
        client.connect(REQUEST)


def test_a_look_up_has_the_same_deadline():
    def serve(provider, connection, number):
        provider.read_request(connection)
        provider.drip(connection, http(b'{"Calls":[]}'))

    with (
        exotel_at(serve, deadline_s=DEADLINE_S) as (client, _),
        taking_at_most(DEADLINE_S + 0.5),
        pytest.raises(LookupFailed),
    ):
        client.calls(["a1"])


def test_a_tls_handshake_that_hangs_placed_nothing():
    def serve(provider, connection, number):
        provider.stopping.wait()

    with (
        exotel_at(serve, scheme="https", deadline_s=DEADLINE_S) as (client, provider),
        taking_at_most(DEADLINE_S + 0.5),
        pytest.raises(TurnedAway) as raised,
    ):
        client.connect(REQUEST)

    assert raised.value.error_code == "connect_timeout"
    assert not provider.requests


def test_each_thread_has_its_own_requests_deadline():
    def serve(provider, connection, number):
        while request := provider.read_request(connection):
            if b"slow" in request:
                provider.drip(connection, http(b" " * 100))
            else:
                connection.sendall(http(b'{"Call":{"Sid":"quick"}}'))

    with exotel_at(serve, deadline_s=3) as (client, _), ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(client.call_details, sid) for sid in ["slow", "quick"] * 4]

    assert [type(answer.exception()) for answer in answers] == [LookupFailed, type(None)] * 4


def test_the_deadline_starts_anew_with_each_request():
    now = [0.0]
    with exotel_at(answering(http(PLACED)), clock_s=lambda: now[0]) as (client, provider):
        client.connect(REQUEST)
        now[0] += 61
        client.connect(REQUEST)

    assert len(provider.requests) == 2


# the send window


def test_a_window_that_passes_while_connecting_lets_no_byte_leave():
    received = []

    def serve(provider, connection, number):
        received.append(connection.recv(1))

    ticks = itertools.count()  # each look at the clock is a second later than the last

    with (
        exotel_at(serve, clock_s=lambda: float(next(ticks)), deadline_s=60) as (client, provider),
        pytest.raises(TurnedAway) as raised,
    ):
        client.connect(REQUEST, send_before=2)

    assert raised.value.error_code == "send_window_passed"
    assert provider.connections == 1
    assert received == [b""]


def test_a_request_within_its_window_is_sent():
    with exotel_at(answering(http(PLACED))) as (client, _):
        placed = client.connect(REQUEST, send_before=time.monotonic() + 50)

    assert placed.sid == "a1"


# a host of several addresses


@pytest.fixture
def silent_address(monkeypatch):
    """Make an address that answers nobody stand before the server's; gives its name."""
    silent = socket.create_server(("127.0.0.2", 0), backlog=0)
    port = silent.getsockname()[1]
    queue = [socket.socket() for _ in range(3)]  # full: whoever comes now is not heard
    for one in queue:
        one.setblocking(False)
        one.connect_ex(silent.getsockname())
    resolved = ["127.0.0.2", "127.0.0.1"]
    monkeypatch.setattr(deadline, "_addresses", lambda _host, _port: resolved)
    yield port
    for one in (silent, *queue):
        one.close()


def test_p16_an_address_that_is_silent_leaves_time_for_the_next_and_goes_last_from_then_on(
    silent_address,
):
    def serve(provider, connection, number):  # a connection a request
        provider.read_request(connection)
        connection.sendall(http(PLACED, headers="Connection: close\r\n"))

    with exotel_at(serve, port=silent_address, deadline_s=30) as (client, provider):
        client.connect(REQUEST, send_before=time.monotonic() + 2)
        with taking_at_most(0.5):
            client.connect(REQUEST, send_before=time.monotonic() + 2)

    assert len(provider.requests) == 2


def test_p16_addresses_that_are_all_silent_take_no_longer_than_the_send_window(
    silent_address, monkeypatch
):
    monkeypatch.setattr(deadline, "_addresses", lambda _host, _port: ["127.0.0.2"] * 5)

    with (
        exotel_at(answering(http(PLACED)), port=silent_address, deadline_s=30) as (client, _),
        taking_at_most(3.5),
        pytest.raises(TurnedAway) as raised,
    ):
        client.connect(REQUEST, send_before=time.monotonic() + 2)

    assert raised.value.error_code == "connect_timeout"


# connections


def test_a_connection_is_used_again():
    with exotel_at(answering(http(PLACED))) as (client, provider):
        for _ in range(3):
            client.connect(REQUEST)

    assert (len(provider.requests), provider.connections) == (3, 1)


def test_what_comes_after_an_answer_is_never_taken_for_the_next_ones():
    other = json.dumps({"Call": {"Sid": "of-another-call", "Status": "in-progress"}}).encode()
    with exotel_at(answering(http(PLACED) + http(other))) as (client, provider):
        sids = [client.connect(REQUEST).sid for _ in range(3)]

    assert sids == ["a1"] * 3
    assert provider.connections == 3


def test_a_connection_the_server_wants_closed_is_not_used_again():
    with exotel_at(answering(http(PLACED, headers="Connection: close\r\n"))) as (client, provider):
        for _ in range(2):
            client.connect(REQUEST)

    assert provider.connections == 2


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 100 Continue\r\nX-Interim: yes\r\n\r\n" + http(PLACED),
        CHUNKED + b"%x\r\n%b\r\n0\r\nX-Trailer: yes\r\n\r\n" % (len(PLACED), PLACED),
        CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in PLACED) + b"0\r\n\r\n",
    ],
    ids=["after an interim one", "in chunks with a trailer", "in chunks of a byte"],
)
def test_an_answer_is_read_however_it_is_framed_and_its_connection_used_again(answer):
    with exotel_at(answering(answer)) as (client, provider):
        sids = [client.connect(REQUEST).sid for _ in range(2)]

    assert (sids, provider.connections) == (["a1", "a1"], 1)


def test_an_answer_without_a_length_ends_with_its_connection():
    def serve(provider, connection, number):
        provider.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + PLACED)

    with exotel_at(serve) as (client, provider):
        sids = [client.connect(REQUEST).sid for _ in range(2)]

    assert (sids, provider.connections) == (["a1", "a1"], 2)


@pytest.mark.parametrize(
    "beside",
    [b"HTTP/1.1 200 OK\r\n", CHUNKED + b"0\r\n", b"HTTP/1.1 100 Continue\r\n"],
    ids=["in its head", "behind its body", "in one that is only interim"],
)
def test_an_answer_whose_headers_have_no_end_is_unknown_before_its_time_is_up(beside):
    def serve(provider, connection, number):
        provider.read_request(connection)
        connection.sendall(beside)
        for number in range(1_000_000):
            connection.sendall(b"X-Header-%d: and on and on\r\n" % number)

    with exotel_at(serve) as (client, _), pytest.raises(PlacementUnknown) as raised:
        client.connect(REQUEST)

    assert raised.value.error_code in {"remote_protocol_error", "unreadable_answer"}


def test_a_header_that_would_end_the_head_is_never_sent():
    request = httpx.Request("GET", "http://127.0.0.1/", headers={"X-Name": "a\r\nX-Other: b"})
    with pytest.raises(httpcore.LocalProtocolError, match="line break"):
        http1.written(request)


def test_a_connection_the_server_has_closed_is_not_used_again():
    def serve(provider, connection, number):
        provider.read_request(connection)
        connection.sendall(http(PLACED))
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()

    closed = threading.Event()
    with exotel_at(serve) as (client, provider):
        for _ in range(3):
            client.connect(REQUEST)
            closed.wait(5)
            closed.clear()

    assert (len(provider.requests), provider.connections) == (3, 3)


def test_a_refused_connection_placed_nothing():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = "http://{}:{}".format(*closed.getsockname())

    with (
        exotel_at(answering(b""), base_url=nobody) as (client, _),
        pytest.raises(TurnedAway) as raised,
    ):
        client.connect(REQUEST)

    assert raised.value.error_code == "connect_error"


def test_a_tls_failure_placed_nothing():
    def serve(provider, connection, number):
        connection.recv(1024)
        connection.sendall(http(PLACED))

    with exotel_at(serve, scheme="https") as (client, _), pytest.raises(TurnedAway) as raised:
        client.connect(REQUEST)

    assert raised.value.error_code == "connect_error"


def test_a_connection_closed_without_an_answer_is_unknown_and_not_tried_again():
    def serve(provider, connection, number):
        provider.read_request(connection)

    with exotel_at(serve) as (client, provider), pytest.raises(PlacementUnknown) as raised:
        client.connect(REQUEST)

    assert raised.value.error_code == "remote_protocol_error"
    assert len(provider.requests) == 1


def test_a_connection_reset_before_the_answer_is_unknown():
    def serve(provider, connection, number):
        provider.read_request(connection)
        reset(connection)

    with exotel_at(serve) as (client, provider), pytest.raises(PlacementUnknown) as raised:
        client.connect(REQUEST)

    assert raised.value.error_code == "read_error"
    assert len(provider.requests) == 1


@pytest.mark.parametrize("leave", [reset, socket.socket.close])
def test_an_answer_cut_in_its_body_is_unknown(leave):
    def serve(provider, connection, number):
        provider.read_request(connection)
        connection.sendall(http(PLACED)[:-5])
        leave(connection)

    with exotel_at(serve) as (client, _), pytest.raises(PlacementUnknown):
        client.connect(REQUEST)


def test_a_refusal_cut_in_its_body_is_still_a_refusal():
    def serve(provider, connection, number):
        provider.read_request(connection)
        connection.sendall(http(b"not for you", status="401 Unauthorized")[:-5])

    with exotel_at(serve) as (client, _), pytest.raises(AccountRefused):
        client.connect(REQUEST)


def test_bytes_that_are_not_http_are_unknown():
    with (
        exotel_at(answering(b"220 mail.example.com ESMTP\r\n\r\n")) as (client, _),
        pytest.raises(PlacementUnknown) as raised,
    ):
        client.connect(REQUEST)

    assert raised.value.error_code == "remote_protocol_error"


# bodies


def test_a_body_without_end_is_left_at_the_cap():
    def serve(provider, connection, number):
        provider.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"2000\r\n" + b" " * 0x2000 + b"\r\n")

    with (
        exotel_at(serve, deadline_s=10) as (client, _),
        taking_at_most(5),
        pytest.raises(PlacementUnknown) as raised,
    ):
        client.connect(REQUEST)

    assert raised.value.error_code == "body_too_large"


def test_a_compressed_body_is_never_unpacked():
    bomb = gzip.compress(b" " * 10_000_000)

    with (
        exotel_at(answering(http(bomb, headers="Content-Encoding: gzip\r\n"))) as (client, _),
        pytest.raises(PlacementUnknown) as raised,
    ):
        client.connect(REQUEST)

    assert raised.value.error_code == "encoded_body"


# redirects and headers


@pytest.mark.parametrize("target", ["/v1/elsewhere", "http://[not a url", ""])
def test_a_redirect_is_answered_by_stopping_the_account(target):
    answer = http(b"", status="307 Temporary Redirect", headers=f"Location: {target}\r\n")

    with exotel_at(answering(answer)) as (client, provider), pytest.raises(AccountRefused):
        client.connect(REQUEST)

    assert len(provider.requests) == 1


def test_the_wire_carries_one_plain_post():
    with exotel_at(answering(http(PLACED))) as (client, provider):
        client.connect(REQUEST)

    (request,) = provider.requests
    head, _, body = request.decode().partition("\r\n\r\n")
    assert head.startswith("POST /v1/Accounts/acct1/Calls/connect.json HTTP/1.1\r\n")
    assert "Accept-Encoding: identity" in head
    assert "t0ken" not in head
    assert body.startswith("From=%2B919000030240&To=%2B919000038847&CallerId=08000004890&")

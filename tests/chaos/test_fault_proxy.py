"""The proxy breaks links as it says; otherwise what it breaks would prove nothing."""

import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from tests.chaos.fault_proxy import FaultProxy


class Echo(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while piece := self.connection.recv(65_536):
            self.connection.sendall(piece)


class EchoServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    with EchoServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        with FaultProxy(server.server_address[:2]) as proxy:
            yield proxy
        server.shutdown()
        thread.join()


def say(proxy: FaultProxy, words: bytes, *, timeout_s: float = 5.0) -> bytes:
    """Send words, and read until as many came back or the link ended."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=timeout_s) as link:
        link.sendall(words)
        heard = b""
        while len(heard) < len(words) and (piece := link.recv(65_536)):
            heard += piece
        return heard


def test_without_faults_everything_passes(proxy):
    assert say(proxy, b"hello" * 50_000) == b"hello" * 50_000


@pytest.mark.parametrize("cut", [0, 1, 7])
def test_a_link_is_cut_after_the_byte_that_was_named(proxy, cut):
    proxy.faults.down.cut_after = cut

    assert say(proxy, b"hello, you") == b"hello, you"[:cut]


def test_bytes_beyond_the_cut_never_reach_the_server(proxy):
    proxy.faults.up.cut_after = 3

    say(proxy, b"hello")

    assert proxy.bytes_up == 3


def test_each_connection_takes_its_own_cut(proxy):
    proxy.faults.down.cut_each_after = [1, 2, 3]

    assert [say(proxy, b"hello") for _ in range(4)] == [b"h", b"he", b"hel", b"hello"]


def test_a_reset_is_seen_as_one(proxy):
    proxy.faults.down.cut_after = 2
    proxy.faults.down.reset_at_cut = True

    with pytest.raises(ConnectionResetError):
        say(proxy, b"hello" * 100_000)


def test_open_links_are_reset_at_once(proxy):
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=240) as link:
        link.sendall(b"a")
        link.recv(1)
        proxy.reset_all()

        with pytest.raises(ConnectionResetError):
            link.recv(1)


def test_a_stalled_link_is_silent_until_it_moves_again(proxy):
    proxy.stall()
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=0.2) as link:
        link.sendall(b"hello")
        with pytest.raises(TimeoutError):
            link.recv(5)

        proxy.resume()

        link.settimeout(5)
        assert link.recv(5) == b"hello"


def test_a_slow_link_is_late(proxy):
    proxy.faults.up.latency_s = 0.15
    began_s = time.monotonic()

    say(proxy, b"hello")

    assert time.monotonic() - began_s >= 0.15


def test_a_link_that_slices_still_tells_the_truth(proxy):
    proxy.faults.down.piece_bytes = 1

    assert say(proxy, b"hello") == b"hello"


def test_refused_connections_hear_nothing(proxy):
    proxy.faults.refuse = True

    try:
        heard = say(proxy, b"hello")
    except ConnectionError:  # the close came as a reset
        heard = b""

    assert heard == b""


def test_a_unix_socket_is_carried_too(tmp_path):
    class UnixEcho(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True
        block_on_close = False

    with UnixEcho(str(tmp_path / "up"), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        with FaultProxy(tmp_path / "up", listen=tmp_path / "down") as proxy:
            proxy.faults.down.cut_after = 4
            with socket.socket(socket.AF_UNIX) as link:
                link.connect(str(tmp_path / "down"))
                link.sendall(b"hello")
                heard = link.recv(100)
        server.shutdown()
        thread.join()

    assert heard == b"hell"

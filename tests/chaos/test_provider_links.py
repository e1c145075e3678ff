"""P19: a request that was given up does not arrive later, however its way was cut, whoever closed it.

Real links in a network namespace, where the machine lets us make one; everywhere else the provider's
end of a loopback connection tells whether it was closed so that nothing can be sent any more.
"""

import socket
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from tests.chaos.linked_host import Cut, linked_host, may_link
from tests.patience import until

MAY_LINK = may_link()
CUTS = list(Cut) if MAY_LINK else [None]
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
BODY = b'{"Call":{"Sid":"a1"},"Calls":[],"Metadata":{}}'


class Provider:
    """Notes each request and how each connection ended; answers while it is told to."""

    def __init__(self) -> None:
        self.is_answering = True
        self.requests = 0
        self.ends: list[str] = []
        self._listener = socket.create_server(("0.0.0.0", 0))  # the host's link, too
        self.port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        # else who accepts would go on at the number of the closed file, which is the next provider's by then
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(65_536):
                    self.requests += data.startswith((b"POST ", b"GET "))
                    if self.is_answering:
                        connection.sendall(ANSWER % (len(BODY), BODY))
                self.ends.append("closed")
            except ConnectionResetError:
                self.ends.append("reset")


class Sender:
    """A process that sends when it is told to."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def order(self) -> None:
        """Have it send a request."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def heard(self) -> str:
        """Wait for what became of it."""
        return self.process.stdout.readline().strip()


@pytest.fixture
def provider():
    provider = Provider()
    yield provider
    provider.close()


@pytest.fixture
def host():
    if not MAY_LINK:
        yield None
        return
    with linked_host() as host:
        yield host


@contextmanager
def sender(provider, host, kind, *, deadline_s=1.5):
    address = host.provider if host else "127.0.0.1"
    url = f"http://{address}:{provider.port}"
    command = [sys.executable, "-m", "tests.chaos.one_request", url, kind, str(deadline_s)]
    process = (
        host.start(*command)
        if host
        else subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    )
    try:
        yield Sender(process)
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def is_under_way(host) -> bool:
    """Whether the host's kernel holds bytes that nobody acknowledged."""
    queues = [line.split()[4] for line in host.connections()]
    return any(int(queue.partition(":")[0], 16) for queue in queues)


@pytest.mark.parametrize("kind", ["dial", "look-up"])
@pytest.mark.parametrize("ends_by", ["deadline", "kill -9"])
@pytest.mark.parametrize("cut", CUTS)
def test_p19_what_was_given_up_never_arrives(provider, host, kind, ends_by, cut):
    deadline_s = 1.5 if ends_by == "deadline" else 60.0
    with sender(provider, host, kind, deadline_s=deadline_s) as worker:
        worker.order()
        assert worker.heard() == "answered"  # its connection is warm
        provider.is_answering = False
        if host:
            host.cut(cut)

        worker.order()
        if host:
            until(lambda: is_under_way(host), what="a request in the kernel")
        else:
            until(lambda: provider.requests == 2, what="the request")
        if ends_by == "deadline":
            assert worker.heard().split()[0] in {"PlacementUnknown", "LookupFailed"}
        else:
            worker.process.kill()
            worker.process.wait()

        if host:
            assert host.connections() == []  # nothing is left that could be sent
            host.mend(cut)
            provider.is_answering = True
            with sender(provider, host, kind) as successor:
                successor.order()
                assert successor.heard() == "answered"
            assert provider.requests == 2
        else:
            until(lambda: provider.ends == ["reset"], what="the connection's end")


def test_p19_a_connection_without_a_request_is_closed_in_good_order(provider):
    with sender(provider, None, "dial") as worker:
        worker.order()
        assert worker.heard() == "answered"

    until(lambda: provider.ends == ["closed"], what="the connection's end")

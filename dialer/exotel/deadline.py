"""The time one request has: from resolving the name to the last byte of the answer.

httpx bounds each read, not their sum: a server that drips a byte a second holds a worker for
as long as it likes. Here every wait on the network is clipped to what is left of the request's
own deadline. The same place knows the instant just before the first byte leaves, the last one
at which a call can still be called off.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import httpcore
import httpx

from dialer import failpoints

KEEPALIVE_EXPIRY_S = 5.0
"""Shorter than any server's: a connection closed at the other end makes an unknown outcome."""

ClockS = Callable[[], float]
"""Seconds that only move forward."""

MayReach = Callable[[str, str], bool]
"""Judge a host's name and one of its addresses."""


class SendWindowPassed(httpx.ConnectTimeout):
    """The request was ready too late and has not been sent."""


class Deadline:
    """One request's time.

    Args:
        clock_s: What the other arguments are measured by.
        total_s: From now until the last byte of the answer.
        send_before: The clock's value from which the request must no longer be sent; None: any.
    """

    def __init__(self, clock_s: ClockS, *, total_s: float, send_before: float | None) -> None:
        self._clock_s = clock_s
        self._ends = clock_s() + total_s
        self._send_before = send_before
        self._sending = False

    def left_s(self, timeout_s: float | None = None) -> float:
        """Tell how long until the end, at most `timeout_s`; zero or less when it has passed."""
        left_s = self._ends - self._clock_s()
        return left_s if timeout_s is None else min(left_s, timeout_s)

    def begin_sending(self) -> None:
        """Allow the first byte to leave, or call the request off; later bytes pass freely."""
        if not self._sending:
            self.check_may_send()
            self._sending = True

    def check_may_send(self) -> None:
        """Raise when it is too late for the first byte."""
        if self._send_before is not None and self._clock_s() >= self._send_before:
            raise SendWindowPassed("the send window passed before the request could leave")
        if self.left_s() <= 0:
            raise httpx.ConnectTimeout("the deadline passed before the request could leave")


class DeadlineTransport(httpx.BaseTransport):
    """A pool of kept-alive connections; the request's `deadline` extension bounds all waits.

    Args:
        may_reach: Judges a host and one of its IP addresses right before connecting to it, so that
            no name can lead elsewhere in between.
    """

    def __init__(
        self, ssl_context: ssl.SSLContext, *, may_reach: MayReach = lambda _host, _address: True
    ) -> None:
        self._network = _DeadlineNetwork(may_reach)
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context,
            max_connections=None,  # one for each worker thread; the threads are the bound
            max_keepalive_connections=None,
            keepalive_expiry=KEEPALIVE_EXPIRY_S,
            retries=0,
            network_backend=self._network,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        deadline: Deadline = request.extensions["deadline"]
        with self._network.bounded_by(deadline), _as_httpx_errors():
            response = self._pool.handle_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(
                        scheme=request.url.raw_scheme,
                        host=request.url.raw_host,
                        port=request.url.port,
                        target=request.url.raw_path,
                    ),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_BoundedBody(response, self._network, deadline),
            extensions=response.extensions,
        )

    def close(self) -> None:
        self._pool.close()


class _BoundedBody(httpx.SyncByteStream):
    """A response's body, read under its request's deadline."""

    def __init__(
        self, response: httpcore.Response, network: "_DeadlineNetwork", deadline: Deadline
    ) -> None:
        self._response = response
        self._network = network
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        with self._network.bounded_by(self._deadline), _as_httpx_errors():
            yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class _DeadlineNetwork(httpcore.NetworkBackend):
    """httpcore's sockets, each wait clipped to the deadline of the calling thread's request."""

    def __init__(self, may_reach: MayReach) -> None:
        self._may_reach = may_reach
        self._sockets = httpcore.SyncBackend()
        self._of_thread = threading.local()  # a request lives in one thread from start to end

    @contextmanager
    def bounded_by(self, deadline: Deadline) -> Iterator[None]:
        self._of_thread.deadline = deadline
        try:
            yield
        finally:
            self._of_thread.deadline = None

    @property
    def deadline(self) -> Deadline:
        deadline: Deadline = self._of_thread.deadline
        return deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Try the host's addresses in turn, within one deadline for all of them."""
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in _addresses(host, port):
            if not self._may_reach(host, address):
                failure = httpcore.ConnectError("the host's address is not one to connect to")
                continue
            left_s = self.deadline.left_s(timeout)
            if left_s <= 0:
                raise httpcore.ConnectTimeout("no time left to connect")
            try:
                stream = self._sockets.connect_tcp(
                    address, port, left_s, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _DeadlineStream(stream, self)
        raise failure or httpcore.ConnectError("the host has no address")


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, network: _DeadlineNetwork) -> None:
        self._stream = stream
        self._network = network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left_s = self._network.deadline.left_s(timeout)
        if left_s <= 0:
            raise httpcore.ReadTimeout("the answer was not complete by the deadline")
        return self._stream.read(max_bytes, left_s)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._network.deadline.begin_sending()
        left_s = self._network.deadline.left_s(timeout)
        if left_s <= 0:
            raise httpcore.WriteTimeout("the request was not sent by the deadline")
        self._stream.write(buffer, left_s)
        failpoints.reach("sent")

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left_s = self._network.deadline.left_s(timeout)
        if left_s <= 0:
            self.close()
            raise httpcore.ConnectTimeout("no time left to connect")
        # the handshake as a whole is bounded, not each of its reads
        stream = self._stream.start_tls(ssl_context, server_hostname, left_s)
        return _DeadlineStream(stream, self._network)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _addresses(host: str, port: int) -> list[str]:
    # the resolver has its own bound (seconds); nothing has been sent while it works
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"cannot resolve the host: {error}") from error
    return [str(address[0]) for *_, address in found]


@contextmanager
def _as_httpx_errors() -> Iterator[None]:
    """Raise httpcore's errors as httpx's; both name them alike."""
    try:
        yield
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
    ) as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error

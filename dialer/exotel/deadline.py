"""The time one request has: from resolving the name to the last byte of the answer.

httpx bounds each read, not their sum: a server that drips a byte a second holds a worker for
as long as it likes. Here every wait on the network is clipped to what is left of the request's
own deadline. The same place knows the instant just before the first byte leaves, the last one
at which a call can still be called off.

A request that is given up is also taken back: the kernel would go on sending what the other end has
not acknowledged, for many minutes, and a call would be placed that nobody counts on any more. So
closing a connection with a request on it, by us or by the death of the process, discards it.
"""

import socket
import ssl
import struct
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache

import httpcore
import httpx

from dialer import failpoints
from dialer.clock import boottime_s
from dialer.exotel.http1 import AnswerStream, written

KEEPALIVE_EXPIRY_S = 5.0
"""Shorter than any server's: a connection closed at the other end makes an unknown outcome."""

_LEAST_TRY_S = 0.6
"""To one address of several; one that needs longer to say that it is there would hardly serve."""

_DISCARD, _DELIVER = struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)
"""SO_LINGER: what closing does with bytes that were not acknowledged."""

ClockS = Callable[[], float]
"""Seconds that only move forward."""

MayReach = Callable[[str, str], bool]
"""Judge a host's name and one of its addresses."""


IsWanted = Callable[[], bool]
"""Tell whether a request is still wanted, right before it leaves."""


class SendWindowPassed(httpx.ConnectTimeout):
    """The request was ready too late and has not been sent."""


class CalledOff(httpx.ConnectError):
    """The request was not wanted any more when it was ready, and has not been sent."""


class Deadline:
    """One request's time.

    Args:
        clock_s: What the other arguments are measured by.
        total_s: From now until the last byte of the answer.
        send_before: The clock's value from which the request must no longer be sent; None: any.
        is_wanted: Asked right before it is sent; None: it is.
    """

    def __init__(
        self,
        clock_s: ClockS,
        *,
        total_s: float,
        send_before: float | None = None,
        is_wanted: IsWanted | None = None,
    ) -> None:
        self._clock_s = clock_s
        self.total_s = total_s
        self._ends = clock_s() + total_s
        self._send_before = send_before
        self._is_wanted = is_wanted

    def left_s(self, timeout_s: float | None = None) -> float:
        """Tell how long until the end, at most `timeout_s`; zero or less when it has passed."""
        left_s = self._ends - self._clock_s()
        return left_s if timeout_s is None else min(left_s, timeout_s)

    def left_to_send_s(self, timeout_s: float | None) -> float:
        """Tell the same of the time until which the request must have left."""
        left_s = self.left_s(timeout_s)
        if self._send_before is None:
            return left_s
        return min(left_s, self._send_before - self._clock_s())

    def check_still_wanted(self) -> None:
        """Raise when the request was called off, or it is too late for it to leave."""
        if self._is_wanted is not None and not self._is_wanted():
            raise CalledOff("it was called off before the request could leave")
        self.check_may_send()

    def check_may_send(self) -> None:
        """Raise when it is too late for a request to leave."""
        if self._send_before is not None and self._clock_s() >= self._send_before:
            raise SendWindowPassed("the send window passed before the request could leave")
        if self.left_s() <= 0:
            raise httpx.ConnectTimeout("the deadline passed before the request could leave")


@cache
def _trusted() -> ssl.SSLContext:
    """Give what judges certificates, whatever the environment says: to read all takes 30 ms, so once."""
    context = httpx.create_ssl_context(trust_env=False)
    context.set_alpn_protocols(["http/1.1"])
    return context


class DeadlineTransport(httpx.BaseTransport):
    """Kept-alive connections; the request's `deadline` extension bounds all waits.

    A request has a connection to itself: the one that was used last, so that few are kept warm, and
    taking one costs the same however many there are. Who sends at a time is the caller's business.

    Args:
        may_reach: Judges a host and one of its IP addresses right before connecting to it, so that
            no name can lead elsewhere in between.
    """

    def __init__(self, *, may_reach: MayReach = lambda _host, _address: True) -> None:
        self._ssl_context = _trusted()
        self._addresses = _Addresses(may_reach)
        self._lock = threading.Lock()
        self._idle: defaultdict[_Origin, deque[_Connection]] = defaultdict(deque)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        connection = self._take(_origin_of(request.url))
        answer = connection.send(request)
        return httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Body(answer, given_back=lambda: self._give_back(connection)),
        )

    def reach(self, url: httpx.URL, deadline: Deadline) -> None:
        """Open a connection to a host, handshake and all, and close it again.

        Raises:
            httpx.TransportError: It cannot be reached.
        """
        _Connection(_origin_of(url), self._ssl_context, self._addresses).reach(deadline)

    def close(self) -> None:
        with self._lock:
            kept = [connection for idle in self._idle.values() for connection in idle]
            self._idle.clear()
        for connection in kept:
            connection.close()

    def _take(self, origin: "_Origin") -> "_Connection":
        while True:
            with self._lock:
                kept = self._idle[origin].pop() if self._idle[origin] else None
            if kept is None:
                return _Connection(origin, self._ssl_context, self._addresses)
            if not kept.has_expired():
                return kept
            kept.close()

    def _give_back(self, connection: "_Connection") -> None:
        if not connection.is_idle():
            connection.close()  # the server will, or its answer was not read to the end
            return
        connection.has_answered()
        connection.idle_since_s = boottime_s()
        with self._lock:
            idle = self._idle[connection.origin]
            idle.append(connection)
            is_old = idle[0].idle_since_s < connection.idle_since_s - KEEPALIVE_EXPIRY_S
            oldest = idle.popleft() if is_old else None
        if oldest:
            oldest.close()  # as many leave as were once given back


_Origin = tuple[bytes, bytes, int]
_PORTS = {"http": 80, "https": 443}


def _origin_of(url: httpx.URL) -> _Origin:
    return url.raw_scheme, url.raw_host, url.port or _PORTS[url.scheme]


class _Connection:
    """A connection to one origin, for one request at a time."""

    def __init__(
        self, origin: _Origin, ssl_context: ssl.SSLContext, addresses: "_Addresses"
    ) -> None:
        self.origin = origin
        self.idle_since_s = 0.0
        self._ssl_context = ssl_context
        self._network = _DeadlineNetwork(addresses)
        self._stream: httpcore.NetworkStream | None = None
        self._answer: AnswerStream | None = None

    def send(self, request: httpx.Request) -> AnswerStream:
        """Send a request, connecting first where that is not done; a failure closes the connection."""
        timeouts = request.extensions.get("timeout", {})
        self._network.deadline = request.extensions["deadline"]
        try:
            whole = written(request)
            stream = self._stream or self._open(timeouts.get("connect"))
            stream.write(whole)
            self._answer = AnswerStream(stream, timeouts.get("read"))
            self._answer.read_head()
        except BaseException as error:
            self.close()
            if isinstance(error, _HTTPCORE_ERRORS):
                raise _as_httpx_error(error) from error
            raise
        return self._answer

    def reach(self, deadline: Deadline) -> None:
        """Connect, handshake and all, and close again."""
        self._network.deadline = deadline
        try:
            self._open(None)
        except _HTTPCORE_ERRORS as error:
            raise _as_httpx_error(error) from error
        finally:
            self.close()

    def _open(self, timeout_s: float | None) -> httpcore.NetworkStream:
        scheme, host, port = self.origin
        stream: httpcore.NetworkStream = self._network.connect_tcp(host.decode(), port, timeout_s)
        if scheme == b"https":
            stream = stream.start_tls(self._ssl_context, host.decode(), timeout_s)
        self._stream = stream
        return stream

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()

    def is_idle(self) -> bool:
        """Whether it may serve another request."""
        return self._answer is not None and self._answer.is_over

    def has_expired(self) -> bool:
        """Whether it idled for too long, or the server has closed it."""
        is_old = boottime_s() - self.idle_since_s > KEEPALIVE_EXPIRY_S
        return is_old or self._stream is None or bool(self._stream.get_extra_info("is_readable"))

    def has_answered(self) -> None:
        """Note that nothing of a request is left on it, so that it may be closed like any other."""
        self._network.on_close(_DELIVER)


class _Body(httpx.SyncByteStream):
    """A response's body; closing it frees the connection for the next request."""

    def __init__(self, answer: AnswerStream, *, given_back: Callable[[], None]) -> None:
        self._answer = answer
        self._given_back = given_back

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._answer.body()
        except _HTTPCORE_ERRORS as error:
            raise _as_httpx_error(error) from error

    def close(self) -> None:
        self._given_back()


class _Addresses:
    """The addresses of hosts, the ones that answered last time before those that did not.

    Args:
        may_reach: Judges a host and one of its addresses.
    """

    def __init__(self, may_reach: MayReach) -> None:
        self._may_reach = may_reach
        self._failed_at: dict[str, float] = {}

    def of(self, host: str, port: int) -> list[str]:
        """Resolve a host; the order of those that never failed is the resolver's."""
        found = [one for one in _addresses(host, port) if self._may_reach(host, one)]
        if not found:
            raise httpcore.ConnectError("the host's address is not one to connect to")
        return sorted(found, key=lambda one: self._failed_at.get(one, 0.0))

    def failed(self, address: str) -> None:
        """Note that an address could not be connected to."""
        self._failed_at[address] = boottime_s()


class _DeadlineNetwork(httpcore.NetworkBackend):
    """httpcore's sockets, each wait clipped to the deadline of the request that has them."""

    deadline: Deadline

    def __init__(self, addresses: _Addresses) -> None:
        self.addresses = addresses
        self._sockets = httpcore.SyncBackend()
        self._socket: socket.socket | None = None

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002  # ours
    ) -> httpcore.NetworkStream:
        """Try the host's addresses in turn; each has its share of what is left to send."""
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        found = self.addresses.of(host, port)
        for nth, address in enumerate(found):
            to_send_s = self.deadline.left_to_send_s(timeout)
            share_s = max(_LEAST_TRY_S, to_send_s / (len(found) - nth))
            left_s = self.deadline.left_s(share_s)
            if left_s <= 0 or (failure and to_send_s <= 0):
                break
            try:
                stream = self._sockets.connect_tcp(
                    address, port, left_s, local_address, self._options()
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                self.addresses.failed(address)
                failure = error
            else:
                self.has_socket_of(stream)
                return _DeadlineStream(stream, self, address)
        raise failure or httpcore.ConnectTimeout("no time left to connect")

    def has_socket_of(self, stream: httpcore.NetworkStream) -> None:
        """Note the socket that carries the connection from now on."""
        self._socket = stream.get_extra_info("socket")

    def _options(self) -> list[httpcore.SOCKET_OPTION]:
        """Bound how long the kernel offers bytes that nobody acknowledges: their request's time.

        That is for a process that stands still: one that lives, or ends, closes sooner.
        """
        name = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux
        timeout_ms = max(1, round(self.deadline.total_s * 1000))
        return [(socket.IPPROTO_TCP, name, timeout_ms)] if name else []

    def on_close(self, linger: bytes) -> None:
        """Say what becomes of unacknowledged bytes when the connection is closed by anything."""
        if self._socket is not None:
            with suppress(OSError):  # it is closed
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


class _DeadlineStream(httpcore.NetworkStream):
    """One socket. What is written leaves when the answer is waited for: head and body together."""

    def __init__(
        self, stream: httpcore.NetworkStream, network: _DeadlineNetwork, address: str
    ) -> None:
        self._stream = stream
        self._network = network
        self._address = address
        self._unsent = bytearray()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._unsent:
            self._send(timeout)
        left_s = self._network.deadline.left_s(timeout)
        if left_s <= 0:
            raise httpcore.ReadTimeout("the answer was not complete by the deadline")
        return self._stream.read(max_bytes, left_s)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002  # httpcore's signature
        self._unsent += buffer

    def _send(self, timeout: float | None) -> None:
        deadline = self._network.deadline
        deadline.check_still_wanted()
        self._network.on_close(_DISCARD)
        deadline.check_may_send()  # the last thing before the first byte
        request = bytes(self._unsent)
        self._unsent.clear()
        # a server may refuse before it has read everything: its answer tells more than our error
        with suppress(httpcore.WriteError):
            self._stream.write(request, deadline.left_s(timeout))
        failpoints.reach("sent")

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left_s = self._network.deadline.left_to_send_s(timeout)
        if left_s <= 0:
            self.close()
            raise httpcore.ConnectTimeout("no time left to connect")
        try:
            # the handshake as a whole is bounded, not each of its reads
            stream = self._stream.start_tls(ssl_context, server_hostname, left_s)
        except (httpcore.ConnectError, httpcore.ConnectTimeout):
            self._network.addresses.failed(self._address)
            raise
        self._network.has_socket_of(stream)
        return _DeadlineStream(stream, self._network, self._address)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _addresses(host: str, port: int) -> list[str]:
    # the resolver has its own bound (seconds); nothing has been sent while it works
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"cannot resolve the host: {error}") from error
    return [str(address[0]) for *_, address in found]


_HTTPCORE_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
)


def _as_httpx_error(error: Exception) -> httpx.TransportError:
    """Make httpcore's error httpx's; both name them alike."""
    kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__)
    return kind(str(error))

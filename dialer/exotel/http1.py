"""HTTP/1.1 on one connection: a request leaves as one piece, its answer is read by llhttp.

The parser is the one that the web process reads requests with. It judges in C what a client in
Python spends most of a request on: a POST costs a third.
"""

from collections import deque
from collections.abc import Iterator

import httpcore
import httptools
import httpx

_READ_BYTES = 64 * 1024
_MOST_BYTES_BESIDE_BODY = 100 * 1024
"""Of a head, or between two pieces of a body: whoever sends more of it sends no answer."""


def written(request: httpx.Request) -> bytes:
    """Write a request out.

    Raises:
        httpcore.LocalProtocolError: A header would end the head, or the body has no known length.
    """
    headers = request.headers.raw
    lines = [b"%b %b HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    lines += [b"%b: %b" % header for header in headers]
    head = b"\r\n".join(lines)
    if head.count(b"\n") != len(headers) or head.count(b"\r") != len(headers) or b"\0" in head:
        raise httpcore.LocalProtocolError("a header has a line break in it")
    if b"\r\ntransfer-encoding:" in head.lower():
        raise httpcore.LocalProtocolError("the body has no known length")
    return b"".join((head, b"\r\n\r\n", *_pieces(request)))


def _pieces(request: httpx.Request) -> Iterator[bytes]:
    if not isinstance(request.stream, httpx.SyncByteStream):
        raise httpcore.LocalProtocolError("the body is for asyncio")
    return iter(request.stream)


class AnswerStream:
    """The answer to one request, read as far as it is asked for.

    Args:
        timeout_s: Of each read.
    """

    def __init__(self, stream: httpcore.NetworkStream, timeout_s: float | None) -> None:
        self._stream = stream
        self._timeout_s = timeout_s
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: deque[bytes] = deque()
        self._beside_body = 0  # bytes since there was a piece of it
        self._has_head = self._is_whole = False
        self._is_bounded = False  # by a length of its own; else by the connection's end
        self._keeps_alive = False
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []

    @property
    def is_over(self) -> bool:
        """Whether it was read to its end, nothing came after it, and its connection may serve on."""
        return self._is_whole and self._keeps_alive

    def read_head(self) -> None:
        """Read until status and headers are known."""
        while not self._has_head:
            self._read()

    def body(self) -> Iterator[bytes]:
        """Give the body as it comes."""
        while True:
            while self._pieces:
                yield self._pieces.popleft()
            if self._is_whole:
                return
            self._read()

    def _read(self) -> None:
        came = self._stream.read(_READ_BYTES, self._timeout_s)
        if not came:
            self._ends_with_connection()
            return
        self._beside_body += len(came)
        try:
            self._parser.feed_data(came)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._keeps_alive = False
            if not self._is_whole:  # what comes after it is nobody's
                raise httpcore.RemoteProtocolError(f"the answer is no HTTP: {error}") from error
        if self._beside_body > _MOST_BYTES_BESIDE_BODY and not self._is_whole:
            raise httpcore.RemoteProtocolError("the answer has too much beside its body")

    def _ends_with_connection(self) -> None:
        if not self._has_head:
            raise httpcore.RemoteProtocolError("the server closed without an answer")
        if self._is_bounded:
            raise httpcore.RemoteProtocolError("the server closed before the answer was whole")
        self._is_whole = True

    # what the parser calls

    def on_message_begin(self) -> None:
        """Begin; after the end it is something that nobody has asked for."""
        if self._is_whole:
            self._keeps_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what follows a body as such is none of the answer's."""
        if not self._has_head:
            self.headers.append((name, value.strip()))

    def on_headers_complete(self) -> None:
        """Take the head, but for one that only says that there will be another."""
        if self._is_whole:
            return
        self.status = self._parser.get_status_code()
        if self.status < 200:
            self.headers.clear()
            return
        self._has_head = True
        names = {name.lower() for name, _ in self.headers}
        self._is_bounded = not names.isdisjoint((b"content-length", b"transfer-encoding"))

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body."""
        if not self._is_whole:
            self._beside_body = 0
            self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """End."""
        if self._has_head and not self._is_whole:
            self._is_whole = True
            self._keeps_alive = self._parser.should_keep_alive()

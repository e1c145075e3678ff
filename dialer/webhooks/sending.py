"""One POST to a receiver, and what its answer means. A URL comes from outside, so it may say anything:
it leads over TLS and to public addresses alone, unless its host is allowed by name; no redirect is followed.

A stream of somebody's Redis is a receiver, too: `redis://host:6379/0?stream=dialer`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Self, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx
import redis

from campaigns.sentence import told
from dialer.addresses import is_private, is_public
from dialer.clock import boottime_s
from dialer.errors import NotDone
from dialer.exotel.deadline import Deadline, DeadlineTransport
from dialer.store.database import text as text_of

DEADLINE_S = 15.0
"""From resolving the name to the end of the answer."""

_MOST_ANSWER_BYTES = 500
_LONGEST_URL = 2_000
_NOT_THIS_EVENT = {400, 409, 413, 414, 415, 422}
_LONGEST_WAIT_S = 3600.0


class BadTarget(NotDone):
    """A URL that nothing is sent to; says why."""


class Meaning(Enum):
    """What an answer means."""

    TAKEN = auto()
    REFUSED = auto()  # this event, or batch; others may be taken
    AWAY = auto()  # the receiver cannot take anything now
    GONE = auto()  # it wants no more


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Args:
        text: For people: the status and the beginning of the body, or what went wrong.
        wait_s: How long the receiver wants to be left alone; 0 = it did not say.
        took_s: From the start to the end.
    """

    meaning: Meaning
    text: str
    wait_s: float
    took_s: float


class Sender:
    """Posts to receivers; one for all threads of a process.

    Args:
        allowed_hosts: May be http, or stand in our own network.
    """

    def __init__(self, allowed_hosts: Collection[str], *, deadline_s: float = DEADLINE_S) -> None:
        self._allowed = frozenset(allowed_hosts)
        self._deadline_s = deadline_s
        self._streams: dict[str, redis.Redis] = {}
        self._http = httpx.Client(
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(deadline_s),
            headers={"User-Agent": "dialer-webhooks", "Accept-Encoding": "identity"},
            transport=DeadlineTransport(may_reach=self._may_reach),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        for one in self._streams.values():
            one.close()

    def check(self, url: str) -> str:
        """Give a URL that may be told to, as it is.

        Raises:
            BadTarget: It may not.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
            httpx.URL(url)  # it is pickier than what took it apart: 0177.0.0.1 is no host
        except (ValueError, httpx.InvalidURL):
            host, port = "", None
        if not host or port == 0 or len(url) > _LONGEST_URL or any(one.isspace() for one in url):
            raise BadTarget(
                told("{url!r} is no URL such as https://crm.example.com/hooks/dialer", url=url[:80])
            )
        if _is_stream(url):
            return self._check_stream(url, host)
        if "@" in parts.netloc or parts.fragment:
            raise BadTarget(told("the URL must carry neither credentials nor a fragment"))
        if parts.scheme not in {"http", "https"} or (
            parts.scheme == "http" and host not in self._allowed
        ):
            raise BadTarget(
                told(
                    "the URL must begin with https://; DIALER_ALLOWED_URL_HOSTS may allow {host} "
                    "by name",
                    host=host,
                )
            )
        if is_private(host) and host not in self._allowed:
            raise BadTarget(
                told(
                    "{host} is in a network of one's own; DIALER_ALLOWED_URL_HOSTS may allow it "
                    "by name",
                    host=host,
                )
            )
        return url

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send one delivery."""
        began_s = boottime_s()
        try:
            self.check(url)  # the settings may allow less by now
            to = self._append if _is_stream(url) else self._answer_to
            meaning, text, wait_s = to(url, body, headers)
        except (httpx.HTTPError, redis.RedisError, BadTarget) as error:
            meaning, text, wait_s = Meaning.AWAY, f"{type(error).__name__}: {error}"[:300], 0.0
        return Reply(meaning, text, wait_s, boottime_s() - began_s)

    def _answer_to(
        self, url: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[Meaning, str, float]:
        deadline = Deadline(boottime_s, total_s=self._deadline_s)
        extensions = {"deadline": deadline}
        with self._http.stream(
            "POST", url, content=body, headers=dict(headers), extensions=extensions
        ) as response:
            begun = b""
            for piece in response.iter_raw():
                begun += piece
                if len(begun) >= _MOST_ANSWER_BYTES:
                    break
        words = begun[:_MOST_ANSWER_BYTES].decode(errors="replace").strip()
        return (
            _meaning(response.status_code),
            f"{response.status_code} {words}".strip(),
            _wait_s(response.headers.get("retry-after", "")),
        )

    def _append(
        self, url: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[Meaning, str, float]:
        """Append to a stream; whoever reads it knows what came twice by its `id`."""
        server, stream = _stream_of(url)
        if server not in self._streams:
            within_s = {
                "socket_timeout": self._deadline_s,
                "socket_connect_timeout": self._deadline_s,
            }
            self._streams[server] = redis.Redis.from_url(server, **within_s)
        entry = {"id": headers.get("webhook-id", ""), "body": body}
        id_ = self._streams[server].xadd(stream, cast("Any", entry))
        return Meaning.TAKEN, f"appended as {text_of(cast('bytes', id_))}", 0.0

    def _check_stream(self, url: str, host: str) -> str:
        if not _stream_of(url)[1]:
            raise BadTarget("the URL must name a stream: redis://host:6379/0?stream=dialer")
        if host not in self._allowed:
            raise BadTarget(f"DIALER_ALLOWED_URL_HOSTS must allow {host} by name")
        return url

    def _may_reach(self, host: str, address: str) -> bool:
        return host in self._allowed or is_public(address)


def _is_stream(url: str) -> bool:
    return url.partition("://")[0] in {"redis", "rediss"}


def _stream_of(url: str) -> tuple[str, str]:
    """Take a URL apart: the server's, and the stream's name; '' where it names none."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    stream = options.pop("stream", "")
    return urlunsplit(parts._replace(query=urlencode(options))), stream


def _meaning(status: int) -> Meaning:
    if 200 <= status < 300:
        return Meaning.TAKEN
    if status == 410:
        return Meaning.GONE
    return Meaning.REFUSED if status in _NOT_THIS_EVENT else Meaning.AWAY


def _wait_s(told: str) -> float:
    return min(float(told), _LONGEST_WAIT_S) if told.isdecimal() else 0.0

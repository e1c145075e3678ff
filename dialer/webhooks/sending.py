"""One POST to a receiver, and what its answer means. A URL comes from outside, so it may say anything:
it leads over TLS and to public addresses alone, unless its host is allowed by name; no redirect is followed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Self
from urllib.parse import urlsplit

import httpx

from dialer.addresses import is_private, is_public
from dialer.clock import boottime_s
from dialer.errors import NotDone
from dialer.exotel.deadline import Deadline, DeadlineTransport

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
        self._http = httpx.Client(
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(deadline_s),
            headers={"User-Agent": "dialer-webhooks", "Accept-Encoding": "identity"},
            transport=DeadlineTransport(
                httpx.create_ssl_context(trust_env=False), may_reach=self._may_reach
            ),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def check(self, url: str) -> str:
        """Give a URL that may be told to, as it is.

        Raises:
            BadTarget: It may not.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port = "", None
        if not host or port == 0 or len(url) > _LONGEST_URL or any(one.isspace() for one in url):
            raise BadTarget(f"{url[:80]!r} is no URL such as https://crm.example.com/hooks/dialer")
        if "@" in parts.netloc or parts.fragment:
            raise BadTarget("the URL must carry neither credentials nor a fragment")
        if parts.scheme not in {"http", "https"} or (
            parts.scheme == "http" and host not in self._allowed
        ):
            raise BadTarget(
                f"the URL must begin with https://; DIALER_ALLOWED_URL_HOSTS may allow {host} by name"
            )
        if is_private(host) and host not in self._allowed:
            raise BadTarget(
                f"{host} is in a network of one's own; DIALER_ALLOWED_URL_HOSTS may allow it by name"
            )
        return url

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send one delivery."""
        began_s = boottime_s()
        try:
            self.check(url)  # the settings may allow less by now
            meaning, text, wait_s = self._answer_to(url, body, headers)
        except (httpx.HTTPError, BadTarget) as error:
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

    def _may_reach(self, host: str, address: str) -> bool:
        return host in self._allowed or is_public(address)


def _meaning(status: int) -> Meaning:
    if 200 <= status < 300:
        return Meaning.TAKEN
    if status == 410:
        return Meaning.GONE
    return Meaning.REFUSED if status in _NOT_THIS_EVENT else Meaning.AWAY


def _wait_s(told: str) -> float:
    return min(float(told), _LONGEST_WAIT_S) if told.isdecimal() else 0.0

"""Recordings over HTTP: whose host gets our credentials, and where a link may lead at all.

A link comes from outside, so it may say anything. Credentials go to the provider's own hosts
alone; other hosts are asked without them, over TLS, and only at public addresses: a link must not
reach into our network. Redirects are followed by hand, each judged like the first link.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpx

from dialer.addresses import is_public
from dialer.errors import LookupFailed, ProviderError, TurnedAway
from dialer.exotel.deadline import ClockS, Deadline, DeadlineTransport
from dialer.exotel.refusals import HttpAnswer, lookup_refusal, readable

_MOST_REDIRECTS = 3
_OWN_DOMAIN = ".exotel.com"

_DEADLINE_S = 300.0  # of a whole recording, redirects apart


class RecordingHosts:
    """Fetches recordings; close it when done.

    Args:
        api_urls: Scheme and host of the provider's APIs: trusted wherever they are.
        max_bytes: Of one recording; a longer one is refused.
        transport: Replaces the network in tests.
    """

    def __init__(
        self,
        *,
        api_key: str,
        api_token: str,
        api_urls: tuple[str, ...],
        clock_s: ClockS,
        max_bytes: int = 200_000_000,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._auth = httpx.BasicAuth(api_key, api_token)
        self._api_origins = frozenset(_origin(url) for url in api_urls)
        self._api_hosts = frozenset(urlsplit(url).hostname or "" for url in api_urls)
        self._clock_s = clock_s
        self._max_bytes = max_bytes
        self._http = httpx.Client(
            follow_redirects=False,
            trust_env=False,
            headers={"Accept-Encoding": "identity"},
            timeout=httpx.Timeout(_DEADLINE_S, connect=10.0),
            transport=transport or DeadlineTransport(may_reach=self._may_reach),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def is_api(self, url: str) -> bool:
        """Tell whether a link leads to the API's own host, whose requests are limited."""
        return _origin(url) in self._api_origins

    def download(self, url: str, into: Path, *, send_before: float | None = None) -> int:
        """Write a recording into a file, brought to disk; gives its length in bytes.

        Raises:
            ProviderError: There is none to be had; `LookupFailed` also for a link we do not follow.
            OSError: The file could not be written.
        """
        with self._opened(url, send_before) as response, into.open("wb") as file:
            length = 0
            for piece in response.iter_bytes():
                length += len(piece)
                if length > self._max_bytes:
                    raise LookupFailed(
                        f"the recording is longer than {self._max_bytes} bytes",
                        http_status=response.status_code,
                        error_code="too_large",
                    )
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        return length

    @contextmanager
    def _opened(self, url: str, send_before: float | None) -> Iterator[httpx.Response]:
        for _ in range(_MOST_REDIRECTS + 1):
            self._check(url)
            with self._answered(url, send_before) as response:
                if not response.has_redirect_location:
                    _check_is_sound(response)
                    yield response
                    return
                url, send_before = urljoin(url, response.headers["location"]), None
        raise LookupFailed("the link redirects again and again", error_code="endless_redirects")

    @contextmanager
    def _answered(self, url: str, send_before: float | None) -> Iterator[httpx.Response]:
        deadline = Deadline(self._clock_s, total_s=_DEADLINE_S, send_before=send_before)
        auth = self._auth if self._is_own(url) else httpx.Auth()
        try:
            with self._http.stream(
                "GET", url, extensions={"deadline": deadline}, auth=auth
            ) as response:
                yield response
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise TurnedAway(f"the request did not leave: {readable(str(error))}") from error
        except httpx.RequestError as error:
            raise LookupFailed(f"no complete answer: {readable(str(error))}") from error

    def _check(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            is_whole = parts.hostname and parts.port != 0 and "@" not in parts.netloc
            httpx.URL(url)  # it is pickier than what took it apart
        except (ValueError, httpx.InvalidURL):
            is_whole = False
        if not is_whole:
            raise LookupFailed("the link is none we can read", error_code="bad_link")
        if parts.scheme != "https" and not self.is_api(url):
            raise LookupFailed("the link is not https", error_code="not_https")

    def _is_own(self, url: str) -> bool:
        if self.is_api(url):
            return True
        parts = urlsplit(url)
        on_usual_port = parts.port in {None, 443}
        return parts.scheme == "https" and on_usual_port and _is_own_host(parts.hostname or "")

    def _may_reach(self, host: str, address: str) -> bool:
        return host in self._api_hosts or is_public(address)


def _is_own_host(host: str) -> bool:
    return host.lower().endswith(_OWN_DOMAIN)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # an impossible host or port
        return "", None, None
    return parts.scheme, parts.hostname, port or {"http": 80, "https": 443}.get(parts.scheme)


def _check_is_sound(response: httpx.Response) -> None:
    if not response.is_success:
        raise _refused(response)
    kind = response.headers.get("content-type", "").lower()
    if kind.startswith("text/") or "json" in kind or "xml" in kind:
        raise LookupFailed(
            f"the link leads to {kind.partition(';')[0]}, not to a recording",
            http_status=response.status_code,
            error_code="not_a_recording",
        )


def _refused(response: httpx.Response) -> ProviderError:
    headers = dict(response.headers)
    error = lookup_refusal(HttpAnswer(response.status_code, headers, None))
    if response.status_code == 404:
        return LookupFailed("there is no such recording", http_status=404, error_code="not_found")
    return error

"""How a request came: from whom, over which scheme, and whether anything stood between.

Behind a proxy the connection is the proxy's, and what it says of its client stands in headers that
anybody can write. So they count from the proxies in DIALER_TRUSTED_PROXIES alone.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from dialer.addresses import Address, Network, is_loopback, parse_address
from dialer.settings import Settings

# what proxies, tunnels and content networks add, whoever of them it is
_ADDED_ON_THE_WAY = re.compile(
    r"forwarded|via|client-ip|true-client-ip|x-(forwarded|original|real|client|cluster|proxy|proxied"
    r"|envoy|amzn?|arr|azure|varnish|scheme|host|ssl)(-.*)?|(cf|cdn|fastly|fly|ngrok|tailscale|akamai)-.*"
)
_CHOSEN_FROM = 64  # an IPv6 customer has at least such a network to choose an address from


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """Proxies whose word counts.

    Args:
        is_tls: DIALER_PUBLIC_URL is https, so links and cookies are made for that, whoever asks.
    """

    networks: Sequence[Network]
    is_tls: bool

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Take them from the settings."""
        networks = [ipaddress.ip_network(one) for one in settings.dialer_trusted_proxies]
        return cls(networks, urlsplit(settings.dialer_public_url).scheme == "https")

    def trust(self, address: Address | None) -> bool:
        """Tell whether an address is one of theirs."""
        return address is not None and any(
            address in network for network in self.networks if network.version == address.version
        )

    def client_of(self, peer: str, hops: Sequence[str]) -> str:
        """Tell who sent a request: the last one on its way whom no trusted proxy vouches for.

        Args:
            peer: Who opened the connection.
            hops: X-Forwarded-For, the farthest first; each proxy adds who came to it at the end.
        """
        client = peer
        for hop in reversed(hops):
            address = parse_address(hop)
            if not self.trust(parse_address(client)) or address is None:
                break
            client = str(address)
        return client


class Forwarded:
    """Sets client, scheme and host of a request to what is true of it.

    Whoever reads them afterwards need not know of proxies.
    """

    def __init__(self, app: ASGIApp, *, trusted: TrustedProxies) -> None:
        self._app = app
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, **self._corrected(scope)}
        await self._app(scope, receive, send)

    def _corrected(self, scope: Scope) -> Scope:
        peer, port = scope.get("client") or ("", 0)
        found: Scope = {"peer": peer, "scheme": scope["scheme"]}
        if self._trusted.trust(parse_address(peer)):
            hops = _listed(scope, "x-forwarded-for")
            found["client"] = (self._trusted.client_of(peer, hops), 0 if hops else port)
            found["scheme"] = _last(scope, "x-forwarded-proto", r"https?") or scope["scheme"]
            if host := _last(scope, "x-forwarded-host", r"[\w.:\[\]-]+"):
                others = [(name, value) for name, value in scope["headers"] if name != b"host"]
                found["headers"] = [(b"host", host.encode()), *others]
        if self._trusted.is_tls:
            found["scheme"] = "https"
        return found


def came_directly(scope: Scope) -> bool:
    """Tell whether a request comes from this machine itself, as far as anything shows.

    HTTP/1.0 is what nginx speaks to whom it passes requests to, with no header of its own: a
    browser or a program of today does not.
    """
    if not is_loopback(peer_of(scope)) or scope.get("http_version") == "1.0":
        return False
    return not any(_ADDED_ON_THE_WAY.fullmatch(name) for name in Headers(scope=scope))


def peer_of(scope: Scope) -> str:
    """Tell who opened the connection, whomever it speaks for."""
    return str(scope.get("peer") or (scope.get("client") or ("",))[0])


def throttled_as(scope: Scope) -> str:
    """Name who is slowed down: an address, or the network that an IPv6 client chooses from."""
    client = (scope.get("client") or ("",))[0]
    address = parse_address(client)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, _CHOSEN_FROM), strict=False))
    return str(client)


def _listed(scope: Scope, name: str) -> list[str]:
    lines = Headers(scope=scope).getlist(name)
    return [one.strip() for line in lines for one in line.split(",") if one.strip()]


def _last(scope: Scope, name: str, pattern: str) -> str:
    """Read what the nearest proxy wrote; '' where that is nothing, or nothing of the kind."""
    found = _listed(scope, name)
    return found[-1].lower() if found and re.fullmatch(pattern, found[-1], re.IGNORECASE) else ""

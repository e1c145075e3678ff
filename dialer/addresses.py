"""What an address tells: whether it is this machine, a network of one's own, or anybody's."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_address(text: str) -> Address | None:
    """Read an address as headers and sockets write it, a port behind it or not; None: it is none."""
    text = text.strip().strip('"')
    if text.startswith("["):  # [2001:db8::1]:8000
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:  # 192.0.2.1:8000
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    # a socket for both families writes 127.0.0.1 as ::ffff:127.0.0.1
    return getattr(found, "ipv4_mapped", None) or found


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine and nobody else's; a name but localhost may be anybody."""
    address = parse_address(host)
    return address.is_loopback if address else host.lower() == "localhost"


def is_private(host: str) -> bool:
    """Tell whether a host stands in a network of one's own: by its address, or a name without dot."""
    address = parse_address(host)
    return not _is_global(address) if address else "." not in host


def is_public(address: str) -> bool:
    """Tell whether an address is anybody's: whoever is told where to go from outside goes there alone."""
    found = parse_address(address)
    return found is not None and _is_global(found) and not found.is_multicast


_CARRY_IPV4 = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "::/96", "::ffff:0:0:0/96")))
_NOBODYS = tuple(
    map(ipaddress.IPv6Network, ("64:ff9b:1::/48", "fec0::/10", "5f00::/16", "3fff::/20"))
)
"""Of a network's own use, or of none; Python versions differ in what they know of these."""


def _is_global(address: Address) -> bool:
    """Tell whether an address is anybody's; one that a gateway translates is what it leads to."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global
    if any(address in one for one in _CARRY_IPV4):
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF).is_global
    if address.sixtofour:
        return address.sixtofour.is_global
    return address.is_global and not any(address in one for one in _NOBODYS)


def split_servers(url: str) -> SplitResult:
    """Take an address apart that may name several servers.

    `urlsplit` alone refuses it on newer Pythons where one of several has an IPv6 address.
    """
    scheme, mark, rest = url.partition("://")
    if not mark:
        return urlsplit(url)
    end = re.search(r"[/?#]|$", rest)
    servers = rest[: end.start()] if end else rest
    return urlsplit(f"{scheme}://_{rest[len(servers) :]}")._replace(netloc=servers)


def host_of(url: str) -> str:
    """Give the host that a URL names; '' where it names none."""
    return urlsplit(url).hostname or ""

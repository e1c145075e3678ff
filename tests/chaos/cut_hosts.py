"""Hosts in network namespaces, each with one link to Redis and one to the provider, which can be cut."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum

_NET = f"10.{os.getpid() % 256}"
REDIS, PROVIDER = f"{_NET}.250.1", f"{_NET}.250.2"
"""Their addresses, the same for every host; of this process alone, so that runs may go side by side."""

ADDRESSES = {"redis": REDIS, "provider": PROVIDER}


_A_BUCKET_OF_ONE_BYTE = ("tbf", "rate", "8bit", "burst", "1", "limit", "1")  # no packet fits in


class How(StrEnum):
    """What becomes of packets on a link that is cut."""

    REFUSED = "refused"
    SWALLOWED = "swallowed"


@dataclass(frozen=True)
class CutHost:
    """A namespace whose links end here."""

    name: str

    @property
    def inside(self) -> tuple[str, ...]:
        """Runs a command on the host."""
        return ("ip", "netns", "exec", self.name)

    def cut(self, link: str, how: How) -> None:
        """Cut a link, both ways."""
        if how is How.REFUSED:
            _run("ip", "-n", self.name, "route", "add", "unreachable", ADDRESSES[link])
        else:
            self._at_both_ends(link, "add", *_A_BUCKET_OF_ONE_BYTE)

    def mend(self, link: str, how: How) -> None:
        """Mend what was cut."""
        if how is How.REFUSED:
            _run("ip", "-n", self.name, "route", "del", "unreachable", ADDRESSES[link])
        else:
            self._at_both_ends(link, "del")

    def _at_both_ends(self, link: str, do: str, *what: str) -> None:
        near, far = _devices(self.name, link)
        _run("tc", "qdisc", do, "dev", near, "root", *what)
        _run("tc", "-n", self.name, "qdisc", do, "dev", far, "root", *what)


@contextmanager
def cut_hosts(count: int) -> Iterator[list[CutHost]]:
    """Make hosts that reach Redis and the provider here, each on a link of its own."""
    with ExitStack() as undo:
        for address in ADDRESSES.values():
            _run("ip", "addr", "add", f"{address}/32", "dev", "lo")
            undo.callback(_run, "ip", "addr", "del", f"{address}/32", "dev", "lo")
        yield [_host(n, undo) for n in range(count)]


def _host(n: int, undo: ExitStack) -> CutHost:
    host = CutHost(f"c{os.getpid()}h{n}")
    inside = ("ip", "-n", host.name)
    _run("ip", "netns", "add", host.name)
    undo.callback(_run, "ip", "netns", "del", host.name)  # its devices go with it
    _run(*inside, "link", "set", "lo", "up")
    for at, (link, address) in enumerate(ADDRESSES.items()):
        near, far = _devices(host.name, link)
        net = f"{_NET}.{2 * n + at}"
        _run("ip", "link", "add", near, "type", "veth", "peer", "name", far)
        _run("ip", "link", "set", far, "netns", host.name)
        _run("ip", "addr", "add", f"{net}.1/24", "dev", near)
        _run("ip", "link", "set", near, "up")
        _run(*inside, "addr", "add", f"{net}.2/24", "dev", far)
        _run(*inside, "link", "set", far, "up")
        _run(*inside, "route", "add", address, "via", f"{net}.1", "metric", "10")
    return host


def _devices(host: str, link: str) -> tuple[str, str]:
    return f"{host}{link[0]}0", f"{host}{link[0]}1"


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)

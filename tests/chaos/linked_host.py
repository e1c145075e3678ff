"""A host with a link of its own to the provider, in a network namespace, where the machine allows one."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

_NET = f"10.{128 + (os.getpid() >> 8) % 128}.{os.getpid() % 256}"
"""Of this process alone: tests run side by side, and two links of one net take each other's answers."""


class Cut(StrEnum):
    """How a way to the provider ends."""

    NO_ROUTE = "no route to host"
    SWALLOWED = "packets are swallowed"
    LINK_DOWN = "the link is down"


@dataclass(frozen=True)
class LinkedHost:
    """The namespace, and the address it knows the provider by."""

    name: str
    provider: str = f"{_NET}.1"

    def cut(self, how: Cut) -> None:
        """Cut its way to the provider."""
        match how:
            case Cut.NO_ROUTE:
                self._ip("route", "add", "unreachable", f"{self.provider}/32")
            case Cut.SWALLOWED:
                self._ip("route", "add", "blackhole", f"{self.provider}/32")
            case Cut.LINK_DOWN:
                self._ip("link", "set", f"{self.name}1", "down")

    def mend(self, how: Cut) -> None:
        """Mend what was cut."""
        match how:
            case Cut.NO_ROUTE:
                self._ip("route", "del", "unreachable", f"{self.provider}/32")
            case Cut.SWALLOWED:
                self._ip("route", "del", "blackhole", f"{self.provider}/32")
            case Cut.LINK_DOWN:
                self._ip("link", "set", f"{self.name}1", "up")

    def start(self, *command: str) -> "subprocess.Popen[str]":
        """Start a process on the host."""
        inside = ["ip", "netns", "exec", self.name, *command]
        return subprocess.Popen(inside, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def connections(self) -> list[str]:
        """Ask the host's kernel for all its TCP connections."""
        table = subprocess.run(
            ["ip", "netns", "exec", self.name, "cat", "/proc/net/tcp"],
            check=True,
            capture_output=True,
            text=True,
        )
        return table.stdout.splitlines()[1:]

    def _ip(self, *command: str) -> None:
        _run("-n", self.name, *command)


def may_link() -> bool:
    """Tell whether this machine lets us make network namespaces."""
    if os.geteuid() or not shutil.which("ip"):
        return False
    name = f"t{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True).returncode:
        return False
    _run("netns", "del", name)
    return True


@contextmanager
def linked_host() -> Iterator[LinkedHost]:
    """Make a host whose only link leads here."""
    host = LinkedHost(f"dh{os.getpid() % 100_000}")
    near, far = f"{host.name}0", f"{host.name}1"
    _run("netns", "add", host.name)
    try:
        _run("link", "add", near, "type", "veth", "peer", "name", far)
        _run("link", "set", far, "netns", host.name)
        _run("addr", "add", f"{_NET}.1/24", "dev", near)
        _run("link", "set", near, "up")
        _run("-n", host.name, "addr", "add", f"{_NET}.2/24", "dev", far)
        _run("-n", host.name, "link", "set", far, "up")
        yield host
    finally:
        subprocess.run(["ip", "link", "del", near], check=False, capture_output=True)
        _run("netns", "del", host.name)


def _run(*command: str) -> None:
    subprocess.run(["ip", *command], check=True, capture_output=True)

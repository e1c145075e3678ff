"""Whom a request is from: what trusted proxies say, and nobody else."""

import asyncio
import ipaddress
from collections.abc import Sequence
from typing import Any

import pytest

from dialer.settings import read_settings
from workers.web.proxies import Forwarded, TrustedProxies, came_directly, throttled_as

TRUSTED = TrustedProxies([ipaddress.ip_network(one) for one in ("127.0.0.0/8", "10.0.0.0/24", "::1/128")], is_tls=False)  # fmt: skip


def scope_of(peer: str, *headers: tuple[str, str], version: str = "1.1") -> dict[str, Any]:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    return {
        "type": "http",
        "scheme": "http",
        "http_version": version,
        "client": (peer, 4711),
        "headers": [(b"host", b"127.0.0.1:8000"), *raw],
    }


def seen(scope: dict[str, Any], trusted: TrustedProxies = TRUSTED) -> dict[str, Any]:
    passed: dict[str, Any] = {}

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        passed.update(scope)

    asyncio.run(Forwarded(app, trusted=trusted)(scope, None, None))
    return passed


@pytest.mark.parametrize(
    ("peer", "hops", "client"),
    [
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        # what a client wrote itself stands to the left of what our proxy saw
        ("127.0.0.1", ["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", ["203.0.113.9", "10.0.0.7"], "203.0.113.9"),
        ("127.0.0.1", ["10.0.0.7"], "10.0.0.7"),
        ("127.0.0.1", ["203.0.113.9:51000"], "203.0.113.9"),
        ("::1", ["[2001:db8::9]:51000"], "2001:db8::9"),
        ("::ffff:127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", ["203.0.113.9", "unknown"], "127.0.0.1"),
        ("203.0.113.1", ["198.51.100.1"], "203.0.113.1"),
        ("203.0.113.1", ["127.0.0.1"], "203.0.113.1"),
    ],
)
def test_the_client_is_the_last_hop_that_no_trusted_proxy_vouches_for(
    peer: str, hops: Sequence[str], client: str
) -> None:
    scope = scope_of(peer, *(("X-Forwarded-For", one) for one in hops))

    assert seen(scope)["client"][0] == client


def test_scheme_and_host_come_from_trusted_proxies_alone() -> None:
    headers = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "dialer.example.com")]

    ours, strangers = seen(scope_of("10.0.0.7", *headers)), seen(scope_of("10.0.1.7", *headers))  # fmt: skip

    assert (ours["scheme"], dict(ours["headers"])[b"host"]) == ("https", b"dialer.example.com")
    assert (strangers["scheme"], dict(strangers["headers"])[b"host"]) == ("http", b"127.0.0.1:8000")


@pytest.mark.parametrize("value", ["ftp", "https, ", "x" * 9000, "http\r\nx", ""])
def test_a_scheme_that_is_none_changes_nothing(value: str) -> None:
    found = seen(scope_of("127.0.0.1", ("X-Forwarded-Proto", value)))

    assert found["scheme"] == ("https" if value == "https, " else "http")


def test_the_scheme_follows_the_public_url() -> None:
    settings = read_settings(env_file=None, dialer_public_url="https://dialer.example.com")

    found = seen(scope_of("127.0.0.1"), TrustedProxies.of(settings))

    assert found["scheme"] == "https"


def test_only_what_trusted_proxies_say_is_told_of_a_network_in_the_settings() -> None:
    settings = read_settings(env_file=None, dialer_trusted_proxies="192.0.2.0/24, 10.9.9.9")
    trusted = TrustedProxies.of(settings)
    said = ("X-Forwarded-For", "203.0.113.9")

    clients = [
        seen(scope_of(peer, said), trusted)["client"][0]
        for peer in ("192.0.2.77", "10.9.9.9", "10.9.9.8", "127.0.0.1")
    ]

    assert clients == ["203.0.113.9", "203.0.113.9", "10.9.9.8", "127.0.0.1"]


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Server", "X-Forwarded", "Forwarded", "Via",
     "X-Real-IP", "CF-Connecting-IP", "CF-Ray", "True-Client-IP", "X-Client-IP", "X-Original-URL",
     "X-Envoy-External-Address", "X-Amzn-Trace-Id", "X-ARR-SSL", "X-Azure-ClientIP", "Fly-Client-IP",
     "Fastly-Client-IP", "X-Varnish", "CDN-Loop", "X-Scheme", "X-Cluster-Client-IP"],
)  # fmt: skip
def test_h3_whatever_a_proxy_adds_shows_that_a_request_came_by_way_of_one(header: str) -> None:
    assert came_directly(seen(scope_of("127.0.0.1", ("User-Agent", "x"))))
    assert not came_directly(seen(scope_of("127.0.0.1", (header, "1"))))


def test_h3_http_1_0_shows_a_proxy_that_adds_nothing() -> None:
    assert not came_directly(seen(scope_of("127.0.0.1", version="1.0")))


def test_h3_another_machine_is_not_this_one_whatever_its_headers_say() -> None:
    assert not came_directly(seen(scope_of("192.0.2.1")))
    assert not came_directly(seen(scope_of("10.0.0.7", ("X-Forwarded-For", "127.0.0.1"))))


def test_who_may_choose_from_a_network_of_addresses_is_slowed_down_as_one() -> None:
    names = [throttled_as(scope_of(f"2001:db8:1:1::{n}")) for n in range(5)]

    assert set(names) == {"2001:db8:1:1::/64"}
    assert throttled_as(scope_of("203.0.113.9")) == "203.0.113.9"

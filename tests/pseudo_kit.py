"""Pages in a language that has no Latin letters: whatever is still read in them was not marked.

Each text is "translated" by putting ж for its letters; all data of the tests is Greek or Hindi.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

from starlette.routing import Route

from campaigns.declared_rules import RULES
from campaigns.events import EventKind
from campaigns.hours.calling_hours_text import PRESETS
from dialer.settings import Settings
from tests.web_kit import Site, site
from workers.web.pages.rendering import Renderer
from workers.web.texts import Texts, texts_of

NAMES = (
    r"dialer|API|Redis|Valkey|Exotel|Slack|Teams|CSV|XLSX|PARQUET|Asia/Kolkata|UTC|English|kB|MB|GB|g"
    r"|administrator"
)
TYPED = (*(rule.example for rule in RULES.values()), *EventKind, *PRESETS, "mon-fri 09:00-18:00")
"""What is typed or read by programs as it is, in every language."""
KEPT_AS_THEY_ARE = {"code", "kbd", "pre", "script", "style"}
SEEN = {"title", "aria-label", "placeholder", "alt", "data-confirm", "data-yes"}


class Pseudo(Texts):
    """Texts of a language of one letter; notes what is asked for and has no text in Hindi."""

    def __init__(self) -> None:
        super().__init__({})
        self.without_hindi: set[str] = set()

    def text(self, english: str) -> str:
        self._note(english)
        return self._put(english)

    @staticmethod
    def _put(english: str) -> str:
        """Put the one letter for each."""
        kept = re.split(r"(%\(\w+\)s|%%|{[^}]*}|<[^>]*>|&\w+;)", english)
        return "".join(
            re.sub("[A-Za-z]", "ж", one) if i % 2 == 0 else one for i, one in enumerate(kept)
        )

    def plural(self, one: str, many: str, count: int) -> str:
        self._note(one)
        return self._put(one if count == 1 else many)

    def _note(self, english: str) -> None:
        has_words = re.search("[A-Za-z]", re.sub(r"%\(\w+\)s|{[^}]*}", "", english))
        if has_words and english not in texts_of("hi")._entries:
            self.without_hindi.add(english)


class Seen(HTMLParser):
    """What people see or hear of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.all: list[str] = []
        self._inside: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in KEPT_AS_THEY_ARE or (("lang", "en") in attrs and tag != "html"):
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


def without_hindi(web: Site) -> list[str]:
    """Give what was asked for since the last time, and has no text in Hindi."""
    found: set[str] = set()
    for app in apps_of(web):
        texts = app.state.renderer._texts("")
        found |= texts.without_hindi
        texts.without_hindi.clear()
    return sorted(found)


def apps_of(web: Site) -> Iterator[Any]:
    """Give the apps that show pages."""
    for route in web.app.routes:
        inner = getattr(route.endpoint, "_app", None) if isinstance(route, Route) else None
        if hasattr(getattr(inner, "state", None), "renderer"):
            yield inner


@contextmanager
def pseudo_site(settings: Settings) -> Iterator[Site]:
    """Run the web app in that language."""
    with site(settings) as running:
        texts = Pseudo()
        for app in apps_of(running):
            app.state.renderer = Renderer(lambda _: texts)
        yield running

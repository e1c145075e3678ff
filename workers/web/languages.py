"""The languages of the pages: which one a request is answered in, and its texts.

Texts are keyed by the English sentence and stand in `texts/<language>/*.po`, a file for each part of the
pages. What has no text yet is shown in English.
"""

import ast
import gettext
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import cache
from http.cookies import SimpleCookie
from importlib import resources
from typing import Any, cast
from urllib.parse import quote, urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from campaigns.sentence import Sentence

ENGLISH = "en"
LANGUAGES = {ENGLISH: "English", "hi": "हिन्दी"}
"""By code, each in its own word."""

_COOKIE = "language"  # and the word in addresses
_FOR_S = 400 * 86400
_ASKED = re.compile(r"\s*([a-z]{2,3})\b[^,;]*(?:;\s*q=([0-9.]+))?", re.IGNORECASE)
_NOW: ContextVar[str] = ContextVar("language", default=ENGLISH)


class Texts:
    """The texts of one language.

    Args:
        entries: By English text; one that counts has several forms.
        form: Which form a count takes.
    """

    def __init__(
        self, entries: Mapping[str, tuple[str, ...]], form: Callable[[int], int] = lambda _: 0
    ) -> None:
        self._entries = entries
        self._form = form

    def text(self, english: str) -> str:
        """Give the text of an English one."""
        return self._entries.get(english, (english,))[0]

    def plural(self, one: str, many: str, count: int) -> str:
        """Give the text for so many of something."""
        if forms := self._entries.get(one):
            return forms[min(self._form(count), len(forms) - 1)]
        return one if count == 1 else many

    def say(self, value: object) -> object:
        """Put a sentence into this language; whatever else it is stays."""
        if isinstance(value, BaseException):
            value = str(value)
        if not isinstance(value, Sentence):
            return value
        values = {name: self.say(one) for name, one in value.values.items()}
        if value.many:
            count = cast("int", value.values["count"])
            return self.plural(value.source, value.many, count).format(**values)
        found = self.text(value.source)
        if found == value.source:
            found = value if not values else found  # the English may have been reworded
        return found.format(**values) if values else found[:]


def language() -> str:
    """Give the language of the request that is being answered."""
    return _NOW.get()


@cache
def texts_of(code: str) -> Texts:
    """Read the texts of a language."""
    if code == ENGLISH:
        return Texts({}, lambda count: int(count != 1))
    entries: dict[str, tuple[str, ...]] = {}
    for file in resources.files("workers.web").joinpath("texts", code).iterdir():
        if file.name.endswith(".po"):
            entries |= read_po(file.read_text(encoding="utf-8"))
    header = entries.pop("")[0]
    rule = re.search(r"plural=([^;]+);", header)
    return Texts(entries, gettext.c2py(rule[1]) if rule else lambda _: 0)


def read_po(content: str) -> dict[str, tuple[str, ...]]:
    """Read a file of texts: by English text its text, or its forms; '' has the file's header.

    Texts that are still missing are left out.
    """
    found: dict[str, tuple[str, ...]] = {}
    for entry in re.split(r"\n\s*\n", content):
        fields: dict[str, str] = {}
        name = ""
        for line in entry.splitlines():
            if line.startswith("#"):
                continue
            word, _, quoted = line.partition(' "') if line.startswith("msg") else ("", "", line)
            name = word or name
            literal = f'"{quoted}' if word else quoted
            fields[name] = fields.get(name, "") + ast.literal_eval(literal)
        forms = tuple(text for word, text in fields.items() if word.startswith("msgstr"))
        if all(forms) and forms:
            found[fields["msgid"]] = forms
    return found


class Languages:
    """Notes the language of each request: what was chosen, else the setting's, else the browser's.

    A page asked for with `?language=` is what everything is shown in from then on, by a cookie.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        asked = request.query_params.get(_COOKIE, "")
        if asked in LANGUAGES and request.method == "GET":
            answer = RedirectResponse(_address(request), 303)
            await answer(scope, receive, _with_cookie(request, asked, send))
            return
        # a request is a task with a context of its own, so nothing has to be set back
        usual = request.app.state.services.wiring.settings.dialer_language
        _NOW.set(_chosen(request) or usual or _of_browser(request) or ENGLISH)
        await self._app(scope, receive, send)


def _chosen(request: Request) -> str:
    code = request.cookies.get(_COOKIE, "")
    return code if code in LANGUAGES else ""


def _of_browser(request: Request) -> str:
    """Give the language of ours that the browser would rather have than the others."""
    asked: dict[str, float] = {}
    for one in request.headers.get("accept-language", "").split(","):
        if (found := _ASKED.match(one)) and found[1].lower() in LANGUAGES:
            weight = float(found[2]) if re.fullmatch(r"[01](\.\d{0,3})?", found[2] or "") else 1.0
            if weight:
                asked.setdefault(found[1].lower(), weight)
    return max(asked, key=lambda code: asked[code], default="")


def language_links(request: Request) -> list[tuple[str, str, str]]:
    """Give (code, its own word, address of this page in it) for each language but the present one."""
    return [
        (code, name, _address(request, language=code))
        for code, name in LANGUAGES.items()
        if code != language()
    ]


def _address(request: Request, **more: str) -> str:
    """Give the address of a page on this server; one that was sent by a form cannot be asked for."""
    if request.method != "GET":
        return f"/?{urlencode(more)}"
    path = "/" + quote(request.scope["path"].lstrip("/\\"))  # two slashes would lead elsewhere
    asked = [one for one in request.query_params.multi_items() if one[0] != _COOKIE]
    query = urlencode([*asked, *more.items()])
    return f"{path}?{query}" if query else path


def _with_cookie(request: Request, code: str, send: Send) -> Send:
    cookie: SimpleCookie = SimpleCookie({_COOKIE: code})
    morsel: Any = cookie[_COOKIE]
    morsel["max-age"], morsel["path"] = _FOR_S, "/"
    morsel["httponly"], morsel["samesite"] = True, "lax"
    morsel["secure"] = request.url.scheme == "https"

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).append("Set-Cookie", morsel.OutputString())
        await send(message)

    return sending

"""Texts of the pages: whatever is said has one in each language, with the same places for values."""

import asyncio
import json
import pickle
import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from campaigns.sentence import counted, packed, told, unpacked
from tools.make_texts import made, places, said
from workers.web.languages import LANGUAGES, Languages, language
from workers.web.texts import Texts, read_po, texts_of

OTHERS = [code for code in LANGUAGES if code != "en"]


@pytest.fixture(scope="module", params=OTHERS)
def files(request) -> dict[Path, str]:
    """Give the files of a language as they should be."""
    return made(request.param)


@pytest.fixture(scope="module")
def found(files) -> dict[str, tuple[str, ...]]:
    """Give what stands in them: what is said in English, and its forms."""
    return {
        english: forms for content in files.values() for english, forms in read_po(content).items()
    }


def test_the_files_of_texts_have_what_the_pages_say_and_nothing_else(files):
    stale = [path.name for path, text in files.items() if path.read_text("utf-8") != text]

    assert stale == [], "run `make texts`, and fill in what is empty"


def test_whatever_the_pages_say_has_a_text_with_the_same_places(found):
    assert sorted(set(said()) - set(found)) == [], "fill in the empty msgstr of these"
    wrong = [
        english
        for english, text in said().items()
        for at, form in enumerate(found[english])
        if places(form) != places(text.many or text.one)
        and (at or places(form) != places(text.one))
    ]
    assert wrong == []


def test_a_language_is_written_in_its_own_letters(found):
    plain = {
        one for one, forms in found.items() if one and not re.search(r"[^\x00-\xff…–]", forms[0])
    }

    assert {
        one for one in plain if re.search("[a-z]{3}", re.sub(r"%\(\w+\)s|{[^}]*}", "", one))
    } == set()


def test_a_sentence_is_english_for_programs_and_goes_between_processes():
    sentence = told("{name} is {state}", name="Asha", state=told("away"))

    assert sentence == "Asha is away"
    assert json.dumps({"why": sentence}) == '{"why": "Asha is away"}'
    again = pickle.loads(pickle.dumps(sentence))
    assert (again, again.source, again.values) == (sentence, sentence.source, sentence.values)
    assert str(ValueError(sentence)) is sentence


def test_a_sentence_in_json_comes_back_as_one():
    sentence = told("{name} is {state}", name="a", state=told("away"))
    kept = {"why": sentence, "rows": [("plain", 1)]}

    read = json.loads(json.dumps(packed(kept)), object_hook=unpacked)

    assert read == {"why": "a is away", "rows": [["plain", 1]]}
    assert (read["why"].source, read["why"].values["state"].source) == (sentence.source, "away")


def test_a_sentence_is_said_with_all_that_stands_in_it():
    texts = Texts({"{name} is {state}": ("{state}: {name}",), "away": ("बाहर",)})

    assert texts.say(told("{name} is {state}", name="a {b}", state=told("away"))) == "बाहर: a {b}"
    assert texts.say(ValueError(told("away"))) == "बाहर"
    assert texts.say("away") == "away"  # what people wrote is never taken for ours


def test_what_has_no_text_yet_is_said_in_english_as_it_was_reworded():
    assert (
        texts_of("hi").say(told("no text of ours").reworded("No text of ours."))
        == "No text of ours."
    )
    assert texts_of("en").say(counted("{count:,} box", "{count:,} boxes", 1234)) == "1,234 boxes"


def test_counts_take_the_form_of_their_language():
    texts = Texts({"{count} way": ("{count} कोशिश", "{count} कोशिशें")}, lambda count: int(count > 1))

    said_so = [texts.say(counted("{count} way", "{count} ways", count)) for count in (0, 1, 2)]

    assert said_so == ["0 कोशिश", "1 कोशिश", "2 कोशिशें"]


class Desk:
    """Stands for the services of an account, as far as the language is asked of them."""

    def __init__(self, usual: str) -> None:
        self.wiring = self.settings = self
        self.dialer_language = usual


def ask(path: str, *, usual: str = "", **headers: str) -> httpx.Response:
    app = Starlette(routes=[Route("/{path:path}", answer)], middleware=[Middleware(Languages)])
    app.state.services = Desk(usual)

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.get(f"http://here{path}", headers=headers)

    return asyncio.run(get())


async def answer(_: Request) -> PlainTextResponse:
    return PlainTextResponse(language())


@pytest.mark.parametrize(
    ("asked", "usual", "given"),
    [
        ("", "", "en"),
        ("hi-IN,hi;q=0.9,en;q=0.8", "", "hi"),
        ("en-IN,hi;q=0.9", "", "en"),
        ("ta,hi;q=0.5,en;q=0.4", "", "hi"),
        ("hi;q=0,en;q=0.1", "", "en"),
        ("hindi,;;q=x,*", "", "en"),
        ("en", "hi", "hi"),
        ("hi", "en", "en"),
    ],
)
def test_the_setting_goes_before_what_the_browser_asks_for(asked, usual, given):
    assert ask("/", usual=usual, **{"Accept-Language": asked}).text == given


def test_who_chooses_a_language_comes_back_to_the_page_and_keeps_it():
    answer = ask("/campaigns?state=paused&language=hi", usual="en")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/campaigns?state=paused"
    assert "HttpOnly" in answer.headers["set-cookie"]
    cookie = answer.headers["set-cookie"].partition(";")[0]
    assert ask("/", usual="en", Cookie=cookie).text == "hi"
    assert ask("/?language=xx", usual="en", Cookie=cookie).text == "hi"


@pytest.mark.parametrize("path", ["//other.example/?language=hi", "/%5Cother.example?language=hi"])
def test_choosing_a_language_leads_to_no_other_site(path):
    assert ask(path).headers["location"].rstrip("/") == "/other.example"

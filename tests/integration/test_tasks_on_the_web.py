"""What takes a while is asked for on a page, done apart, and told on a page of its own."""

import fcntl
import os
import secrets

import pytest

from dialer.access.api_keys import Scope
from tests.patience import until
from tests.web_kit import LIST, Browser, Site, one_site

web = one_site(dict.fromkeys(("exotel_base_url", "exotel_details_base_url"), "http://127.0.0.1:9"))


def told(browser: Browser, answer) -> str:
    """Wait for a task, and read its page."""
    assert answer.status_code == 303, answer.text
    where = answer.headers["location"]
    until(
        lambda: browser.get(f"{where}/progress").json()["stage"] != "running",
        within_s=90,
        what="the task",
    )
    return browser.get(where).text


def over(web: Site, list_: str = LIST) -> str:
    """Load a campaign and cancel it."""
    id_ = str(web.upload(list_, name=secrets.token_hex(4)).json()["campaign_id"])
    web.api("POST", f"/campaigns/{id_}/cancel")
    while web.wiring.campaigns.cancel_some(id_):
        pass
    assert web.wiring.campaigns.find(id_).state.is_over
    return id_


def test_a_campaign_is_archived_and_deleted_by_its_name(web: Site) -> None:
    id_, browser = over(web), web.browser()
    name = web.wiring.campaigns.find(id_).name

    archived = told(browser, browser.post(f"/campaigns/{id_}/books/archive"))
    wrong = browser.post(f"/campaigns/{id_}/books/delete", name="another")
    books = browser.get(f"/campaigns/{id_}/books").text
    deleted = told(browser, browser.post(f"/campaigns/{id_}/books/delete", name=name))

    assert "It is done" in archived
    assert wrong.status_code == 422
    assert "Delete for good" in books
    assert "It is done" in deleted
    assert browser.get(f"/campaigns/{id_}").status_code == 404


def test_rows_not_taken_are_handed_out_from_the_archive_as_before(web: Site) -> None:
    id_ = over(web, "agent,customer,name\n+919000000001,+919876543201,Asha\n12,34,Ravi\n")
    browser, where = web.browser(), f"/campaigns/{id_}/rejected.csv"
    page, for_excel, api = (
        browser.get(where),
        browser.get(f"{where}?text_numbers=yes"),
        web.api("GET", where),
    )

    told(browser, browser.post(f"/campaigns/{id_}/books/archive"))

    assert "Ravi" in page.text
    assert browser.get(where).text == page.text
    assert browser.get(f"{where}?text_numbers=yes").text == for_excel.text
    assert web.api("GET", where).text == api.text


def test_one_that_goes_on_is_not_archived_and_the_page_says_why(web: Site) -> None:
    id_, browser = web.upload(name=secrets.token_hex(4)).json()["campaign_id"], web.browser()

    page = told(browser, browser.post(f"/campaigns/{id_}/books/archive"))

    assert "It was not done" in page
    assert "is loaded" in page


def test_a_number_is_forgotten_once_it_was_looked_at_and_written_once_more(web: Site) -> None:
    id_, browser = over(web), web.browser()

    looked = browser.post("/purge", what="number", value="098765 43201")
    page = told(browser, looked)
    seen = looked.headers["location"].removeprefix("/tasks/")
    assert "98765 43201" not in page
    assert "9876543201" not in page
    assert "Forget for good" in page
    another = browser.post(f"/purge/{seen}", what="number", value="+919876543202")
    certificate = told(browser, browser.post(f"/purge/{seen}", what="number", value="9876543201"))

    assert another.status_code == 422
    assert "Certificate of erasure" in certificate
    assert "Nothing is removed" not in certificate
    line = browser.get(f"/campaigns/{id_}/contacts/1").text
    assert "98765 43201" not in line


def test_nothing_is_forgotten_by_a_look_or_without_one(web: Site) -> None:
    id_, browser = over(web), web.browser()

    told(browser, browser.post("/purge", what="campaign", value=id_))
    bold = browser.post(f"/purge/{'f' * 12}", what="campaign", value=id_)

    assert bold.status_code == 404
    assert "98765 43202" in browser.get(f"/campaigns/{id_}/contacts/2").text
    assert browser.get("/purge").status_code == 200
    assert browser.client.get(f"/purge/{'f' * 12}").status_code in {404, 405}


@pytest.mark.parametrize(
    ("what", "value"), [("number", "12"), ("days", "0"), ("days", "x"), ("all", "1")]
)
def test_who_is_no_one_is_not_looked_for(web: Site, what: str, value: str) -> None:
    answer = web.browser().post("/purge", what=what, value=value)

    assert answer.status_code == 422
    assert "Write a phone number" in answer.text


def test_all_who_ended_in_one_way_are_called_back_together(web: Site) -> None:
    id_, browser, db = over(web), web.browser(), web.wiring.db
    db.client.hset(db.key("c", id_), "state", "completed")

    ask = browser.get(f"/campaigns/{id_}/call-back?outcome=cancelled").text
    page = told(
        browser,
        browser.post(f"/campaigns/{id_}/call-back", outcome="cancelled", at="2099-01-01T09:00"),
    )

    assert "Call 2 contacts back?" in ask
    assert "2 contacts wait to be called back" in page
    assert "01 Jan 2099" in browser.get(f"/campaigns/{id_}/contacts").text


def test_the_checks_name_no_command_and_say_what_to_do(web: Site) -> None:
    browser = web.browser()

    page = told(browser, browser.post("/checks"))

    assert "Not fit for dialling" in page or "Fit for dialling." in page
    assert "started where this installation runs" in page
    assert "dialer up" not in page


def test_one_thing_is_done_at_a_time(web: Site) -> None:
    folder = web.wiring.settings.dialer_data_dir / "tasks"
    folder.mkdir(exist_ok=True)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        busy = web.browser().post("/checks")
    finally:
        os.close(lock)

    assert busy.status_code == 409
    assert "wait until it is" in busy.text


@pytest.mark.parametrize("path", ["/purge", "/checks"])
def test_who_does_not_administer_is_told_which_scope_it_takes(web: Site, path: str) -> None:
    operator = web.browser(web.key(Scope.READ, Scope.OPERATE))

    assert operator.get(path).status_code == 403
    assert operator.post(path, token="x").status_code == 403


def test_recordings_are_not_asked_for_where_they_have_no_place(web: Site) -> None:
    id_, browser = web.upload(name=secrets.token_hex(4)).json()["campaign_id"], web.browser()

    assert "They stay at the provider" in browser.get(f"/campaigns/{id_}/books").text
    assert browser.post(f"/campaigns/{id_}/books/keep_recordings").status_code == 409

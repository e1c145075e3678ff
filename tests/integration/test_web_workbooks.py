"""A workbook of a kilobyte that opens to gigabytes, by every way in (H2)."""

import re
import resource

import pytest

from tests.patience import until
from tests.web_kit import Browser, Site, one_site
from tests.workbook_kit import workbook

FAR = workbook('<row r="9"><c r="XFD1048550"><v>2</v></c><c r="A1048576"><v>1</v></c></row>')


web = one_site()


@pytest.mark.parametrize("path", ["/campaigns", "/suppressions", "/rehearsals", "append"])
def test_a_far_cell_is_refused_by_its_name_and_the_process_lives(web: Site, path: str) -> None:
    if path == "append":
        path = f"/campaigns/{web.upload(name='for-more').json()['campaign_id']}/contacts"
    data = {"name": "far"} if path == "/campaigns" else {}
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    answer = web.api("POST", path, files={"file": ("l.xlsx", FAR)}, data=data)

    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "file_unusable"
    assert "Cell XFD1048550" in answer.json()["detail"]
    assert web.client.get("/livez").status_code == 200
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < before_kb + 20_000


def test_the_page_of_numbers_never_called_names_the_cell(web: Site) -> None:
    browser = web.browser()

    answer = browser.client.post(
        "/suppression/file",
        data={"csrf_token": browser.token("/suppression")},
        files={"file": ("l.xlsx", FAR)},
    )

    assert answer.status_code == 422
    assert "XFD1048550" in answer.text


def test_numbers_never_called_may_stand_in_a_workbook(web: Site) -> None:
    answer = web.api("POST", "/suppressions", files={"file": ("l.xlsx", workbook())})

    assert answer.json()["added"] == 1


HIDDEN = workbook(
    '<row r="3" hidden="1"><c r="A3"><v>9000000002</v></c><c r="B3"><v>9876543202</v></c></row>'
)


def test_what_a_sheet_hides_is_asked_in_a_field_and_answered_by_it(web: Site) -> None:
    files = {"file": ("l.xlsx", HIDDEN)}

    asked = web.api("POST", "/campaigns", files=files, data={"name": "h", "dry_run": "true"})
    answer = {"name": "h", "dry_run": "true", "hidden_rows": "skip"}
    told = web.api("POST", "/campaigns", files=files, data=answer)

    assert (asked.status_code, asked.json()["field"]) == (422, "hidden_rows")
    assert asked.json()["choices"] == ["skip", "take"]
    glimpses = {one["choice"]: one for one in asked.json()["glimpses"]}
    assert [len(glimpses[choice]["rows"]) for choice in ("skip", "take")] == [1, 2]
    assert glimpses["take"]["rows"][1]["customer"] == "+919876543202"
    assert told.json()["rows"] == 1
    assert "1 hidden rows are skipped" in told.json()["understood_as"]


def test_the_page_shows_what_each_answer_would_be_read_as(web: Site) -> None:
    browser = web.browser()
    answer = browser.client.post(
        "/imports",
        data={"csrf_token": browser.token("/"), "name": "asked"},
        files={"file": ("l.xlsx", HIDDEN)},
    )
    address = answer.headers.get("location") or str(answer.url.path)

    def is_told() -> bool:
        return "With hidden rows taken" in browser.client.get(address).text

    until(is_told)
    page = browser.client.get(address).text
    assert page.count("+919876543202") == 1


TWO_OF_ONE_NAME = "Number,Number\n9000000001,9876543201\n9000000001,9876543202\n"
BELOW_A_NUMBER = f"Ask 9876500000,\n{TWO_OF_ONE_NAME.replace('Number,Number', 'agent,customer')}"


@pytest.mark.parametrize(
    ("content", "columns", "shown"),
    [
        (HIDDEN, ["agent", "customer"], "+919876543202"),
        (TWO_OF_ONE_NAME, ["Number", "Number (2)"], "9876543202"),
        (BELOW_A_NUMBER, ["agent", "customer"], "+919876543202"),
    ],
)
def test_whatever_the_page_asks_it_shows_rows_and_the_files_own_columns(
    web: Site, content: str | bytes, columns: list[str], shown: str
) -> None:
    browser = web.browser()
    address = browser.upload("l.xlsx", content, name="asked").headers["location"]
    until(lambda: "Read it again" in browser.get(address).text)

    page = browser.get(address).text
    [choice] = re.findall(r'<select name="customer_column">(.*?)</select>', page, re.DOTALL)

    assert re.findall("<option[^>]*>(.*?)</option>", choice)[1:] == columns
    assert shown in page


def test_the_page_links_to_numbers_written_as_texts(web: Site) -> None:
    id_ = web.upload(name="texts").json()["campaign_id"]
    browser = web.browser()

    [link] = set(re.findall(r'"([^"]*contacts\.csv\?text_numbers[^"]*)"', page_of(browser, id_)))

    assert '"=""919876543202"""' in browser.client.get(link).text


def page_of(browser: Browser, campaign_id: str) -> str:
    return str(browser.client.get(f"/campaigns/{campaign_id}").text)

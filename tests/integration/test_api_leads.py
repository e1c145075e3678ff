"""Contacts one at a time by the API and the page: one status each, who may, and how they are found again."""

import json

import pytest

from dialer.access.api_keys import Scope
from tests.web_kit import settings_for, site

LEAD = {
    "agent": "9000000001",
    "customer": 9876543210,
    "external_id": "crm-1",
    "priority": 5,
    "row": {"name": "Zed"},
    "not_before": None,
}


@pytest.fixture
def web(redis_server, db, tmp_path):
    with site(settings_for(redis_server, db.account, tmp_path)) as running:
        yield running


@pytest.fixture
def campaign(web):
    return web.upload().json()["campaign_id"]


def post(web, campaign, body, **how):
    return web.api("POST", f"/campaigns/{campaign}/leads", json=body, **how)


def test_one_lead_has_its_own_status_and_many_have_one_each(web, campaign):
    first = post(web, campaign, LEAD)
    assert (first.status_code, first.json()["contact_id"]) == (201, f"{campaign}-3")
    assert post(web, campaign, LEAD).json() == first.json() | {"status": 200, "result": "known"}
    conflict = post(web, campaign, LEAD | {"priority": 6})
    assert (conflict.status_code, conflict.json()["code"]) == (409, "external_id_conflict")
    assert conflict.json()["contact_id"] == f"{campaign}-3"
    assert post(web, campaign, {"agent": "1"}).status_code == 422

    many = post(web, campaign, {"leads": [LEAD, 5, LEAD | {"colour": "red"}]})

    assert many.status_code == 200
    assert [one["status"] for one in many.json()["items"]] == [200, 422, 422]
    assert [many.json()[name] for name in ("added", "known", "not_taken")] == [0, 1, 2]


@pytest.mark.parametrize(
    "more",
    [
        {"row": {"name": "a\ud800b"}},
        {"row": {"\udc00": "x"}},
        *(
            {name: "\ud800"}
            for name in ("external_id", "custom_field", "timezone", "agent", "backup")
        ),
    ],
)
def test_a_lead_with_half_a_character_is_turned_down_and_the_others_are_taken(web, campaign, more):
    """JSON can say halves of surrogate pairs, which no text in UTF-8 has."""
    whole = LEAD | {"external_id": "whole"}
    body = json.dumps({"leads": [LEAD | more, whole]})  # as escapes; httpx would not write them

    told = web.api(
        "POST",
        f"/campaigns/{campaign}/leads",
        content=body,
        headers={"content-type": "application/json"},
    )

    assert [one["status"] for one in told.json()["items"]] == [422, 201]


@pytest.mark.parametrize("body", [[], [LEAD] * 1_001, 5, None])
def test_what_is_no_lead_and_no_list_of_up_to_a_thousand_is_refused(web, campaign, body):
    assert post(web, campaign, body).status_code == 422


def test_a_body_is_bounded(web, campaign):
    answer = post(web, campaign, LEAD | {"row": {"name": "x" * 4_000_001}})

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_it_takes_upload_and_where_calls_come_of_it_operate_too(web, campaign):
    upload, operate = web.key(Scope.UPLOAD), web.key(Scope.OPERATE)
    assert post(web, campaign, LEAD, key=operate).status_code == 403
    assert post(web, campaign, LEAD, key=upload).status_code == 201
    web.api("POST", f"/campaigns/{campaign}/start")

    more = LEAD | {"external_id": "crm-2", "customer": "9876543211"}

    assert post(web, campaign, more, key=upload).json()["scope"] == "operate"
    assert (
        post(web, campaign, LEAD, key=upload).status_code == 200
    )  # nothing comes of what is known
    assert post(web, campaign, more, key=web.key(Scope.UPLOAD, Scope.OPERATE)).status_code == 201


def test_its_external_id_finds_the_contact_by_search_and_page_and_stands_in_reports(web, campaign):
    post(web, campaign, LEAD)

    found = web.api("POST", "/numbers/search", json={"external_id": "crm-1"}).json()["items"]
    page = web.browser().post(f"/campaigns/{campaign}/contacts/search", external_id="crm-1")

    assert [(one["contact_id"], one["external_id"]) for one in found] == [
        (f"{campaign}-3", "crm-1")
    ]
    assert f'/campaigns/{campaign}/contacts/3"' in page.text
    assert f'/campaigns/{campaign}/contacts/1"' not in page.text
    report = web.api("GET", f"/campaigns/{campaign}/reports/contacts.csv").text.splitlines()
    assert "external_id" in report[0].split(",")
    assert "crm-1" in report[3].split(",")


def test_the_trail_tells_how_many_and_no_number(web, campaign):
    post(web, campaign, [LEAD, {"agent": "9000000001", "customer": "12345"}])

    trail = web.api("GET", "/audit").json()["items"]

    done = [one for one in trail if one["what"] == "contact_added" and one["outcome"] == "done"]
    assert [one["after"] for one in done] == [{"added": 1, "rejected": 1}]
    assert "9876543210" not in json.dumps(trail)


def test_the_pages_form_shows_the_reason_and_keeps_what_was_typed_and_then_the_contact(
    web, campaign
):
    browser = web.browser()
    path = f"/campaigns/{campaign}/add"
    assert "Add a contact" in browser.get(f"/campaigns/{campaign}").text

    wrong = browser.post(path, agent="9000000001", customer="98765", external_id="p-1")
    assert wrong.status_code == 422
    assert "Contact 1, customer: expected" in wrong.text
    assert 'value="p-1"' in wrong.text

    right = browser.post(path, agent="9000000001", customer="9876540001", **{"cell name": "Pia"})
    assert right.headers["location"] == f"/campaigns/{campaign}/contacts/3"
    assert "Pia" in browser.get(right.headers["location"]).text

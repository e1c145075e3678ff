"""Alerts by API and page: for administrators, with a line for what is wrong and no secret shown again."""

import pytest

from campaigns.alerts import AlertKind
from dialer.access.api_keys import Scope
from tests.web_kit import ADMIN_KEY

HOOK = "https://hooks.slack.example/services/T0/B0/very-secret-0123"


def test_a_rule_is_made_listed_and_removed_and_its_url_is_not_shown_again(web):
    made = web.api("POST", "/alerts", json={"way": "slack", "to": HOOK, "kinds": ["account_held"]})

    assert made.status_code == 201
    assert made.json()["to"] == "https://hooks.slack.example/…0123"
    listed = web.api("GET", "/alerts")
    assert [one["kinds"] for one in listed.json()["rules"]] == [["account_held"]]
    assert "very-secret" not in made.text + listed.text
    assert web.api("DELETE", f"/alerts/{made.json()['id']}").status_code == 204
    assert web.api("GET", "/alerts").json()["rules"] == []


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ({"way": "slack", "to": "http://hooks.slack.example/x"}, "must begin with https"),
        ({"way": "teams", "to": "https://127.0.0.1/x"}, "network of one's own"),
        ({"way": "email", "to": "ops@example.com"}, "DIALER_SMTP_URL"),
        ({"way": "events", "quiet": "late"}, "22:00-07:00"),
        ({"way": "events", "timezone": "Here"}, "no IANA time zone"),
        ({"way": "pigeon"}, "way"),
        ({"way": "events", "connect_rate": 0}, "connect_rate"),
        ({"way": "events", "who": "me"}, "who"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_what_to_give_instead(web, order, told):
    answer = web.api("POST", "/alerts", json=order)

    assert answer.status_code == 422
    assert told in answer.json()["detail"]


def test_a_rule_of_no_such_campaign_is_refused(web):
    order = {"way": "events", "campaign_id": "zzzzzzzz"}

    assert web.api("POST", "/alerts", json=order).status_code == 404


@pytest.mark.parametrize("scope", [Scope.READ, Scope.OPERATE, Scope.UPLOAD])
def test_alerts_are_for_administrators(web, scope):
    headers = {"Authorization": f"Bearer {web.key(scope)}"}

    assert web.client.get("/api/v1/alerts", headers=headers).status_code == 403
    order = {"way": "events"}
    assert web.client.post("/api/v1/alerts", headers=headers, json=order).status_code == 403


def test_the_page_makes_a_rule_shows_what_stands_and_removes_it(web):
    browser = web.browser(ADMIN_KEY)
    token = browser.token("/alerts")
    sent = {"csrf_token": token, "way": "events", "to": "", "kind": AlertKind.HELD}
    assert browser.client.post("/alerts", data=sent).status_code == 303

    (rule,) = web.wiring.alert_desk.rules()
    assert "the account is on hold" in browser.get("/alerts").text
    gone = browser.client.post(f"/alerts/{rule.id}/remove", data={"csrf_token": token})
    assert gone.status_code == 303
    assert web.wiring.alert_desk.rules() == []


def test_a_wrong_form_is_told_in_a_sentence(web):
    browser = web.browser(ADMIN_KEY)
    token = browser.token("/alerts")

    answer = browser.client.post(
        "/alerts", data={"csrf_token": token, "way": "email", "to": "x", "idle_min": "soon"}
    )

    assert answer.status_code == 422
    assert "whole numbers for the limits" in answer.text

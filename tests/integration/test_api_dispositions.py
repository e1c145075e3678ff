"""Dispositions over the API: who may give one, and what a wrong one is told."""

import pytest

from campaigns.attempt import AttemptState, Outcome
from campaigns.contact_state import ContactState
from dialer.access.api_keys import Scope
from dialer.store.attempts import encode
from tests.factories import attempt, pair, store_campaign
from tests.web_kit import Site


@pytest.fixture
def contact(web: Site) -> str:
    """A contact that was talked to."""
    db = web.wiring.db
    campaign = store_campaign(
        db,
        [pair(1, 1, state=ContactState.OPEN, made=1, charged=1)],
        disposition="sale,wrong_number:final",
    )
    talked = attempt(state=AttemptState.SETTLED, outcome=Outcome.CONNECTED, settled_at=db.now())
    db.client.hset(db.key("c", campaign, "attempts", 0), "1-1", encode(talked))
    for state, by in (("waiting", -1), ("open", 1)):  # it was counted as one that came in
        db.client.hincrby(db.key("c", campaign, "counts"), state, by)
    return f"{campaign}-1"


def test_a_disposition_is_kept_and_tells_who_gave_it(web: Site, contact: str) -> None:
    answer = web.api(
        "POST", f"/contacts/{contact}/disposition", json={"disposition": "sale", "note": "yes"}
    )

    assert answer.status_code == 200, answer.text
    assert answer.json()["disposition"] == "sale"
    assert answer.json()["note"] == "yes"
    assert answer.json()["disposition_by"]
    status = web.api("GET", f"/campaigns/{contact.partition('-')[0]}").json()
    assert (status["open"], status["final"]) == (0, 1)
    assert status["dispositions"] == {"sale": 1}
    assert '"disposition_given"' in web.api("GET", "/audit").text


@pytest.mark.parametrize(
    ("given", "status", "told"),
    [
        ({"disposition": "nice"}, 409, "use sale, wrong_number, do_not_call"),
        ({"disposition": "sale", "note": "x" * 501}, 422, "note"),
        ({"disposition": "sale", "call_back_at": "tomorrow"}, 422, "call_back_at"),
        ({"disposition": "sale", "attempt_no": 7}, 409, "was not called"),
        ({"disposition": "sale", "colour": "red"}, 422, "colour"),
        ({}, 422, "disposition"),
    ],
)
def test_what_is_wrong_with_one_is_told(
    web: Site, contact: str, given: dict[str, object], status: int, told: str
) -> None:
    answer = web.api("POST", f"/contacts/{contact}/disposition", json=given)

    assert answer.status_code == status
    assert told in answer.text


@pytest.mark.parametrize("id_", ["nothing", "00000000-1", "x"])
def test_a_contact_that_is_none_takes_none(web: Site, id_: str) -> None:
    answer = web.api("POST", f"/contacts/{id_}/disposition", json={"disposition": "sale"})

    assert answer.status_code in {404, 409}


@pytest.mark.parametrize("scope", [Scope.READ, Scope.READ_MASKED, Scope.UPLOAD])
def test_who_may_not_operate_gives_none(web: Site, contact: str, scope: Scope) -> None:
    key = web.key(scope)

    answer = web.api(
        "POST", f"/contacts/{contact}/disposition", key=key, json={"disposition": "sale"}
    )

    assert answer.status_code == 403


def test_a_masked_reader_sees_the_word_and_no_note(web: Site, contact: str) -> None:
    web.api("POST", f"/contacts/{contact}/disposition", json={"disposition": "sale", "note": "yes"})
    campaign = contact.partition("-")[0]

    masked = web.api("GET", f"/campaigns/{campaign}/attempts", key=web.key(Scope.READ_MASKED))

    (one,) = masked.json()["items"]
    assert (one["disposition"], one["note"], one["disposition_by"]) == ("sale", None, None)

"""A campaign without a contact would be over the moment it is started, so it is not."""

from datetime import timedelta

import pytest

from campaigns.campaign import CampaignState
from dialer.clock import now
from dialer.steering.starting import NobodyToCall, Starting
from tests.factories import append_contacts, pair, store_campaign
from tests.web_kit import Site


def test_nobody_is_called_by_an_empty_campaign_and_it_stays_as_it_is(account, db):
    id_ = store_campaign(db, [], running=False)
    starting = Starting(db, second_above=0)

    with pytest.raises(NobodyToCall, match="has nobody to call: append a list"):
        starting.start(account.campaigns.find(id_), who="asha")
    assert account.state(id_) == "loaded"

    append_contacts(db, id_, [pair(1, 1)], content_hash="more.csv")
    starting.start(account.campaigns.find(id_), who="asha")
    account.dial_and_end()
    assert account.state(id_) == "completed"


def test_a_start_at_a_time_waits_for_the_first_contact(account, db):
    id_ = store_campaign(db, [], running=False, starts_at=now() + timedelta(hours=1))
    db.clock_s = now().timestamp() + 7200

    account.tick()
    assert account.state(id_) == "loaded"

    append_contacts(db, id_, [pair(1, 1)], content_hash="more.csv")
    account.tick()
    assert account.state(id_) == "running"


def test_pages_and_programs_are_told_what_to_do_first(web: Site) -> None:
    browser = web.browser()
    nobody = b"agent,customer\n12,34\n"
    loaded = web.upload(content=nobody, name="empty", start="true")
    assert loaded.json()["state"] == CampaignState.LOADED
    id_ = loaded.json()["campaign_id"]

    by_api = web.api("POST", f"/campaigns/{id_}/start")
    by_page = browser.post(f"/campaigns/{id_}/start", token=browser.token())

    assert (by_api.status_code, by_api.json()["code"]) == (409, "nobody_to_call")
    assert by_page.status_code == 409
    assert "has nobody to call" in by_page.text
    assert "nobody to call yet" in browser.get(f"/campaigns/{id_}/start").text

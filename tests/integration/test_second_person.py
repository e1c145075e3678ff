"""A large list starts only once two people want it."""

from dataclasses import replace

import pytest

from campaigns.campaign import CampaignState
from dialer.access.api_keys import Scope
from dialer.audit import Audit
from dialer.deeds import Actor, ActorKind, Deed, Did
from dialer.steering.starting import SecondPersonNeeded, Starting
from dialer.store.trail import Trail
from tests.account_kit import Account
from tests.factories import append_contacts, pair, store_campaign
from tests.web_kit import LIST, Site, settings_for, site


@pytest.fixture
def guarded(account: Account) -> Account:
    account.options = replace(account.options, second_above=2)
    return account


def starting(account: Account) -> Starting:
    return Starting(account.db, second_above=2)


def pairs(first: int, count: int):
    return [pair(n, n) for n in range(first, first + count)]


def test_one_person_alone_starts_no_large_list_however_often(guarded, db):
    id_ = store_campaign(db, pairs(1, 3), running=False)

    for _ in range(3):
        with pytest.raises(SecondPersonNeeded, match="waits for a second person"):
            starting(guarded).start(guarded.campaigns.find(id_), who="asha")

    assert guarded.dial_all() == []
    assert guarded.campaigns.find(id_).asked_by == "asha"


def test_a_second_person_lets_it_go(guarded, db):
    id_ = store_campaign(db, pairs(1, 3), running=False)
    with pytest.raises(SecondPersonNeeded):
        starting(guarded).start(guarded.campaigns.find(id_), who="asha")

    starting(guarded).start(guarded.campaigns.find(id_), who="ravi")

    guarded.dial_all()
    assert len(guarded.company.posts) == 3
    found = guarded.campaigns.find(id_)
    assert (found.confirmed, found.asked_by) == (3, "")


def test_the_audit_trail_tells_who_asked_and_who_confirmed(guarded, db):
    id_ = store_campaign(db, pairs(1, 3), running=False)

    def start(who: str) -> None:
        deed = Deed(Did.CAMPAIGN_STARTED, Actor(ActorKind.KEY, who, who, ""))
        with Audit(db).recording(deed):
            starting(guarded).start(guarded.campaigns.find(id_), who=who)

    with pytest.raises(SecondPersonNeeded):
        start("asha")
    start("ravi")

    asked, confirmed = [
        line.as_json() for line in Trail(db).lines() if '"begun"' not in line.record
    ]
    assert (asked["what"], asked["outcome"]) == ("campaign_started", "refused")
    assert asked["after"] == {"asked_by": "asha"}
    assert (confirmed["what"], confirmed["outcome"]) == ("start_confirmed", "done")
    assert confirmed["before"]["asked_by"] == "asha"
    assert confirmed["after"]["confirmed_by"] == "ravi"


def test_a_small_list_needs_nobody_else(guarded, db):
    id_ = store_campaign(db, pairs(1, 2), running=False)

    starting(guarded).start(guarded.campaigns.find(id_), who="asha")

    guarded.dial_all()
    assert len(guarded.company.posts) == 2


def test_what_starts_by_itself_waits_for_two_people_too(guarded, db):
    id_ = store_campaign(
        db, pairs(1, 3), running=False, starts_at="2027-01-15T00:00", ends_at="2029-01-01T00:00"
    )
    db.pass_time(1)

    guarded.dial_all()

    found = guarded.campaigns.find(id_)
    assert (found.state, guarded.company.posts) == (CampaignState.PAUSED, [])
    assert found.why == "3 contacts wait for a second person who starts it"


def test_rows_appended_to_what_runs_beyond_the_limit_stop_it_until_two_people_want_them(
    guarded, db
):
    id_ = store_campaign(db, pairs(1, 2), retry=())
    guarded.dial_all()
    guarded.end_all()
    assert len(guarded.company.posts) == 2
    id_ = store_campaign(db, pairs(11, 2), name="more")
    append_contacts(db, id_, pairs(21, 5), content_hash="more rows")

    guarded.dial_all()

    found = guarded.campaigns.find(id_)
    assert (found.state, len(guarded.company.posts)) == (CampaignState.PAUSED, 2)
    with pytest.raises(SecondPersonNeeded):
        starting(guarded).start(found, who="asha")
    starting(guarded).start(found, who="ravi")
    guarded.dial_all()
    assert len(guarded.company.posts) == 9


def test_the_api_and_the_page_say_so_and_a_second_key_confirms(
    redis_server, redis_client, tmp_path
):
    settings = settings_for(redis_server, "second", tmp_path, dialer_second_person_above=1)
    with site(settings) as web:
        first = web.key(Scope.UPLOAD, Scope.OPERATE)
        loaded = web.upload(LIST, key=first, start="true")
        assert (loaded.status_code, loaded.json()["state"]) == (201, "loaded")
        path = f"/campaigns/{loaded.json()['campaign_id']}"

        again = start(web, path, first)

        assert (again.status_code, again.json()["code"]) == (409, "second_person_needed")
        assert web.api("GET", path).json()["waits_for_second_person"] is True
        page = web.browser(web.key(Scope.OPERATE))
        assert "wait for a second person" in page.get(path).text
        assert page.post(f"{path}/start").status_code == 303
        assert web.api("GET", path).json()["state"] == "running"


def start(web: Site, path: str, key: str):
    return web.api("POST", f"{path}/start", key=key)

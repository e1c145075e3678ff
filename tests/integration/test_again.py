"""Those whom a campaign did not reach become a new list: by the API and the page."""

import re
import secrets

import pytest

from campaigns.attempt import Outcome
from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState, NotDialled
from dialer.access.api_keys import Scope
from dialer.store.campaigns import Campaigns
from dialer.store.record import ContactRecord
from tests.factories import agent, append_contacts, rules
from tests.patience import until
from tests.web_kit import Site, one_site

ENDS = (
    *(Outcome.CONNECTED, Outcome.CUSTOMER_BUSY, Outcome.CUSTOMER_NO_ANSWER, Outcome.CUSTOMER_BUSY),
    *(NotDialled.CANCELLED, NotDialled.SUPPRESSED),
)


web = one_site()


@pytest.fixture
def ended(web: Site) -> str:
    """Store a campaign whose contacts ended, but for one that waits; gives its id."""
    db, campaigns = web.wiring.db, Campaigns(web.wiring.db)
    id_ = secrets.token_hex(4)
    base = secrets.randbelow(10**6)
    made = rules(max_attempts=4, caller_id="08000000000", ends_at="2036-01-01T09:00")
    columns = ("From", "agent", "city")
    campaigns.create(id_, name=f"sale {id_}", rules=made, columns=columns, tags=("north",))
    records = [
        ContactRecord(
            agent(n % 2), f"+9198{base:06}{n:02}", ContactState.FINAL, end, made=1, charged=1
        )
        for n, end in enumerate(ENDS)
    ]
    append_contacts(
        db, id_, [*records, ContactRecord(agent(1), f"+9198{base:06}99")], content_hash=id_
    )
    # as settling would have left it
    ends = {f"outcome:{end}": ENDS.count(end) for end in ENDS}
    db.client.hset(db.key("c", id_, "counts"), mapping=ends)
    db.client.hset(db.key("c", id_), "state", CampaignState.COMPLETED)
    return id_


def rows_of(web: Site, id_: str) -> list[dict]:
    return web.api("GET", f"/campaigns/{id_}/contacts").json()["items"]


def test_who_was_not_reached_is_loaded_with_its_rules_and_where_each_came_from(
    web: Site, ended: str
) -> None:
    first = {one["contact_id"]: one["customer"] for one in rows_of(web, ended)}
    order = {"name": f"more of {ended}", "rules": {"wrap_up": "2m"}, "tags": ["second"]}

    dry = web.api("POST", f"/campaigns/{ended}/again", json=order | {"dry_run": True})
    loaded = web.api("POST", f"/campaigns/{ended}/again", json=order)
    twice = web.api("POST", f"/campaigns/{ended}/again", json=order)

    assert dry.json().get("accepted") == 4, dry.text
    assert dry.json()["campaign_id"] is None
    assert loaded.status_code == 201, loaded.text
    assert loaded.json()["accepted"] == 4
    assert twice.json()["already"] is True
    id_ = loaded.json()["campaign_id"]
    origins = [one["row"]["contact_id"] for one in rows_of(web, id_)]
    assert origins == [f"{ended}-{n}" for n in (2, 3, 4, 5)]
    assert [one["customer"] for one in rows_of(web, id_)] == [first[one] for one in origins]
    found = web.wiring.campaigns.find(id_)
    assert (found.rules.max_attempts, found.rules.wrap_up_s) == (4, 120)
    assert found.rules.ends_at is None
    assert found.tags == ("second",)


def test_only_those_ends_that_were_chosen_are_taken(web: Site, ended: str) -> None:
    order = {"name": f"busy of {ended}", "ends": ["customer_busy"]}

    loaded = web.api("POST", f"/campaigns/{ended}/again", json=order)
    wrong = web.api("POST", f"/campaigns/{ended}/again", json=order | {"ends": ["busy"]})
    none = web.api("POST", f"/campaigns/{ended}/again", json=order | {"ends": ["agent_left"]})

    assert loaded.json()["accepted"] == 2
    assert (wrong.status_code, none.status_code) == (409, 409)
    assert "'busy' is no end of a contact" in wrong.json()["detail"]
    assert "o contact of campaign" in none.json()["detail"]


def test_whoever_may_only_look_calls_nobody_again(web: Site, ended: str) -> None:
    looking = web.key(Scope.READ)

    answer = web.api("POST", f"/campaigns/{ended}/again", json={"name": "x"}, key=looking)

    assert answer.status_code == 403
    assert web.browser(looking).get(f"/campaigns/{ended}/again").status_code == 403


def test_a_campaign_whose_numbers_were_purged_calls_nobody_again(web: Site, ended: str) -> None:
    db = web.wiring.db
    db.client.hset(db.key("c", ended), "purged_at", "1.0")

    answer = web.api("POST", f"/campaigns/{ended}/again", json={"name": "x"})

    assert answer.status_code == 409
    assert "were purged" in answer.json()["detail"]


def test_the_page_makes_a_list_of_the_chosen_and_has_it_reviewed(web: Site, ended: str) -> None:
    browser = web.browser()
    where = f"/campaigns/{ended}/again"
    form = browser.get(where).text
    ticked = re.findall(r'name="end" value="(\w+)" checked', form)

    nothing = browser.post(where, name="none chosen")
    data = {"csrf_token": browser.token(where), "name": f"page {ended}", "end": ticked}
    review = browser.client.post(where, data=data).headers["location"]
    until(
        lambda: browser.get(f"{review}/progress").json()["stage"] == "checked",
        within_s=60,
        what="the review",
    )
    browser.post(f"{review}/load", token=browser.token(review))
    until(lambda: browser.get(review).status_code == 303, within_s=60, what="the campaign")

    assert sorted(ticked) == ["cancelled", "customer_busy", "customer_no_answer"]
    assert nothing.status_code == 422
    found = web.wiring.campaigns.find(f"page {ended}")
    assert (found.accepted, found.rules.max_attempts, found.tags) == (4, 4, ("north",))


def test_a_campaign_none_of_whose_contacts_is_over_says_so(web: Site) -> None:
    id_ = web.upload(name=secrets.token_hex(4)).json()["campaign_id"]

    assert "Nobody's calls are over yet" in web.browser().get(f"/campaigns/{id_}/again").text

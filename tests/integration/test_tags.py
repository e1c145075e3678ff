"""Tags: put on when a list is loaded, changed later, and campaigns are found by them."""

import pytest

from campaigns.campaign import CampaignState
from campaigns.plain_text import NotPlain
from campaigns.tags import MOST_TAGS, has_tag, tags_of
from dialer.steering.tagging import set_tags, tag
from dialer.store import Campaigns
from dialer.store.packing import pack_archived
from tests.factories import pair, store_campaign
from tests.web_kit import Site, one_site


def test_tags_are_parted_by_commas_and_each_counts_once():
    assert tags_of(["North,  renewals ", "north", " ", "उत्तर"]) == ("North", "renewals", "उत्तर")
    assert has_tag(("North",), "nORTH")
    assert not has_tag(("North",), "south")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["x" * 31], "at most 30"),
        (["a\x1b[31m"], "one line without control"),
        ([str(n) for n in range(MOST_TAGS + 1)], "at most 10"),
    ],
)
def test_what_cannot_be_a_tag_is_refused(words, says):
    with pytest.raises(NotPlain, match=says):
        tags_of(words)


def test_tags_are_put_on_and_taken_off_whatever_their_case(db):
    campaigns = Campaigns(db)
    campaign = campaigns.find(store_campaign(db, [pair(1, 1)]))

    both = tag(campaigns, campaign, ["North", "renewals"])
    left = tag(campaigns, both, ["new"], ["NORTH", "never there"])

    assert both.tags == ("North", "renewals")
    assert left.tags == ("new", "renewals")
    assert [one.tags for one in campaigns.rolls()] == [left.tags]


def test_a_campaign_in_the_archive_keeps_its_tags_and_takes_others(db):
    campaigns = Campaigns(db)
    id_ = store_campaign(db, [pair(1, 1)])
    set_tags(campaigns, campaigns.find(id_), ["north"])
    record = {"archived_at": "1.0", "state": str(CampaignState.COMPLETED)}
    db.client.hset(db.key("c", id_), mapping=record)
    assert pack_archived(db, id_)

    kept = campaigns.find(id_).tags
    none = set_tags(campaigns, campaigns.find(id_), []).tags
    set_tags(campaigns, campaigns.find(id_), ["south"])

    assert (kept, none) == (("north",), ())
    assert campaigns.find(id_).tags == ("south",)


web = one_site()


def named(answer) -> set[str]:
    return {one["name"] for one in answer.json()["items"]}


def test_campaigns_are_listed_by_tag(web: Site) -> None:
    north = web.upload(name="one", tag=["north", "renewals"]).json()["campaign_id"]
    web.upload(name="two", tag="south")
    web.upload(name="three")

    changed = web.api("PUT", f"/campaigns/{north}/tags", json={"tags": ["north", "festive"]})
    wrong = web.api("PUT", f"/campaigns/{north}/tags", json={"tags": ["x" * 99]})
    refused = web.upload(name="four", tag="x" * 99)

    assert changed.json()["tags"] == ["festive", "north"]
    assert (wrong.status_code, refused.status_code) == (422, 422)
    assert named(web.api("GET", "/campaigns", params={"tag": "North"})) == {"one"}
    assert named(web.api("GET", "/campaigns", params={"tag": "renewals"})) == set()
    assert named(web.api("GET", "/campaigns", params={"tag": ["FESTIVE", "north"]})) == {"one"}
    assert named(web.api("GET", "/campaigns", params={"tag": ["north", "south"]})) == set()
    assert web.api("GET", f"/campaigns/{north}").json()["tags"] == ["festive", "north"]


def test_the_list_s_page_filters_and_searches_by_tag_and_a_campaign_s_page_changes_them(
    web: Site,
) -> None:
    id_ = web.upload(name="five", tag="east & west").json()["campaign_id"]
    web.upload(name="six")
    browser = web.browser()

    by_tag = browser.get("/campaigns?tag=East%20%26%20west").text
    by_search = browser.get("/campaigns?q=east").text
    saved = browser.post(f"/campaigns/{id_}/tags", tags="centre, , Centre")
    page = browser.get(f"/campaigns/{id_}").text

    for found in (by_tag, by_search):
        assert ">five</a>" in found
        assert ">six</a>" not in found
        assert "east &amp; west" in found
    assert saved.status_code == 303
    assert 'href="/campaigns?tag=centre"' in page
    assert web.wiring.campaigns.find(id_).tags == ("centre",)
    assert browser.post(f"/campaigns/{id_}/tags", tags="x" * 31).status_code == 422

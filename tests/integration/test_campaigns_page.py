"""The list of campaigns: found, filtered and sorted; several are steered with one question that counts."""

import csv
import io
import re
from base64 import b64decode

from campaigns.campaign import CampaignState
from dialer.access.api_keys import Scope
from dialer.store.packing import pack_archived
from tests.factories import pair, store_campaign
from tests.web_kit import Site
from workers.record_keeping import RecordKeeping


def stored(web: Site, name: str, *, running: bool = False) -> str:
    return store_campaign(web.wiring.db, [pair(1, 2)], name=name, running=running)


def listed(page: str, *ids: str) -> list[str]:
    """Give those of some campaigns that a page lists, in its order."""
    places = {id_: page.find(f'href="/campaigns/{id_}"') for id_ in ids}
    return sorted((id_ for id_ in ids if places[id_] >= 0), key=places.__getitem__)


def test_campaigns_are_found_by_name_and_state_and_sorted(web):
    zebra, apple = stored(web, "Zebra"), stored(web, "apple", running=True)
    browser = web.browser()

    def shown(query: str) -> list[str]:
        return listed(browser.get(f"/campaigns?{query}").text, zebra, apple)

    assert shown("") == [apple, zebra]  # the live one first
    assert shown("sort=name") == [apple, zebra]
    assert shown("q=EBR") == [zebra]
    assert shown("state=running") == [apple]
    assert shown("state=paused") == []
    assert shown("state=nonsense&sort=nonsense&page=x") == [apple, zebra]


def test_a_page_of_the_list_holds_fifty(web):
    ids = [stored(web, f"sale {n}") for n in range(51)]
    browser = web.browser()

    first, second = (browser.get(f"/campaigns?page={page}").text for page in (1, 2))

    assert (len(listed(first, *ids)), len(listed(second, *ids))) == (50, 1)
    assert len(first.encode()) < 150_000


def test_several_are_steered_with_one_question_that_counts_those_it_is_about(web):
    running, resting = stored(web, "a", running=True), stored(web, "b")
    browser = web.browser()
    chosen = f"campaign={running}&campaign={resting}&campaign=nonsense"

    page = browser.get(f"/campaigns/several?action=pause&{chosen}").text
    assert "Pause 1 campaign of 2?" in page
    assert web.wiring.campaigns.find(running).state is CampaignState.RUNNING

    token = browser.token(f"/campaigns/several?action=pause&{chosen}")
    form = {"csrf_token": token, "action": "pause", "campaign": [running, resting]}
    answer = browser.client.post("/campaigns/several", data=form)

    assert answer.headers["location"] == "/campaigns?done=1&not_done=1"
    assert web.wiring.campaigns.find(running).state is CampaignState.PAUSED
    assert web.wiring.campaigns.find(resting).state is CampaignState.LOADED
    assert browser.get("/campaigns/several?action=dance").status_code == 422


def test_campaigns_are_set_side_by_side_by_the_rates_that_their_own_pages_show(web):
    sale, survey = stored(web, "sale"), stored(web, "survey")
    reader = web.browser(web.key(Scope.READ_MASKED))
    counted = {
        "attempts": 10,
        "attempt:connected": 4,
        "attempt:customer_busy": 2,
        "attempt:agent_busy": 4,
    }
    tell_counts(web, sale, counted)

    page = reader.get(f"/campaigns/compare?campaign={sale}&campaign={survey}&campaign=none").text

    assert 'formaction="/campaigns/compare"' in reader.get("/campaigns").text
    assert "60.0% · 6 of 10" in page  # agents answered
    assert "66.7% · 4 of 6" in page  # customers answered
    assert "40.0% · 4 of 10" in page  # connected
    rows = {row["campaign"]: row for row in csv_in(page, "campaigns.csv")}
    assert rows.keys() == {"sale", "survey"}
    assert (rows["sale"]["calls"], rows["sale"]["connect_rate"]) == ("10", "0.4")
    assert rows["survey"]["connect_rate"] == ""
    live = reader.get(f"/campaigns/{sale}").text
    assert all(f">{figure}<" in live for figure in (6, 4))


def test_talk_and_spend_stand_side_by_side_where_they_were_summed_up_from_the_start(web):
    ids = [stored(web, name) for name in ("sale", "survey", "earlier")]
    for id_, spend in zip(ids, (1_250_000, 0, 0), strict=True):
        key = web.wiring.db.key("c", id_, "told")
        web.wiring.redis.hset(key, mapping={"from_start": 1, "talk_s": 95, "spend": spend})
    web.wiring.redis.hdel(web.wiring.db.key("c", ids[2], "told"), "from_start")

    page = web.browser().get("/campaigns/compare?" + "&".join(f"campaign={one}" for one in ids))

    assert '<td class="num">1.25</td>' in page.text
    rows = {row["campaign"]: row for row in csv_in(page.text, "campaigns.csv")}
    assert (rows["sale"]["talk_s"], rows["sale"]["spend"]) == ("95", "1.25")
    assert (rows["survey"]["talk_s"], float(rows["survey"]["spend"])) == ("95", 0.0)
    assert (rows["earlier"]["talk_s"], rows["earlier"]["spend"]) == ("", "")


def test_one_campaign_alone_is_not_compared_and_seven_are_too_many(web):
    ids = [stored(web, f"sale {n}") for n in range(7)]
    browser = web.browser()

    alone = browser.get(f"/campaigns/compare?campaign={ids[0]}").text
    none = browser.get("/campaigns/compare").text
    seven = browser.get("/campaigns/compare?" + "&".join(f"campaign={one}" for one in ids)).text

    assert "One campaign alone" in alone
    assert "Nothing was chosen" in none
    assert "1 other of those chosen" in seven
    assert 'href="/campaigns/' + ids[6] not in seven


def tell_counts(web: Site, campaign: str, counts: dict[str, int]) -> None:
    """Write what a campaign's attempts came to."""
    key = web.wiring.db.key("c", campaign, "counts")
    web.wiring.redis.hset(key, mapping=counts)


def csv_in(page: str, name: str) -> list[dict[str, str]]:
    """Read the file that a link holds."""
    (content,) = re.findall(f'base64,([^"]*)" download="{name}"', page)
    return [*csv.DictReader(io.StringIO(b64decode(content).decode("utf-8-sig")))]


def test_who_may_not_operate_steers_nothing(web):
    id_ = stored(web, "a")
    reader = web.browser(web.key(Scope.READ))

    assert 'name="action"' not in reader.get("/campaigns").text
    assert reader.get(f"/campaigns/several?action=pause&campaign={id_}").status_code == 403


def test_archived_campaigns_are_found_by_tag_and_by_how_they_ended(web):
    done, dropped, running = (stored(web, name) for name in ("done", "dropped", "running"))
    for id_, state, tags in ((done, "completed", ["North"]), (dropped, "cancelled", ["north"])):
        record = web.wiring.db.key("c", id_)
        web.wiring.redis.hset(record, mapping={"state": state, "archived_at": "1", "ended_at": "1"})
        web.wiring.campaigns.put_tags(id_, tags)
        assert pack_archived(web.wiring.db, id_)
    web.wiring.campaigns.put_tags(running, ["north"])
    browser = web.browser()

    def shown(query: str) -> list[str]:
        return sorted(listed(browser.get(f"/campaigns?{query}").text, done, dropped, running))

    assert shown("state=archived&tag=NORTH") == sorted([done, dropped])
    assert shown("state=archived_completed") == [done]
    assert shown("state=archived_cancelled&tag=north") == [dropped]
    assert shown("state=archived_completed&tag=south") == []
    assert shown("state=archived_cancelled&q=drop") == [dropped]
    assert shown("tag=north") == sorted([done, dropped, running])
    assert 'value="archived_completed"' in browser.get("/campaigns").text


def test_archived_campaigns_are_listed_with_their_report(web):
    id_ = stored(web, "old")
    web.api("POST", f"/campaigns/{id_}/cancel")
    while web.wiring.campaigns.cancel_some(id_):
        pass
    campaign = web.wiring.campaigns.find(id_)
    RecordKeeping(web.wiring).archiving.archive(campaign)

    page = web.browser().get("/campaigns?state=archived").text

    assert listed(page, id_) == [id_]
    assert f'href="/campaigns/{id_}/reports/report.html"' in page

"""The feeder finds each campaign that is not over, and does not read all that ever were."""

from campaigns.campaign import CampaignState
from dialer.dialing.open_campaigns import OpenCampaigns
from dialer.store import Campaigns
from tests.factories import append_contacts, pair, store_campaign


def store_many(db, states):
    """Store a campaign for each of these states; gives their ids."""
    ids = [store_campaign(db, [pair(1, 1)], name=f"c{n}") for n in range(len(states))]
    for id_, state in zip(ids, states, strict=True):
        db.client.hset(db.key("c", id_), "state", state)
    return ids


def read_whole(db):
    """Count the hashes that were read whole."""
    stats = db.client.info("commandstats")
    return stats.get("cmdstat_hgetall", {"calls": 0})["calls"]


def test_all_are_found_but_those_that_are_over(db):
    ids = dict(zip(CampaignState, store_many(db, list(CampaignState)), strict=True))
    going_on = OpenCampaigns(Campaigns(db))

    for _ in range(2):
        found = {campaign.id for campaign in going_on.read()}

        assert found == {id_ for state, id_ in ids.items() if not state.is_over}


def test_what_is_over_is_read_once(db):
    store_many(db, ["completed"] * 20 + ["running"] * 3)
    going_on = OpenCampaigns(Campaigns(db))
    list(going_on.read())
    before = read_whole(db)

    list(going_on.read())

    assert read_whole(db) - before == 3


def test_one_that_is_over_and_goes_on_is_found_in_its_turn_however_many_are_over(db):
    ids = store_many(db, ["completed"] * 20)
    going_on = OpenCampaigns(Campaigns(db), looked_at_again=7)
    assert list(going_on.read()) == []

    append_contacts(db, ids[4], [pair(2, 2)], content_hash="more.csv")
    found = [campaign.id for _ in range(3) for campaign in going_on.read()]

    assert set(found) == {ids[4]}


def test_one_that_ends_is_read_no_more(db):
    (id_,) = store_many(db, ["running"])
    going_on = OpenCampaigns(Campaigns(db))
    assert [campaign.id for campaign in going_on.read()] == [id_]

    db.client.hset(db.key("c", id_), "state", "completed")

    assert list(going_on.read()) == []
    assert list(going_on.read()) == []


def test_one_that_vanished_with_redis_state_is_no_harm(db):
    store_many(db, ["completed"])
    going_on = OpenCampaigns(Campaigns(db))
    list(going_on.read())

    db.client.flushdb()

    assert list(going_on.read()) == []

"""W9, L, F, K, S: interrupted loads, feeders, files, stops and money."""

import io
import threading

import pytest

from campaigns.campaign import CampaignState
from campaigns.numbers.phone import PhoneRules
from dialer.loading.loading import Loading, LoadOptions
from dialer.store.finding import Part, contacts_with
from tests.chaos.dialer_under_test import RULES
from tests.conservation import check_conservation
from tests.factories import rules
from tests.patience import until


def many(count):
    rows = [f"+91900{n:07},+91987{n:07}" for n in range(count)]
    return "\n".join(["agent,customer", *rows]).encode() + b"\n"


@pytest.mark.parametrize("place", ["block_stored", "block_stored:2", "committed"])
def test_w9_a_load_that_was_killed_goes_on_at_its_last_block(station, place):
    def load():
        return station.wiring.loading.load(
            io.BytesIO(many(5000)), name="sale", rules=RULES, options=LoadOptions()
        )

    station.killed_at(place, load)
    loaded = load()

    campaign = loaded.campaign
    assert (campaign.rows, campaign.accepted, campaign.accepted) == (5000, 5000, 5000)
    assert station.counts(campaign.id).waiting == 5000
    check_conservation(station.db)
    indexed = station.db.client.scan_iter(station.db.key("c", campaign.id, "index", "*"))
    assert len(list(indexed)) == 50
    for n in (1, 1999, 2000, 2001, 5000):
        found = contacts_with(station.db, [Part(campaign.id, 5000)], digits=f"91987{n - 1:07}")
        assert list(found) == [(campaign.id, n)]


def test_f1_a_file_that_is_cut_while_it_is_loaded_is_loaded_as_it_was(station, tmp_path):
    path = tmp_path / "list.csv"
    path.write_bytes(many(5000))
    loading = Loading(station.db, phone_rules=PhoneRules(), data_dir=tmp_path)

    with path.open("rb") as file:
        loaded = loading.load(
            file,
            name="sale",
            rules=RULES,
            options=LoadOptions(),
            on_progress=lambda _: path.write_bytes(b"agent,customer\n"),
        )

    assert loaded.campaign.accepted == 5000


def test_l1_a_feeder_that_was_asleep_past_its_lead_releases_nothing_twice(station):
    campaign = station.load(4)
    asleep, awake = station.new_process().feeding, station.new_process().feeding
    asleep.keep_schedules()
    first = asleep.tick().released
    station.pass_time(60)  # its messages were never sent, and everybody else went on
    for one in awake.tick().released:
        station.dial(one)

    for one in (*first, *asleep.tick().released):
        station.dial(one)

    assert station.provider.verdict()["connects"] == 4
    assert station.counts(campaign).charged == 4


def test_l2_what_a_dead_feeder_had_released_another_releases_within_fifteen_seconds(station):
    station.load(3)
    station.killed_at("released", station.release)
    standby = station.new_process().feeding

    assert standby.tick().released == ()
    station.pass_time(10.1)

    assert len(standby.tick().released) == 3


@pytest.mark.parametrize("moment", ["before", "during", "after"])
def test_k1_a_cancel_lets_live_calls_run_out_and_starts_nothing_new(station, moment):
    campaign = station.load(3, same_agent=True)
    (released,) = station.release()
    station.provider.order(connect=[{"fault": "stall+placed"}])

    def cancel():
        station.wiring.campaigns.move(station.campaign(campaign), CampaignState.CANCELLING)

    if moment == "before":
        cancel()
        station.dial(released)
    elif moment == "during":
        dialling = threading.Thread(target=station.dial, args=(released,))
        dialling.start()
        until(lambda: station.provider.verdict()["connects"], what="the request")
        cancel()
        dialling.join()
    else:
        station.dial(released)
        cancel()
    station.dial_all()
    calls = 0 if moment == "before" else 1
    assert station.state(campaign) == ("cancelling" if calls else "cancelled")

    counts = station.finish(campaign)

    assert station.provider.verdict()["connects"] == calls
    assert counts.outcomes.get("connected", 0) == calls
    assert counts.outcomes["cancelled"] == 3 - calls
    assert station.state(campaign) == "cancelled"
    check_conservation(station.db)


def test_k2_a_storm_of_pausing_and_resuming_around_live_calls_loses_nobody(station):
    campaign = station.load(6)
    campaigns = station.wiring.campaigns
    for _ in range(10):
        for one in station.release():
            campaigns.move(station.campaign(campaign), CampaignState.PAUSED)
            station.dial(one)
            campaigns.move(station.campaign(campaign), CampaignState.RUNNING)
            break
        station.pass_time(3)

    assert station.finish(campaign).outcomes == {"connected": 6}
    assert station.provider.verdict()["attempts_posted_twice"] == []
    check_conservation(station.db)


@pytest.mark.parametrize("place", ["gate_passed", "sent"])
def test_s1_money_set_aside_for_an_attempt_nobody_knows_of_stays_spent(station, place):
    priced = rules(time_limit_s=60, time_out_s=10, price_per_min=2, max_spend_per_day=3)
    campaign = station.load(2, rules=priced)
    first, second = station.release()
    station.killed_at(place, lambda: station.dial(first))
    connects = station.provider.verdict()["connects"]

    station.dial(second)
    station.pass_time(120)
    station.sweep()
    station.dial_all()

    assert station.provider.verdict()["connects"] == connects
    assert station.counts(campaign).charged == 1

"""An account with nothing to dial writes nothing and asks little, and is called when there is something."""

import threading

import pytest

from campaigns.campaign import CampaignState
from dialer.agreeing import Agreeing
from dialer.dialing.dialing import Dialled
from dialer.dialing.journal import LateAnswer
from dialer.events.keeping import Keeping
from dialer.events.outbox import Outbox
from dialer.settings import read_settings
from dialer.store import Campaigns, Holds
from dialer.store.processes import Process, living, record_of
from dialer.store.work import CalledFor
from dialer.terms import terms_of
from tests.factories import pair, store_campaign
from tests.virtual_time import commands_run
from workers.dial_queue import DialBroker


def changes(db) -> int:
    """Count what was written, as the server does."""
    return db.client.info("persistence")["rdb_changes_since_last_save"]


def sending_broker(db) -> DialBroker:
    return DialBroker(
        ahead=0,
        under_way=lambda: 0,
        client=db.client,
        namespace=f"{db.prefix}dramatiq",
        middleware=[],
    )


def drain(account) -> None:
    """Hear all calls there are."""
    while account.feeding.wait_for_call(within_s=0.01):
        pass


def test_an_idle_feeder_writes_nothing(account, db):
    account.tick()
    before = changes(db)

    for _ in range(10):
        assert account.feeding.tick().held_by == "nothing"

    assert changes(db) == before


def test_a_feeder_with_nothing_to_do_is_called_when_a_campaign_starts(account, db):
    campaign = store_campaign(db, [pair(1, 1)], running=False)
    assert account.feeding.tick().idle_s > 60
    drain(account)
    heard: list[CalledFor] = []
    waiter = threading.Thread(
        target=lambda: heard.append(account.feeding.wait_for_call(within_s=4))
    )
    waiter.start()

    Campaigns(db).move(Campaigns(db).find(campaign), CampaignState.RUNNING)
    waiter.join()

    assert heard == [CalledFor.LOOK]
    assert isinstance(account.dial_one(), Dialled)


def test_a_feeder_is_called_when_a_campaign_is_cancelled(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    drain(account)

    Campaigns(db).move(Campaigns(db).find(campaign), CampaignState.CANCELLING)

    assert account.feeding.wait_for_call(within_s=1)


def test_a_feeder_is_called_when_an_agent_with_work_becomes_free(account, db):
    store_campaign(db, [pair(1, 1), pair(1, 2)])
    account.dial_one()
    while account.tick():
        pass
    drain(account)
    assert account.feeding.tick().held_by == "nothing"

    account.end_all()

    # not to look at campaigns: each agent who becomes free would have all of them read
    assert account.feeding.wait_for_call(within_s=1) is CalledFor.WORK
    assert isinstance(account.dial_one(), Dialled)


def test_that_a_campaign_was_started_is_heard_behind_a_call_that_nobody_has_heard_yet(account, db):
    store_campaign(db, [pair(1, 1), pair(1, 2)])
    account.dial_one()
    while account.tick():
        pass
    drain(account)
    account.end_all()

    store_campaign(db, [pair(2, 2)], name="other")
    store_campaign(db, [pair(3, 3)], name="third")

    heard = [account.feeding.wait_for_call(within_s=0.01) for _ in range(3)]
    assert heard == [CalledFor.WORK, CalledFor.LOOK, CalledFor.NOTHING]


def test_a_feeder_sleeps_no_longer_than_until_the_next_contact_is_due(account, db):
    store_campaign(db, [pair(1, 1, due_s=int(db.now()) + 30)])
    account.tick()

    idle_s = account.feeding.tick().idle_s

    assert 25 < idle_s <= 30
    db.pass_time(31)
    assert isinstance(account.dial_one(), Dialled)


@pytest.mark.parametrize("why", ["a retry is due later", "its own cap of live calls"])
def test_a_feeder_does_not_call_itself_while_a_running_campaign_has_nobody_to_ring(
    account, db, why
):
    if why == "a retry is due later":
        store_campaign(db, [pair(1, 1, due_s=int(db.now()) + 600)])
    else:
        store_campaign(db, [pair(1, 1), pair(2, 2)], max_concurrent_calls=1)
        account.dial_one()
    account.tick()
    drain(account)

    account.tick()

    assert not account.feeding.wait_for_call(within_s=0.01), why


def test_a_running_campaign_whose_contacts_are_due_later_costs_no_writes(account, db):
    store_campaign(db, [pair(1, 1, due_s=int(db.now()) + 600)])
    account.tick()
    before = changes(db)

    for _ in range(5):
        account.tick()

    assert changes(db) == before


def test_calls_that_nobody_hears_do_not_pile_up(account, db):
    for n in range(5):
        store_campaign(db, [pair(n, n)], name=f"sale {n}")

    drain(account)

    assert not account.feeding.wait_for_call(within_s=0.01)


def test_workers_that_wait_at_their_queue_change_nothing_and_all_hear_of_a_message(db):
    broker = sending_broker(db)
    queue = f"{broker.namespace}:dial"
    db.client.rpush(queue, "first", "second", "third")
    for _ in range(3):
        consumer = sending_broker(db).consume("dial")
        consumer.misses, consumer._fetched_s = 1, float("inf")
        assert consumer._hears_of_one()

    assert db.client.lrange(queue, 0, -1) == [b"first", b"second", b"third"]


def test_to_find_that_nothing_holds_dialling_takes_one_command(db):
    before = commands_run(db.client)

    assert Holds(db).read() is None

    assert commands_run(db.client) - before == 2  # and the first count itself


def test_a_worker_that_dials_or_has_something_to_tell_is_not_at_rest(account, db):
    account.recovery.tick()
    dialing = account.dialing
    assert dialing.quiet_s == float("inf")
    assert account.recovery.has_nothing_to_tell

    store_campaign(db, [pair(1, 1)])
    (one,) = account.tick()
    dialing.dial(one.contact, one.token)
    account.recovery.keep(LateAnswer("7f3kq2xa-1-1-k3x9pq7w2m", None, None, None, None))

    assert dialing.quiet_s < 60
    assert not account.recovery.has_nothing_to_tell


def test_a_worker_of_a_held_account_is_not_at_rest(account, db):
    account.recovery.tick()
    db.client.hset(db.key("account"), "run_id", "another")

    account.recovery.tick()

    assert not account.recovery.has_nothing_to_tell


def asked_since(db, before: dict[str, int]) -> dict[str, int]:
    """Count what clients and scripts asked for, by name, but the count itself."""
    now = asked(db)
    return {
        name: times - before.get(name, 0)
        for name, times in now.items()
        if times > before.get(name, 0) and name != "cmdstat_info"
    }


def asked(db) -> dict[str, int]:
    return {name: one["calls"] for name, one in db.client.info("commandstats").items()}


def process(db, name: str) -> Agreeing:
    secret = "kept-for-tests-in-32-characters-x"
    settings = read_settings(env_file=None, dialer_callback_secret=secret)
    return Agreeing(db, terms_of(settings), name=name)


def test_a_process_that_tells_again_that_it_lives_writes_once_and_is_found_without_a_scan(db):
    agreeing = process(db, "host-1")
    record = record_of(Process("worker", "host-1", 5.0, version="1.2.3"))
    agreeing.compare(record=record)
    before = changes(db)
    db.pass_time(9)

    agreeing.compare(record=record)

    assert changes(db) - before == 1
    commands = asked(db)
    assert living(db) == [Process("worker", "host-1", 5.0, version="1.2.3")]
    assert not {one for one in asked_since(db, commands) if "scan" in one}


def test_what_a_process_is_comes_back_where_redis_forgot_it(db):
    agreeing = process(db, "host-1")
    record = record_of(Process("feeder", "host-1", 5.0))
    agreeing.compare(record=record)
    db.client.delete(db.key("processes"))
    agreeing.compare()
    assert living(db) == []

    agreeing.compare(record=record)

    assert [one.role for one in living(db)] == ["feeder"]


def test_a_process_that_ended_or_fell_silent_lives_no_more_and_leaves_nothing(db):
    ended, silent, alive = (process(db, f"host-{n}") for n in range(3))
    for one in (ended, silent):
        one.compare(record=record_of(Process("worker", "", 0.0)))
    ended.leave()
    assert [one.name for one in living(db)] == ["host-1"]
    db.pass_time(21)

    assert living(db) == []
    alive.compare(record=record_of(Process("web", "", 0.0)))

    assert [one.name for one in living(db)] == ["host-2"]
    assert db.client.hlen(db.key("processes")) == 1


def test_who_keeps_the_outbox_is_called_by_an_event_and_asks_for_nothing_else(
    account, db, tmp_path
):
    keeping = Keeping(db, Outbox(db, account="main", folder=tmp_path), days=7, holder="here")
    keeping.tick()
    before, wrote = asked(db), changes(db)
    assert keeping.tick() == 0
    assert set(asked_since(db, before)) == {"cmdstat_smembers", "cmdstat_xrange"}
    assert changes(db) == wrote
    waiter = threading.Thread(target=lambda: keeping.wait(within_s=20))
    waiter.start()

    store_campaign(db, [pair(1, 1)])
    waiter.join(timeout=10)

    assert not waiter.is_alive()
    assert keeping.tick() > 0


def test_a_sweep_that_finds_nothing_is_one_step(account, db):
    account.sweeping.sweep()
    before = asked(db)

    account.sweeping.sweep()

    found = asked_since(db, before)
    assert (found["cmdstat_evalsha"], found["cmdstat_zrangebyscore"]) == (1, 2)

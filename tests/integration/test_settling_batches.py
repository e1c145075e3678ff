"""Stored callbacks are settled in batches: each once, none lost, no bad one in the way of others."""

import json
import threading

import pytest
import redis

from campaigns.attempt import Outcome
from campaigns.day_figures import DayFigures
from dialer.settings import read_settings
from dialer.store import Fact
from dialer.store.day import figures_by_quarter
from dialer.store.events import BEGINNING, EventStream, entries
from tests.conservation import check_conservation
from tests.factories import pair, store_campaign
from tests.patience import until
from workers.results import settle_all, settle_in_background, settle_left
from workers.wiring import Wiring


@pytest.fixture
def wiring(db, redis_server):
    path = redis_server.connection_kwargs["unix_socket_path"]
    settings = read_settings(
        env_file=None,
        redis_url=f"unix://{path}",
        exotel_account_sid=db.account,
        # a simulator's, where calls may pass faster than they say: theirs end at once here
        exotel_base_url="http://127.0.0.1:9",
    )
    wiring = Wiring(settings)
    wiring.callback_inbox.ensure_group()
    yield wiring
    wiring.redis.close()


def callback(sid: str) -> bytes:
    leg = {"Status": "completed", "OnCallDuration": 30}
    return json.dumps(
        {"CallSid": sid, "EventType": "terminal", "Status": "completed", "Legs": [leg, leg]}
    ).encode()


def store(wiring: Wiring, attempt_id: str, body: bytes) -> None:
    wiring.callback_inbox.append(attempt_id=attempt_id, content_type="application/json", body=body)


def read(wiring: Wiring) -> list[Fact]:
    return wiring.callback_inbox.read("me", most=200, wait_s=0.1)


def whys(wiring: Wiring) -> list[str]:
    """Why callbacks were set aside."""
    stored = wiring.db.client.xrange(wiring.db.key("orphans"))
    return [fields[b"why"].decode() for _, fields in stored]


def test_a_batch_is_settled_and_forgotten(account, db, wiring):
    store_campaign(db, [pair(n, n) for n in range(3)])
    for done in account.dial_all():
        store(wiring, str(done.attempt_id), callback(done.attempt.sid))

    settle_all(wiring, read(wiring))

    assert account.open_attempts() == []
    assert wiring.callback_inbox.waiting() == 0
    check_conservation(db)


def test_what_a_step_writes_once_at_its_end_is_the_sum_of_all_its_facts(account, db, wiring):
    store_campaign(db, [pair(n, n) for n in range(3)])
    for done in account.dial_all():
        store(wiring, str(done.attempt_id), callback(done.attempt.sid))

    settle_all(wiring, read(wiring))

    sums = DayFigures.sum(figures_by_quarter(db, now_s=db.now()).values())
    assert sums == DayFigures(calls=3, answered=3, connected=3, talk_s=90)
    told = [str(one.kind) for one in entries(EventStream(db).after(BEGINNING, most=100))]
    assert told.count("campaign.completed") == 1
    assert told[-1] == "campaign.completed"


def test_the_threads_of_a_process_settle_all_that_comes_and_end_when_told(account, db, wiring):
    store_campaign(db, [pair(n, n) for n in range(5)])
    for done in account.dial_all():
        for _ in range(3):
            store(wiring, str(done.attempt_id), callback(done.attempt.sid))
    stop = threading.Event()

    threads = settle_in_background(wiring, stop)
    until(lambda: not wiring.callback_inbox.waiting(), what="the last of them settled")
    stop.set()
    for thread in threads:
        thread.join(timeout=30)

    assert not any(thread.is_alive() for thread in threads)
    assert account.open_attempts() == []
    check_conservation(db)


def test_of_a_process_that_died_all_batches_are_settled_by_another(wiring):
    for _ in range(450):
        store(wiring, "no id at all", callback("s1"))
    assert len(wiring.callback_inbox.read("dead", most=450, wait_s=0)) == 450

    settle_left(wiring, "me", idle_s=0)

    assert wiring.callback_inbox.waiting() == 0


def test_of_the_threads_of_a_process_one_alone_asks_while_little_comes(account, db, wiring):
    store_campaign(db, [pair(1, 1)])
    done = account.dial_one()
    stop = threading.Event()

    threads = settle_in_background(wiring, stop)
    store(wiring, str(done.attempt_id), callback(done.attempt.sid))
    until(lambda: not wiring.callback_inbox.waiting(), what="it is settled")
    asked = wiring.redis.xinfo_consumers(wiring.callback_inbox.key, "results")
    stop.set()
    for thread in threads:
        thread.join(timeout=30)

    assert len(asked) == 1


def test_a_batch_whose_consumer_died_is_taken_over_and_changes_nothing_twice(account, db, wiring):
    campaign = store_campaign(db, [pair(1, 1)])
    done = account.dial_one()
    store(wiring, str(done.attempt_id), callback(done.attempt.sid))
    facts = read(wiring)
    for fact in facts:
        settle_all(wiring, [fact, fact])
    store(wiring, str(done.attempt_id), callback(done.attempt.sid))
    read(wiring)

    settle_all(wiring, wiring.callback_inbox.take_over("another", idle_s=0, most=10))

    assert account.counts(campaign).outcomes == {"connected": 1}
    assert wiring.callback_inbox.waiting() == 0
    check_conservation(db)


@pytest.mark.parametrize(
    ("attempt_id", "body", "why"),
    [
        ("", b"{", "unreadable"),
        ("", b"{}", "unreadable"),
        ("no id at all", callback("s1"), "not an attempt id"),
        ("7f3kq2xa-42-2-k3x9p0k3x9", callback("s1"), "no such attempt"),
    ],
)
def test_a_callback_nobody_can_place_is_set_aside(wiring, attempt_id, body, why):
    store(wiring, attempt_id, body)

    settle_all(wiring, read(wiring))

    assert wiring.callback_inbox.waiting() == 0
    assert why in whys(wiring)[0]


def lose_campaign(db, campaign):
    db.client.delete(db.key("c", campaign))


def lose_contact(db, campaign):
    db.client.delete(db.key("c", campaign, "contacts", 0))


def spoil_contact(db, campaign):
    lose_contact(db, campaign)
    db.client.rpush(db.key("c", campaign, "contacts", 0), "no contact")


@pytest.mark.parametrize("damage", [lose_campaign, lose_contact, spoil_contact])
def test_a_callback_that_cannot_be_settled_does_not_hold_up_the_others(account, db, wiring, damage):
    store_campaign(db, [pair(1, 1)], name="broken")
    store_campaign(db, [pair(2, 2)], name="whole")
    calls = {one.attempt_id.campaign: one for one in account.dial_all()}
    broken, whole = (calls[account.campaigns.id_of(name)] for name in ("broken", "whole"))
    damage(db, broken.attempt_id.campaign)
    for done in (broken, whole):
        store(wiring, str(done.attempt_id), callback(done.attempt.sid))

    settle_all(wiring, read(wiring))

    assert account.attempts.get(whole.attempt_id).outcome is Outcome.CONNECTED
    assert whys(wiring) == ["an error of ours"]
    assert wiring.callback_inbox.waiting() == 0


def test_a_redis_that_is_full_sets_no_callback_aside(account, db, wiring):
    store_campaign(db, [pair(1, 1)])
    done = account.dial_one()
    store(wiring, str(done.attempt_id), callback(done.attempt.sid))
    facts = read(wiring)
    db.client.config_set("maxmemory", 1)

    try:
        with pytest.raises(redis.OutOfMemoryError):
            settle_all(wiring, facts)
    finally:
        db.client.config_set("maxmemory", 0)

    assert whys(wiring) == []
    assert wiring.callback_inbox.waiting() == 1


def consumers(wiring: Wiring) -> set[str]:
    """Who the group knows."""
    told = wiring.redis.xinfo_consumers(wiring.callback_inbox.key, "results")
    return {one["name"].decode() for one in told}


def test_consumers_that_are_gone_are_forgotten_once_nothing_is_left_to_them(account, db, wiring):
    store_campaign(db, [pair(1, 1)])
    done = account.dial_one()
    store(wiring, str(done.attempt_id), callback(done.attempt.sid))
    wiring.callback_inbox.read("killed with one in hand", most=10, wait_s=0.1)
    wiring.callback_inbox.read("ended", most=10, wait_s=0.01)
    assert consumers(wiring) == {"killed with one in hand", "ended"}

    assert wiring.callback_inbox.forget_consumers(silent_s=60) == 0
    assert wiring.callback_inbox.forget_consumers(silent_s=0) == 1

    assert consumers(wiring) == {"killed with one in hand"}
    settle_all(wiring, wiring.callback_inbox.take_over("me", idle_s=0, most=10))
    assert account.open_attempts() == []
    wiring.callback_inbox.forget_consumers(silent_s=0)
    assert consumers(wiring) == set()


def test_a_living_consumer_that_was_forgotten_goes_on_as_before(account, db, wiring):
    store_campaign(db, [pair(1, 1)])
    read(wiring)
    wiring.callback_inbox.forget_consumers(silent_s=0)
    done = account.dial_one()
    store(wiring, str(done.attempt_id), callback(done.attempt.sid))

    settle_all(wiring, read(wiring))

    assert account.open_attempts() == []
    assert wiring.callback_inbox.waiting() == 0

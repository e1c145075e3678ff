"""What somebody has damaged in Redis is one campaign's trouble: the others go on, and it is told."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import pytest
import redis
from structlog.testing import capture_logs

from campaigns.attempt import Outcome
from campaigns.retry_policy import RetryRule
from dialer.dialing.journal import LateAnswer
from dialer.dialing.releasing import Feeding
from dialer.store import Database
from dialer.store.campaign import CampaignDamaged
from dialer.store.events import BEGINNING, EventStream, entries
from tests.account_kit import FAST, Account
from tests.conservation import check_conservation
from tests.factories import pair, store_campaign
from tests.web_kit import settings_for
from workers.doctor import Verdict, examine
from workers.results import settle_all
from workers.wiring import Wiring


class Key(NamedTuple):
    """Names keys of the campaign that is damaged."""

    db: Database
    campaign: str

    def __call__(self, *parts: str | int) -> str:
        return self.db.key("c", self.campaign, *parts)


Damage = Callable[[Key], None]


def in_place_of(*parts: str | int) -> Damage:
    """Put a text, or a list where a text belongs, in a key's place."""

    def damage(key: Key) -> None:
        client, where = key.db.client, key(*parts)
        was_text = client.type(where) == b"string"
        client.delete(where)
        client.rpush(where, "rubbish") if was_text else client.set(where, "rubbish")

    damage.__name__ = "no_" + "_".join(map(str, parts or ("record",)))
    return damage


def fraction_of_a_contact(key: Key) -> None:
    for state in ("dialing", "final"):
        key.db.client.hset(key("counts"), state, "1.5")


def fraction_of_an_attempt(key: Key) -> None:
    key.db.client.hset(key("counts"), "attempt:connected", "1.5")


def attempt_of_rubbish(key: Key) -> None:
    for one in key.db.client.hkeys(key("attempts", 0)):
        key.db.client.hset(key("attempts", 0), one, "{no list")


DAMAGES = [
    in_place_of(),
    in_place_of("counts"),
    in_place_of("told"),
    in_place_of("recent"),
    in_place_of("contacts", 0),
    in_place_of("attempts", 0),
    fraction_of_a_contact,
    fraction_of_an_attempt,
    attempt_of_rubbish,
]


MENDS_ITSELF = {"no_told", "no_recent"}
"""What is begun anew: how much was told of, and what a breaker remembers."""


@pytest.fixture
def wiring(db, redis_server, tmp_path):
    # a simulator's, where calls may pass faster than they say: theirs end at once here
    settings = settings_for(
        redis_server, db.account, tmp_path, exotel_base_url="http://127.0.0.1:9"
    )
    wiring = Wiring(settings)
    wiring.callback_inbox.ensure_group()
    yield wiring
    wiring.redis.close()


class Two(NamedTuple):
    """A campaign that is to be damaged, and one beside it."""

    broken: str
    whole: str


@pytest.fixture
def two(db) -> Two:
    return Two(
        store_campaign(db, [pair(n, n) for n in range(3)], name="broken", max_attempts=1),
        store_campaign(db, [pair(n, n) for n in range(3, 6)], name="whole", max_attempts=1),
    )


def callback(sid: str | None) -> bytes:
    leg = {"Status": "completed", "OnCallDuration": 30}
    told = {"CallSid": sid, "EventType": "terminal", "Status": "completed", "Legs": [leg, leg]}
    return json.dumps(told).encode()


def store_callbacks(wiring: Wiring, dialled) -> None:
    for one in dialled:
        wiring.callback_inbox.append(
            attempt_id=str(one.attempt_id),
            content_type="application/json",
            body=callback(one.attempt.sid),
        )


def settle(wiring: Wiring) -> None:
    settle_all(wiring, wiring.callback_inbox.read("me", most=200, wait_s=0.1))


def is_whole(account: Account, campaign: str) -> None:
    """Its books are as if there were no other campaign."""
    assert account.state(campaign) == "completed"
    counts = account.counts(campaign)
    assert (counts.final, counts.dialing, counts.waiting, counts.attempts) == (3, 0, 0, 3)
    assert counts.outcomes == counts.attempt_outcomes == {"connected": 3}
    told = [
        str(one.kind)
        for one in entries(EventStream(account.db).after(BEGINNING, most=500))
        if one.campaign == campaign
    ]
    assert told.count("attempt.settled") == told.count("contact.final") == 3
    assert told.count("campaign.completed") == 1


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda one: one.__name__)
def test_callbacks_of_another_campaign_are_settled_and_counted_once(
    account, db, wiring, two, damage
):
    dialled = account.dial_all()
    damage(Key(db, two.broken))
    store_callbacks(wiring, dialled)

    settle(wiring)

    is_whole(account, two.whole)
    assert wiring.callback_inbox.waiting() == 0


@pytest.mark.parametrize(
    "damage",
    [in_place_of("counts"), fraction_of_a_contact, fraction_of_an_attempt],
    ids=lambda one: one.__name__,
)
def test_on_counts_that_are_damaged_nothing_is_done_by_half_and_after_repair_all_is(
    account, db, wiring, two, damage
):
    dialled = account.dial_all()
    kept = db.client.dump(db.key("c", two.broken, "counts"))
    damage(Key(db, two.broken))
    store_callbacks(wiring, dialled)
    settle(wiring)
    assert db.client.xlen(db.key("orphans")) == 3

    db.client.restore(db.key("c", two.broken, "counts"), 0, kept, replace=True)
    for call in account.company.live():
        account.company.end(call)
    db.pass_time(200)
    account.sweeping.sweep()

    is_whole(account, two.broken)
    check_conservation(db)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda one: one.__name__)
def test_calls_of_another_campaign_are_looked_up(account, db, two, damage):
    account.dial_all()
    damage(Key(db, two.broken))
    db.client.zadd(db.key("open"), {"rubbish": 1})
    for call in account.company.live():
        account.company.end(call)
    db.pass_time(200)

    account.sweeping.sweep()

    is_whole(account, two.whole)


@pytest.mark.parametrize(
    "damage",
    [*DAMAGES, in_place_of("ready"), in_place_of("newcomers")],
    ids=lambda one: one.__name__,
)
def test_another_campaign_is_dialled_on(account, db, two, damage):
    damage(Key(db, two.broken))
    for due in ("released", "later", "resting", "undisposed", "ghosts"):
        db.client.zadd(db.key(due), {"rubbish": 1})

    for _ in range(3):
        for one in account.tick():
            with suppress(redis.ResponseError):  # a worker's message that failed
                account.dial(one)
        for call in account.company.live():
            account.company.end(call)
        db.pass_time(200)
        account.sweeping.sweep()

    is_whole(account, two.whole)


def test_a_campaign_that_cannot_be_released_is_paused_and_says_why(account, db, two):
    in_place_of("newcomers")(Key(db, two.broken))

    account.tick()

    assert account.state(two.broken) == "paused"
    assert "damaged" in account.campaigns.find(two.broken).why


def test_two_hundred_damaged_contacts_that_are_due_keep_no_other_waiting(account, db, two):
    db.client.zadd(db.key("later"), {f"broken{n:02}/x{n}": 1 for n in range(300)})
    campaign = store_campaign(
        db,
        [pair(7, 7)],
        name="later",
        max_attempts=2,
        retry=(RetryRule(Outcome.CUSTOMER_NO_ANSWER, delays_s=(60,)),),
    )
    account.dial_and_end(customer_status="no-answer")
    db.pass_time(61)

    released = [one.contact.campaign for _ in range(2) for one in account.tick()]

    assert campaign in released


def test_contacts_whose_attempts_are_damaged_wait_for_the_repair(account, db, two):
    key = Key(db, two.broken)
    in_place_of("attempts", 0)(key)
    for _ in range(8):
        for one in account.tick():
            with suppress(redis.ResponseError):
                account.dial(one)
        db.pass_time(11)
    assert account.counts(two.broken).final == 0

    db.client.delete(key("attempts", 0))
    for _ in range(3):
        account.dial_and_end()
        db.pass_time(11)

    assert account.counts(two.broken).outcomes == {"connected": 3}


def test_what_is_damaged_is_told_by_the_tick(account, db, two):
    in_place_of("newcomers")(Key(db, two.broken))
    feeding = account.feeding
    feeding.keep_schedules()

    assert two.broken in feeding.tick().damaged
    assert feeding.tick().damaged == ""


def test_an_answer_that_cannot_be_handed_in_keeps_neither_others_nor_the_host_waiting(
    account, db, two
):
    ids = {}
    for one in account.dial_all():
        ids.setdefault(one.attempt_id.campaign, one.attempt_id)
    in_place_of("attempts", 0)(Key(db, two.broken))
    for campaign in two:
        late = LateAnswer(str(ids[campaign]), None, Outcome.TURNED_AWAY, None, "late")
        account.recovery.keep(late)

    with capture_logs() as logged:
        account.recovery.tick()

    assert account.recovery.has_nothing_to_tell
    assert "answer_not_handed_in" in [one["event"] for one in logged]


def test_rubbish_among_the_callbacks_is_set_aside(account, db, wiring, two):
    db.client.xadd(wiring.callback_inbox.key, {"attempt": b"\xff\xfe", "at": "rubbish"})
    db.client.xadd(wiring.callback_inbox.key, {"what": "ever"})
    store_callbacks(wiring, account.dial_all())

    settle(wiring)

    is_whole(account, two.whole)
    assert wiring.callback_inbox.waiting() == 0
    assert db.client.xlen(db.key("orphans")) == 2


@pytest.mark.parametrize(
    "damage",
    [in_place_of(), in_place_of("counts"), fraction_of_a_contact],
    ids=lambda one: one.__name__,
)
def test_lists_of_campaigns_leave_out_what_is_damaged_and_who_asks_for_it_is_told(
    account, db, two, damage
):
    damage(Key(db, two.broken))

    assert [one.id for one, _ in account.campaigns.counted()] == [two.whole]
    with pytest.raises(CampaignDamaged, match=two.broken):
        account.campaigns.counts_of([account.campaigns.find(two.broken).id])


@pytest.mark.parametrize(
    "damage",
    [one for one in DAMAGES if one.__name__ not in MENDS_ITSELF],
    ids=lambda one: one.__name__,
)
def test_the_doctor_names_what_is_damaged(account, db, wiring, two, damage):
    dialled = account.dial_all()
    damage(Key(db, two.broken))
    store_callbacks(wiring, dialled)
    settle(wiring)

    found = [one for one in examine(wiring) if one.name == "data"]

    assert [one.verdict for one in found] == [Verdict.FAIL]
    assert two.broken in found[0].says
    assert two.whole not in found[0].says


def test_a_step_that_redis_keeps_looks_each_time(redis_client):
    db = Database(redis_client, "kept")  # the others' steps are sent, since their time is virtual
    broken = store_campaign(db, [pair(1, 1), pair(1, 2)], name="broken")
    feeding = Feeding(db, allowance=FAST, max_concurrent_calls=0)
    feeding.keep_schedules()
    assert len(feeding.tick().released) == 1

    redis_client.hset(db.key("c", broken, "counts"), "final", "1.5")
    whole = store_campaign(db, [pair(2, 3)], name="whole")
    redis_client.zadd(db.key("turns"), {broken: 0})
    feeding.keep_schedules()
    tick = feeding.tick()

    assert [one.contact.campaign for one in tick.released] == [whole]
    assert broken in tick.damaged
    assert redis_client.hget(db.key("c", broken), "state") == b"paused"

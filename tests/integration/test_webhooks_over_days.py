"""Receivers that are away for an hour or for days, on a clock in the test's hand: nothing of it takes that long."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from campaigns.events import EventKind
from dialer.events.outbox import Outbox
from dialer.store.webhooks import Standing, Webhook, Webhooks
from dialer.webhooks.delivering import Delivering
from dialer.webhooks.receivers import Receivers
from dialer.webhooks.retrying import FIRST_WAIT_S, GIVEN_UP_S, LONGEST_WAIT_S, after_silence
from dialer.webhooks.sending import Meaning, Reply
from tests.factories import events_after, pair, store_campaign
from tests.virtual_time import START_S

AWAY = Reply(Meaning.AWAY, "ConnectError: refused", 0.0, 0.0)
TAKEN = Reply(Meaning.TAKEN, "200", 0.0, 0.0)

with_one_redis = settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.generate],  # made smaller it is no clearer
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


class Killed(BaseException):
    """The process that delivers ends here, with no word to anybody."""


class Sending:
    """Stands where a receiver would be asked; notes what comes, and when."""

    def __init__(self, db) -> None:
        self.db = db
        self.answer: Callable[[], Reply] = lambda: TAKEN
        self.tried: list[tuple[float, str]] = []
        self.taken: list[str] = []
        self.dies = lambda: False

    def check(self, url: str) -> str:
        return url

    def post(self, _url: str, _body: bytes, headers) -> Reply:
        id_ = headers["webhook-id"].removeprefix("main_")
        self.tried.append((self.db.now(), id_))
        reply = self.answer()
        if reply.meaning is Meaning.TAKEN:
            self.taken.append(id_)
        if self.dies():
            raise Killed
        return reply


@pytest.fixture
def sending(db) -> Sending:
    return Sending(db)


@pytest.fixture
def outbox(db, tmp_path) -> Outbox:
    return Outbox(db, account="main", folder=tmp_path / "events")


@pytest.fixture
def receivers(db, outbox, sending) -> Receivers:
    return Receivers(db, outbox, sending)


@contextmanager
def told(receivers: Receivers, sending: Sending) -> Iterator[Webhook]:
    """Tell a new receiver, for one example."""
    sending.__init__(sending.db)
    webhook = receivers.add("https://crm.example.com/hook")
    try:
        yield webhook
    finally:
        receivers.remove(webhook)


@given(wishes=st.lists(st.sampled_from([0.0, 0.0, 0.0, 1.0, 40.0, 900.0, 3600.0]), min_size=1))
def test_a_silent_receiver_is_asked_after_seconds_then_minutes_for_three_days_then_by_a_person(
    wishes,
):
    """Doubled from five seconds to five minutes, give or take three tenths, or what it asks for if longer."""
    standing, now_s, spread = Standing(cursor="1-0"), START_S, set()
    while True:
        wished_s = wishes[standing.tries % len(wishes)]
        after = after_silence(standing, wished_s=wished_s, now_s=now_s)
        if after.paused:
            break
        usual_s = min(FIRST_WAIT_S * 2**standing.tries, LONGEST_WAIT_S)
        waits_s = after.next_at - now_s
        assert max(0.7 * usual_s, wished_s) - 0.001 <= waits_s
        assert waits_s <= max(1.3 * usual_s, wished_s) + 0.001
        assert (after.tries, after.cursor) == (standing.tries + 1, standing.cursor)
        assert not after.may_send(after.next_at - 0.001)
        spread.add(round(waits_s / usual_s, 3))
        standing, now_s = after, after.next_at

    assert "three days" in after.paused
    assert not after.may_send(now_s + 1e9)
    assert after.cursor == standing.cursor
    longest_s = max(1.3 * LONGEST_WAIT_S, *wishes, 0)
    assert GIVEN_UP_S < now_s - START_S < GIVEN_UP_S + longest_s + 1
    assert len(spread) > 3  # not all receivers come back at once


def test_what_a_receiver_that_was_away_held_up_is_told_as_soon_as_it_is_back(
    account, db, outbox, sending, receivers
):
    """Few events, each of which stands aside by then, and would be tried by itself an hour later."""
    webhook = receivers.add("https://crm.example.com/hook", kinds=[EventKind.CAMPAIGN_STARTED])
    for n in range(3):
        store_campaign(db, [pair(1, 1)], name=f"sale {n}")
    emitted = [one.id for one in events_after(outbox, webhook.since)]
    sending.answer = lambda: AWAY
    delivering = Delivering(db, outbox, sending)
    for _ in range(600):
        delivering.deliver(webhook.id)
        db.pass_time(30)
    assert Webhooks(db).standing(webhook.id).aside == 3

    sending.answer = lambda: TAKEN
    db.pass_time(1.3 * LONGEST_WAIT_S)
    delivering.deliver(webhook.id)

    assert sorted(sending.taken) == sorted(emitted)


def test_an_event_that_a_receiver_cannot_take_is_not_tried_with_each_one_that_it_takes(
    account, db, outbox, sending, receivers
):
    webhook = receivers.add("https://crm.example.com/hook", kinds=[EventKind.CAMPAIGN_STARTED])
    store_campaign(db, [pair(1, 1)], name="bad")
    (bad,) = [one.id for one in events_after(outbox, webhook.since)]
    sending.answer = lambda: AWAY if sending.tried[-1][1] == bad else TAKEN
    delivering = Delivering(db, outbox, sending)
    for n in range(200):
        if n > 100:
            store_campaign(db, [pair(1, 1)], name=f"good {n}")
        delivering.deliver(webhook.id)
        db.pass_time(30)

    since = db.now() - 90 * 30
    assert len(sending.taken) == 99
    assert len([1 for at, id_ in sending.tried if id_ == bad and at > since]) < 9


@with_one_redis
@given(seed=st.integers(0, 2**32))
def test_away_for_an_hour_while_who_delivers_dies_again_and_again_everything_comes_in_the_end(
    account, db, outbox, sending, receivers, seed
):
    """Sixty minutes of the clock; one delivery in four ends its process before it is noted."""
    with told(receivers, sending) as webhook:
        comes_in_the_end(account, db, outbox, sending, receivers, webhook, random.Random(seed))


def comes_in_the_end(account, db, outbox, sending, receivers, webhook, chance) -> None:
    sending.answer = lambda: AWAY
    sending.dies = lambda: chance.random() < 0.25
    calls_before = len(account.company.calls)

    def deliver() -> None:
        try:
            Delivering(db, outbox, sending).deliver(webhook.id)  # each time another process
        except Killed:
            return

    ends_at = db.now() + 3600
    for n in range(6):
        store_campaign(db, [pair(n, n), pair(n + 50, n + 50)], name=f"{webhook.id} {n}")
        account.dial_and_end()
        while db.now() < ends_at - 3600 + 600 * (n + 1):
            deliver()
            db.pass_time(7)
    assert sending.taken == []
    sending.answer = lambda: TAKEN
    for _ in range(2000):
        deliver()
        standing = Webhooks(db).standing(webhook.id)
        if standing.cursor == outbox.now() and not standing.aside:
            break
        db.pass_time(60)

    emitted = list(events_after(outbox, webhook.since))
    assert set(sending.taken) == {one.id for one in emitted}
    settled = [one.data.attempt for one in emitted if one.type is EventKind.ATTEMPT_SETTLED]
    assert {one.call_sid for one in settled} == {
        one.sid for one in account.company.calls[calls_before:]
    }
    assert receivers.check(webhook, has=set(sending.taken)).missing == ()

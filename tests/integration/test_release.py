"""Release: who goes next, and that nobody who waits is ever forgotten."""

import random
import secrets
from collections import Counter, defaultdict
from datetime import UTC, datetime

import pytest

from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState, NotDialled
from campaigns.retry_policy import RetryRule
from dialer.dialing import Dialled
from dialer.gate import Dropped
from dialer.pacing import Allowance
from tests.account_kit import Account
from tests.conservation import check_conservation, check_turns
from tests.factories import (
    Listed,
    agent,
    append_contacts,
    customer,
    pair,
    start,
    store_campaign,
    terminal,
)
from tests.phone_company import Answer
from tests.virtual_time import VirtualDatabase

EIGHT_AHEAD = Allowance(requests=1)
"""Slow enough for the feeder to release its fewest: eight."""


@pytest.fixture
def db(redis_client):
    return VirtualDatabase(redis_client, f"test{secrets.token_hex(4)}")


@pytest.fixture
def account(db, tmp_path):
    return Account(db, tmp_path)


def end_all(account: Account) -> None:
    """All calls end connected, and we are told."""
    for one in account.open_attempts():
        if one.attempt.sid:
            report = terminal(one.attempt.sid, ended_at_s=account.db.now())
            account.settling.report(one.id, report, at=account.db.now())


def at_local(account: Account, text: str) -> None:
    """Go to a time of day in India."""
    wanted = datetime.fromisoformat(f"{text}+05:30").astimezone(UTC).timestamp()
    account.db.clock_s = wanted


################################################################ whose turn it is


def test_a_contact_is_released_with_its_agent_and_customer_held(account, db):
    campaign = store_campaign(db, [pair(1, 1)])

    (released,) = account.tick()

    assert account.contact(campaign).state is ContactState.RELEASED
    busy = db.client.hgetall(db.key("busy"))
    assert set(busy.values()) == {released.token.encode()}
    assert len(busy) == 2
    check_conservation(db)


def test_one_agent_gets_one_contact_at_a_time(account, db):
    store_campaign(db, [pair(1, n) for n in range(5)])

    assert len(account.tick()) == 1
    assert account.tick() == ()


def test_one_customer_is_held_once_whatever_agent_or_campaign(account, db):
    store_campaign(db, [pair(1, 1)], name="one")
    store_campaign(db, [pair(2, 1), pair(3, 1)], name="two")

    assert len(account.tick()) == 1
    check_conservation(db)


def test_an_agent_here_who_is_a_customer_there_has_one_call(account, db):
    store_campaign(db, [pair(1, 1)], name="one")
    twisted = pair(2, 2)
    store_campaign(db, [type(twisted)(agent=twisted.agent, customer=agent(1))], name="two")

    dialled = account.dial_all()
    numbers = [n for call in account.company.live() for n in (call.agent, call.customer)]

    assert len(dialled) == 1
    assert len(set(numbers)) == len(numbers)
    check_conservation(db)


def test_everyone_who_waited_for_a_number_gets_it_in_the_end(account, db):
    campaigns = [store_campaign(db, [pair(a, 1) for a in range(3)], name=f"c{n}") for n in range(3)]

    for _ in range(9):
        account.dial_one()
        end_all(account)
        check_conservation(db)

    assert [account.state(one) for one in campaigns] == ["completed"] * 3


def test_agents_are_served_in_turn(account, db):
    store_campaign(db, [pair(a, 10 * a + n) for a in range(3) for n in range(3)])

    order: list[str] = []
    for _ in range(9):
        db.pass_time(1)
        for one in account.tick():
            done = account.dial(one)
            assert isinstance(done, Dialled)
            order.append(done.attempt.agent)
        end_all(account)

    assert [Counter(order[at : at + 3]) for at in (0, 3, 6)] == [
        Counter({agent(0): 1, agent(1): 1, agent(2): 1})
    ] * 3


def test_the_agent_without_a_call_for_longest_goes_first_whether_called_before_or_not(db, tmp_path):
    account = Account(db, tmp_path, max_concurrent_calls=1)
    campaign = store_campaign(db, [pair(1, 1), pair(1, 2), pair(2, 3)])

    order = []
    for at in range(4):
        db.pass_time(10)
        order.append(account.dial_one().attempt.agent)
        if at == 1:
            append_contacts(db, campaign, [pair(3, 4)], content_hash="more")
        end_all(account)

    assert order == [agent(1), agent(2), agent(1), agent(3)]


def test_agents_who_never_stop_coming_do_not_keep_others_waiting_for_ever(db, tmp_path):
    account = Account(db, tmp_path, max_concurrent_calls=1)
    campaign = store_campaign(db, [pair(1, 1), pair(1, 2), pair(2, 3), pair(3, 4)])

    order = []
    for at in range(6):
        db.pass_time(10)
        order.append(account.dial_one().attempt.agent)
        append_contacts(db, campaign, [pair(10 + at, 10 + at)], content_hash=f"more {at}")
        end_all(account)

    assert order == [agent(n) for n in (1, 2, 3, 10, 1, 11)]


def test_contacts_go_by_their_priority_whoever_their_agent_is(account, db):
    account.ahead = EIGHT_AHEAD
    listed = [pair(n, n, priority={5: 7, 6: 7, 7: 9, 2: -1}.get(n, 0)) for n in range(1, 9)]
    store_campaign(db, listed)

    order = [one.contact.n for one in account.tick()]

    assert order == [7, 5, 6, 1, 3, 4, 8, 2]


def test_a_retry_that_is_due_goes_before_rows_that_were_never_tried(db, tmp_path):
    account = Account(db, tmp_path, max_concurrent_calls=1)
    store_campaign(db, [pair(n, n) for n in range(1, 5)], retry=("customer_busy=5s",))
    first = account.dial_one()
    report = terminal(first.attempt.sid, customer_status="busy", talk_s=0, ended_at_s=db.now())
    account.settling.report(first.attempt_id, report, at=db.now())

    db.pass_time(6)
    again = account.dial_one()

    assert again.attempt.agent == agent(1)


def test_an_agents_contacts_of_one_priority_go_in_the_order_of_the_file(account, db):
    store_campaign(db, [pair(1, n, priority=5) for n in range(12)])

    order = []
    for _ in range(12):
        order.append(account.dial_one().attempt.customer)
        end_all(account)

    assert order == [customer(n) for n in range(12)]


@pytest.mark.parametrize("seed", range(3))
def test_an_agents_contacts_go_in_the_order_of_the_files(account, db, seed):
    chance = random.Random(seed)
    listed = [pair(chance.randrange(4), n) for n in range(80)]
    keeps_it_open = pair(9, 99, due_s=4_000_000_000)
    campaign = store_campaign(db, [*listed[:30], keeps_it_open])
    order: dict[str, list[str]] = defaultdict(list)

    def dial_all() -> bool:
        dialled = [done for done in account.dial_all() if isinstance(done, Dialled)]
        for one in dialled:
            order[one.attempt.agent].append(one.attempt.customer)
        check_conservation(db)
        end_all(account)
        return bool(dialled)

    for first in (30, 32, 60):
        for _ in range(chance.randrange(12)):
            dial_all()
        append_contacts(db, campaign, listed[first : first + 20], content_hash=f"from {first}")
    while dial_all():
        pass

    appended = [*listed[:50], *listed[32:52], *listed[60:80]]
    assert len(order) == 4
    for who, customers in order.items():
        assert customers == [one.customer for one in appended if one.agent == who]


def test_agents_that_were_never_called_are_not_kept_one_by_one(account, db):
    def kinds() -> list[int]:
        places = [db.key("c", campaign, kind) for kind in ("newcomers", "ready")]
        queues = list(db.client.scan_iter(db.key("c", campaign, "fresh", "*")))
        return [db.client.llen(places[0]), db.client.zcard(places[1]), len(queues)]

    campaign = store_campaign(db, [pair(n, 1000 + n) for n in range(900)])
    assert kinds() == [900, 0, 0]
    append_contacts(db, campaign, [pair(n, 2000 + n) for n in range(300)], content_hash="more")
    assert kinds() == [900, 0, 300]

    check_conservation(db)
    check_turns(db)
    assert len(account.tick()) > 8


def test_a_higher_contact_priority_goes_first_and_a_lower_one_last(account, db):
    store_campaign(
        db,
        [pair(1, 1, priority=-5), pair(1, 2), pair(1, 3, priority=5), pair(1, 4)],
    )

    order = []
    for _ in range(4):
        order.append(account.dial_one().attempt.customer[-2:])
        end_all(account)

    assert order == ["03", "02", "04", "01"]


def test_campaigns_of_one_priority_share_by_weight(db, tmp_path):
    account = Account(db, tmp_path, ahead=EIGHT_AHEAD)
    weights = {"light": 1.0, "middle": 2.0, "heavy": 5.0}
    names = {}
    for at, (name, weight) in enumerate(weights.items()):
        pairs = [pair(30 * at + n % 30, 33 * at + n % 30) for n in range(60)]
        names[store_campaign(db, pairs, name=name, weight=weight)] = name

    served: Counter[str] = Counter()
    for _ in range(10):
        for one in account.tick():
            served[names[one.contact.campaign]] += 1
            account.dial(one)
        end_all(account)

    total = served.total()
    assert total == 80
    for name, weight in weights.items():
        assert served[name] == pytest.approx(total * weight / 8, abs=1.5)


def test_a_higher_campaign_priority_goes_strictly_first(db, tmp_path):
    account = Account(db, tmp_path, ahead=EIGHT_AHEAD)
    low = store_campaign(db, [pair(n, n) for n in range(20)], name="low", weight=1000)
    high = store_campaign(
        db, [pair(30 + n, 30 + n) for n in range(12)], name="high", priority=1, weight=0.1
    )

    order = []
    for _ in range(4):
        for one in account.tick():
            order.append(one.contact.campaign)
            account.dial(one)
        end_all(account)

    assert order[:12] == [high] * 12
    assert set(order[12:]) == {low}


def test_a_priority_that_is_raised_counts_at_once(db, tmp_path):
    account = Account(db, tmp_path, ahead=EIGHT_AHEAD)
    store_campaign(db, [pair(n, n) for n in range(40)], name="one", priority=1)
    other = store_campaign(db, [pair(50 + n, 50 + n) for n in range(20)], name="two")
    account.tick()
    db.pass_time(11)

    account.change_rules(other, priority=2)

    assert {one.contact.campaign for one in account.tick()} == {other}


def test_a_campaign_that_was_away_neither_starves_nor_makes_up(db, tmp_path):
    account = Account(db, tmp_path, ahead=EIGHT_AHEAD)
    names = [
        store_campaign(
            db, [pair(50 * at + n, 50 * at + n) for n in range(50)], name=name, running=at == 0
        )
        for at, name in enumerate(["here", "away"])
    ]
    for _ in range(3):
        for one in account.tick():
            account.dial(one)
        end_all(account)
    start(db, names[1])

    served = Counter(one.contact.campaign for one in account.tick())

    assert abs(served[names[0]] - served[names[1]]) <= 2


################################################################ leases


def test_a_release_that_is_not_used_goes_back_and_comes_again(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    (first,) = account.tick()
    db.pass_time(11)

    (second,) = account.tick()

    assert second.contact == first.contact
    assert second.token != first.token
    assert account.contact(campaign).made == 0
    check_conservation(db)


def test_no_more_is_released_than_a_few_seconds_of_work(db, tmp_path):
    account = Account(db, tmp_path, ahead=Allowance())
    store_campaign(db, [pair(n, n) for n in range(90)])

    account.tick()
    account.tick()

    assert db.client.zcard(db.key("released")) == 10


def test_what_a_dead_worker_took_with_it_does_not_leave_the_queue_empty(db, tmp_path):
    account = Account(db, tmp_path, ahead=Allowance())
    store_campaign(db, [pair(n, n) for n in range(90)])
    account.tick()  # nobody uses these

    db.pass_time(3.1)

    assert len(account.tick()) == 10
    check_conservation(db)


def test_releases_that_nobody_uses_do_not_pile_up(db, tmp_path):
    account = Account(db, tmp_path, ahead=Allowance())
    store_campaign(db, [pair(n, n) for n in range(90)])

    for _ in range(30):
        account.tick()
        db.pass_time(0.5)

    assert db.client.zcard(db.key("released")) <= 40
    check_conservation(db)


def test_two_feeders_release_nothing_twice(account, db, tmp_path):
    store_campaign(db, [pair(n, n) for n in range(12)])
    other = Account(db, tmp_path)

    released = [*account.tick(), *other.tick()]

    contacts = [one.contact for one in released]
    assert len(contacts) == len(set(contacts)) == 12


################################################################ when


def test_a_closed_campaign_waits_and_goes_by_itself_when_it_opens(account, db):
    at_local(account, "2027-01-15T08:00:00")
    store_campaign(db, [pair(1, 1)], hours="09:00-21:00")
    assert account.tick() == ()
    at_local(account, "2027-01-15T08:59:59")
    assert account.tick() == ()

    at_local(account, "2027-01-15T09:00:01")

    assert len(account.tick()) == 1
    check_turns(db)


def test_it_closes_in_the_evening_and_opens_the_next_day(account, db):
    at_local(account, "2027-01-15T20:59:00")
    store_campaign(db, [pair(n, n) for n in range(2)], hours="09:00-21:00")
    account.tick()
    at_local(account, "2027-01-15T21:00:01")
    assert account.tick() == ()

    at_local(account, "2027-01-16T09:00:01")

    assert len(account.tick()) == 2


def test_a_row_goes_by_its_own_zones_hours(account, db):
    """Nine in the morning in Dubai is half past ten in India."""
    at_local(account, "2027-01-15T09:30:00")
    campaign = store_campaign(
        db,
        [Listed(pair(1, 1), timezone="Asia/Dubai"), pair(2, 2)],
        hours="09:00-21:00",
    )
    account.campaigns.note_zones(campaign, ["Asia/Dubai"])

    dialled = [type(one) for one in account.dial_all()]

    assert sorted(dialled, key=str) == [Dialled, Dropped]
    assert account.contact(campaign).state is ContactState.WAITING
    at_local(account, "2027-01-15T10:30:02")
    assert account.dial_one().attempt.customer == account.contact(campaign).customer


def test_a_row_whose_zone_is_open_goes_while_its_campaign_is_closed(account, db):
    """At ten in the evening in India it is half past eight in Dubai."""
    at_local(account, "2027-01-15T22:00:00")
    campaign = store_campaign(
        db,
        [Listed(pair(1, 1), timezone="Asia/Dubai"), pair(2, 2)],
        hours="09:00-21:00",
    )
    account.campaigns.note_zones(campaign, ["Asia/Dubai"])

    account.dial_all()

    assert [call.agent for call in account.company.calls] == [agent(1)]
    check_conservation(db)


def test_a_contact_is_not_dialled_before_its_time(account, db):
    store_campaign(db, [pair(1, 1, due_s=int(db.now()) + 600)])
    assert account.tick() == ()
    db.pass_time(599)
    assert account.tick() == ()

    db.pass_time(1)

    assert len(account.tick()) == 1


def test_a_contact_is_not_dialled_after_its_time(account, db):
    campaign = store_campaign(db, [pair(1, 1, expires_s=int(db.now()) + 600)])
    account.campaigns.move(account.campaigns.find(campaign), CampaignState.PAUSED)
    db.pass_time(600)
    start(db, campaign)

    assert account.tick() == ()
    assert account.contact(campaign).outcome is NotDialled.EXPIRED
    assert account.state(campaign) == "completed"


def test_a_retry_is_due_its_delay_after_the_end_and_not_before(account, db):
    store_campaign(db, [pair(1, 1)], retry=(RetryRule.parse("customer_busy=5m"),))
    done = account.dial_one()
    report = terminal(done.attempt.sid or "", customer_status="busy", talk_s=0)
    account.settling.report(done.attempt_id, report, at=db.now())

    db.pass_time(299)
    assert account.tick() == ()
    db.pass_time(2)
    assert len(account.tick()) == 1


def test_an_agent_rests_after_a_call(account, db):
    store_campaign(db, [pair(1, 1), pair(1, 2)], wrap_up_s=10)
    account.dial_one()
    end_all(account)

    db.pass_time(9)
    assert account.tick() == ()
    db.pass_time(2)
    assert len(account.tick()) == 1


def test_an_agent_who_missed_calls_in_a_row_is_left_alone_for_a_while(account, db):
    store_campaign(
        db, [pair(1, n) for n in range(4)], park_after=2, park_s=300, retry=(), max_attempts=1
    )
    for _ in range(2):
        done = account.dial_one()
        missed = terminal(
            done.attempt.sid or "", agent_status="no-answer", customer_status=None, talk_s=None
        )
        account.settling.report(done.attempt_id, missed, at=db.now())

    db.pass_time(299)
    assert account.tick() == ()
    db.pass_time(2)
    assert len(account.tick()) == 1
    check_conservation(db)


def test_a_customer_is_left_alone_for_the_gap_between_calls_in_any_campaign(account, db):
    store_campaign(db, [pair(1, 1)], name="one", min_gap_s=600, priority=1)
    store_campaign(db, [pair(2, 1)], name="two")
    account.dial_one()
    end_all(account)

    db.pass_time(599)
    assert account.tick() == ()
    check_conservation(db)
    db.pass_time(2)
    assert len(account.tick()) == 1


################################################################ caps and lists


def test_a_suppressed_number_is_closed_and_not_released(account, db):
    campaign = store_campaign(db, [pair(1, 1), pair(2, 2)])
    db.client.hset(db.key("suppressed"), pair(1, 1).customer[1:], "{}")
    db.client.hset(db.key("suppressed"), pair(2, 2).agent[1:], "{}")

    assert account.tick() == ()
    assert account.counts(campaign).outcomes == {"suppressed": 2}
    assert account.state(campaign) == "completed"


def test_no_more_calls_are_live_than_the_account_has_room_for(db, tmp_path):
    account = Account(db, tmp_path, max_concurrent_calls=2)
    store_campaign(db, [pair(n, n) for n in range(5)])

    account.dial_all()
    account.dial_all()
    assert len(account.company.live()) == 2

    for call in account.company.live():
        account.company.end(call)
    end_all(account)
    account.dial_all()
    assert len(account.company.live()) == 2


def test_a_campaign_at_its_own_cap_goes_on_when_a_call_ends(account, db):
    store_campaign(db, [pair(n, n) for n in range(3)], max_concurrent_calls=1)

    for _ in range(3):
        account.dial_one()
        assert account.tick() == ()
        end_all(account)

    assert account.tick() == ()


def test_a_campaign_at_its_own_cap_goes_on_when_its_released_contact_falls_away(account, db):
    """No call ends here, so nothing but the feeder's own round can let it go on."""
    store_campaign(db, [pair(n, n) for n in range(2)], max_concurrent_calls=1)
    (released,) = account.tick()
    number = account.contacts.get(released.contact.campaign, released.contact.n)
    assert number is not None
    db.client.hset(db.key("suppressed"), number.customer[1:], "{}")

    assert isinstance(account.dial(released), Dropped)

    assert len(account.tick()) == 1


def test_a_daily_cap_waits_for_the_next_day_and_then_goes_on_by_itself(account, db):
    at_local(account, "2027-01-15T22:00:00")
    store_campaign(db, [pair(n, n) for n in range(5)], max_calls_per_day=2)

    for _ in range(3):
        account.dial_all()
        end_all(account)
    assert len(account.company.calls) == 2

    at_local(account, "2027-01-16T00:00:02")
    account.dial_all()
    assert len(account.company.calls) == 4
    check_conservation(db)


def test_a_request_that_was_turned_away_does_not_use_up_a_daily_cap(account, db):
    """The second contact meets the cap while the first one's request is still on its way."""
    store_campaign(db, [pair(n, n) for n in range(2)], max_calls_per_day=1)
    first, second = account.tick()
    account.company.answers.append(Answer.NO_CONNECTION)

    def meet_the_cap() -> None:
        account.company.before_answering = lambda: None
        assert account.dial(second) == Dropped("cap calls")

    account.company.before_answering = meet_the_cap
    account.dial(first)
    db.pass_time(2)
    account.dial_all()

    assert len(account.company.calls) == 1
    check_conservation(db)


################################################################ appended later


def test_contacts_appended_to_a_running_campaign_go_too(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    account.dial_one()

    append_contacts(db, campaign, [pair(1, 2), pair(2, 3)], content_hash="more")

    assert account.dial_one().attempt.agent == agent(2)
    end_all(account)
    assert account.dial_one().attempt.agent == agent(1)


def test_contacts_appended_for_an_agent_who_rests_wait_for_the_end_of_it(account, db):
    much_later = pair(2, 3, due_s=4_000_000_000)
    campaign = store_campaign(db, [pair(1, 1), much_later], wrap_up_s=10)
    account.dial_one()
    end_all(account)

    append_contacts(db, campaign, [pair(1, 2)], content_hash="more")

    assert account.tick() == ()
    db.pass_time(11)
    assert len(account.tick()) == 1
    check_conservation(db)

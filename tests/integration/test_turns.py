"""Whose turn it is: who goes next, and that nobody who waits is ever forgotten."""

import random
from collections import Counter, defaultdict

import pytest

from campaigns.contact_state import ContactState
from dialer.dialing.dialing import Dialled
from tests.account_kit import EIGHT_AHEAD, Account
from tests.conservation import check_conservation, check_turns
from tests.factories import agent, append_contacts, customer, pair, start, store_campaign, terminal


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
        account.dial_and_end()
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
        account.end_all()

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
        account.end_all()

    assert order == [agent(1), agent(2), agent(1), agent(3)]


def test_agents_who_never_stop_coming_do_not_keep_others_waiting_for_ever(db, tmp_path):
    account = Account(db, tmp_path, max_concurrent_calls=1)
    campaign = store_campaign(db, [pair(1, 1), pair(1, 2), pair(2, 3), pair(3, 4)])

    order = []
    for at in range(6):
        db.pass_time(10)
        order.append(account.dial_one().attempt.agent)
        append_contacts(db, campaign, [pair(10 + at, 10 + at)], content_hash=f"more {at}")
        account.end_all()

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
        account.end_all()

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
        account.end_all()
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
        queues = db.client.hlen(db.key("c", campaign, "heads"))
        return [db.client.llen(places[0]), db.client.zcard(places[1]), queues]

    campaign = store_campaign(db, [pair(n, 1000 + n) for n in range(900)])
    assert kinds() == [900, 0, 0]
    append_contacts(db, campaign, [pair(n, 2000 + n) for n in range(300)], content_hash="more")
    assert kinds() == [900, 0, 0]  # they stand behind those who were never called

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
        account.end_all()

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
        account.end_all()

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
        account.end_all()

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
        account.end_all()
    start(db, names[1])

    served = Counter(one.contact.campaign for one in account.tick())

    assert abs(served[names[0]] - served[names[1]]) <= 2

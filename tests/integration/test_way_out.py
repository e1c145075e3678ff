"""W10: a host that cannot send takes no work; the account's gate is another matter."""

import json

import pytest

from campaigns.attempt import Outcome
from dialer.clock import boottime_s
from dialer.dialing.dialing import Dialled
from dialer.dialing.entrance import SICK
from dialer.dialing.way_out import WayOut
from dialer.errors import TurnedAway
from dialer.store.hosts import sick_hosts
from dialer.watching.explaining import explain
from dialer.watching.health import read_health
from dialer.watching.status import Statuses
from tests.conservation import check_conservation
from tests.factories import give_life, pair, store_campaign
from tests.patience import until
from tests.phone_company import Answer


class Network:
    """A host's way out, broken until a test mends it."""

    def __init__(self) -> None:
        self.is_broken = True
        self.probes = 0

    def probe(self) -> None:
        self.probes += 1
        if self.is_broken:
            raise TurnedAway("no route to host", error_code="connect_error")


@pytest.fixture
def network():
    return Network()


@pytest.fixture
def process(account, db, network):
    """Make processes of hosts, by name."""

    def make(host: str) -> WayOut:
        return WayOut(
            db, host=f"id-of-{host}", name=host, pacing=account.pacing, probe=network.probe
        )

    return make


def seen(db, *hosts: str) -> None:
    for host in hosts:
        db.client.hset(db.key("hosts"), f"id-of-{host}", str(db.now()))


def until_well(way_out: WayOut) -> None:
    """Tick as the housekeeping does, though faster."""

    def is_well() -> bool:
        way_out.tick()
        return way_out.is_open

    until(is_well, what="a probe to come through")


def names(db) -> list[str]:
    return [one.host for one in sick_hosts(db)]


def test_a_host_is_sick_after_three_faults_in_a_row(process):
    one = process("one")

    for _ in range(2):
        one.failed("no route to host")
    assert one.is_open

    one.worked()
    for _ in range(3):
        assert one.is_open
        one.failed("no route to host")
    assert not one.is_open


def test_w10_the_account_goes_on_while_another_host_is_well(account, db, process):
    seen(db, "one", "two")
    one = process("one")

    for _ in range(5):
        one.failed("no route to host")
    one.tick()

    assert account.pacing.rate().blocked_for_s == 0
    assert names(db) == ["one"]


def test_the_gate_is_closed_by_the_first_fault_of_the_only_host(account, db, process):
    seen(db, "one")
    db.client.hset(db.key("hosts"), "gone", str(db.now() - 60))

    process("one").failed("no route to host")

    assert account.pacing.rate().blocked_for_s == 1


def test_the_gate_stays_closed_while_every_host_is_sick_and_opens_with_the_first_that_is_well(
    account, db, process, network
):
    seen(db, "one", "two")
    one, two = process("one"), process("two")
    for _ in range(3):
        one.failed("no route to host")
    one.tick()
    for _ in range(3):
        two.failed("no route to host")
    two.tick()

    for _ in range(10):
        db.pass_time(1)
        seen(db, "one", "two")
        one.tick()
        two.tick()
        assert account.pacing.rate().blocked_for_s > 0

    network.is_broken = False
    until_well(one)
    db.pass_time(4.1)  # what the last fault had closed it for
    two.tick()
    assert account.pacing.rate().blocked_for_s == 0


def test_the_processes_of_a_host_agree(db, process, network):
    seen(db, "one", "two")
    finder, neighbour, elsewhere = process("one"), process("one"), process("two")
    for _ in range(3):
        finder.failed("no route to host")

    for one in (finder, neighbour, elsewhere):
        one.tick()
    assert [finder.is_open, neighbour.is_open, elsewhere.is_open] == [False, False, True]

    network.is_broken = False
    until_well(finder)
    neighbour.tick()
    assert neighbour.is_open
    assert names(db) == []


def test_a_host_whose_processes_are_gone_is_not_called_sick_for_ever(db, process):
    one = process("one")
    for _ in range(3):
        one.failed("no route to host")
    one.tick()

    db.pass_time(16)

    assert names(db) == []


def test_a_probe_that_comes_through_in_vain_is_not_believed_as_soon_again(process, network):
    one = process("one")
    network.is_broken = False
    waited_s = []
    for _ in range(2):
        began = boottime_s()
        for _ in range(3):
            one.failed("the send window passed")
        until_well(one)
        waited_s.append(boottime_s() - began)

    assert 1 <= waited_s[0] < waited_s[1]
    assert waited_s[1] >= 2


def test_what_a_sick_host_has_fetched_is_for_others_and_charged_to_nobody(account, db):
    campaign = store_campaign(db, [pair(n, n) for n in range(1, 6)])
    seen(db, "two")
    account.company.answers.extend([Answer.NO_CONNECTION] * 3)
    dialing = account.dialing

    done = [dialing.dial(one.contact, one.token) for one in account.tick()]

    turned_away = [one for one in done if isinstance(one, Dialled)]
    assert [one.attempt.outcome for one in turned_away] == [Outcome.TURNED_AWAY] * 3
    assert done[3:] == [SICK] * 2
    assert account.counts(campaign).charged == 0
    assert account.pacing.rate().blocked_for_s == 0
    check_conservation(db)


def test_a_record_names_the_host_since_when_and_why(db, process):
    one = process("one")
    for _ in range(3):
        one.failed("no route to host")
    one.tick()

    (record,) = sick_hosts(db)

    assert (record.host, record.since, record.why) == ("one", db.now(), "no route to host")
    assert json.loads(db.client.hget(db.key("sick"), "id-of-one"))["at"] == db.now()


def test_what_people_read_names_a_sick_host(db, account, process):
    campaign = store_campaign(db, [pair(1, 1)])
    seen(db, "one", "two")
    one = process("one")
    for _ in range(3):
        one.failed("no route to host")
    one.tick()

    explained = explain(db, Statuses(db, pacing=account.pacing, max_concurrent_calls=0), campaign)

    assert explained.as_json()["sick_hosts"] == ["one: no route to host"]
    assert [(one.host, one.why) for one in read_health(db).sick_hosts] == [
        ("one", "no route to host")
    ]


def test_where_every_host_is_sick_that_is_what_holds_a_campaign_back(db, account, process):
    campaign = store_campaign(db, [pair(1, 1)])
    give_life(db, "feeder", "here")
    give_life(db, "worker", "here")
    one = process("one")
    for _ in range(3):
        one.failed("no route to host")
    one.tick()

    status = Statuses(db, pacing=account.pacing, max_concurrent_calls=0).of(campaign)

    assert status.binding.sentence == "No request can leave a worker host: one: no route to host."

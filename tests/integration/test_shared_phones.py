"""What accounts on one Redis know of phones together: who is on a call, and whom nobody calls."""

import io
from pathlib import Path

import pytest

from campaigns.contact_state import NotDialled
from dialer.dialing.dialing import Dialled
from dialer.dialing.gate import Dropped
from dialer.errors import NotDone
from dialer.steering.suppressing import Suppressing
from tests.account_kit import Account
from tests.factories import agent, customer, pair, store_campaign
from tests.virtual_time import VirtualDatabase

HOUR_S = 3600.0


class Both:
    """Two accounts, and time that passes for both."""

    def __init__(self, client, folder: Path) -> None:
        self.first, self.second = (
            Account(VirtualDatabase(client, sid, shares_phones=True), folder / sid)
            for sid in ("one", "two")
        )

    def pass_time(self, seconds: float) -> None:
        for one in (self.first, self.second):
            one.db.pass_time(seconds)

    def set_clock(self, by_s: float) -> None:
        """Have somebody set the clock of the Redis that both are on; nobody has seen it yet."""
        for one in (self.first, self.second):
            one.db.set_clock(by_s)

    def look(self) -> None:
        """Have a worker of each look at that clock, as it does every second."""
        for one in (self.first, self.second):
            one.recovery.tick()

    def shared(self) -> dict[str, str]:
        """Give who has which number."""
        client = self.first.db.client
        assert client.zcard("dialer:{phones}:held_until") == client.hlen("dialer:{phones}:held_by")
        return {
            number.decode(): prefix.decode()
            for number, prefix in client.hgetall("dialer:{phones}:held_by").items()
        }


@pytest.fixture
def both(redis_client, tmp_path) -> Both:
    return Both(redis_client, tmp_path)


def dialled(done) -> list[Dialled]:
    return [one for one in done if isinstance(one, Dialled)]


@pytest.mark.parametrize(
    ("theirs", "who"), [(pair(1, 2), "agent"), (pair(2, 1), "customer"), (pair(1, 1), "both")]
)
def test_a_phone_on_another_accounts_call_is_not_rung(both, theirs, who):
    store_campaign(both.first.db, [pair(1, 1)])
    store_campaign(both.second.db, [theirs])
    assert dialled(both.first.dial_all()), who

    assert dialled(both.second.dial_all()) == []

    both.first.end_all()
    both.pass_time(60)
    assert dialled(both.second.dial_all())


def test_of_two_that_are_at_the_gate_with_one_phone_only_one_passes(both):
    store_campaign(both.first.db, [pair(1, 1)])
    store_campaign(both.second.db, [pair(1, 2)])
    (first,), (second,) = both.first.tick(), both.second.tick()

    assert isinstance(both.first.dial(first), Dialled)
    refused = both.second.dial(second)

    assert isinstance(refused, Dropped)
    assert refused.why == "other account"
    campaign = second.contact.campaign
    assert both.second.counts(campaign).waiting == 1
    assert both.second.contact(campaign).made == 0


def test_an_agents_rest_after_a_call_holds_for_the_other_account_too(both):
    store_campaign(both.first.db, [pair(1, 1)], wrap_up_s=100)
    store_campaign(both.second.db, [pair(1, 2)])
    both.first.dial_one()
    both.first.end_all()

    both.pass_time(50)
    assert dialled(both.second.dial_all()) == []
    both.pass_time(53)
    assert dialled(both.second.dial_all())


def test_an_accounts_own_phones_are_nobody_elses(both):
    store_campaign(both.first.db, [pair(1, 1), pair(1, 2)])

    both.first.dial_one()
    assert set(both.shared()) == {agent(1).lstrip("+"), customer(1).lstrip("+")}
    both.first.end_all()
    both.pass_time(60)

    both.first.dial_one()
    both.first.end_all()
    both.pass_time(60)
    assert customer(2).lstrip("+") not in both.shared()


def test_an_account_that_is_gone_holds_a_phone_no_longer_than_its_call_could_last(both):
    store_campaign(both.first.db, [pair(1, 1)])
    store_campaign(both.second.db, [pair(1, 2)])
    both.first.dial_one()

    both.pass_time(600)
    assert dialled(both.second.dial_all()) == []
    both.pass_time(2_000)

    assert dialled(both.second.dial_all())
    assert both.shared()[agent(1).lstrip("+")] == both.second.db.prefix


@pytest.mark.parametrize("by_s", [10 * 60, 3 * HOUR_S])
@pytest.mark.parametrize("first_to_see", ["first", "second"])
def test_a_phone_on_another_accounts_call_is_not_rung_when_the_clock_is_set_ahead(
    both, by_s, first_to_see
):
    store_campaign(both.first.db, [pair(1, 1)])
    store_campaign(both.second.db, [pair(1, 2), pair(2, 1)])
    both.look()
    both.first.dial_one()
    both.set_clock(by_s)

    getattr(both, first_to_see).recovery.tick()
    assert dialled(both.second.dial_all()) == []
    both.look()
    for _ in range(30):  # as long as a call may last
        both.pass_time(60)
        assert dialled(both.second.dial_all()) == []

    both.first.end_all()
    both.pass_time(60)
    assert dialled(both.second.dial_all())


def test_a_call_that_ends_before_the_step_is_seen_has_no_other_accounts_phone_forgotten(both):
    store_campaign(both.first.db, [pair(1, 1)])
    store_campaign(both.second.db, [pair(2, 2), pair(1, 3)], wrap_up_s=10)
    both.look()
    both.first.dial_one()
    both.second.dial_one()

    both.set_clock(3 * HOUR_S)
    both.second.end_all()
    both.look()

    both.pass_time(60)
    assert dialled(both.second.dial_all()) == []


@pytest.mark.parametrize("by_s", [3 * HOUR_S, -3 * HOUR_S])
@pytest.mark.parametrize("first_to_see", ["first", "second"])
def test_an_agents_rest_is_as_long_for_the_other_account_when_the_clock_is_set(
    both, by_s, first_to_see
):
    store_campaign(both.first.db, [pair(1, 1)], wrap_up_s=100)
    store_campaign(both.second.db, [pair(1, 2)])
    both.look()
    both.first.dial_one()
    both.first.end_all()
    both.set_clock(by_s)

    getattr(both, first_to_see).recovery.tick()
    both.look()
    both.pass_time(50)
    assert dialled(both.second.dial_all()) == []
    both.pass_time(53)
    assert dialled(both.second.dial_all())


def test_an_account_alone_keeps_no_such_record(redis_client, tmp_path):
    alone = Account(VirtualDatabase(redis_client, "alone"), tmp_path)
    store_campaign(alone.db, [pair(1, 1)])

    alone.dial_one()

    assert redis_client.keys("dialer:{phones}:*") == []


def for_all(account: Account) -> Suppressing:
    return Suppressing(account.db, default_country="IN", for_all=True)


def suppress_for_all(account: Account, number: str) -> None:
    added = for_all(account).add(io.BytesIO(number.encode()), source="desk", why="asked")
    assert added.added == 1


@pytest.mark.parametrize("whom", [customer(1), agent(1)])
def test_a_number_on_the_list_of_all_accounts_is_released_by_none(both, whom):
    suppress_for_all(both.first, whom)
    campaigns = {one: store_campaign(one.db, [pair(1, 1)]) for one in (both.first, both.second)}

    for one, campaign in campaigns.items():
        assert one.tick() == ()
        assert one.contact(campaign).outcome is NotDialled.SUPPRESSED


def test_a_number_put_there_by_one_account_is_stopped_at_the_other_ones_gate(both):
    campaign = store_campaign(both.second.db, [pair(1, 1)])
    (released,) = both.second.tick()

    suppress_for_all(both.first, customer(1))

    assert isinstance(both.second.dial(released), Dropped)
    assert both.second.contact(campaign).outcome is NotDialled.SUPPRESSED


def test_a_number_taken_off_the_list_of_all_may_be_called_by_each(both):
    suppress_for_all(both.first, customer(1))

    assert for_all(both.second).remove(customer(1))

    store_campaign(both.second.db, [pair(1, 1)])
    assert dialled(both.second.dial_all())


def test_the_lists_of_the_accounts_stay_their_own(both):
    own = Suppressing(both.first.db, default_country="IN")
    own.add(io.BytesIO(customer(1).encode()), source="desk", why="")
    suppress_for_all(both.first, customer(2))

    assert [one.number for one in own.all()] == [customer(1)]
    assert [one.number for one in for_all(both.second).all()] == [customer(2)]
    store_campaign(both.second.db, [pair(1, 1)])
    assert dialled(both.second.dial_all())


def test_where_one_account_is_alone_there_is_no_list_of_all(redis_client, tmp_path):
    alone = Account(VirtualDatabase(redis_client, "alone"), tmp_path)

    with pytest.raises(NotDone, match="where one is alone"):
        for_all(alone)

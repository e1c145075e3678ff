"""Contacts that go through the gate together: each is answered for itself, and once."""

import threading

import pytest
import redis

from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState
from dialer.dialing.at_provider import AtProvider
from dialer.dialing.candidate import Candidate
from dialer.dialing.entrance import Passed
from dialer.dialing.gate import Dropped, Gate, NotYet, Opened, Verdict
from dialer.dialing.gate import party as party_of
from dialer.errors import TurnedAway
from dialer.exotel import Connected
from dialer.ids import ContactId
from dialer.pacing import Allowance
from tests.account_kit import Account
from tests.conservation import check_conservation
from tests.factories import customer, pair, store_campaign
from tests.virtual_time import VirtualDatabase

PATIENCE_S = 30.0
UNPACED = Allowance(requests=100_000, window_s=6)


@pytest.fixture
def account(db, tmp_path):
    return Account(db, tmp_path, allowance=UNPACED)


def gate_of(account: Account) -> Gate:
    return account.dialing._gate


def ask(account: Account, *wanted: Candidate) -> list[Verdict]:
    return gate_of(account).ask(wanted)


def released(account: Account) -> list[Candidate]:
    return [Candidate(one.contact, one.token) for one in account.tick()]


def nothing_left(account: Account, opened: list[Verdict]) -> None:
    """Give the attempts an end, so that the books can be checked."""
    for one in opened:
        if isinstance(one, Opened):
            account.dialing._finishing.finish(one.id, one.attempt, TurnedAway("not sent"))
    check_conservation(account.db)


def test_a_party_passes_in_one_step_and_each_has_an_attempt_and_a_slot(account, db):
    campaign = store_campaign(db, [pair(n, n) for n in range(5)])

    verdicts = ask(account, *released(account))

    assert all(isinstance(one, Opened) for one in verdicts)
    attempts = {str(one.id): one.attempt for one in verdicts}
    assert {one.customer for one in attempts.values()} == {customer(n) for n in range(5)}
    assert {one.decode() for one in db.client.zrange(db.key("slots"), 0, -1)} == attempts.keys()
    assert account.counts(campaign).attempts == 5
    nothing_left(account, verdicts)


def test_the_epochs_of_a_party_rise_one_by_one(account, db):
    store_campaign(db, [pair(n, n) for n in range(4)])

    epochs = [one.epoch for one in ask(account, *released(account))]

    assert epochs == list(range(epochs[0], epochs[0] + 4))
    assert int(db.client.hget(db.key("account"), "epoch")) == epochs[-1]


def test_a_message_that_comes_twice_in_one_party_dials_once(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    (one,) = released(account)
    again = Candidate(one.contact, one.token)

    first, second = ask(account, one, again)

    assert isinstance(first, Opened)
    assert isinstance(second, NotYet)  # it was taken up a moment ago, so this one goes alone
    assert ask(account, again) == [Dropped("not ours")]
    assert account.counts(campaign).attempts == 1
    nothing_left(account, [first])


def test_two_that_were_taken_up_for_one_release_dial_once(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    (one,) = released(account)
    again = Candidate(one.contact, one.token)
    gate = gate_of(account)
    gate._take_up([one])
    again.found = one.found

    first, second = gate.ask([one, again])

    assert isinstance(first, Opened)
    assert second == Dropped("not ours")
    assert account.counts(campaign).attempts == 1
    nothing_left(account, [first])


def test_those_who_must_not_go_leave_the_others_alone(account, db):
    store_campaign(db, [pair(1, 1), pair(2, 2)], name="goes")
    paused = store_campaign(db, [pair(3, 3)], name="paused")
    wanted = released(account)
    wanted.append(Candidate(ContactId(paused, 99), "t"))
    stale = Candidate(wanted[0].contact, "another")
    account.campaigns.move(account.campaigns.find(paused), CampaignState.PAUSED)
    db.client.hset(db.key("suppressed"), customer(2)[1:], "{}")

    verdicts = dict(zip([*wanted, stale], ask(account, *wanted, stale), strict=True))

    by_customer = {one.found[0].customer: verdict for one, verdict in verdicts.items() if one.found}
    assert isinstance(by_customer[customer(1)], Opened)
    assert by_customer[customer(2)] == Dropped("suppressed")
    assert by_customer[customer(3)] == Dropped("paused")
    assert [verdicts[one] for one in (wanted[-1], stale)] == [Dropped("not ours")] * 2
    nothing_left(account, list(verdicts.values()))


def test_slots_are_never_given_out_twice_to_a_party(db, tmp_path):
    account = Account(db, tmp_path, allowance=Allowance(requests=3, window_s=0.00001))
    store_campaign(db, [pair(n, n) for n in range(5)])

    verdicts = ask(account, *released(account))

    assert sum(isinstance(one, Opened) for one in verdicts) == 3
    assert db.client.zcard(db.key("slots")) == 3


def test_those_who_have_to_wait_keep_their_release(db, tmp_path):
    account = Account(db, tmp_path, allowance=Allowance())
    campaign = store_campaign(db, [pair(1, 1), pair(2, 2)])
    wanted = released(account)

    first, second = ask(account, *wanted)
    db.pass_time(9)
    again = ask(account, wanted[1])

    assert isinstance(first, Opened)
    assert isinstance(second, NotYet)
    assert second.wait_s == pytest.approx(0.25, abs=0.01)
    assert isinstance(again[0], Opened)
    assert account.counts(campaign).attempts == 2


def test_rules_that_changed_are_read_again_for_all_of_the_party(account, db):
    campaign = store_campaign(db, [pair(1, 1), pair(2, 2)])
    gate = gate_of(account)
    wanted = released(account)
    gate._known[campaign] = account.campaigns.find(campaign)
    account.change_rules(campaign, time_limit_s=77)

    before, after = gate.ask(wanted), gate.ask(wanted)

    assert all(isinstance(one, NotYet) for one in before)
    assert {one.campaign.rules.time_limit_s for one in after} == {77}


def test_a_damaged_contact_fails_by_itself(account, db):
    broken = store_campaign(db, [pair(1, 1)], name="broken")
    store_campaign(db, [pair(2, 2)], name="whole")
    wanted = {one.contact.campaign: one for one in released(account)}
    rows = db.key("c", broken, "rows", 0)
    db.client.set(rows, b"no zlib")

    verdicts = dict(zip(wanted, ask(account, *wanted.values()), strict=True))

    whole = verdicts.pop(next(one for one in wanted if one != broken))
    assert isinstance(whole, Opened)
    assert isinstance(verdicts[broken], Exception)


def test_a_contact_on_which_the_script_fails_fails_by_itself(account, db):
    broken = store_campaign(db, [pair(1, 1)], name="broken")
    store_campaign(db, [pair(2, 2)], name="whole")
    wanted = {one.contact.campaign: one for one in released(account)}
    db.client.rpush(db.key("c", broken, "attempts", 0), "no hash")

    verdicts = dict(zip(wanted, ask(account, *wanted.values()), strict=True))

    assert isinstance(verdicts.pop(broken), redis.ResponseError)
    (whole,) = verdicts.values()
    assert isinstance(whole, Opened)


################################################################ suspects


def note_death(db: VirtualDatabase, one: Candidate) -> None:
    """Leave what a worker leaves that died on the way to the gate."""
    at = (one.contact.n - 1) * 32 + 3
    db.client.setrange(db.key("c", one.contact.campaign, "contacts", 0), at, bytes([1]))


def test_a_contact_that_was_there_when_a_worker_died_goes_alone(account, db):
    store_campaign(db, [pair(n, n) for n in range(3)])
    suspect, *others = released(account)
    note_death(db, suspect)

    verdicts = ask(account, suspect, *others)

    assert isinstance(verdicts[0], NotYet)
    assert all(isinstance(one, Opened) for one in verdicts[1:])
    assert suspect.goes_alone
    assert party_of([suspect, *others]) == 1
    (alone,) = ask(account, suspect)
    assert isinstance(alone, Opened)


def test_a_suspect_is_not_noted_again_before_it_is_taken_up_alone(account, db):
    campaign = store_campaign(db, [pair(1, 1), pair(2, 2)])
    suspect, other = released(account)
    note_death(db, suspect)

    ask(account, other, suspect)

    at = (suspect.contact.n - 1) * 32 + 3
    assert db.client.getrange(db.key("c", campaign, "contacts", 0), at, at) == bytes([1])
    assert account.contact(campaign, suspect.contact.n).state is ContactState.RELEASED


def test_who_comes_before_a_suspect_goes_without_it():
    line = [Candidate(ContactId("7f3kq2xa", n), "t", goes_alone=n == 3) for n in range(1, 6)]

    assert party_of(line) == 2
    assert party_of(line[2:]) == 1


################################################################ how many together


@pytest.mark.parametrize(
    ("requests", "together"), [(200, 1), (12_000, 1), (20_000, 2), (24_000, 2), (1_000_000, 16)]
)
def test_as_many_go_together_as_the_pace_lets_through_in_a_round_trip(
    db, tmp_path, requests, together
):
    account = Account(db, tmp_path, allowance=Allowance(requests=requests))

    assert gate_of(account).most_together == together


class _AsksForCompany:
    """A provider that answers once two are with it, or were; counts who is at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pair = threading.Barrier(2)
        self._here = 0
        self.most = 0

    def connect(self, *_: object, **__: object) -> Connected:
        with self._lock:
            self._here += 1
            self.most = max(self.most, self._here)
        self._pair.wait(PATIENCE_S)
        with self._lock:
            self._here -= 1
        raise TurnedAway("not sent")


def test_those_past_the_gate_wait_for_room_at_the_provider(account, db):
    store_campaign(db, [pair(n, n) for n in range(8)])
    dialing, provider = account.dialing, _AsksForCompany()
    dialing._sending._provider = provider
    dialing._sending._at_provider = AtProvider(2, longest_wait_s=PATIENCE_S)
    opened = ask(account, *released(account))

    threads = [
        threading.Thread(target=dialing._sending.send, args=(Passed(one, None),)) for one in opened
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join(PATIENCE_S)

    assert len(threads) == 8
    assert provider.most == 2
    nothing_left(account, opened)

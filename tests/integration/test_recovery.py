"""Redis forgets, a person stops everything, hosts come late: nobody is rung twice, nobody hides another."""

import pytest

from campaigns.attempt import Outcome
from dialer.dialing.gate import Dropped
from dialer.dialing.journal import LateAnswer
from dialer.ids import AttemptId
from dialer.settings import Settings
from dialer.store import CallbackInbox
from tests.conservation import check_conservation
from tests.factories import pair, store_campaign
from tests.two_hosts import LONGEST_S, Host, dialled_once, lose_the_call, one_call_is_live
from workers.results import settle_all
from workers.wiring import Wiring

################################################################ R9: two holds, each ends by itself


def test_r9_a_hold_set_by_hand_while_the_machine_works_its_own_off_stands(site):
    lose_the_call(site)
    site.list_calls(while_reading=lambda: site.holds.set_by_hand("stop everything"))

    site.recovery.tick()

    assert (site.hold.why, site.hold.by_hand) == ("stop everything", True)
    assert site.feeding.tick().held_by == "hold"


def test_r9_a_second_loss_while_the_first_is_worked_off_is_held_for(site):
    host, before = lose_the_call(site)

    def fail_over_again():
        site.come_back_older(before)

    site.list_calls(while_reading=fail_over_again)  # nobody has noticed when the hold is ended
    site.recovery.tick()

    assert site.hold.waiting_for == ("first",)
    site.list_calls()
    site.seconds(11, host)
    site.dial_all(site.host("second"))
    one_call_is_live(site)


def test_r9_a_hold_by_hand_hides_nothing_and_recovery_goes_on_beside_it(site):
    store_campaign(site.db, [pair(1, 1)])
    host = site.host("first")
    before = dialled_once(site, host)
    site.come_back_older(before)
    site.feed()
    site.holds.set_by_hand("let me look first")

    assert not site.hold.by_hand
    assert (site.hold.lost, site.hold.waiting_for) == (True, ("first",))
    assert "first" in " ".join(site.hold.not_known)
    site.seconds(8, host)
    assert (site.hold.why, site.hold.by_hand) == ("let me look first", True)


def test_r9_a_person_ends_the_hold_they_saw_and_no_other(site):
    store_campaign(site.db, [pair(1, 1)])
    site.holds.set_by_hand("mine")
    seen = site.hold
    site.holds.set_by_hand("somebody else's")

    assert site.holds.release(hand=seen.hand, machine=seen.machine) is False
    assert site.hold.why == "somebody else's"
    now = site.hold
    assert site.holds.release(hand=now.hand, machine=now.machine) is True
    assert site.hold is None


def test_r9_the_hold_by_hand_ends_and_leaves_the_machines(site):
    lose_the_call(site)
    site.holds.set_by_hand("mine")

    wiring = Wiring(Settings(_env_file=None))
    vars(wiring).update(db=site.db)
    assert wiring.holds.release(hand=site.hold.hand, machine=None)

    assert (site.hold.hand, site.hold.why) == (None, "Redis lost state")


def test_r9_a_host_that_comes_while_the_list_is_read_is_heard_first(site):
    """Redis never knew it, and it too sent what Redis lost."""
    store_campaign(site.db, [pair(1, 1), pair(2, 2)])
    first, unknown = site.host("first"), site.host("unknown")
    first.recovery.tick()
    one, other = site.feed()
    before = site.snapshot()
    first.dial(one)
    unknown.dial(other)
    site.feed()
    site.come_back_older(before)
    site.feed()
    site.db.pass_time(5)
    first.recovery.tick()

    site.list_calls(while_reading=unknown.recovery._beat)
    site.recovery.tick()
    assert site.hold.waiting_for == ("unknown",)

    site.list_calls()
    site.seconds(10, first, unknown)
    site.dial_all(first)
    assert len(site.company.live()) == 2


def test_r9_a_hold_by_hand_that_an_earlier_version_set_is_still_by_hand(site):
    account = site.db.key("account")
    site.db.client.hset(account, mapping={"hold": "before", "held_at": site.db.now(), "by_hand": 1})
    site.seconds(60)

    assert (site.hold.why, site.hold.by_hand) == ("before", True)
    assert site.holds.release(hand=site.hold.hand, machine=None)
    assert site.hold is None


################################################################ R10: who is waited for, and who declares


@pytest.mark.parametrize("feeder", ["that remembers", "that was restarted too"])
@pytest.mark.parametrize("away_s", [10, 60, 180, 3600])
def test_r10_a_host_that_redis_knew_before_it_was_away_is_waited_for(site, away_s, feeder):
    store_campaign(site.db, [pair(1, 1)], time_limit_s=14_400)
    slow, quick = site.host("slow"), site.host("quick")
    quick.recovery.tick()
    before = dialled_once(site, slow)

    site.db.pass_time(away_s)
    site.come_back_older(before)
    if feeder == "that was restarted too":
        site.restart_feeder()
    quick.start()
    site.seconds(25, quick)

    assert site.hold.waiting_for == ("slow",)
    slow.start()
    site.seconds(40, quick, slow)
    assert site.hold is None
    site.dial_all(quick)
    one_call_is_live(site)


def test_r10_after_a_long_outage_a_host_is_waited_for_as_long_as_its_calls_may_be_live(site):
    store_campaign(site.db, [pair(1, 1)])
    gone, here = site.host("gone"), site.host("here")
    here.recovery.tick()
    before = dialled_once(site, gone)
    site.db.pass_time(180)
    site.come_back_older(before)
    site.restart_feeder()

    site.seconds(120, here)
    assert site.hold.waiting_for == ("gone",)
    site.db.pass_time(LONGEST_S)
    site.seconds(1, here)
    assert site.hold is None


def test_r10_a_second_loss_forgets_nobody_who_was_waited_for(site):
    store_campaign(site.db, [pair(1, 1)])
    slow, here = site.host("slow"), site.host("here")
    here.recovery.tick()
    before = dialled_once(site, slow)
    site.come_back_older(before)
    site.feed()
    site.seconds(300, here)
    assert site.hold.waiting_for == ("slow",)

    site.come_back_older(site.snapshot())
    site.seconds(60, here)

    assert site.hold.waiting_for == ("slow",)


def test_r10_a_host_that_comes_up_declares_the_loss_its_own_journal_knows_of(site):
    store_campaign(site.db, [pair(1, 1)])
    host = site.host("first")
    before = dialled_once(site, host)
    site.db.pass_time(200)
    site.come_back_older(before)
    site.restart_feeder()
    host.start()

    host.recovery.tick()

    assert (site.hold.why, site.hold.lost) == ("Redis lost state", True)


def test_r10_a_host_that_redis_never_knew_and_that_comes_late_still_brings_its_calls_back(site):
    store_campaign(site.db, [pair(1, 1), pair(2, 2)])
    first, late = site.host("first"), site.host("late")
    first.recovery.tick()
    one, other = site.feed()
    before = site.snapshot()
    late.dial(other)
    first.dial(one)
    site.feed()
    site.come_back_older(before)
    site.seconds(11, first)
    assert site.hold is None

    late.recovery.tick()

    assert site.hold.lost
    site.seconds(12, first, late)
    assert site.hold is None
    site.dial_all(first)
    assert len(site.company.live()) == 2
    check_conservation(site.db)


################################################################ R12: how long a lost host is waited for


@pytest.mark.parametrize("known_by", ["its rules", "another host's journal"])
def test_r12_a_lost_host_is_waited_for_as_long_as_the_longest_call_of_any_campaign(site, known_by):
    gone, here = site.host("gone"), site.host("here")
    gone.recovery.tick()
    here.recovery.tick()
    before_rules = site.snapshot()
    store_campaign(site.db, [pair(1, 1), pair(2, 2)], time_limit_s=14_400)
    one, other = site.feed()
    before = site.snapshot() if known_by == "its rules" else before_rules
    gone.dial(one)
    here.dial(other)
    site.feed()
    site.come_back_older(before)
    site.feed()
    gone.is_lost_for_good()

    site.db.pass_time(LONGEST_S + 100)
    site.seconds(10, here)
    assert site.hold.waiting_for == ("gone",)
    site.db.pass_time(14_400)
    site.seconds(2, here)
    assert site.hold is None


def test_r12_a_campaign_that_is_over_makes_nobody_wait_longer(site):
    long = store_campaign(site.db, [pair(2, 2)], name="long", time_limit_s=14_400)
    found = site.account.campaigns.find(long)
    site.account.campaigns.move(found, "cancelling")
    site.account.tick()
    store_campaign(site.db, [pair(1, 1)])
    gone = site.host("gone")
    before = dialled_once(site, gone)
    site.come_back_older(before)
    site.feed()
    gone.is_lost_for_good()

    site.db.pass_time(LONGEST_S + 1)
    site.recovery.tick()

    assert site.hold is None


################################################################ D3: the journal's disk is full


def takes_nothing(host: Host) -> None:
    """Let the folder of its journal take no file; whether in part or not is the journal's own test."""
    _ = host.journal.identity
    host.folder.rename(host.folder.with_name("moved"))
    host.folder.touch()


def test_d3_nothing_leaves_whose_intent_the_disk_does_not_take(site):
    campaign = store_campaign(site.db, [pair(1, 1)])
    host = site.host("first")
    host.recovery.tick()
    (one,) = site.feed()

    takes_nothing(host)
    done = host.dial(one)

    assert done.attempt.outcome is Outcome.TURNED_AWAY
    assert done.attempt.error_code == "not_durable"
    assert site.company.posts == []
    assert site.account.counts(campaign).charged == 0


def test_d3_an_answer_that_neither_redis_nor_the_disk_takes_is_handed_in_later(site):
    store_campaign(site.db, [pair(1, 1)])
    host = site.host("first")
    dialled_once(site, host)
    (call,) = site.company.calls

    host.start()
    takes_nothing(host)
    host.recovery.keep(LateAnswer(call.attempt_id, call.sid, None, 200, None))
    host.recovery.tick()

    assert site.account.attempts.get(AttemptId.parse(call.attempt_id)).sid == call.sid


################################################################ identity, callbacks


def test_two_hosts_of_one_name_are_both_waited_for_and_told_apart(site):
    """R13's sibling: what reports is a journal, whatever its host is called."""
    store_campaign(site.db, [pair(1, 1)])
    first, second = site.host("web", folder="one"), site.host("web", folder="two")
    second.recovery.tick()
    before = dialled_once(site, first)
    site.come_back_older(before)
    site.restart_feeder()

    site.seconds(20, second)

    (waited_for,) = site.hold.waiting_for
    assert waited_for == f"web ({first.journal.identity[:8]})"
    site.seconds(8, first, second)
    assert site.hold is None
    site.dial_all(second)
    one_call_is_live(site)


@pytest.mark.parametrize("heard", ["before the journal is replayed", "while it is"])
def test_a_callback_that_finds_its_attempt_lost_counts_once_that_is_back(site, tmp_path, heard):
    campaign = store_campaign(site.db, [pair(1, 1)])
    host = site.host("first")
    before = dialled_once(site, host)
    site.come_back_older(before)
    (call,) = site.company.live()
    wiring = Wiring(Settings(_env_file=None, dialer_data_dir=tmp_path / "data"))
    vars(wiring).update(db=site.db, settling=site.account.settling)
    facts = CallbackInbox(site.db)
    facts.ensure_group()
    body = (
        f"CallSid={call.sid}&Status=completed&EventType=terminal&ConversationDuration=30"
        "&Legs[0][Status]=completed&Legs[1][Status]=completed"
    ).encode()
    facts.append(
        attempt_id=call.attempt_id, content_type="application/x-www-form-urlencoded", body=body
    )
    read = facts.read("results", most=10, wait_s=0.001)
    if heard == "while it is":  # its attempt was missed, and is back before it is set aside
        set_aside = wiring.callback_inbox.set_aside

        def back_before(fact, *, why):
            site.db.pass_time(4)
            host.recovery.tick()
            set_aside(fact, why=why)

        wiring.callback_inbox.set_aside = back_before
    settle_all(wiring, read)
    site.feed()
    site.seconds(8, host)

    again = facts.read("results", most=10, wait_s=0.001)
    assert [one.attempt_id for one in again] == [call.attempt_id]
    assert again[0].received_at == read[0].received_at
    assert site.db.client.xlen(site.db.key("orphans")) == 0
    settle_all(wiring, again)
    found = site.account.attempts.get(AttemptId.parse(call.attempt_id))
    assert found.told_outcome is Outcome.CONNECTED  # a look-up proves the call
    assert site.account.counts(campaign).attempts == 1


def test_a_callback_for_what_never_was_stays_set_aside(site):
    facts = CallbackInbox(site.db)

    assert facts.take_up_again({"7f3kq2xa-1-1-k3x9pq7w2m"}) == 0


def test_while_held_by_hand_calls_are_looked_up_and_settled(site):
    campaign = store_campaign(site.db, [pair(1, 1)])
    host = site.host("first")
    dialled_once(site, host)
    site.holds.set_by_hand("stop")
    (call,) = site.company.live()
    site.company.end(call)
    site.db.pass_time(200)

    site.account.sweeping.sweep()

    assert site.account.contact(campaign).outcome is Outcome.CONNECTED
    assert site.dial_all(host) in ([], [Dropped("hold")])

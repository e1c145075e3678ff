"""A campaign's states: where it may go, when it ends, and that its sums hold on the way."""

from datetime import UTC, datetime

import pytest

from campaigns.campaign import CampaignState
from dialer.store.campaign import CampaignNotFound, WrongState
from dialer.store.rule_versions import RuleVersions
from tests.account_kit import Account
from tests.conservation import check_conservation
from tests.factories import append_contacts, pair, rules, start, store_campaign, terminal
from tests.virtual_time import commands_run

LOADED, RUNNING, PAUSED = CampaignState.LOADED, CampaignState.RUNNING, CampaignState.PAUSED
CANCELLING, CANCELLED = CampaignState.CANCELLING, CampaignState.CANCELLED
COMPLETED = CampaignState.COMPLETED


def bring(account: Account, state: CampaignState) -> str:
    """Make a campaign that stands there, with a call on in it where one may be."""
    campaign = store_campaign(account.db, [pair(1, 1), pair(2, 2)], running=False)
    if state is LOADED:
        return campaign
    start(account.db, campaign)
    released = account.tick()
    done = account.dial(released[0])
    match state:
        case CampaignState.PAUSED:
            move(account, campaign, PAUSED)
        case CampaignState.CANCELLING:
            move(account, campaign, CANCELLING)
        case CampaignState.CANCELLED | CampaignState.COMPLETED:
            if state is CANCELLED:
                move(account, campaign, CANCELLING)
                account.tick()
            else:
                other = account.dial(released[1])
                report = terminal(other.attempt.sid)
                account.settling.report(other.attempt_id, report, at=account.db.now())
            account.settling.report(
                done.attempt_id, terminal(done.attempt.sid), at=account.db.now()
            )
            account.dial(released[1])
    return campaign


def move(account: Account, campaign: str, to: CampaignState) -> CampaignState:
    return account.campaigns.move(account.campaigns.find(campaign), to)


@pytest.mark.parametrize(
    ("before", "to", "after"),
    [
        (LOADED, RUNNING, RUNNING),
        (LOADED, CANCELLING, CANCELLING),
        (RUNNING, RUNNING, RUNNING),
        (RUNNING, PAUSED, PAUSED),
        (RUNNING, CANCELLING, CANCELLING),
        (PAUSED, RUNNING, RUNNING),
        (PAUSED, PAUSED, PAUSED),
        (PAUSED, CANCELLING, CANCELLING),
        (CANCELLING, CANCELLING, CANCELLING),
        (CANCELLED, CANCELLING, CANCELLED),
    ],
)
def test_a_campaign_goes_where_it_may_and_asking_twice_is_no_fault(account, db, before, to, after):
    campaign = bring(account, before)

    assert move(account, campaign, to) is after
    check_conservation(db)


@pytest.mark.parametrize(
    ("before", "to"),
    [
        (LOADED, PAUSED),
        (CANCELLING, RUNNING),
        (CANCELLING, PAUSED),
        (CANCELLED, RUNNING),
        (CANCELLED, PAUSED),
        (COMPLETED, RUNNING),
        (COMPLETED, PAUSED),
        (COMPLETED, CANCELLING),
    ],
)
def test_a_campaign_does_not_go_where_it_may_not(account, db, before, to):
    campaign = bring(account, before)
    assert account.state(campaign) == before

    with pytest.raises(WrongState) as told:
        move(account, campaign, to)

    assert told.value.state is before
    assert account.state(campaign) == before


def test_an_empty_campaign_is_completed_as_soon_as_it_starts(account, db):
    campaign = store_campaign(db, [], running=False)

    assert move(account, campaign, RUNNING) is COMPLETED


def test_an_empty_campaign_that_is_cancelled_is_cancelled_at_once(account, db):
    campaign = store_campaign(db, [], running=False)

    assert move(account, campaign, CANCELLING) is CANCELLED


def test_a_campaign_is_completed_with_its_last_contact(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    done = account.dial_one()
    assert account.state(campaign) == "running"

    account.settling.report(done.attempt_id, terminal(done.attempt.sid), at=db.now())

    found = account.campaigns.find(campaign)
    assert found.state is COMPLETED
    assert found.ended_at == pytest.approx(db.now(), abs=1)


def test_a_paused_campaign_whose_last_call_ends_is_completed(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    done = account.dial_one()
    move(account, campaign, PAUSED)

    account.settling.report(done.attempt_id, terminal(done.attempt.sid), at=db.now())

    assert account.state(campaign) == "completed"


def test_a_cancelled_campaigns_sums_hold_at_every_step(account, db):
    campaign = store_campaign(db, [pair(n % 50, n % 100) for n in range(1_234)])
    account.dial_all()
    move(account, campaign, CANCELLING)
    check_conservation(db)

    while account.campaigns.cancel_some(campaign, chunks=3):
        counts = account.counts(campaign)
        assert counts.accepted == 1_234
        check_conservation(db)
    for one in account.open_attempts():
        account.settling.report(one.id, terminal(one.attempt.sid), at=db.now())

    counts = account.counts(campaign)
    assert account.state(campaign) == "cancelled"
    assert counts.final == 1_234
    assert counts.outcomes == {"connected": 50, "cancelled": 1_184}
    check_conservation(db)


def test_others_are_dialled_while_the_contacts_of_a_cancelled_campaign_are_closed(account, db):
    big = store_campaign(db, [pair(n, n) for n in range(100, 5_100)], name="big")
    other = store_campaign(db, [pair(1, 1)], name="other")
    move(account, big, CANCELLING)
    feeding = account.feeding
    feeding.keep_schedules()

    first = feeding.tick()

    assert [one.contact.campaign for one in first.released] == [other]
    assert first.is_closing
    assert account.counts(big).waiting > 0
    while feeding.tick().is_closing:
        pass
    assert account.state(big) == "cancelled"


def test_cancelled_campaigns_take_turns_in_being_closed(account, db):
    ids = [store_campaign(db, [pair(n, n) for n in range(3_000)], name=f"c{at}") for at in range(3)]
    for id_ in ids:
        move(account, id_, CANCELLING)
    feeding = account.feeding

    for _ in ids:
        feeding.keep_schedules()  # as each second, in the midst of it
        feeding.tick()

    assert all(0 < account.counts(id_).waiting < 3_000 for id_ in ids)


def test_a_step_that_closes_contacts_holds_nobody_up(account, db):
    campaign = store_campaign(db, [pair(n, n, priority=n % 2) for n in range(5_000)])
    move(account, campaign, CANCELLING)
    before = commands_run(db.client)

    account.campaigns.cancel_some(campaign)

    closed = account.counts(campaign).final
    assert 0 < closed <= 1_000
    assert commands_run(db.client) - before < closed / 10


def test_a_cancelled_campaign_leaves_no_queue_behind(account, db):
    campaign = store_campaign(
        db,
        [pair(1, 1), pair(2, 1), pair(1, 3, priority=5), pair(1, 4, due_s=int(db.now()) + 60)],
    )
    account.tick()
    move(account, campaign, CANCELLING)
    db.pass_time(61)
    account.tick()
    account.tick()

    assert account.state(campaign) == "cancelled"
    for kind in ("heads", "ranked", "ready"):
        assert not list(db.client.scan_iter(db.key("c", campaign, f"{kind}*")))
    assert not db.client.zcard(db.key("turns"))
    assert not db.client.zcard(db.key("later"))


def test_a_campaign_starts_and_ends_by_its_schedule(account, db):
    starts_at, ends_at = (datetime.fromtimestamp(db.now() + later_s, UTC) for later_s in (60, 600))
    campaign = store_campaign(
        db, [pair(n, n) for n in range(2)], running=False, starts_at=starts_at, ends_at=ends_at
    )
    assert account.tick() == ()

    db.pass_time(60)
    released = account.tick()
    done = account.dial(released[0])
    db.pass_time(540)
    account.tick()
    assert not hasattr(account.dial(released[1]), "attempt")
    account.settling.report(done.attempt_id, terminal(done.attempt.sid), at=db.now())

    assert account.state(campaign) == "completed"
    assert account.counts(campaign).outcomes == {"connected": 1, "ended": 1}
    check_conservation(db)


def test_a_campaign_that_was_completed_does_not_start_by_itself_again(account, db):
    starts_at = datetime.fromtimestamp(db.now() - 60, UTC)
    campaign = store_campaign(db, [pair(1, 1)], running=False, starts_at=starts_at)
    account.dial_and_end()
    assert account.state(campaign) == "completed"

    append_contacts(db, campaign, [pair(2, 2)], content_hash="more.csv")
    db.pass_time(5)

    assert account.tick() == ()
    assert account.state(campaign) == "loaded"
    start(db, campaign)
    assert len(account.tick()) == 1


def test_a_start_that_is_set_anew_is_kept(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    account.dial_and_end()
    append_contacts(db, campaign, [pair(2, 2)], content_hash="more.csv")
    found = account.campaigns.find(campaign)
    later = found.rules.model_copy(update={"starts_at": datetime.fromtimestamp(db.now() + 60, UTC)})
    assert RuleVersions(account.db).change(found, later) is None

    assert account.tick() == ()
    db.pass_time(61)

    assert len(account.tick()) == 1


def test_a_name_is_taken_once(account, db):
    store_campaign(db, [pair(1, 1)], name="sale")

    assert not account.campaigns.create("0" * 8, name="sale", rules=rules(), columns=("a",))
    assert len(account.campaigns.unarchived()) == 1


def test_a_campaign_is_found_by_id_and_by_name(account, db):
    campaign = store_campaign(db, [pair(1, 1)], name="sale")

    assert account.campaigns.find(campaign) == account.campaigns.find("sale")
    with pytest.raises(CampaignNotFound, match="nothing"):
        account.campaigns.find("nothing")


def test_campaigns_are_listed_newest_first(account, db):
    for n in range(3):
        store_campaign(db, [pair(n, n)], name=f"c{n}")
        db.pass_time(1)

    assert [one.name for one in account.campaigns.unarchived()] == ["c2", "c1", "c0"]


def test_a_list_of_campaigns_takes_as_few_round_trips_however_many_there_are(account, db):
    def round_trips() -> int:
        before = db.client.info("stats")["total_reads_processed"]
        account.campaigns.counted()
        return db.client.info("stats")["total_reads_processed"] - before

    store_campaign(db, [pair(1, 1)], name="first")
    of_one = round_trips()
    for n in range(100):
        store_campaign(db, [pair(n, n)], name=f"c{n}")

    assert round_trips() <= of_one + 2  # a long answer may be read in pieces


def test_the_rules_of_a_campaign_that_ends_stay_as_they_are(account, db):
    campaign = account.campaigns.find(store_campaign(db, [pair(1, 1)]))
    account.campaigns.move(campaign, CANCELLING)

    assert RuleVersions(account.db).change(campaign, rules(max_attempts=9)) is CANCELLING
    assert account.campaigns.find(campaign.id).rules == campaign.rules
    assert [one.version for one in RuleVersions(account.db).of(campaign)] == [1]


def test_of_two_changes_at_once_the_second_is_refused(account, db):
    campaign = account.campaigns.find(store_campaign(db, [pair(1, 1)], running=False))

    first = RuleVersions(account.db).change(campaign, rules(max_attempts=9))
    second = RuleVersions(account.db).change(campaign, rules(max_attempts=8))

    assert (first, second) == (None, LOADED)
    assert account.campaigns.find(campaign.id).rules.max_attempts == 9


def test_a_change_of_rules_is_the_next_version_and_lifts_a_cap_it_raises(account, db):
    campaign = store_campaign(db, [pair(n, n) for n in range(3)], max_calls_per_day=1)
    account.dial_all()
    assert account.tick() == ()

    account.change_rules(campaign, max_calls_per_day=0)
    account.dial_all()

    assert account.campaigns.find(campaign).rules_version == 2
    assert len(account.company.calls) == 3

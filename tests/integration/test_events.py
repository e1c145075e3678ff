"""What happened is told in the very step that made it happen, in its order, and counted."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from campaigns.agents.agent import Agent, Presence
from campaigns.attempt import ReportSource
from campaigns.campaign import CampaignState
from campaigns.events import EventKind
from campaigns.numbers.phone_rules import PhoneRules
from campaigns.reports.does_not_add_up import DoesNotAddUp
from dialer.agents.presence import Presences
from dialer.agents.registry import Registry
from dialer.dialing.resuming import resume_account
from dialer.events.keeping import Keeping
from dialer.events.outbox import Outbox
from dialer.ids import AttemptId, ContactId
from dialer.pacing import Allowance
from dialer.reporting.reporting import write_reports
from dialer.reporting.source import report_source
from dialer.settling.disposing import Said, dispose
from dialer.steering.calling_back import call_back
from dialer.store import Holds
from dialer.store.event_codes import EVENT_CODES
from dialer.store.events import BEGINNING, Entry, EventStream, entries, told
from dialer.store.scripts import PRELUDE, text_of
from tests.account_kit import Account
from tests.conservation import check_conservation
from tests.factories import agent, details, pair, store_campaign, terminal
from tests.phone_company import Answer
from tests.unit.test_scripts import STEPS
from tests.virtual_time import VirtualDatabase


def all_of(db) -> list[Entry]:
    return list(entries(EventStream(db).after(BEGINNING, most=10_000)))


def kinds(db) -> list[str]:
    return [str(one.kind) for one in all_of(db)]


def only_attempt(account: Account) -> AttemptId:
    """The one of the last call."""
    id_ = AttemptId.parse(account.company.calls[-1].attempt_id)
    assert id_ is not None
    return id_


def newest(db, kind: EventKind) -> Entry:
    return [one for one in all_of(db) if one.kind is kind][-1]


def test_a_call_is_told_from_its_sid_to_the_end_of_its_campaign(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    account.dial_one()

    account.end_all()

    assert kinds(db) == [
        "campaign.started",
        "attempt.placed",
        "attempt.answered",
        "attempt.settled",
        "contact.final",
        "campaign.completed",
    ]
    settled = newest(db, EventKind.ATTEMPT_SETTLED)
    assert (settled.campaign, settled.n, settled.no, settled.more) == (campaign, 1, 1, "connected")
    assert settled.version == account.attempts.get(only_attempt(account)).version
    check_conservation(db)


def test_telling_the_same_end_again_tells_nothing_more(account, db):
    store_campaign(db, [pair(1, 1)])
    dialled = account.dial_one()
    account.end_all()
    before = kinds(db)

    report = terminal(dialled.attempt.sid)
    account.settling.report(only_attempt(account), report, at=db.now())

    assert kinds(db) == before


def test_final_details_that_contradict_are_told_of_the_attempt_and_of_its_contact(account, db):
    store_campaign(db, [pair(1, 1)])
    sid = account.dial_one().attempt.sid
    account.end_all()
    id_ = only_attempt(account)
    for _ in range(2):
        db.pass_time(1000)
        report = details(sid, customer_status="no-answer", talk_s=0, source=ReportSource.DETAILS)
        account.settling.report(id_, report, at=db.now())

    assert kinds(db)[-2:] == ["attempt.corrected", "contact.corrected"]
    assert newest(db, EventKind.ATTEMPT_CORRECTED).more == "customer_no_answer connected"
    check_conservation(db)


LATE = ("attempt.corrected", "contact.corrected", "campaign.report_final")


@pytest.fixture
def finished(account, db, tmp_path):
    """A campaign whose report was said to be final; gives its one attempt, and who says so anew."""
    outbox = Outbox(db, account="main", folder=tmp_path / "events")
    keeping = Keeping(db, outbox, days=400, holder="a")
    campaign = store_campaign(db, [pair(1, 1)])
    account.dial_and_end()
    id_ = only_attempt(account)
    account.settling.report(id_, details(sid_of(account, id_)), at=db.now())
    keeping.tick()
    assert kinds(db)[-1] == "campaign.report_final"
    return id_, campaign, keeping


def sid_of(account, id_: AttemptId) -> str:
    return account.attempts.get(id_).sid


def test_a_price_that_comes_after_the_report_was_final_is_told_and_so_is_the_new_report(
    account, db, finished, tmp_path
):
    id_, campaign, keeping = finished

    for price in ("2.5", "2.5", "3"):
        report = details(sid_of(account, id_), price=Decimal(price))
        account.settling.report(id_, report, at=db.now())
    keeping.tick()
    keeping.tick()

    late = [one for one in all_of(db) if one.kind in LATE][1:]
    assert [str(one.kind) for one in late] == [LATE[0], LATE[0], LATE[2]]
    assert [one.more for one in late] == ["connected connected", "connected connected", ""]
    assert late[1].version == account.attempts.get(id_).version
    assert "1 settled attempts = 1 attempt.settled" in sums_of(account, campaign, tmp_path)
    check_conservation(db)


def test_an_outcome_that_is_corrected_after_the_report_was_final_is_told_and_the_sums_hold(
    account, db, finished, tmp_path
):
    id_, campaign, keeping = finished

    for _ in range(2):
        db.pass_time(1000)
        sid = sid_of(account, id_)
        report = details(sid, customer_status="no-answer", talk_s=0, source=ReportSource.DETAILS)
        account.settling.report(id_, report, at=db.now())
    keeping.tick()

    late = [str(one.kind) for one in all_of(db) if one.kind in LATE][1:]
    assert late[-3:] == list(LATE)
    assert set(late[:-3]) <= {LATE[0]}  # its figures were told before they counted
    sums = sums_of(account, campaign, tmp_path)
    assert (
        "1 final contacts = 1 contact.final + 0 contacts closed together + 0 contact.reopened"
        in sums
    )
    check_conservation(db)


def test_a_campaign_that_was_opened_again_has_no_final_report_until_it_is_over_again(
    account, db, finished
):
    id_, campaign, keeping = finished
    at = datetime.fromtimestamp(db.now() + 60, UTC)
    call_back(db, ContactId(campaign, 1), at, reopen=True)

    report = details(sid_of(account, id_), price=Decimal("2.5"))
    account.settling.report(id_, report, at=db.now())
    keeping.tick()

    assert kinds(db)[-1] == "campaign.reopened"


def test_a_closed_contact_that_is_called_again_is_told_as_reopened(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    account.dial_and_end()

    at = datetime.fromtimestamp(db.now() + 60, UTC)
    call_back(db, ContactId(campaign, 1), at, reopen=True)

    assert kinds(db)[-2:] == ["contact.reopened", "campaign.reopened"]
    check_conservation(db)


def test_a_million_contacts_that_are_cancelled_are_told_five_thousand_at_a_time(account, db):
    campaign = store_campaign(db, [pair(1, n % 100) for n in range(250)], running=False)
    found = account.campaigns.find(campaign)

    account.campaigns.move(found, CampaignState.CANCELLING)
    account.tick()

    closed = newest(db, EventKind.CONTACTS_CLOSED)
    assert (closed.n, closed.no, closed.more) == (1, 250, "cancelled 250")
    assert kinds(db) == ["contacts.closed", "campaign.cancelled"]
    check_conservation(db)


def test_a_campaign_that_pauses_says_why(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    found = account.campaigns.find(campaign)

    account.campaigns.move(found, CampaignState.PAUSED, why="lunch")
    account.campaigns.move(found, CampaignState.RUNNING)

    assert kinds(db) == ["campaign.started", "campaign.paused", "campaign.started"]
    assert newest(db, EventKind.CAMPAIGN_PAUSED).more == "lunch"


def test_an_agent_who_misses_calls_is_told_of_and_so_is_their_rest(account, db):
    store_campaign(db, [pair(1, 1), pair(1, 2)], park_after=2, park_s=60)
    for _ in range(2):
        sid = account.dial_one().attempt.sid
        report = terminal(sid, agent_status="no-answer", customer_status=None, talk_s=0)
        account.settling.report(only_attempt(account), report, at=db.now())

    missed = [one for one in all_of(db) if one.kind is EventKind.AGENT_MISSED]
    assert [one.more for one in missed] == ["1", "2"]
    assert float(newest(db, EventKind.AGENT_PARKED).more) == pytest.approx(db.now() + 60)


def test_an_agents_break_is_told_by_their_id_and_without_their_number(db):
    registry = Registry(db, phone_rules=PhoneRules(), zone=UTC)
    (one,) = registry.put([Agent(agent(1))])

    Presences(db).set([one], Presence.BREAK, reason="lunch", by="anita")

    (told_of,) = all_of(db)
    said = json.loads(told_of.more)
    assert told_of.kind is EventKind.AGENT_PRESENCE
    assert (said["agent"], said["state"], said["reason"]) == (one.id, "break", "lunch")
    assert one.number[1:] not in told_of.more


def test_a_stop_of_the_account_is_told_once_and_so_is_its_end(account, db):
    store_campaign(db, [pair(1, 1), pair(2, 2)])
    account.company.answers.extend([Answer.NO_BALANCE, Answer.NO_BALANCE])
    account.dial_all()
    assert kinds(db).count("account.stopped") == 1

    resume_account(db)
    resume_account(db)

    assert kinds(db).count("account.resumed") == 1
    assert kinds(db).count("account.stopped") == 1


def test_a_hold_and_its_release_are_told(db):
    holds = Holds(db)
    holds.set_by_hand("maintenance")
    hold = holds.read()

    holds.release(hand=hold.hand, machine=None)

    assert kinds(db) == ["account.held", "account.released"]
    assert newest(db, EventKind.ACCOUNT_HELD).more == "maintenance"


def test_where_events_are_not_kept_none_are_written_and_no_sum_is_claimed(redis_client, tmp_path):
    db = VirtualDatabase(redis_client, "quiet", tells=False)
    account = Account(db, tmp_path)
    campaign = store_campaign(db, [pair(1, 1)])
    account.dial_and_end()

    assert kinds(db) == []
    assert not told(db, [campaign])[0].is_whole


def test_a_campaign_of_which_a_part_was_not_told_claims_no_sum(redis_client, tmp_path):
    campaign = store_campaign(VirtualDatabase(redis_client, "quiet"), [pair(1, 1)])
    account = Account(VirtualDatabase(redis_client, "quiet", tells=False), tmp_path)
    assert told(account.db, [campaign])[0].is_whole

    account.dial_one()

    assert not told(account.db, [campaign])[0].is_whole


def test_an_event_costs_some_fifty_bytes(account, db):
    """So the hundred thousand that stay in Redis cost some five megabytes."""
    store_campaign(db, [pair(n, n) for n in range(1, 99)])
    account.dial_and_end()
    stream = EventStream(db)

    bytes_each = db.client.memory_usage(db.key("events"), samples=0) / stream.size()

    assert stream.size() == 4 * 98 + 2
    assert 30 < bytes_each < 60, bytes_each


@pytest.mark.parametrize("script", [*(f"prelude/{part}" for part in PRELUDE), *STEPS])
def test_scripts_tell_of_kinds_that_have_a_number(script):
    named = re.findall(r"\bevent\('([^']+)'[,)]", text_of(script))

    assert set(named) <= {str(kind) for kind in EVENT_CODES}


def test_each_kind_has_a_number_of_its_own():
    assert set(EVENT_CODES) == set(EventKind)
    assert len(set(EVENT_CODES.values())) == len(EVENT_CODES)


def test_what_came_of_a_conversation_is_told_before_the_end_that_follows(account, db):
    campaign = store_campaign(db, [pair(1, 1)], disposition=["sale:final"])
    account.dial_and_end()
    said = Said("sale", by="Asha")

    dispose(db, account.settling, ContactId(campaign, 1), said)
    dispose(db, account.settling, ContactId(campaign, 1), said)

    assert kinds(db)[-3:] == ["contact.dispositioned", "contact.final", "campaign.completed"]
    check_conservation(db)


def sums_of(account, campaign, folder) -> list[str]:
    found = account.campaigns.find(campaign)
    source = report_source(account.db, found, Allowance(), archives=folder)
    as_of = datetime.fromtimestamp(account.db.now(), UTC)
    return [str(one) for one in write_reports(source, folder / "out", as_of=as_of).sums]


def test_the_report_of_a_campaign_that_is_over_says_that_its_ends_were_told(account, db, tmp_path):
    campaign = store_campaign(db, [pair(n, n) for n in range(1, 4)])
    account.dial_and_end()

    sums = sums_of(account, campaign, tmp_path)

    assert "3 settled attempts = 3 attempt.settled" in sums
    ends = "3 contact.final + 0 contacts closed together + 0 contact.reopened"
    assert f"3 final contacts = {ends}" in sums


def test_a_report_of_ends_that_were_not_all_told_is_not_written(account, db, tmp_path):
    campaign = store_campaign(db, [pair(1, 1)])
    account.dial_and_end()
    db.client.hincrby(db.key("c", campaign, "told"), "attempt.settled", -1)

    with pytest.raises(DoesNotAddUp, match=r"1 settled attempts = 0 attempt.settled, \+1"):
        sums_of(account, campaign, tmp_path)


def test_while_a_campaign_goes_on_its_report_claims_no_sum_of_events(account, db, tmp_path):
    campaign = store_campaign(db, [pair(1, 1), pair(2, 2)])
    account.dial_all()

    assert not [one for one in sums_of(account, campaign, tmp_path) if "attempt.settled" in one]

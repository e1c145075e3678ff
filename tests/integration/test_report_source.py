"""What a report reads from Redis beside contacts: how long work was ready, what is open, strays."""

import pytest

from campaigns.attempt import AttemptState
from dialer.pacing import Allowance
from dialer.reporting.source import report_source
from dialer.store import CallbackInbox
from tests.factories import pair, store_campaign
from tests.phone_company import Answer


def source_of(account, campaign, tmp_path):
    found = account.campaigns.find(campaign)
    return report_source(account.db, found, Allowance(), archives=tmp_path)


@pytest.mark.parametrize("people", [1, 2])
def test_work_is_ready_while_it_is_released_and_waits_for_its_slot(account, tmp_path, people):
    campaign = store_campaign(account.db, [pair(n, n) for n in range(people)])
    account.tick()
    for _ in range(5):
        account.db.pass_time(0.1)
        account.tick()

    pace = source_of(account, campaign, tmp_path).pace

    assert pace.ready_s == pytest.approx(0.5)


def test_while_nothing_is_released_no_work_is_ready(account, tmp_path):
    campaign = store_campaign(account.db, [pair(1, 1)])
    account.dial_one()
    for _ in range(5):
        account.db.pass_time(0.1)
        account.tick()

    assert source_of(account, campaign, tmp_path).pace.ready_s is None


def test_an_attempt_in_quarantine_tells_when_it_is_looked_at_next(account, tmp_path):
    campaign = store_campaign(account.db, [pair(1, 1)])
    account.company.answers.append(Answer.LOST)
    dialled = account.dial_one()

    source = source_of(account, campaign, tmp_path)

    assert dialled.attempt.state is AttemptState.UNKNOWN
    assert source.next_looks[str(dialled.attempt_id)] > account.db.now()


def test_a_stray_callback_is_told_to_the_campaign_it_names_and_to_no_other(account, tmp_path):
    campaign, other = (store_campaign(account.db, [pair(n, n)], name=f"list {n}") for n in (1, 2))
    facts = CallbackInbox(account.db)
    facts.ensure_group()
    stray = f"{campaign}-1-1-k3x9p0a1b2"
    facts.append(attempt_id=stray, content_type="application/json", body=b"{}")
    (fact,) = facts.read("me", most=1, wait_s=0.1)
    facts.set_aside(fact, why="no such attempt")

    (orphan,) = source_of(account, campaign, tmp_path).orphans

    assert (orphan.attempt_id, orphan.why) == (stray, "no such attempt")
    assert source_of(account, other, tmp_path).orphans == []

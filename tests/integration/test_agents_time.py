"""Reports tell how agents spent their time, from the log of presence and the calls; archives tell the same."""

import csv
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from campaigns.agents.agent import Agent, Presence
from campaigns.numbers.phone_rules import PhoneRules
from dialer.agents.presence import Presences
from dialer.agents.registry import Registry
from dialer.archiving.archiving import Archiving
from dialer.pacing import Allowance
from dialer.reporting.reporting import write_reports
from dialer.reporting.source import report_source
from tests.factories import agent, details, pair, store_campaign

TIMES = ("talk_s", "wait_s", "wrap_up_s", "break_s", "idle_s")


@pytest.fixture
def people(db) -> list[Agent]:
    registry = Registry(db, phone_rules=PhoneRules(), zone=ZoneInfo("Asia/Kolkata"))
    return registry.put([Agent(agent(1)), Agent(agent(2))])


def dial(account, *, for_s: float) -> None:
    """Dial whoever can be, and let them talk; all ends for good."""
    dialled = account.dial_all()
    account.db.pass_time(for_s)
    for one in dialled:
        report = details(one.attempt.sid, talk_s=20, ended_at_s=account.db.now())
        account.settling.report(one.attempt_id, report, at=account.db.now())


def by_agent(account, campaign, folder) -> dict[str, dict[str, int]]:
    found = account.campaigns.find(campaign)
    source = report_source(account.db, found, Allowance(), archives=folder / "archive")
    as_of = datetime.fromtimestamp(account.db.now(), UTC)
    made = write_reports(source, folder / "out", as_of=as_of)
    (path,) = [one for one in made.files if "_by_agent_" in one.name]
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["key"]: {name: int(row[name]) for name in (*TIMES, "shift_s")} for row in rows}


def test_talk_wait_wrap_up_break_and_idle_sum_to_the_shift(account, db, people, tmp_path):
    presences = Presences(db)
    campaign = store_campaign(db, [pair(1, 1), pair(2, 2), pair(1, 3)], wrap_up_s=10)
    presences.set([people[1]], Presence.BREAK, reason="tea")  # from the start on
    db.pass_time(100)
    dial(account, for_s=30)
    presences.set([people[1]], Presence.ON)
    db.pass_time(70)
    dial(account, for_s=30)
    presences.set([people[0]], Presence.OFF)
    db.pass_time(50)

    told = by_agent(account, campaign, tmp_path)

    first, second = told[agent(1)[1:]], told[agent(2)[1:]]
    assert all(one["shift_s"] == sum(one[name] for name in TIMES) for one in told.values())
    ran_s = int(account.campaigns.find(campaign).ended_at) - int(
        account.campaigns.find(campaign).started_at
    )
    assert (first["talk_s"], first["break_s"]) == (40, 0)
    assert second["talk_s"] == 20
    assert 129 <= second["break_s"] <= 131
    for one in (first, second):
        assert one["shift_s"] >= ran_s - 1


def test_an_archive_tells_the_same_though_the_log_of_presence_went(account, db, people, tmp_path):
    campaign = store_campaign(db, [pair(1, 1)])
    Presences(db).set([people[0]], Presence.BREAK)
    db.pass_time(60)
    Presences(db).set([people[0]], Presence.ON)
    dial(account, for_s=30)
    before = by_agent(account, campaign, tmp_path)
    assert before[agent(1)[1:]]["break_s"] > 50

    found = account.campaigns.find(campaign)
    Archiving(db, archives=tmp_path / "archive").archive(found, force=True)
    db.client.delete(db.key("presence_log"))

    assert by_agent(account, campaign, tmp_path) == before


def test_who_was_off_all_along_was_at_work_only_while_on_a_call(account, db, people, tmp_path):
    campaign = store_campaign(db, [pair(1, 1)])
    dialled = account.dial_all()
    Presences(db).set([people[0]], Presence.OFF)
    db.pass_time(40)
    for one in dialled:
        report = details(one.attempt.sid, talk_s=20, ended_at_s=db.now())
        account.settling.report(one.attempt_id, report, at=db.now())

    told = by_agent(account, campaign, tmp_path)[agent(1)[1:]]
    assert told["talk_s"] + told["wait_s"] == told["shift_s"] - told["idle_s"]
    assert told["idle_s"] <= 1

"""Each kind of event is written by the very script that makes its change, as Redis itself sees it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from campaigns.agents.agent import Agent, Presence
from campaigns.alerts import AlertKind
from campaigns.attempt import ReportSource
from campaigns.campaign import CampaignState
from campaigns.caps import AccountCaps
from campaigns.events import EventKind
from campaigns.numbers.phone_rules import PhoneRules
from dialer.agents.moving import Moving
from dialer.agents.presence import Presences
from dialer.agents.registry import Registry
from dialer.dialing.resuming import resume_account
from dialer.ids import AttemptId, ContactId
from dialer.settling.disposing import Said, dispose
from dialer.steering.calling_back import call_back
from dialer.store import Holds
from dialer.store.alerts import Alert, Alerts
from dialer.store.events import BEGINNING, EventStream, ReportFinal, entries
from dialer.store.recordings import Kept, KeptRecordings
from tests.account_kit import Account
from tests.factories import agent, details, pair, store_campaign, terminal
from tests.phone_company import Answer

_END = "that was all"


def attempt(account: Account) -> AttemptId:
    id_ = AttemptId.parse(account.company.calls[-1].attempt_id)
    assert id_ is not None
    return id_


def a_call(account: Account, **rules: object) -> str:
    campaign = store_campaign(account.db, [pair(1, 1)], **rules)
    account.dial_and_end()
    return campaign


def a_correction(account: Account) -> None:
    a_call(account)
    id_ = attempt(account)
    for _ in range(2):
        account.db.pass_time(1000)
        sid = account.attempts.get(id_).sid
        report = details(sid, customer_status="no-answer", talk_s=0, source=ReportSource.DETAILS)
        account.settling.report(id_, report, at=account.db.now())


def a_late_price(account: Account) -> None:
    campaign = a_call(account)
    account.db.run(ReportFinal(campaign))
    id_ = attempt(account)
    report = details(account.attempts.get(id_).sid, price=Decimal("2.5"))
    account.settling.report(id_, report, at=account.db.now())


def a_contact_that_is_called_again(account: Account) -> None:
    campaign = a_call(account)
    at = datetime.fromtimestamp(account.db.now() + 60, UTC)
    call_back(account.db, ContactId(campaign, 1), at, reopen=True)


def a_word_of_the_agents(account: Account) -> None:
    campaign = a_call(account, disposition=["sale:final", "none:final"])
    for name in ("sale", "none"):
        dispose(account.db, account.settling, ContactId(campaign, 1), Said(name, by="Asha"))


def a_move(account: Account) -> None:
    store_campaign(account.db, [pair(1, 1), pair(1, 2)])
    registry = Registry(account.db, phone_rules=PhoneRules(), zone=UTC)
    source, target = registry.put([Agent(agent(1)), Agent(agent(2))])
    moving = Moving(account.db)
    moving.move(source, moving.to_agent(target), moving.waiting(source))


def a_cancellation(account: Account) -> None:
    campaign = store_campaign(account.db, [pair(1, 1), pair(2, 2)], running=False)
    account.campaigns.move(account.campaigns.find(campaign), CampaignState.CANCELLING)
    account.tick()


def a_pause(account: Account) -> None:
    found = account.campaigns.find(store_campaign(account.db, [pair(1, 1)]))
    account.campaigns.move(found, CampaignState.PAUSED, why="lunch")


def a_stop_and_its_end(account: Account) -> None:
    store_campaign(account.db, [pair(1, 1)])
    account.company.answers.append(Answer.NO_BALANCE)
    account.dial_all()
    resume_account(account.db)


def a_hold_and_its_end(account: Account) -> None:
    holds = Holds(account.db)
    holds.set_by_hand("maintenance")
    holds.release(hand=holds.read().hand, machine=None)


def a_cap(account: Account) -> None:
    account.options = replace(
        account.options, caps=AccountCaps(calls=1), zone=ZoneInfo("Asia/Kolkata")
    )
    store_campaign(account.db, [pair(1, 1), pair(2, 2)])
    account.dial_all()


def an_agent_who_misses(account: Account) -> None:
    store_campaign(account.db, [pair(1, 1)], park_after=1, park_s=60)
    sid = account.dial_one().attempt.sid
    report = terminal(sid, agent_status="no-answer", customer_status=None, talk_s=0)
    account.settling.report(attempt(account), report, at=account.db.now())


def a_break(account: Account) -> None:
    registry = Registry(account.db, phone_rules=PhoneRules(), zone=UTC)
    (one,) = registry.put([Agent(agent(1))])
    Presences(account.db).set([one], Presence.BREAK, reason="lunch", by="anita")


def a_recording(account: Account) -> None:
    a_call(account)
    KeptRecordings(account.db).keep(attempt(account), Kept("c/1.mp3", "audio/mpeg", 1, "0", 1.0))


def an_alert(account: Account) -> None:
    alert = Alert("a", "r", AlertKind.HELD, "", "held", "", 1.0)
    Alerts(account.db).begin(alert, tells=EventKind.ALERT_BEGUN, details="{}")
    Alerts(account.db).drop(alert, tells=EventKind.ALERT_OVER, details="{}")


CHANGES: dict[Callable[[Account], object], dict[EventKind, str]] = {
    a_call: {
        EventKind.ATTEMPT_PLACED: r"HSET \S+:attempts:0 1-1 ",
        EventKind.ATTEMPT_ANSWERED: r"HSET \S+:attempts:0 1-1 ",
        EventKind.ATTEMPT_SETTLED: r"HSET \S+:attempts:0 1-1 ",
        EventKind.CONTACT_FINAL: r"SETRANGE \S+:contacts:0 ",
        EventKind.CAMPAIGN_STARTED: r"HSET \S+ .*state running",
        EventKind.CAMPAIGN_COMPLETED: r"HSET \S+ state completed",
    },
    a_correction: {
        EventKind.ATTEMPT_CORRECTED: r"HSET \S+:attempts:0 1-1 ",
        EventKind.CONTACT_CORRECTED: r"SETRANGE \S+:contacts:0 ",
    },
    a_late_price: {
        EventKind.REPORT_FINAL: r"SREM \S+:ended ",
        EventKind.ATTEMPT_CORRECTED: r"HSET \S+:attempts:0 1-1 ",
    },
    a_contact_that_is_called_again: {
        EventKind.CONTACT_REOPENED: r"SETRANGE \S+:contacts:0 ",
        EventKind.CAMPAIGN_REOPENED: r"HSET \S+ state loaded",
    },
    a_word_of_the_agents: {
        EventKind.CONTACT_DISPOSITIONED: r"HSET \S+:attempts:0 1-1 .*sale",
        EventKind.DISPOSITION_CORRECTED: r"HSET \S+:attempts:0 1-1 .*none",
    },
    a_move: {EventKind.CONTACTS_MOVED: r"SETRANGE \S+:contacts:0 "},
    a_cancellation: {
        EventKind.CONTACTS_CLOSED: r"SET(RANGE)? \S+:contacts:0 ",
        EventKind.CAMPAIGN_CANCELLED: r"HSET \S+ state cancelled",
    },
    a_pause: {EventKind.CAMPAIGN_PAUSED: r"HSET \S+ .*state paused"},
    a_stop_and_its_end: {
        EventKind.ACCOUNT_STOPPED: r"HSET \S+:account stopped ",
        EventKind.ACCOUNT_RESUMED: r"HDEL \S+:account .*stopped",
    },
    a_hold_and_its_end: {
        EventKind.ACCOUNT_HELD: r"HSET \S+:account .*hand ",
        EventKind.ACCOUNT_RELEASED: r"HDEL \S+:account .*hand",
    },
    a_cap: {EventKind.ACCOUNT_CAPPED: r"HSET \S+:account capped_by "},
    an_agent_who_misses: {
        EventKind.AGENT_MISSED: r"HINCRBY \S+:missed ",
        EventKind.AGENT_PARKED: r"HSET \S+:parked ",
    },
    a_break: {EventKind.AGENT_PRESENCE: r"HSET \S+:presence "},
    a_recording: {EventKind.RECORDING_STORED: r"HSETNX \S+:recordings 1-1 "},
    an_alert: {
        EventKind.ALERT_BEGUN: r"HSETNX \S+:alerts ",
        EventKind.ALERT_OVER: r"HDEL \S+:alerts ",
    },
}


def scripts_seen(account: Account, change: Callable[[Account], object]) -> Iterator[list[str]]:
    """Give what each script did meanwhile, command by command, as the server tells."""
    client = account.db.client
    with client.monitor() as monitor:
        change(account)
        client.echo(_END)
        did: list[str] = []
        for one in monitor.listen():
            if one["client_type"] == "lua":
                did.append(one["command"])
                continue
            if did:
                yield did
            did = []
            if _END in one["command"]:
                return


@pytest.mark.parametrize("change", CHANGES)
def test_an_event_is_written_by_the_script_that_makes_its_change(account, change):
    told_with: dict[EventKind, str] = {}
    seen = list(scripts_seen(account, change))
    kinds = [one.kind for one in entries(EventStream(account.db).after(BEGINNING, most=1000))]
    for did in seen:
        for command in did:
            if command.startswith("XADD") and ":events " in command:
                told_with.setdefault(kinds.pop(0), "\n".join(did))

    assert kinds == []  # no event came in another way
    for kind, writes in CHANGES[change].items():
        assert re.search(writes, told_with[kind], re.MULTILINE), f"{kind}:\n{told_with[kind]}"


def test_every_kind_is_among_the_changes():
    assert {kind for kinds in CHANGES.values() for kind in kinds} == set(EventKind)

"""Agents are here or away: who is away is not rung, and their contacts wait and use up nothing."""

import io
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from campaigns.agents.agent import Agent, Presence
from campaigns.agents.shift import Shift
from campaigns.contact_state import ContactState
from dialer.agents.presence import BadPresence, Presences
from dialer.agents.registry import UnknownAgent
from dialer.dialing.gate import Dropped, StillOpen
from dialer.store.agents import AgentStore
from dialer.store.work import with_work
from dialer.watching.overview import AgentState, agent_states
from tests.account_kit import Account
from tests.conservation import check_conservation
from tests.factories import agent, customer, pair, store_campaign, terminal
from tests.phone_company import Answer
from tests.virtual_time import commands_run

INDIA = ZoneInfo("Asia/Kolkata")


def put(registry, *numbers: int, **said) -> list[Agent]:
    return registry.put([Agent(agent(one), **said) for one in numbers])


def local(db) -> datetime:
    return datetime.fromtimestamp(db.now(), INDIA)


def test_an_agent_on_a_break_is_not_rung_and_their_contact_uses_up_nothing(
    account, db, registry, presences
):
    campaign = store_campaign(db, [pair(1, 1), pair(2, 2)])
    (one,) = put(registry, 1)
    presences.set([one], Presence.BREAK, reason="lunch")

    assert account.rung() == [agent(2)]
    contact = account.contact(campaign, 1)
    assert (contact.made, contact.charged) == (0, 0)
    check_conservation(db)


def scripts_run(db) -> int:
    return db.client.info("commandstats")["cmdstat_evalsha"]["calls"]


def test_for_whom_a_campaign_has_work_is_found_in_few_commands_however_many_are_away(
    account, db, registry, presences
):
    gone = put(registry, *range(1_000))
    presences.set(gone, Presence.OFF)
    campaign = store_campaign(
        db, [pair(5, 1), pair(310, 2, priority=3), pair(311, 3), pair(311, 4, priority=1)]
    )
    account.tick()  # who is away leaves the turns
    digits = [one.number[1:] for one in gone]
    before = commands_run(db.client)

    found = with_work(db, campaign, digits)

    assert found == [digits[n] for n in (5, 310, 311)]
    assert commands_run(db.client) - before < len(digits) / 5


def test_a_step_that_sends_agents_away_holds_nobody_up(db, registry, presences):
    gone = put(registry, *range(1_000))
    before = scripts_run(db)

    presences.set(gone, Presence.OFF)

    assert scripts_run(db) - before >= len(gone) / 100


def test_who_comes_back_is_rung_at_once(account, db, registry, presences):
    store_campaign(db, [pair(1, 1)])
    (one,) = put(registry, 1)
    presences.set([one], Presence.OFF)
    assert account.rung() == []

    assert presences.set([one], Presence.ON) == [Presence.OFF]

    assert account.rung() == [agent(1)]


def test_a_break_ends_by_itself(account, db, registry, presences):
    store_campaign(db, [pair(1, 1)])
    (one,) = put(registry, 1)
    presences.set([one], Presence.BREAK, until_s=db.now() + 60)
    assert account.rung() == []
    db.pass_time(59)
    assert account.rung() == []

    db.pass_time(2)

    assert account.rung() == [agent(1)]
    assert presences.of([one])[0].state is Presence.ON


def test_the_gate_refuses_who_went_away_after_the_release(account, db, registry, presences):
    campaign = store_campaign(db, [pair(1, 1)])
    (released,) = account.tick()
    (one,) = put(registry, 1)

    presences.set([one], Presence.BREAK)

    assert account.dial(released) == Dropped("agent away")
    taken_back = account.contact(campaign)
    assert (taken_back.state, taken_back.made) == (ContactState.WAITING, 0)
    presences.set([one], Presence.ON)
    assert account.rung() == [agent(1)]
    check_conservation(db)


def test_a_request_that_was_long_on_its_way_does_not_leave_for_who_went_away(
    account, db, registry, presences
):
    campaign = store_campaign(db, [pair(1, 1)])
    (one,) = put(registry, 1)
    asked = StillOpen(campaign, agent(1)[1:], customer(1)[1:], 0)
    assert db.run(asked) == 1

    presences.set([one], Presence.BREAK)

    assert db.run(asked) == 0


def test_a_call_in_progress_goes_on_and_ends_as_usual(account, db, registry, presences):
    campaign = store_campaign(db, [pair(1, 1), pair(1, 2)])
    account.dial_one()
    (one,) = put(registry, 1)
    presences.set([one], Presence.BREAK)

    assert agent_states(db, [agent(1)])[agent(1)].state is AgentState.RINGING
    account.end_all()

    assert account.counts(campaign).outcomes == {"connected": 1}
    assert agent_states(db, [agent(1)])[agent(1)].state is AgentState.BREAK
    assert account.rung() == []
    presences.set([one], Presence.ON)
    assert account.rung() == [agent(1)]
    check_conservation(db)


def test_contacts_loaded_for_who_is_away_wait_until_they_are_back(account, db, registry, presences):
    (one,) = put(registry, 1)
    presences.set([one], Presence.OFF)
    store_campaign(db, [pair(1, 1), pair(1, 2, priority=5)])
    assert account.rung() == []

    presences.set([one], Presence.ON)

    assert account.rung() == [agent(1)]


def test_agents_come_and_go_with_their_shift(account, db, registry):
    store_campaign(db, [pair(1, n) for n in range(1, 9)])
    account.at_local("2027-01-04 08:00")  # a Monday
    loaded = registry.load(io.BytesIO(f"number,shift\n{agent(1)},mon-fri 09:00-18:00\n".encode()))
    assert loaded.new == 1

    assert account.rung() == []
    account.at_local("2027-01-04 09:00:01")
    assert account.rung() == [agent(1)]
    account.end_all()
    account.at_local("2027-01-04 18:00:01")
    assert account.rung() == []
    (one,) = registry.all()
    where = AgentStore(db).presence_of([one.number])[0]
    assert where.state is Presence.SHIFT
    assert datetime.fromtimestamp(where.until, INDIA).isoformat() == "2027-01-05T09:00:00+05:30"


def test_who_is_off_stays_off_when_their_shift_begins_and_who_is_on_may_stay_longer(
    account, db, registry, presences
):
    account.at_local("2027-01-04 17:00")
    off, late = (
        registry.load(
            io.BytesIO(f"number,shift\n{agent(1)},09:00-18:00\n{agent(2)},09:00-18:00\n".encode())
        )
        and registry.all()
    )
    presences.set([off], Presence.OFF)
    account.at_local("2027-01-04 18:00:01")
    account.tick()
    presences.set([late], Presence.ON)
    assert [one.state for one in presences.of([off, late])] == [Presence.OFF, Presence.ON]

    account.at_local("2027-01-05 09:00:01")
    account.tick()

    assert [one.state for one in presences.of([off, late])] == [Presence.OFF, Presence.ON]
    account.at_local("2027-01-05 18:00:01")
    account.tick()
    assert [one.state for one in presences.of([off, late])] == [Presence.OFF, Presence.SHIFT]


def test_a_break_that_ends_outside_of_the_shift_ends_with_its_begin(
    account, db, registry, presences
):
    account.at_local("2027-01-04 20:00")
    (one,) = put(registry, 1, shift=Shift.parse("09:00-18:00", INDIA))
    presences.set([one], Presence.BREAK, until_s=db.now() + 600)

    account.at_local("2027-01-04 21:00")
    account.tick()

    assert presences.of([one])[0].state is Presence.BREAK
    account.at_local("2027-01-05 09:00:01")
    account.tick()
    assert presences.of([one])[0].state is Presence.ON


def test_an_agent_has_at_most_their_calls_of_a_day(account, db, registry):
    account.at_local("2027-01-04 10:00")
    store_campaign(db, [pair(1, n) for n in range(1, 9)])
    (one,) = put(registry, 1, most_calls_a_day=2)
    for _ in range(2):
        assert account.rung() == [agent(1)]
        account.end_all()

    assert account.rung() == []
    assert AgentStore(db).presence_of([one.number])[0].state is Presence.FULL
    account.at_local("2027-01-05 00:00:01")
    assert account.rung() == [agent(1)]


def test_a_request_that_came_to_no_call_is_not_one_of_the_agents_calls(account, db, registry):
    store_campaign(db, [pair(1, 1), pair(1, 2)])
    put(registry, 1, most_calls_a_day=1)
    account.company.answers.append(Answer.NO_CONNECTION)
    account.dial_all()

    assert AgentStore(db).presence_of([agent(1)])[0].state is Presence.ON


def test_a_request_that_came_to_no_call_ends_nobodys_break(account, db, registry, presences):
    store_campaign(db, [pair(1, 1)])
    (one,) = put(registry, 1, most_calls_a_day=5)
    account.company.answers.append(Answer.NO_CONNECTION)
    account.company.before_answering = lambda: presences.set([one], Presence.BREAK)
    account.dial_all()

    assert presences.of([one])[0].state is Presence.BREAK


def test_missed_calls_in_a_row_are_told_as_missed_until_somebody_says_on(
    account, db, registry, presences
):
    store_campaign(db, [pair(1, n) for n in range(1, 9)], park_after=1, park_s=3600)
    (one,) = put(registry, 1)
    account.dial_one()
    (live,) = account.open_attempts()
    missed = terminal(live.attempt.sid, agent_status="no-answer", customer_status=None, talk_s=0)
    account.settling.report(live.id, missed, at=db.now())
    assert presences.of([one])[0].state is Presence.MISSED
    assert account.rung() == []

    assert presences.set([one], Presence.ON) == [Presence.MISSED]

    assert account.rung() == [agent(1)]


def test_every_change_stands_in_the_log_by_the_agents_id(db, registry, presences, account):
    (one,) = put(registry, 1)
    began = db.now()
    presences.set([one], Presence.BREAK, reason="lunch", by="asha", until_s=began + 60)
    db.pass_time(61)
    account.tick()

    log = list(AgentStore(db).log(from_s=0, until_s=10_000_000_000))

    assert [(entry.agent_id, entry.state, entry.reason, entry.by) for entry in log] == [
        (one.id, Presence.BREAK, "lunch", "asha"),
        (one.id, Presence.ON, "", "dialer"),
    ]


@pytest.mark.parametrize(
    ("state", "until_s"),
    [(Presence.SHIFT, None), (Presence.ON, 60), (Presence.BREAK, -1), (Presence.BREAK, 4e8)],
)
def test_what_cannot_be_is_refused(db, registry, presences, state, until_s):
    (one,) = put(registry, 1)
    with pytest.raises(BadPresence):
        presences.set([one], state, until_s=until_s and db.now() + until_s)


def test_nobody_is_found_who_is_not_registered(registry):
    with pytest.raises(UnknownAgent, match="dialer agents load"):
        registry.find(agent(5))


def test_an_agent_keeps_their_id_and_what_a_list_does_not_speak_of(registry):
    (before,) = put(registry, 1, groups=("Sales",))

    loaded = registry.load(io.BytesIO(f"agent,full name\n{agent(1)[1:]},Asha\n".encode()))

    (after,) = registry.all()
    assert (loaded.new, loaded.changed) == (0, 1)
    assert (after.id, after.name, after.groups) == (before.id, "Asha", ("Sales",))
    assert registry.find(before.id) == registry.find(agent(1)) == after


def test_rows_that_are_no_agents_are_rejected_with_their_reason(registry):
    text = (
        "number,name,shift,most calls a day,groups\n"
        f"{agent(1)},Asha,mon-fri 09:00-18:00,20,Sales;Support\n"
        "12,B,,,\n"
        f"{agent(2)},C,whenever,,\n"
        f"{agent(3)},D,,many,\n"
        f"{agent(1)},E,,,\n"
    )
    loaded = registry.load(io.BytesIO(text.encode()))

    assert [one.code for one in loaded.listed.rejected][1:] == [
        "bad_shift",
        "bad_most_calls",
        "duplicate_agent",
    ]
    assert loaded.listed.rejected[1].message.startswith(
        "Row 3 (line 4), shift: expected hours such as mon-fri 09:00-18:00, found whenever."
    )
    (one,) = registry.all()
    assert (one.groups, one.most_calls_a_day) == (("Sales", "Support"), 20)


def test_presence_of_one_account_is_not_that_of_another(redis_client, tmp_path, registry, db):
    from tests.virtual_time import VirtualDatabase  # noqa: PLC0415

    other = Account(VirtualDatabase(redis_client, "other"), tmp_path / "other")
    store_campaign(other.db, [pair(1, 1)])
    (one,) = put(registry, 1)
    Presences(db).set([one], Presence.OFF)

    assert other.rung() == [agent(1)]


def test_a_shift_that_ends_for_many_ends_for_all_of_them_at_once(account, db, registry):
    account.at_local("2027-01-04 17:59:59")
    shift = Shift.parse("09:00-18:00", INDIA)
    agents = registry.put([Agent(f"+91900000{n:04}", shift=shift) for n in range(1200)])

    account.at_local("2027-01-04 18:00:01")
    account.tick()

    where = AgentStore(db).presence_of([one.number for one in agents])
    assert {one.state for one in where} == {Presence.SHIFT}

"""Lists that name groups and stand-ins: what is taken, what is rejected with its reason, what is told."""

import csv
import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from campaigns.agents.agent import Agent, Presence
from campaigns.hours.calling_hours import CallingHours
from campaigns.lists.column_choice import ColumnChoice
from campaigns.lists.one_at_a_time import GivenContact
from campaigns.lists.sieve import Dedupe
from campaigns.numbers.phone_rules import PhoneRules
from campaigns.outlook.binding import in_the_way
from campaigns.outlook.forecast import forecast
from dialer.agents.presence import Presences
from dialer.agents.registry import Registry
from dialer.dialing.dialing import Dialled
from dialer.loading.adding import Adding, Took
from dialer.loading.loading import Loading, LoadOptions
from dialer.pacing import Allowance
from dialer.reporting.reporting import write_reports
from dialer.reporting.source import report_source
from dialer.reporting.tables import Kind
from dialer.store import Campaigns
from dialer.store.imports import Imports
from dialer.store.snapshot import contact_lines
from dialer.store.teams import Teams
from dialer.watching.agents_now import agents_now
from dialer.watching.overview import read_overview
from tests.factories import agent, customer, rules, start
from tests.integration.test_explaining import explained


@pytest.fixture
def registry(db) -> Registry:
    found = Registry(db, phone_rules=PhoneRules(), zone=ZoneInfo("Asia/Kolkata"))
    found.put([Agent(agent(one), groups=("Sales",)) for one in (1, 2)])
    return found


@pytest.fixture
def loading(db, tmp_path) -> Loading:
    return Loading(db, phone_rules=PhoneRules(), data_dir=tmp_path)


def load(loading, text: str, *, name: str = "sale", check: bool = False, **options):
    """Load a list, or only judge it."""
    of = {"rules": rules(**options.pop("rules", {})), "options": LoadOptions(**options)}
    file = io.BytesIO(text.encode())
    return loading.check(file, **of) if check else loading.load(file, name=name, **of)


def planned(db, loaded) -> list[str]:
    lines = contact_lines(db, loaded.campaign.id, size=loaded.campaign.accepted)
    return [line.planned for line in lines]


def written(db, out, campaign: str, kind: Kind) -> list[dict[str, str]]:
    source = report_source(db, Campaigns(db).find(campaign), Allowance(), archives=out)
    write_reports(source, out, as_of=datetime.fromtimestamp(db.now(), UTC), kinds=[kind])
    (path,) = out.glob(f"*_{kind}_*.csv")
    with path.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def rejected(db, loaded) -> list[tuple[str, str]]:
    return [(one.code, one.message) for one in Imports(db).rejected_rows(loaded.campaign.id)]


def test_a_column_of_groups_stands_for_that_of_agents(db, registry, loading, account):
    loaded = load(loading, f"agent_group,customer\nsales,{customer(1)}\nSALES,{customer(2)}\n")

    assert planned(db, loaded) == ["group sales", "group sales"]
    start(db, loaded.campaign.id)
    rung = {one.attempt.agent for one in account.dial_all() if isinstance(one, Dialled)}
    assert rung == {agent(1), agent(2)}


def test_a_row_names_an_agent_or_a_group_or_stand_ins(db, registry, loading):
    loaded = load(
        loading,
        "agent,agent_group,backup,customer\n"
        f"{agent(1)},,,{customer(1)}\n"
        f",Sales,,{customer(2)}\n"
        f"{agent(1)},,{agent(2)}; {agent(3)},{customer(3)}\n"
        f"{agent(1)},Sales,,{customer(4)}\n"
        f",Sales,{agent(2)},{customer(5)}\n"
        f"{agent(1)},,{agent(1)},{customer(6)}\n"
        f"{agent(1)},,12,{customer(7)}\n"
        f"{agent(1)},,{agent(2)},{agent(2)}\n"
        f",Nobody,,{customer(8)}\n"
        f",,,{customer(9)}\n",
    )

    assert planned(db, loaded) == [agent(1), "group Sales", f"{agent(1)} or stand-ins"]
    codes = [code for code, _ in rejected(db, loaded)]
    assert codes == [
        "agent_and_group",
        "bad_backup",
        "bad_backup",
        "bad_backup",
        "agent_is_customer",
        "unknown_group",
        codes[-1],
    ]
    messages = [message for _, message in rejected(db, loaded)]
    assert messages[0] == (
        "Row 4 (line 5), agent_group: expected an agent or a group, found Sales. Empty one of the "
        "two cells."
    )
    assert "Load a list of agents that has it first" in messages[5]


def test_a_group_that_is_new_is_taken_where_somebody_says_so_and_waits_for_agents(
    db, registry, loading, account
):
    text = f"agent_group,customer\nSupport,{customer(1)}\n"
    assert load(loading, text, check=True).summary.rejected == 1

    loaded = load(loading, text, new_groups=True)
    start(db, loaded.campaign.id)

    assert account.dial_all() == []
    registry.put([Agent(agent(5), groups=("support",))])
    (done,) = account.dial_all()
    assert done.attempt.agent == agent(5)


def test_to_judge_a_list_writes_nothing(db, registry, loading):
    before = {name: db.client.dump(name) for name in db.client.keys(f"{db.prefix}*")}

    checked = load(
        loading,
        "agent,agent_group,backup,customer\n"
        f",Sales,,{customer(1)}\n{agent(1)},,{agent(2)},{customer(2)}\n",
        check=True,
    )

    assert checked.summary.accepted == 2
    assert {name: db.client.dump(name) for name in db.client.keys(f"{db.prefix}*")} == before


def test_languages_and_skills_make_teams_of_their_own(db, registry, loading):
    loaded = load(
        loading,
        "agent_group,agent_language,agent_skills,customer\n"
        f"Sales,Hindi,,{customer(1)}\nSales,hindi,,{customer(2)}\nSales,,vip;refunds,{customer(3)}\n",
    )

    assert planned(db, loaded) == [
        "group Sales (Hindi)",
        "group Sales (Hindi)",
        "group Sales (vip, refunds)",
    ]
    assert len(Teams(db).all()) == 2


def test_what_is_appended_to_a_campaign_of_groups_goes_on_as_it_began(db, registry, loading):
    loaded = load(loading, f"agent_group,customer\nSales,{customer(1)}\n")

    more = loading.append(
        io.BytesIO(f"customer,agent_group\n{customer(2)},Sales\n".encode()),
        campaign=loaded.campaign,
        options=LoadOptions(),
    )

    assert planned(db, more) == ["group Sales", "group Sales"]
    diff = loading.compare(
        io.BytesIO(f"agent_group,customer\nSales,{customer(1)}\nSales,{customer(3)}\n".encode()),
        campaign=Campaigns(db).find("sale"),
        options=LoadOptions(),
    )
    assert (diff.new.count, diff.missing.count) == (1, 1)


def test_a_contact_by_itself_names_a_group_too(db, registry, loading):
    loaded = load(loading, f"agent,customer\n{agent(1)},{customer(1)}\n")
    adding = Adding(db, phone_rules=PhoneRules(), second_above=0)

    answers = adding.add(
        Campaigns(db).find(loaded.campaign.id),
        [
            GivenContact(customer=customer(2), agent_group="Sales"),
            GivenContact(agent=agent(1), customer=customer(3), backup=agent(2)),
            GivenContact(customer=customer(4), agent_group="Nobody"),
        ],
        dedupe=Dedupe.NONE,
        may_start=True,
    )

    assert [one.took for one in answers] == [Took.ADDED, Took.ADDED, Took.REJECTED]
    assert answers[2].code == "unknown_group"
    campaign = Campaigns(db).find(loaded.campaign.id)
    lines = contact_lines(db, campaign.id, size=campaign.accepted)
    assert [line.planned for line in lines][1:] == ["group Sales", f"{agent(1)} or stand-ins"]


def test_a_column_of_backup_numbers_is_no_agents_column(loading, registry, db):
    loaded = load(
        loading,
        f"Backup,Mobile,Agent\n{agent(2)},{customer(1)},{agent(1)}\n",
        choice=ColumnChoice(),
    )

    assert planned(db, loaded) == [f"{agent(1)} or stand-ins"]


def test_stand_ins_are_rung_while_the_agent_is_on_a_call_where_the_rules_of_the_load_say_so(
    db, registry, loading, account
):
    rows = "".join(f"{agent(1)},{agent(2)},{customer(one)}\n" for one in (1, 2))
    loaded = load(loading, f"agent,backup,customer\n{rows}", rules={"stand_in_when_busy": True})
    start(db, loaded.campaign.id)

    assert [one.attempt.agent for one in account.dial_all()] == [agent(1), agent(2)]


def test_reports_tell_who_was_planned_and_who_was_rung(db, registry, loading, account, tmp_path):
    loaded = load(
        loading,
        f"agent,agent_group,customer\n,Sales,{customer(1)}\n{agent(7)},,{customer(2)}\n",
    )
    start(db, loaded.campaign.id)
    account.dial_and_end()

    attempts, contacts = (
        written(db, tmp_path, loaded.campaign.id, kind) for kind in (Kind.ATTEMPTS, Kind.CONTACTS)
    )

    for rows in (attempts, contacts):
        assert [(one["agent_planned"], one["agent_rung"] != "") for one in rows] == [
            ("group Sales", True),
            (agent(7)[1:], True),
        ]
        assert all(one["agent"] == one["agent_rung"] for one in rows)


def test_why_and_the_forecast_know_teams_whose_agents_are_all_away_or_on_calls(
    db, registry, loading, account
):
    loaded = load(loading, f"agent_group,customer\nSales,{customer(1)}\nSales,{customer(2)}\n")
    campaign = loaded.campaign.id
    start(db, campaign)
    back_at = db.now() + 3600
    Presences(db).set(registry.all(), Presence.BREAK, until_s=back_at)
    account.dial_all()

    explanation = explained(account, campaign)

    (away,) = (one for one in explanation.blockers if one.name == "agent_away")
    assert away.contacts == 2
    assert away.until.timestamp() == pytest.approx(back_at, abs=1)
    bound = next(
        one for one in in_the_way(explanation.status.situation) if one.constraint == "agents"
    )
    assert "All agents with a contact due are away (1; the first is back" in bound.sentence
    at_work = explanation.status.situation._replace(feeders=1, workers=1)
    assert forecast(at_work, CallingHours.parse("always")).done_at.timestamp() >= back_at - 1
    Presences(db).set(registry.all(), Presence.ON)
    account.dial_all()
    assert explained(account, campaign).status.counts.in_flight == 2


def test_what_agents_do_names_teams_and_those_who_belong_to_them(db, registry, loading, account):
    loaded = load(loading, f"agent_group,customer\nSales,{customer(1)}\nSales,{customer(2)}\n")

    now = agents_now(db, loaded.campaign)

    assert [one.number for one in now.agents] == [agent(1), agent(2)]
    assert now.teams == {"group Sales": 2}
    start(db, loaded.campaign.id)
    account.dial_all()
    overview = read_overview(db, Campaigns(db).find(loaded.campaign.id))
    assert {name: one.open for name, one in overview.teams.items()} == {"group Sales": 2}
    assert all(number.startswith("+91") for number in overview.agents)

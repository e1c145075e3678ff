"""Redis forgets calls of groups and stand-ins: whoever was rung is held, and rung by nobody else."""

from zoneinfo import ZoneInfo

import pytest

from campaigns.agents.agent import Agent
from campaigns.agents.team import Team
from campaigns.attempt import Outcome
from campaigns.contact_state import ContactState
from campaigns.numbers.phone_rules import PhoneRules
from dialer.agents.registry import Registry
from dialer.agents.teams import TeamBook
from dialer.dialing.dialing import Dialled
from dialer.store import ContactRecord
from dialer.store.snapshot import contact_lines
from tests.conservation import check_conservation
from tests.factories import agent, customer, store_campaign
from tests.two_hosts import LONGEST_S, Site

TEAMS = {"group": Team("Sales"), "stand-ins": Team(agents=(agent(1), agent(2)))}


def campaign_of(site: Site, kind: str, *customers: int) -> str:
    """Store contacts of a team in which one agent may be rung now."""
    registry = Registry(site.db, phone_rules=PhoneRules(), zone=ZoneInfo("Asia/Kolkata"))
    registry.put([Agent(agent(1), groups=("Sales",))])
    team = TeamBook(site.db).number_of(TEAMS[kind])
    return store_campaign(
        site.db, [ContactRecord(agent=f"+{team}", customer=customer(one)) for one in customers]
    )


@pytest.mark.parametrize("kind", TEAMS)
def test_whoever_was_rung_is_held_when_a_host_brings_the_call_back(site, kind):
    campaign_of(site, kind, 1, 2)
    host = site.host("first")
    host.recovery.tick()
    (one,) = site.feed()
    before = site.snapshot()
    assert isinstance(host.dial(one), Dialled)
    site.feed()
    site.come_back_older(before)
    site.feed()
    site.db.pass_time(5)
    host.recovery.tick()
    assert site.hold.restored == 1
    check_conservation(site.db)

    site.seconds(8, host)

    assert site.hold is None
    assert not [done for done in site.dial_all(host) if isinstance(done, Dialled)]
    assert [call.agent for call in site.company.live()] == [agent(1)]
    check_conservation(site.db)


@pytest.mark.parametrize("kind", TEAMS)
def test_a_call_that_the_provider_alone_remembers_is_that_of_whoever_it_says_was_rung(site, kind):
    campaign = campaign_of(site, kind, 1)
    first, here = site.host("first"), site.host("here")
    here.recovery.tick()
    first.recovery.tick()
    (one,) = site.feed()
    before = site.snapshot()
    first.dial(one)
    site.feed()
    (call,) = site.company.live()
    site.company.end(call)
    site.come_back_older(before)
    first.is_lost_for_good()
    site.feed()
    site.db.pass_time(LONGEST_S)
    site.seconds(2, here)

    (line,) = contact_lines(site.db, campaign, size=1)
    assert (line.record.state, line.record.outcome) == (ContactState.FINAL, Outcome.CONNECTED)
    assert line.rung == agent(1)
    check_conservation(site.db)

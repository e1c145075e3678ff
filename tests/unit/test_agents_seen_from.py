"""What agents are doing, as one campaign sees it."""

from dialer.ids import AttemptId
from dialer.watching.overview import AgentNow, AgentState, seen_from

HERE, THERE = "aaaaaaaa", "bbbbbbbb"


def on_call(campaign: str) -> AgentNow:
    return AgentNow(AgentState.TALKING, 1.0, attempt=AttemptId(campaign, 1, 1, "0123456789"))


def test_an_agent_on_another_campaign_s_call_is_elsewhere():
    agents = {"+1": on_call(HERE), "+2": on_call(THERE), "+3": AgentNow(AgentState.WRAP_UP)}

    found = {number: now.state for number, now in seen_from(HERE, agents, in_flight=1).items()}

    assert found == {"+1": AgentState.TALKING, "+2": AgentState.ELSEWHERE, "+3": AgentState.WRAP_UP}


def test_where_nothing_of_a_campaign_is_in_flight_no_agent_is_about_to_be_rung_for_it():
    agents = {"+1": AgentNow(AgentState.RINGING)}

    assert seen_from(HERE, agents, in_flight=0)["+1"].state is AgentState.ELSEWHERE
    assert seen_from(HERE, agents, in_flight=1)["+1"].state is AgentState.RINGING

"""The supervisors' page of agents: where each is, links to their pages, the message of the day."""

import re

import pytest

from campaigns.agents.agent import Agent
from dialer.access.agent_links import AgentLinks
from dialer.access.api_keys import Scope
from tests.factories import agent
from tests.web_kit import Site


@pytest.fixture
def agents(web: Site) -> list[Agent]:
    return web.wiring.registry.put(
        [Agent(agent(n), name=f"Agent {n}") for n in range(1, 4)],
    )


def test_several_agents_are_sent_on_a_break_at_once(web: Site, agents: list[Agent]) -> None:
    browser = web.browser()
    answer = browser.client.post(
        "/agents/presence",
        data={
            "csrf_token": browser.token("/agents"),
            "agent": [agents[0].id, agents[1].id],
            "state": "break",
            "reason": "fire drill",
            "minutes": "20",
        },
    )

    assert answer.status_code == 303
    states = [one.state for one in web.wiring.presences.of(agents)]
    assert states == ["break", "break", "on"]
    page = browser.get("/agents").text
    assert page.count("fire drill") == 2
    assert all(f"Agent {n}" in page for n in range(1, 4))


@pytest.mark.parametrize(
    "given",
    [
        {"state": "break"},
        {"agent": "0000000000", "state": "break"},
        {"agent": "ours", "state": "full"},
        {"agent": "ours", "state": "break", "minutes": "soon"},
    ],
)
def test_a_form_that_says_nothing_sets_nothing(
    web: Site, agents: list[Agent], given: dict[str, str]
) -> None:
    given = {name: agents[0].id if one == "ours" else one for name, one in given.items()}

    answer = web.browser().post("/agents/presence", **given)

    assert answer.status_code in {404, 422}
    assert {one.state for one in web.wiring.presences.of(agents)} == {"on"}


def test_a_link_is_shown_once_with_its_code_and_can_be_revoked(
    web: Site, agents: list[Agent]
) -> None:
    browser, path = web.browser(), f"/agents/{agents[0].id}/links"
    made = browser.post(path, days="7").text
    (link,) = re.findall(r"/a/([\w-]{30,})", made)

    assert 'src="data:image/svg+xml' in made
    assert link not in browser.get(path).text
    assert web.client.get(f"/a/{link}").status_code == 200

    browser.post(f"{path}/revoke")

    assert web.client.get(f"/a/{link}").status_code == 404
    assert AgentLinks(web.wiring.db).all() == []


def test_the_message_of_the_day_is_on_the_agents_pages(web: Site, agents: list[Agent]) -> None:
    web.browser().post("/agents/notice", text="Prices <are> new")

    _, link = AgentLinks(web.wiring.db).make(agents[0].id, by="a test")
    assert "Prices &lt;are&gt; new" in web.client.get(f"/a/{link}").text


@pytest.mark.parametrize("scope", [Scope.READ, Scope.READ_MASKED, Scope.UPLOAD])
def test_who_may_not_operate_sees_the_page_and_changes_nothing(
    web: Site, agents: list[Agent], scope: Scope
) -> None:
    browser = web.browser(web.key(scope))
    page = browser.get("/agents")

    assert page.status_code == 200
    assert 'type="checkbox"' not in page.text
    assert ("Agent 1" in page.text) == (scope is not Scope.READ_MASKED)
    assert browser.get(f"/agents/{agents[0].id}/links").status_code == 403
    for path in ("/agents/presence", "/agents/notice", f"/agents/{agents[0].id}/links"):
        sent = browser.client.post(path, data={"agent": agents[0].id, "state": "off"})
        assert sent.status_code == 403

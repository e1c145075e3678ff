"""An agent with a link to their page, who talked to somebody: for tests of pages."""

import json
from dataclasses import dataclass

import httpx
import pytest

from campaigns.agents.agent import Agent
from campaigns.attempt import AttemptState, Outcome
from campaigns.contact_state import ContactState
from dialer.access.agent_links import AgentLinks
from dialer.store.attempts import encode
from tests.factories import agent, attempt, customer, pair, record_bytes
from tests.web_kit import Site


@dataclass
class Desk:
    """An agent with a link, who talked to somebody."""

    web: Site
    agent: Agent
    link: str
    contact: str
    attempt: str

    @property
    def path(self) -> str:
        return f"/a/{self.link}"

    def get(self, path: str = "", **more: object) -> httpx.Response:
        return self.web.client.get(self.path + path, headers={"Accept": "text/html"}, **more)  # type: ignore[arg-type]

    def post(self, path: str, *, headers: dict[str, str] | None = None, **form: str):
        usual = {"Accept": "text/plain", "Sec-Fetch-Site": "same-origin"}
        return self.web.client.post(
            self.path + path, data=form, headers=usual if headers is None else headers
        )

    def event(self) -> dict[str, object]:
        """The first piece of news of the page."""
        with self.web.client.stream("GET", f"{self.path}/events") as answer:
            for line in answer.iter_lines():
                if line.startswith("data: {") and "parts" in line:
                    told: dict[str, object] = json.loads(line.removeprefix("data: "))
                    return told
        raise AssertionError("no news")


def desk_of(web: Site, no: int) -> Desk:
    db = web.wiring.db
    (known,) = web.wiring.registry.put([Agent(agent(no), name=f"Agent {no}")])
    loaded = web.upload(
        f"agent,customer,name,plan,note\n{agent(no)},{customer(no)},Customer {no},gold,secret\n",
        name=f"campaign {no}",
        disposition="sale,call_back:retry=1d",
        agent_sees="plan",
    )
    id_ = loaded.json()["campaign_id"]
    record = pair(no, no, state=ContactState.OPEN, made=1, charged=1)
    db.client.setrange(db.key("c", id_, "contacts", 0), 0, record_bytes(record))
    talked = attempt(
        state=AttemptState.SETTLED,
        outcome=Outcome.CONNECTED,
        settled_at=db.now(),
        talk_s=65,
        agent=agent(no),
        customer=customer(no),
    )
    db.client.hset(db.key("c", id_, "attempts", 0), "1-1", encode(talked))
    for state, by in (("waiting", -1), ("open", 1)):
        db.client.hincrby(db.key("c", id_, "counts"), state, by)
    talk = f"{id_}-1-1-{talked.nonce}"
    db.client.lpush(db.key("talks", agent(no)[1:]), talk)
    _, link = AgentLinks(db).make(known.id, by="a test")
    return Desk(web, known, link, f"{id_}-1", talk)


@pytest.fixture
def next_desk(web: Site) -> Desk:
    """A desk of the test's own on a site that serves all tests of its file."""
    desks: list[Desk] = web.__dict__.setdefault("desks", [])
    desks.append(desk_of(web, len(desks) + 1))
    return desks[-1]

"""Fifty agents at work on their own pages while processes are killed: nobody is rung twice, no word is lost."""

import random
import re
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from campaigns.agents.agent import Agent
from campaigns.numbers.phone_rules import PhoneRules
from dialer.access.agent_links import AgentLinks
from dialer.agents.registry import Registry
from dialer.simulator import Fate
from dialer.store import Database
from tests.acceptance.rig import Rig, agrees_with_provider, dialer
from tests.chaos.fault_settings import PROVIDER, SETTINGS
from tests.chaos.processes_under_test import ProviderProcess, RedisProcess
from tests.conservation import check_conservation
from tests.patience import until

pytestmark = pytest.mark.long

AGENTS, GROUPS, CONTACTS, KILLS = 50, 5, 120, 8
VICTIMS = ("worker", "results", "worker:2", "feeder", "web")
WORDS = ("sale", "promise", "wrong_number")
_TALK = re.compile(r'data-talk="([0-9a-z-]+)"')


@dataclass
class Desks:
    """Agents who click: what each said of which conversation, and was told that it is kept."""

    base: str
    links: dict[str, str]
    taken: dict[str, tuple[str, str]] = field(default_factory=dict)
    presences: int = 0

    @contextmanager
    def clicking(self, threads: int = 5) -> Iterator[None]:
        stop, names = threading.Event(), list(self.links)
        crews = [
            threading.Thread(target=self._click, args=(names[n::threads], stop, n), daemon=True)
            for n in range(threads)
        ]
        for one in crews:
            one.start()
        try:
            yield
        finally:
            stop.set()
            for one in crews:
                one.join()

    def _click(self, names: Sequence[str], stop: threading.Event, seed: int) -> None:
        chance = random.Random(seed)
        with httpx.Client(base_url=self.base, timeout=20, verify=False) as client:
            while not stop.wait(0.2):
                name = chance.choice(names)
                with suppress(httpx.HTTPError):  # its process was killed: as a person would, later
                    self._look(client, name, chance)

    def _look(self, client: httpx.Client, name: str, chance: random.Random) -> None:
        page = f"/a/{self.links[name]}"
        for attempt in _TALK.findall(client.get(page, headers={"Accept": "text/html"}).text):
            word = WORDS[
                int(attempt.split("-")[1]) % len(WORDS)
            ]  # the same however often it is pressed
            told = client.post(
                f"{page}/disposition", data={"attempt": attempt, "disposition": word}
            )
            if told.status_code == 204:
                self.taken[attempt] = (word, name)
        state = "break" if chance.random() < 0.2 else "on"
        done = client.post(f"{page}/presence", data={"state": state, "minutes": "1"})
        self.presences += done.status_code == 204


def registered(db: Database) -> dict[str, str]:
    """Register agents, ten to a group; gives their links by name."""
    registry = Registry(db, phone_rules=PhoneRules(), zone=ZoneInfo("Asia/Kolkata"))
    agents = registry.put(
        [
            Agent(f"+9198765{n:05d}", name=f"Agent {n}", groups=(f"group {n % GROUPS}",))
            for n in range(AGENTS)
        ]
    )
    return {one.name: AgentLinks(db).make(one.id, by="a test")[1] for one in agents}


def loaded(rig: Rig) -> None:
    file = rig.folder / "camp.csv"
    rows = [f"group {n % GROUPS},+9190000{n:05d},name {n}" for n in range(CONTACTS)]
    file.write_text("\n".join(["agent_group,customer,name", *rows]) + "\n", encoding="utf-8")
    words = ("--disposition", ",".join(WORDS), "--disposition-within", "90s")
    told = rig.json("campaign", "load", str(file), "--name", "camp", "--start", *words)
    rig.ids["camp"] = told["campaign_id"]


def kill_in_turn(rig: Rig, desks: Desks) -> None:
    """Kill a process each time a few more words were taken, and start another in its place."""
    for n in range(KILLS):
        victim, before = VICTIMS[n % len(VICTIMS)], len(desks.taken)
        until(lambda: len(desks.taken) >= before + 4, within_s=240, what="more words")  # noqa: B023
        rig.kill(victim)
        rig.start(victim)


def test_fifty_agents_click_while_processes_are_killed_and_every_word_that_was_taken_stands(
    tmp_path: Path,
) -> None:
    options = replace(PROVIDER, outcomes={Fate.CONNECTED: 1}, rate_limit=200, rate_window_s=20)
    limit = {"EXOTEL_RATE_LIMIT": "200", "EXOTEL_RATE_WINDOW_S": "20"}
    roles = ("web", "feeder", "results", "worker", "worker:2")
    with RedisProcess(tmp_path / "redis") as server, ProviderProcess(options) as provider:
        db = Database(server.client(), "demo")
        settings = {**SETTINGS, **limit, "REDIS_URL": server.url}
        with dialer(tmp_path, provider.url, roles=roles, **settings) as rig:
            desks = Desks(f"http://127.0.0.1:{rig.port}", registered(db))
            loaded(rig)
            with desks.clicking():
                kill_in_turn(rig, desks)
                rig.wait_for_state("completed", within_s=400)
            agrees_with_provider(rig)
            attempts = rig.attempts()  # the report fails where a sum does not hold
        check_conservation(db)
        log = list(db.client.xrange(db.key("presence_log")))

    said = Counter(one["disposition"] for one in attempts if one["outcome"] == "connected")
    connected = said.total()
    assert connected == sum(said[word] for word in (*WORDS, "open", "none"))
    assert len(desks.taken) > KILLS * 4
    by_id = {one["attempt_id"]: one for one in attempts}
    for attempt, (word, name) in desks.taken.items():
        kept = by_id[attempt]
        assert (kept["disposition"], kept["disposition_by"]) == (word, name)
        assert kept["agent_rung"].lstrip("+").endswith(f"{int(name.split()[1]):05d}")
    assert len(log) >= desks.presences > 0

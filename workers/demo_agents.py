"""Agents of the demo, who say on their own pages what came of their conversations."""

import random
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx

from campaigns.agents.agent import Agent
from dialer.access.agent_links import AgentLinks
from workers.wiring import Wiring

DISPOSITIONS = ("sale", "promise_to_pay", "not_interested:final", "wrong_number:final")
WITHIN = "6s"
"""Who is not played says nothing, and the demo is over in a minute."""

_PLAYED = 4
_LOOK_EVERY_S = 0.7
_TALK = re.compile(r'data-talk="([0-9a-z-]+)"')
_NOTES = ("", "", "asked for the leaflet", "pays on the 5th")


@contextmanager
def played_agents(wiring: Wiring, numbers: Sequence[str], page_url: str) -> Iterator[str]:
    """Play some agents as long as the block lasts; gives the address of the page of one who is not."""
    named = [Agent(number, name=f"Agent {n}") for n, number in enumerate(numbers, start=1)]
    links = AgentLinks(wiring.db)
    base = page_url.rstrip("/")
    pages = [
        f"{base}/a/{links.make(one.id, days=1, by='the demo')[1]}"
        for one in wiring.registry.put(named)[: _PLAYED + 1]
    ]
    stop = threading.Event()
    playing = threading.Thread(target=_play, args=(pages[:_PLAYED], stop), daemon=True)
    playing.start()
    try:
        yield pages[-1]
    finally:
        stop.set()
        playing.join()


def _play(pages: Sequence[str], stop: threading.Event) -> None:
    chance = random.Random(11)  # noqa: S311  # the demo shall be the same each time
    names = [one.partition(":")[0] for one in DISPOSITIONS]
    with httpx.Client(timeout=5, headers={"Accept": "text/html"}) as client:
        while not stop.wait(_LOOK_EVERY_S):
            for page in pages:
                try:
                    for talk in _TALK.findall(client.get(page).text):
                        word, note = chance.choice(names), chance.choice(_NOTES)
                        said = {"attempt": talk, "disposition": word, "note": note}
                        client.post(f"{page}/disposition", data=said)
                except httpx.HTTPError:
                    continue  # as a person would: again at the next look

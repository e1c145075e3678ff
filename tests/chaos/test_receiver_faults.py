"""Receivers that fail in every way while processes are killed: all are told all, and none harms another."""

import json
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from dialer.simulator import SimulatorOptions
from tests.acceptance.rig import Rig, agrees_with_provider, dialer, pairs
from tests.acceptance.test_promises import FAST, QUICK
from tests.chaos.processes_under_test import RedisProcess
from tests.patience import until
from tests.receiver import Receiver, receiving
from workers.sandbox import running

pytestmark = pytest.mark.long

CONTACTS = 80
DEAD = 10
KILL_EVERY_S = 2.0
SHORT_QUARANTINE = {"DIALER_QUARANTINE_SLACK_S": "0", "DIALER_HTTP_DEADLINE_S": "3"}
SHORT_CALLS = ("--time-limit", "10", "--time-out", "5")


@dataclass
class Told:
    """A rig whose happenings are told."""

    rig: Rig

    def add(self, receiver: Receiver, *options: str) -> str:
        made = self.rig.json("webhook", "add", receiver.url, *options)
        receiver.secret = made["secret"]
        return made["webhook_id"]

    def emitted(self) -> dict[str, dict]:
        done = self.rig.run("events", "tail", "--all", "--no-follow", "--json")
        assert done.returncode == 0, done.stderr
        documents = map(json.loads, done.stdout.splitlines())
        return {one["id"]: one for one in documents}

    def is_over(self) -> bool:
        """Nothing more is told of the campaign."""
        return any(one["type"] == "campaign.report_final" for one in self.emitted().values())

    def run(self, *args: str) -> None:
        done = self.rig.run(*args)
        assert done.returncode == 0, f"{args}: {done.stdout}{done.stderr}"

    def kill_and_start(self, role: str) -> None:
        self.rig.kill(role)
        self.rig.start(role)


@contextmanager
def telling(tmp_path) -> Iterator[Told]:
    options = SimulatorOptions(rate_limit=100, rate_window_s=3, speed=120)
    with (
        running(options) as provider,
        RedisProcess(tmp_path / "redis") as server,
        dialer(
            tmp_path,
            provider,
            roles=("web", "feeder", "results", "worker", "events"),
            REDIS_URL=server.url,
            DIALER_ALLOWED_URL_HOSTS="127.0.0.1",
            **FAST,
            **SHORT_QUARANTINE,
        ) as rig,
    ):
        yield Told(rig)


@pytest.mark.timeout(600)
def test_through_kills_a_receiver_that_fails_in_every_way_has_what_was_emitted_and_settled(
    tmp_path,
):
    """Its set of ids is that of what was emitted, what was settled, and the provider's own calls."""
    seed = random.randrange(1_000_000)
    chance = random.Random(seed)
    with ExitStack() as stack:
        told = stack.enter_context(telling(tmp_path))
        good = stack.enter_context(receiving())
        told.add(good)
        for _ in range(DEAD):
            dead = stack.enter_context(receiving())
            dead.usual = "hang"
            told.add(dead)
        with receiving() as awful:
            awful_id = told.add(awful)
            batch_id = told.add(good_batches := stack.enter_context(receiving()), "--batch", "25")
            awful.answers.extend(chance.choices([200, 500, "hang", "reset", 410, 422, 429], k=12))
            told.rig.load(pairs(CONTACTS, agents=20), "--start", *QUICK, *SHORT_CALLS)
            for role in ("events", "results", "worker", "events", "results", "events"):
                time.sleep(KILL_EVERY_S)  # the rhythm is what is tried, not a condition
                told.kill_and_start(role)
        told.rig.wait_for_state("completed", within_s=180)  # beside ten dead receivers
        agrees_with_provider(told.rig)

        with receiving(port=urlsplit(awful.url).port) as back:
            back.secret = awful.secret
            had = awful.ids
            until(told.is_over, within_s=60, what="the report's end")
            emitted = told.emitted()
            until(lambda: good.ids >= set(emitted), within_s=60, what="the good receiver")
            until(lambda: good_batches.ids >= set(emitted), within_s=60, what="batches")

            def has_all() -> bool:
                told.run(
                    "webhook", "resume", awful_id
                )  # a person does; else it is left alone longer
                return had | back.ids >= set(emitted)

            until(has_all, within_s=120, what=f"the awful receiver, seed {seed}")
            # something may have happened since: what was told is what was emitted, and nothing else
            emitted = told.emitted()
            assert good.ids | good_batches.ids | had | back.ids <= set(emitted), f"seed {seed}"

        settled = [one for one in emitted.values() if one["type"] == "attempt.settled"]
        attempts = [one["data"]["attempt"]["attempt_id"] for one in settled]
        assert len(set(attempts)) == len(attempts) == told.rig.status()["attempts"]
        sids = {one["data"]["attempt"].get("call_sid") for one in settled} - {None}
        assert sids == set(told.rig.calls())
        ends = [one for one in emitted.values() if one["type"] == "contact.final"]
        assert len(ends) == CONTACTS
        assert good.unsigned == back.unsigned == 0
        ids = tmp_path / "ids.txt"
        ids.write_text("\n".join(good_batches.ids))
        told.run("webhook", "check", batch_id, "--ids", str(ids))


@pytest.mark.timeout(300)
def test_a_receiver_is_told_within_seconds_beside_ten_that_hang(tmp_path):
    with ExitStack() as stack:
        told = stack.enter_context(telling(tmp_path))
        for _ in range(DEAD):
            dead = stack.enter_context(receiving())
            dead.usual = "hang"
            told.add(dead)
        good = stack.enter_context(receiving())
        told.add(good, "--events", "contact.final")

        told.rig.load(pairs(20, agents=20), "--start", *QUICK)
        told.rig.wait_for_state("completed", within_s=120)

        until(lambda: len(good.ids) == 20, within_s=5, what="all ends")

"""Receivers that fail in every way while processes are killed: all are told all, and none harms another."""

import json
import random
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

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
KILLS = 10
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


def by_standard_webhooks(headers: Any, body: bytes, secret: str) -> bool:
    """Verify a delivery as the library does that receivers would take."""
    try:
        Webhook(secret).verify(body, dict(headers.items()))
    except WebhookVerificationError:
        return False
    return True


WAYS: dict[str, tuple[list[int | str], int]] = {
    "is well": ([200], 0),
    "hangs": (["hang", 200], 2),  # each takes fifteen seconds
    "resets": (["reset", 200], 40),
    "answers 410": ([410], 1),
    "answers 500": ([500, 200], 40),
    "refuses some": ([422, 429, 200], 40),
    "is slow": (["slow"], 400),
    "takes batches": ([500, 422, "reset", 200], 20),
    "is away": ([], 0),
    "comes and goes": ([], 0),
}
"""How a receiver fails: answers to draw from, and how many of them."""


class Failing:
    """A receiver that fails in its way until it is mended."""

    def __init__(self, told: Told, way: str, chance: random.Random) -> None:
        self.way = way
        self.receiver = Receiver(checks=by_standard_webhooks)
        self._told = told
        self._life = ExitStack()
        self.come()
        self.id = told.add(self.receiver, *(("--batch", "25") if way == "takes batches" else ()))
        answers, most = WAYS[way]
        self.receiver.answers.extend(answers[:1] if most else ())
        self.receiver.answers.extend(chance.choices(answers, k=most - 1) if most > 1 else ())
        if way == "is away":
            self.go()

    def come(self) -> None:
        self._life.enter_context(receiving(again=self.receiver))

    def go(self) -> None:
        self._life.close()

    def flicker(self, *, is_even: bool) -> None:
        """Come back, or go, where that is its way."""
        if self.way == "comes and goes":
            (self.come if is_even else self.go)()

    def mend(self) -> None:
        """Fail no more; what hung lets go."""
        self.receiver.answers.clear()
        self.go()
        self.come()

    def has(self, emitted: Collection[str]) -> bool:
        if self.receiver.ids >= set(emitted):
            return True
        self._told.run("webhook", "resume", self.id)  # a person does; else it is left alone longer
        return False


def happenings(emitted: Collection[dict]) -> list[tuple]:
    """What is told of attempts and ends, each of which happens once."""
    return [
        (
            one["type"],
            one["data"]["contact_id"],
            one["data"].get("attempt_no"),
            one["data"]["version"],
        )
        for one in emitted
        if "version" in one["data"]
    ] + [("final", one["data"]["contact_id"]) for one in emitted if one["type"] == "contact.final"]


def outcomes_told(emitted: Collection[dict]) -> dict[str, str]:
    """The outcome of each attempt, as whoever reads the events in their order has it in the end."""
    return {
        one["data"]["attempt"]["attempt_id"]: one["data"]["outcome"]
        for one in emitted
        if one["type"] in {"attempt.settled", "attempt.corrected"}
    }


@pytest.mark.timeout(600)
def test_through_kills_receivers_that_fail_in_every_way_have_what_the_provider_and_the_report_have(
    tmp_path,
):
    """Each one's set of ids is that of what was emitted; what it tells is the ledger and the report."""
    seed = random.randrange(1_000_000)
    chance = random.Random(seed)
    with ExitStack() as stack:
        told = stack.enter_context(telling(tmp_path))
        receivers = [Failing(told, way, chance) for way in WAYS]
        for one in receivers:
            stack.callback(one.go)
        told.rig.load(pairs(CONTACTS, agents=20), "--start", *QUICK, *SHORT_CALLS)
        for turn in range(KILLS):
            time.sleep(KILL_EVERY_S)  # the rhythm is what is tried, not a condition
            for one in receivers:
                one.flicker(is_even=bool(turn % 2))
            told.kill_and_start(chance.choice(("events", "results", "worker")))
        told.rig.wait_for_state("completed", within_s=180)
        agrees_with_provider(told.rig)  # its ledger is what the report tells
        until(told.is_over, within_s=60, what="the report's end")

        for one in receivers:
            one.mend()
        emitted = told.emitted()
        for one in receivers:
            what = f"the receiver that {one.way}, seed {seed}"
            until(lambda one=one: one.has(emitted), within_s=120, what=what)
        emitted = told.emitted()  # something may have happened since
        for one in receivers:
            assert one.receiver.ids <= set(emitted), f"{one.way}, seed {seed}"
            assert one.receiver.unsigned == 0
            for under, events in one.receiver.told_under.items():
                assert len(events) == 1, f"{under} told {events}, seed {seed}"
            ids = tmp_path / f"{one.id}.txt"
            ids.write_text("\n".join(one.receiver.ids))
            told.run("webhook", "check", one.id, "--ids", str(ids))

        happened = happenings(emitted.values())
        assert len(set(happened)) == len(happened), f"seed {seed}"
        reported = {row["attempt_id"]: row["outcome"] for row in told.rig.attempts()}
        assert outcomes_told(emitted.values()) == reported
        sids = {
            one["data"]["attempt"].get("call_sid")
            for one in emitted.values()
            if one["type"] == "attempt.settled"
        }
        assert sids - {None} == set(told.rig.calls())
        ends = [one for one in emitted.values() if one["type"] == "contact.final"]
        assert len(ends) == CONTACTS


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

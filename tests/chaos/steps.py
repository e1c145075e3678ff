"""What one process of the dialer does, cut into steps short enough to fork a process for each.

A step runs the same use cases as the process it stands for. The queue between feeder and worker is
a pipe here: it may lose, repeat and delay messages, as a queue that is only a hint must be allowed.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from campaigns.campaign import CampaignState
from campaigns.campaign_rules import CampaignRules
from dialer import failpoints
from dialer.ids import ContactId
from dialer.loading.loading import LoadOptions
from workers.results import settle_all
from workers.wiring import Wiring, process_name

_LEFT_ALONE_S = 2.0  # what a killed results process had read is taken over after this


@dataclass(frozen=True, slots=True)
class Message:
    """A released contact on its way to a worker."""

    contact: str
    token: str

    def pack(self) -> bytes:
        return f"{self.contact} {self.token}\n".encode()

    @classmethod
    def unpack(cls, line: str) -> "Message":
        return cls(*line.split())


@dataclass(frozen=True, slots=True)
class Task:
    """What a step works on.

    Args:
        queue: Where the feeder writes messages to.
        messages: What the worker was handed.
        file: What is loaded.
    """

    wiring: Wiring
    queue: int
    messages: tuple[Message, ...] = ()
    file: Path | None = None


def load(task: Task) -> None:
    """Load the list and start the campaign."""
    assert task.file is not None
    wiring, name = task.wiring, task.file.stem
    rules = CampaignRules.model_validate_json(task.file.with_suffix(".rules").read_text())
    with task.file.open("rb") as file:
        loaded = wiring.loading.load(file, name=name, rules=rules, options=LoadOptions())
    assert loaded.campaign is not None
    if loaded.campaign.state is CampaignState.LOADED:
        wiring.campaigns.move(loaded.campaign, CampaignState.RUNNING)


def feed(task: Task) -> None:
    """Release what is due and send the messages."""
    feeding = task.wiring.feeding
    feeding.keep_schedules()
    for one in feeding.tick().released:
        os.write(task.queue, Message(str(one.contact), one.token).pack())


def work(task: Task) -> None:
    """Dial released contacts, each in a thread of its own."""
    task.wiring.host_recovery.start()
    dialing = task.wiring.dialing

    def dial(message: Message) -> None:
        contact = ContactId.parse(message.contact)
        assert contact is not None
        dialing.dial(contact, message.token)
        failpoints.reach("dialled")

    with ThreadPoolExecutor(len(task.messages)) as threads:
        for done in [threads.submit(dial, message) for message in task.messages]:
            done.result()


def settle(task: Task) -> None:
    """Settle the callbacks that have come."""
    wiring, inbox = task.wiring, task.wiring.callback_inbox
    inbox.ensure_group()
    settle_all(wiring, inbox.take_over(process_name(), idle_s=_LEFT_ALONE_S, most=200))
    settle_all(wiring, inbox.read(process_name(), most=200, wait_s=0.001))


def sweep(task: Task) -> None:
    """Look at attempts that stayed too long in one state."""
    task.wiring.sweeping.sweep()


def recover(task: Task) -> None:
    """Bring a hold nearer to its end."""
    task.wiring.account_recovery.tick()


def keep_house(task: Task) -> None:
    """Hand in late answers, report the journal to a hold."""
    recovery = task.wiring.host_recovery
    recovery.start()
    recovery.tick()


Step = Callable[[Task], None]

STEPS: dict[Step, tuple[str, ...]] = {
    load: ("block_stored", "committed"),
    feed: ("released",),
    work: (
        "dequeued",
        "approached",
        "gate_passed",
        "journaled",
        "sent",
        "answered",
        "recorded",
        "dialled",
    ),
    settle: ("recorded", "settled"),
    sweep: ("looked_up", "recorded", "sent"),
    recover: (),
    keep_house: ("handed_in", "restored"),
}
"""Each step and the places it may be killed at."""

"""The processes of a siege: forked for one step each, killed where the plan says, and counted."""

import os
import signal
import time
import traceback
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import redis

from dialer import failpoints
from dialer.dialing.releasing import RELEASE_LEASE_S
from dialer.ids import ContactId
from tests.chaos.steps import STEPS, Message, Step, Task
from workers.wiring import Wiring

ANYWHERE = "anywhere"
_ANYWHERE_WITHIN_S = 0.08
_BEFORE_GATE = {"dequeued", "approached"}
_COPED = 3  # exit code of a step that found Redis gone


@dataclass
class Tally:
    """What was done to the dialer, and what it made of it.

    Args:
        kills: By step and place.
        coped: Steps that found Redis gone, and ended as their process goes on.
        holds_s: How long after each death of Redis dialling was allowed again.
        victims: Contacts whose worker was killed, when (epoch s), and whether before the gate.
    """

    kills: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)
    coped: int = 0
    redis_killed: int = 0
    web_killed: int = 0
    holds_s: list[float] = field(default_factory=list)
    victims: list[tuple[ContactId, float, bool]] = field(default_factory=list)

    @property
    def killed(self) -> int:
        return self.kills.total()

    def add(self, other: "Tally") -> None:
        """Add another round's; its victims have been asked already."""
        self.kills += other.kills
        self.steps += other.steps
        self.crashes += other.crashes
        self.coped += other.coped
        self.redis_killed += other.redis_killed
        self.web_killed += other.web_killed
        self.holds_s += other.holds_s


@dataclass
class _Child:
    step: Step
    place: str | None
    messages: tuple[Message, ...]
    kill_at_s: float | None = None


class Crew:
    """Forks, kills and reaps.

    Args:
        wiring: Made before the forks and never connected by us; each child connects for itself.
        file: The list to load.
    """

    def __init__(self, wiring: Wiring, *, rng: Random, folder: Path, file: Path) -> None:
        self.tally = Tally()
        self._wiring = wiring
        self._rng = rng
        self._folder = folder
        self._file = file
        self._children: dict[int, _Child] = {}
        self._queue = _Queue(rng)

    def __len__(self) -> int:
        return len(self._children)

    def runs(self, step: Step) -> bool:
        return any(child.step is step for child in self._children.values())

    def next_messages(self, most: int) -> tuple[Message, ...]:
        """What a worker takes next; nothing when it takes nothing now."""
        taken = (self._queue.take() for _ in range(most))
        return tuple(message for message in taken if message)

    def fork(self, step: Step, place: str | None, messages: tuple[Message, ...] = ()) -> int:
        """Start a process for one step.

        Args:
            place: Where it is to be killed; None: nowhere.
        """
        child = _Child(step, place, messages)
        if place == ANYWHERE:
            child.kill_at_s = time.monotonic() + self._rng.random() * _ANYWHERE_WITHIN_S
        pid = os.fork()
        if not pid:
            self._live(child)
        self._children[pid] = child
        self.tally.steps[step.__name__] += 1
        return pid

    def wait_for(self, pid: int) -> bool:
        """Wait for one process; whether it did its step."""
        _, status = os.waitpid(pid, 0)
        self._note_end(self._children.pop(pid), status)
        return os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0

    def attend(self) -> None:
        """Kill whose time has come, bury the dead, fetch what they put into the queue."""
        now_s = time.monotonic()
        for pid, child in self._children.items():
            if child.kill_at_s is not None and now_s >= child.kill_at_s:
                os.kill(pid, signal.SIGKILL)
                child.kill_at_s = None
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            if pid in self._children:
                self._note_end(self._children.pop(pid), status)
        self._queue.fetch()

    def end(self) -> None:
        """Kill whoever is left."""
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self._children.clear()

    def _live(self, child: _Child) -> None:
        """Live the child's life; never returns."""
        code = 0
        try:
            log = os.open(self._folder / "siege.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(log, 2)
            failpoints.arm("" if child.place in (None, ANYWHERE) else child.place)
            child.step(Task(self._wiring, self._queue.mouth, child.messages, self._file))
        except redis.RedisError:
            code = _COPED
        except BaseException:  # noqa: BLE001  # whatever it is, the round must tell of it
            with (self._folder / "crashes.txt").open("a") as crashes:
                crashes.write(f"--- {child.step.__name__}\n{traceback.format_exc()}\n")
            code = 1
        finally:
            os._exit(code)

    def _note_end(self, child: _Child, status: int) -> None:
        if os.WIFSIGNALED(status):
            self.tally.kills[f"{child.step.__name__}/{child.place}"] += 1
            self._note_victim(child)
        elif os.WEXITSTATUS(status) == _COPED:
            self.tally.coped += 1
        elif os.WEXITSTATUS(status):
            self.tally.crashes.append((self._folder / "crashes.txt").read_text()[-3000:])

    def _note_victim(self, child: _Child) -> None:
        if len(child.messages) != 1 or child.place == ANYWHERE:
            return  # of several, nobody knows how far each one was
        contact = ContactId.parse(child.messages[0].contact)
        assert contact is not None
        self.tally.victims.append((contact, time.time(), child.place in _BEFORE_GATE))


class _Queue:
    """The queue between feeder and workers: a pipe, and luck."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._messages: deque[tuple[float, Message]] = deque()
        self._end, self.mouth = os.pipe()
        os.set_blocking(self._end, False)
        self._half_line = ""

    def fetch(self) -> None:
        try:
            text = self._half_line + os.read(self._end, 65_536).decode()
        except BlockingIOError:
            return
        *lines, self._half_line = text.split("\n")
        now_s = time.monotonic()
        self._messages.extend((now_s, Message.unpack(line)) for line in lines)

    def take(self) -> Message | None:
        """Take the next message; now and then lose it, keep it for a second time, or take another.

        One whose lease is over is seldom worth a process: a worker would drop it in a millisecond.
        """
        if not self._messages:
            return None
        luck = self._rng.random()
        if luck < 0.02:
            self._messages.popleft()
            return None
        if luck < 0.07:
            return self._messages[0][1]
        if luck < 0.15:
            self._messages.rotate(-1)
        sent_s, message = self._messages.popleft()
        is_stale = time.monotonic() - sent_s > RELEASE_LEASE_S
        return None if is_stale and luck < 0.95 else message


def places_of(step: Step) -> list[str]:
    """Where a step may be killed, anywhere included."""
    return [*STEPS[step], ANYWHERE]

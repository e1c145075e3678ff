"""Rehearsals that the web process starts: `dialer rehearse` as a child, one at a time.

    DIALER_DATA_DIR/rehearsals/
        lock           held by the web process whose rehearsal of this account runs
        turn           the same, of any account; the home's, so that no two run at once
        ID/list        the uploaded file
        ID/state.json  where it stands, for whichever web process is asked
        ID/told        what the command printed; ID/complaints what it printed as errors
        ID/out/        its reports

No web process outlives its child: the kernel ends that with it. So a folder that says `running`
while nobody holds the lock was broken off.
"""

import asyncio
import csv
import fcntl
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from dialer import clock
from dialer.embedded.supervisor import is_free, open_lock, try_lock
from dialer.store.campaign import PARTS
from workers.tied import tied_to_me
from workers.web.uploads import remove_leavings, write_whole

REHEARSE = ("nice", "-n", "10", sys.executable, "-m", "workers.cli", "rehearse")

_ID = re.compile(r"[0-9a-f]{12}")
_LONGEST_S = 3600.0
_KEPT_S = 86_400.0
_LOOK_EVERY_S = 0.2
_END_WITHIN_S = 20.0  # stopping its processes and its server takes about 8; then it is killed
_LONGEST_LINE_CHARS = 500
_BROKEN_OFF = "The web process ended, and the rehearsal with it."


class RehearsalState(StrEnum):
    """Where a rehearsal stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class RehearsalNotFound(Exception):
    """There is no such rehearsal, or no longer."""


class AlreadyRehearsing(Exception):
    """Another rehearsal runs on this machine."""


@dataclass(frozen=True, slots=True)
class RehearsalStanding:
    """What is kept of a rehearsal beside its files.

    Args:
        error: Why it failed; '' otherwise.
    """

    state: RehearsalState
    error: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """What came out, as the report's summary has it.

    Args:
        outcomes: Contacts, by how they ended.
        sums: Written out; without all of them holding there is no report.
        books_agree: Ours and the simulator's; None where they were not compared.
    """

    counts: dict[str, int]
    outcomes: dict[str, int]
    sums: list[str]
    books_agree: bool | None


@dataclass(slots=True)
class _Run:
    """The rehearsal of this process."""

    id: str
    child: "subprocess.Popen[bytes]"
    locks: Sequence[int]
    is_unwanted: bool = False
    watch: "asyncio.Task[None] | None" = None


class Rehearsals:
    """Starts, watches, tells and removes rehearsals.

    Args:
        command: What is run; list, folder and options are added.
        longest_s: How long one may take before it is stopped.
        turn: What all accounts lock; None: there is but one.
    """

    def __init__(
        self,
        folder: Path,
        *,
        command: Sequence[str] = REHEARSE,
        longest_s: float = _LONGEST_S,
        turn: Path | None = None,
    ) -> None:
        self._folder = folder.resolve()
        self._turn = turn.resolve() if turn else None
        self._command = command
        self._longest_s = longest_s
        self._run: _Run | None = None

    async def start(
        self,
        contacts: Path,
        options: Sequence[str],
        environment: Mapping[str, str],
        *,
        agents: str = "",
    ) -> str:
        """Start a rehearsal and give its id; the list is moved to its folder.

        The child is started on the event loop's own thread: its tied_to_me is tied to that thread,
        and those of a pool come and go.

        Raises:
            AlreadyRehearsing: One runs, here or in another web process of this machine.
        """
        self.tidy()
        locks = self._take_locks()
        try:
            self._close_broken_off()
            id_ = secrets.token_hex(6)
            run = _Run(id_, self._spawn(id_, contacts, options, environment, agents), locks)
        except BaseException:
            _close(locks)
            raise
        self._run = run
        run.watch = asyncio.create_task(self._watch(run), name=f"rehearsal {id_}")
        return id_

    def has(self, id_: str) -> bool:
        """Tell whether there is such a rehearsal."""
        return bool(_ID.fullmatch(id_)) and (self._folder / id_ / "state.json").is_file()

    def standing(self, id_: str) -> RehearsalStanding:
        """Tell where a rehearsal stands.

        Raises:
            RehearsalNotFound: There is none.
        """
        standing = _read(self._folder / id_)
        if self._run and self._run.id == id_:
            return standing
        if standing.state is RehearsalState.RUNNING and is_free(self._folder / "lock"):
            standing = _read(self._folder / id_)  # it may have ended in between
            if standing.state is RehearsalState.RUNNING:
                return replace(standing, state=RehearsalState.FAILED, error=_BROKEN_OFF)
        return standing

    def last_line(self, id_: str) -> str:
        """Give the last line the command printed."""
        return _last_line(self._folder / id_ / "told")

    def files(self, id_: str) -> dict[str, Path]:
        """Give its report files by name; they appear all at once."""
        out = self._folder / id_ / "out"
        if not out.is_dir():
            return {}
        found = (one for one in out.iterdir() if one.suffix in {".csv", ".html", ".xlsx"})
        return {
            one.name: one
            for one in sorted(found)
            if one.is_file() and not one.is_symlink() and not one.name.startswith(".")
        }

    def summary(self, id_: str) -> Summary | None:
        """Read what came out; None where no report was written."""
        path = next((path for name, path in self.files(id_).items() if "_summary_" in name), None)
        if path is None:
            return None
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        values = {row["name"]: row["value"] for row in rows}
        return Summary(
            counts={name: int(values[name]) for name in _COUNTS if name in values},
            outcomes={
                name.removeprefix("final_"): int(value)
                for name, value in values.items()
                if name.startswith("final_")
            },
            sums=[row["formula"] for row in rows if " = " in row["formula"]],
            books_agree=_books_agree(self._folder / id_),
        )

    async def remove(self, id_: str) -> None:
        """Stop a rehearsal and remove all of it.

        Raises:
            RehearsalNotFound: There is none.
        """
        _read(self._folder / id_)
        if self._run and self._run.id == id_:
            await self._stop(self._run)
        # where it is another web process's, that one sees its folder go and stops it
        await asyncio.to_thread(shutil.rmtree, self._folder / id_, ignore_errors=True)

    async def close(self) -> None:
        """Stop what runs, because this process ends."""
        if self._run:
            await self._stop(self._run)

    def tidy(self) -> None:
        """Remove rehearsals older than a day."""
        remove_leavings(self._folder, older_than_s=_KEPT_S, now_s=clock.now().timestamp())

    def _take_locks(self) -> Sequence[int]:
        locks: list[int] = []
        for path in (self._folder / "lock", *([self._turn] if self._turn else ())):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            locks.append(open_lock(path))
            if not try_lock(locks[-1], fcntl.LOCK_EX):
                _close(locks)
                raise AlreadyRehearsing("another rehearsal runs; wait for it, or remove it")
        return locks

    def _close_broken_off(self) -> None:
        """Write down what ended with an earlier process, before the lock says otherwise."""
        for own in self._folder.iterdir():
            with suppress(RehearsalNotFound):
                if _read(own).state is RehearsalState.RUNNING:
                    _write(own, RehearsalStanding(RehearsalState.FAILED, _BROKEN_OFF))

    def _spawn(
        self,
        id_: str,
        contacts: Path,
        options: Sequence[str],
        environment: Mapping[str, str],
        agents: str,
    ) -> "subprocess.Popen[bytes]":
        own = self._folder / id_
        own.mkdir(mode=0o700)
        contacts.replace(own / "list")
        _write(own, RehearsalStanding(RehearsalState.RUNNING))
        command = [*self._command, str(own / "list"), "--out", str(own / "out"), *options]
        if agents:
            (own / "agents.csv").write_text(agents, encoding="utf-8")
            command += ["--agents", str(own / "agents.csv")]
        with (own / "told").open("wb") as told, (own / "complaints").open("wb") as complaints:
            return subprocess.Popen(
                tied_to_me(*command),
                cwd=own,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=complaints,
                start_new_session=True,  # Ctrl-C is ours to answer
            )

    async def _watch(self, run: _Run) -> None:
        own = self._folder / run.id
        ends_at_s = clock.boottime_s() + self._longest_s
        try:
            while run.child.poll() is None:
                is_late = clock.boottime_s() > ends_at_s
                if is_late or run.is_unwanted or not (own / "state.json").is_file():
                    await _end(run.child)
                    late = f"It took longer than {self._longest_s:g} s."
                    verdict = RehearsalStanding(
                        RehearsalState.FAILED, late if is_late else "It was stopped."
                    )
                    break
                await asyncio.sleep(_LOOK_EVERY_S)
            else:
                verdict = _verdict(own, run.child.returncode)
            if (own / "state.json").is_file():
                _write(own, verdict)
            else:  # another web process removed it, and the command may have gone on writing
                shutil.rmtree(own, ignore_errors=True)
        finally:
            self._run = None
            _close(run.locks)

    async def _stop(self, run: _Run) -> None:
        run.is_unwanted = True
        if run.watch:
            await asyncio.wait([run.watch])


_COUNTS = (
    *("rows", "accepted", "rejected", "duplicate"),
    *(*PARTS, "attempts", "charged", "calls"),
)


def _close(locks: Sequence[int]) -> None:
    for lock in locks:
        os.close(lock)


async def _end(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    kill_at_s = clock.boottime_s() + _END_WITHIN_S
    while child.poll() is None:
        if clock.boottime_s() > kill_at_s:
            child.kill()
        await asyncio.sleep(_LOOK_EVERY_S)


def _verdict(own: Path, code: int) -> RehearsalStanding:
    if code == 0:
        return RehearsalStanding(RehearsalState.DONE)
    said = _last_line(own / "complaints").removeprefix("dialer: ").replace(f"{own}/", "")
    return RehearsalStanding(RehearsalState.FAILED, said or f"The command ended with code {code}.")


def _books_agree(own: Path) -> bool | None:
    """Read it off the marks before each promise; the command is done only if none is broken."""
    if any(line.startswith("✗") for line in _lines(own / "told")):
        return False
    return True if _read(own).state is RehearsalState.DONE else None


def _read(own: Path) -> RehearsalStanding:
    try:
        document = json.loads((own / "state.json").read_text())
    except (FileNotFoundError, NotADirectoryError):
        raise RehearsalNotFound(own.name) from None
    return RehearsalStanding(RehearsalState(document["state"]), document["error"])


def _write(own: Path, standing: RehearsalStanding) -> None:
    document = {"state": standing.state, "error": standing.error}
    write_whole(own / "state.json", json.dumps(document))


def _last_line(path: Path) -> str:
    filled = (line.strip() for line in reversed(_lines(path)) if line.strip())
    return next(filled, "")[:_LONGEST_LINE_CHARS]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []

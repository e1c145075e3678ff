"""Real processes against the simulator, judged by the simulator's own ledger."""

import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from dialer.parent_watch import end_with_parent
from dialer.ports import free_port
from tests.forking import Forked, nursery
from tests.patience import until

BIN = Path(sys.executable).parent
CALLER_ID = "+918045678900"

WORKER = ("dramatiq", "workers.actors", "--processes", "1", "--skip-logging")
PROGRAMS = {
    "worker": WORKER,
    "events": ("dramatiq", "workers.deliveries", "--processes", "1", "--skip-logging"),
}

IMPATIENT = {
    "DIALER_LOOKUP_AFTER_S": "4",
    "DIALER_LOOKUP_EVERY_S": "1",
    "DIALER_FINAL_VALUES_AFTER_S": "2",
}
"""Settings: who is not told is asked soon."""


def end_with_tests() -> None:
    """Tie a process that was just forked to the tests: a run that is broken off leaves none behind."""
    end_with_parent(signal.SIGKILL)


def get(url: str, **options: Any) -> httpx.Response:
    """Ask somebody on this machine; without the authorities' certificates, which take long to read."""
    return httpx.get(url, verify=False, **{"timeout": 240, **options})


@dataclass
class Rig:
    """A dialer of its own: settings, processes, command line, and the provider's books."""

    folder: Path
    provider_url: str
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes] | Forked] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    """Of the campaigns that were loaded, by name."""
    umask: int = -1
    """Under which processes and commands start; -1: that of the tests."""
    inside: tuple[str, ...] = ()
    """The command that runs the processes, as in a network namespace."""
    imports_anew: bool = False
    """Processes start as users start them, and not from one that has imported all before."""

    @property
    def env(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("DIALER_")},
            "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
            "EXOTEL_API_KEY": "demo-key",
            "EXOTEL_API_TOKEN": "demo-token",
            "EXOTEL_ACCOUNT_SID": "demo",
            "EXOTEL_CALLER_ID": CALLER_ID,
            "EXOTEL_BASE_URL": self.provider_url,
            "EXOTEL_DETAILS_BASE_URL": self.provider_url,
            "DIALER_PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "DIALER_CALLBACK_SECRET": "a-secret-for-tests-of-32-letters",
            "DIALER_DATA_DIR": str(self.folder / "var"),
            "DIALER_CALLING_HOURS": "always",
            "DIALER_LOG_FORMAT": "json",
            "DIALER_WRAP_UP_S": "0",
            "PORT": str(self.port),
            **self.settings,
        }

    def start(self, *roles: str) -> None:
        """Start processes by role; `worker:2` is another worker."""
        for name in roles:
            role = name.partition(":")[0]
            log = self.folder / f"{name.replace(':', '-')}.log"
            words = PROGRAMS.get(role, ("dialer", role))
            start = self._start if self.inside or self.imports_anew else self._fork
            self.processes[name] = start(words, log)

    def _fork(self, words: tuple[str, ...], log: Path) -> Forked:
        program, *args = words
        log.touch()  # for whoever reads it before the fork writes
        return nursery().start(
            *args,
            program=program,
            env=self.env,
            cwd=self.folder,
            stdout=log,
            stderr=log,
            umask=self.umask,
            is_of_tests=True,
        )

    def _start(self, words: tuple[str, ...], log: Path) -> "subprocess.Popen[bytes]":
        with log.open("ab") as written:
            return subprocess.Popen(
                [*self.inside, *words],
                env=self.env,
                cwd=self.folder,
                stdout=written,
                stderr=written,
                umask=self.umask,
                start_new_session=True,
                preexec_fn=end_with_tests,  # noqa: PLW1509  # threads of ours hold no lock it takes
            )

    def wait_until_up(self) -> None:
        until(self._answers, what="the web process")

    def kill(self, name: str) -> None:
        """Kill a process and all its children at once, as a power cut would."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.processes.clear()

    def run(self, *args: str, answers: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command of the command line.

        Args:
            answers: What a person types when it asks.
        """
        with tempfile.TemporaryDirectory(prefix="dialer-command-") as told:
            typed, stdout, stderr = (Path(told) / name for name in ("typed", "stdout", "stderr"))
            typed.write_text(answers, encoding="utf-8")
            done = nursery().start(
                *args,
                env=self.env,
                cwd=self.folder,
                stdin=typed,
                stdout=stdout,
                stderr=stderr,
                umask=self.umask,
            )
            code = done.wait(timeout=240)
            said = (one.read_text(encoding="utf-8") for one in (stdout, stderr))
            return subprocess.CompletedProcess(args, code, *said)

    def json(self, *args: str) -> Any:
        """Run a command that must succeed and read its JSON document."""
        done = self.run(*args, "--json")
        assert done.returncode == 0, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)

    def load(self, rows: list[str], *options: str, name: str = "camp") -> dict[str, Any]:
        file = self.folder / f"{name}.csv"
        file.write_text("\n".join(["agent,customer,name", *rows]) + "\n", encoding="utf-8")
        # tests share people and rows; who is called twice has tests of its own
        same_people = ("--again", *(() if "--dedupe" in options else ("--dedupe", "file")))
        loaded = self.json("campaign", "load", str(file), "--name", name, *same_people, *options)
        self.ids[name] = loaded["campaign_id"]
        return loaded

    def status(self, name: str = "camp") -> dict[str, Any]:
        return self.json("campaign", "status", name)

    def seen(self, name: str = "camp") -> dict[str, Any]:
        """Read a campaign's status from the web process: to be asked often, which no command is."""
        key = self.settings.get("DIALER_API_KEY", "")
        answer = get(
            f"http://127.0.0.1:{self.port}/api/v1/campaigns/{self.ids[name]}",
            headers={"Authorization": f"Bearer {key}"} if key else {},
        )
        return answer.raise_for_status().json()

    def wait_for_state(
        self, state: str, *, name: str = "camp", within_s: float = 90
    ) -> dict[str, Any]:
        last: dict[str, Any] = {}

        def arrived() -> bool:
            try:
                last.update(self.seen(name))
            except httpx.TransportError:
                pass  # the web process may be on its way, too
            except httpx.HTTPStatusError as error:
                if (
                    error.response.status_code != 503
                ):  # which says to ask again: Redis is away, or moves
                    raise
            return bool(last) and last["state"] == state

        try:
            until(arrived, within_s=within_s, what=state, every_s=0.5)
        except AssertionError:
            raise AssertionError(f"{name} is not {state} after {within_s:g} s: {last}") from None
        return self.status(name)

    def attempts(self, name: str = "camp") -> list[dict[str, str]]:
        """Read the attempts of a fresh report."""
        out = self.folder / "reports"
        done = self.run("report", name, "--out", str(out))
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        newest = max(out.glob("*_attempts_*.csv"), key=lambda one: one.stat().st_mtime_ns)
        with newest.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def order(self, **order: Any) -> None:
        """Order faults of the provider; see `dialer.simulator.admin`."""
        where = f"{self.provider_url}/_simulator/faults"
        httpx.post(where, json=order, verify=False, timeout=240).raise_for_status()

    def verdict(self) -> dict[str, Any]:
        return get(f"{self.provider_url}/_simulator/verdict").json()

    def calls(self) -> dict[str, dict[str, Any]]:
        """Read the provider's calls by Sid."""
        ledger = get(f"{self.provider_url}/_simulator/ledger").json()
        return {call["sid"]: call for call in ledger["calls"]}

    def _answers(self) -> bool:
        for name, process in self.processes.items():
            assert process.poll() is None, f"{name} ended: {self.log(name)[-2000:]}"
        try:
            return get(f"http://127.0.0.1:{self.port}/readyz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def log(self, name: str) -> str:
        return (self.folder / f"{name.replace(':', '-')}.log").read_text(errors="replace")


def pairs(count: int, *, agents: int) -> list[str]:
    """Make rows of fictional pairs, the agents taking turns."""
    return [f"+9198765{n % agents:05d},+9190000{n:05d},name {n}" for n in range(count)]


def agrees_with_provider(rig: Rig, *names: str) -> None:
    """Promises 2, 3 and 5 from the provider's side: nothing double, nothing over, same outcomes.

    Args:
        names: Of all campaigns that were dialled, `camp` where none is named.
    """
    verdict, calls = rig.verdict(), rig.calls()
    assert verdict["overlapping_calls"] == []
    assert verdict["attempts_posted_twice"] == []
    assert verdict["requests_missing_limits"] == 0
    assert verdict["too_many_429"] == 0
    rows = [row for name in names or ("camp",) for row in rig.attempts(name)]
    reported = {row["call_sid"]: row["outcome"] for row in rows if row["call_sid"]}
    assert reported == {sid: call["outcome"] for sid, call in calls.items()}


@contextmanager
def dialer(
    folder: Path,
    provider_url: str,
    *,
    roles: tuple[str, ...] = ("web", "feeder", "results", "worker"),
    **settings: str,
) -> Iterator[Rig]:
    """Run a dialer for the block; nothing of it is left afterwards."""
    rig = Rig(folder, provider_url, settings)
    try:
        rig.start(*roles)
        if "web" in roles:
            rig.wait_until_up()
        yield rig
    finally:
        rig.stop()

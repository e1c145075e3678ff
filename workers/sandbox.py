"""The whole dialer on this machine against the simulator: own server, own settings, own folder.

Nothing of the user's is touched or needed: no account, no `.env`, no Redis, no fixed port.
"""

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from dialer.clean_environment import clean_environment
from dialer.embedded.embedded import ensure_running
from dialer.embedded.supervisor import ServerFolder, open_lock, try_lock, wait_until
from dialer.ports import free_port
from dialer.settings import read_settings
from dialer.simulator import SimulatorOptions, running
from dialer.store import Campaign
from dialer.store.snapshot import contact_lines
from dialer.watching.living import who_lives
from workers.roles import all_processes
from workers.up import ProcessGroup
from workers.wiring import Wiring

_GONE_WITHIN_S = 10.0
_ANSWERS_WITHIN_S = 10.0  # a process that starts on a busy machine takes seconds
_PREFIX = "dialer-demo-"
_OWNER_LOCK = "owner.lock"  # held by the process whose folder it is; a killed one lets go of it


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What the demo runs on.

    Args:
        page_url: Of the web process.
        log_dir: What the processes said.
    """

    wiring: Wiring
    processes: ProcessGroup
    simulator_url: str
    page_url: str
    log_dir: Path

    def is_up(self) -> bool:
        """Tell whether the web process answers and everybody else has said that they live."""
        self.processes.poll()
        try:
            ready = httpx.get(f"{self.page_url}/readyz", timeout=_ANSWERS_WITHIN_S)
        except httpx.HTTPError:
            return False
        return ready.is_success and self.who_lives() >= {"feeder", "results", "worker"}

    def who_lives(self) -> frozenset[str]:
        """Name those that have said that they live."""
        return frozenset(who_lives(self.wiring.db).by_role)


@dataclass(frozen=True, slots=True)
class Agreement:
    """A promise, held against the simulator's own books."""

    says: str
    holds: bool


@contextmanager
def staged(
    log_dir: Path, simulator: SimulatorOptions, settings: Mapping[str, str]
) -> Iterator[Sandbox]:
    """Set everything up in a temporary folder; leave no process behind, and no file but the logs.

    This process itself moves there and forgets its settings, since its children inherit both.

    Args:
        settings: By their environment names; account, addresses and folder are the stage's own.
    """
    with ExitStack() as undo:
        _remove_leftovers()
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        undo.callback(_remove, folder)
        owner = open_lock(folder / _OWNER_LOCK)
        undo.callback(os.close, owner)
        try_lock(owner, fcntl.LOCK_EX)
        undo.callback(os.chdir, Path.cwd())
        os.chdir(folder)
        simulator_url = undo.enter_context(running(simulator))
        _replace_settings(
            {**settings, **_own_settings(simulator, simulator_url, folder / "var", free_port())}
        )
        ours = read_settings()
        server = ensure_running(ours.dialer_data_dir)
        undo.callback(server.close)
        wiring = Wiring(ours.model_copy(update={"redis_url": server.url}))
        undo.callback(wiring.redis.close)
        processes = ProcessGroup(all_processes(), ours.dialer_data_dir, log_dir=log_dir)
        # nothing of the stage is kept, so nothing has to be finished
        undo.callback(processes.stop, hurry=lambda: True)
        processes.start()
        yield Sandbox(wiring, processes, simulator_url, ours.callback_base_url, log_dir)


def agreements(stage: Sandbox, campaign: Campaign) -> list[Agreement]:
    """Compare what we report with what the simulator knows."""
    with httpx.Client(base_url=stage.simulator_url, timeout=10) as client:
        verdict = client.get("/_simulator/verdict").json()
        calls = client.get("/_simulator/ledger", params={"section": "calls"}).json()["calls"]
    theirs = {call["sid"]: call["outcome"] for call in calls}
    limit, window_s = stage.wiring.allowance.requests, stage.wiring.allowance.window_s
    return [
        Agreement(
            f"{len(theirs)} calls, the same Sids and outcomes in both books",
            theirs == _our_calls(stage.wiring, campaign),
        ),
        Agreement(
            f"{verdict['peak_in_window']} requests at most in any {window_s:g} s, {limit} allowed, "
            f"{verdict['too_many_429']} refused",
            verdict["peak_in_window"] <= limit and not verdict["too_many_429"],
        ),
        Agreement("nobody was ever in two calls", not verdict["overlapping_calls"]),
        Agreement("no attempt was sent twice", not verdict["attempts_posted_twice"]),
    ]


def _our_calls(wiring: Wiring, campaign: Campaign) -> dict[str, Any]:
    return {
        made.attempt.sid: made.attempt.outcome
        for contact in contact_lines(wiring.db, campaign.id, size=campaign.accepted)
        for made in contact.attempts
        if made.attempt.sid
    }


def _own_settings(
    simulator: SimulatorOptions, url: str, data_dir: Path, port: int
) -> dict[str, str]:
    return {
        "EXOTEL_API_KEY": simulator.api_key,
        "EXOTEL_API_TOKEN": simulator.api_token,
        "EXOTEL_ACCOUNT_SID": simulator.account_sid,
        "EXOTEL_BASE_URL": url,
        "EXOTEL_DETAILS_BASE_URL": url,
        "DIALER_DATA_DIR": str(data_dir),
        "DIALER_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "DIALER_CALLBACK_SECRET": secrets.token_urlsafe(32),
        "DIALER_LOG_FORMAT": "json",
    }


def _replace_settings(settings: Mapping[str, str]) -> None:
    environment = clean_environment(settings)
    os.environ.clear()  # systemd's folder of credentials among it, which holds a Redis' address
    os.environ.update(environment)


def _remove_leftovers() -> None:
    """Remove the folders of stages that were killed before they could."""
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_OWNER_LOCK}"):
        with suppress(OSError):  # another demo removes it already
            if lock.parent.lstat().st_uid != os.getuid():
                continue
            owner = open_lock(lock)
            try:
                if try_lock(owner, fcntl.LOCK_EX):
                    _remove(lock.parent)
            finally:
                os.close(owner)


def _remove(folder: Path) -> None:
    """Remove the folder, which ends the embedded server, and wait until it has."""
    server = ServerFolder.within(folder / "var")
    # In this order: a supervisor that is there looks by the server's lock whether its server is gone,
    # and must not find it with us.
    locks = [open_lock(server.supervisor_lock), open_lock(server.server_lock)]
    shutil.rmtree(folder, ignore_errors=True)
    wait_until(lambda: all(_is_free(lock) for lock in locks), within_s=_GONE_WITHIN_S)
    for lock in locks:
        os.close(lock)


def _is_free(lock: int) -> bool:
    return try_lock(lock, fcntl.LOCK_SH)

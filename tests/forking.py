"""`dialer` and `dramatiq` without their imports, which take ten times as long as most commands work.

A process that has imported the command line forks for each command, and the fork becomes what a new
process would be: its folder, environment, files, session and signals are its own. What a fork cannot
show, the start itself, is shown by the tests that start `dialer` as users do.
"""

import atexit
import gc
import importlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from functools import cache
from multiprocessing import forkserver, util
from pathlib import Path
from typing import Any

from dialer.parent_watch import end_with_parent
from tests.patience import pause_s

_PROGRAMS = {
    "dialer": "workers.cli",
    "dramatiq": "dramatiq.cli",
    "pacing_worker": "tests.pacing_worker",
}
_IMPORTED_BEFORE = (
    "dialer.dialing.dialing",
    "dialer.events.keeping",
    "dramatiq.cli",
    "workers.cli.app",
    "workers.record_keeping",
    "workers.web.app",
    "workers.web.book_jobs",
    "workers.web.jobs",
    "workers.web.serving",
)


class Forked:
    """A process as `subprocess.Popen` shows one."""

    def __init__(self, nursery: "Nursery", pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._nursery = nursery

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._nursery.ask({"ended": self.pid})
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        began_s = time.monotonic()
        while (code := self.poll()) is None:
            if timeout is not None and time.monotonic() > began_s + timeout:
                raise subprocess.TimeoutExpired("dialer", timeout or 0)
            time.sleep(pause_s(time.monotonic() - began_s))
        return code

    def send_signal(self, signum: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, signum)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Nursery:
    """The process that forks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(
        self,
        *args: str,
        program: str = "dialer",
        env: Mapping[str, str],
        cwd: Path,
        stdout: Path,
        stderr: Path,
        stdin: Path = Path(os.devnull),
        umask: int = -1,
        is_of_tests: bool = False,
    ) -> Forked:
        """Run `dialer` with these arguments, or another program.

        Args:
            program: One of those known.
            stdout: Written on at its end, as `stderr` is.
            umask: -1: that of the tests.
            is_of_tests: It leads a session of its own, and ends with the tests.
        """
        order = {
            "words": [program, *args],
            "env": dict(env),
            "cwd": str(cwd),
            "umask": umask,
            "files": [str(stdin), str(stdout), str(stderr)],
            "is_of_tests": is_of_tests,
        }
        return Forked(self, self.ask({"fork": order}))

    def ask(self, order: Mapping[str, Any]) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        with self._lock:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        self._process.communicate()  # nobody can give orders any more


@cache
def nursery() -> Nursery:
    """Give the one of this process, started with its first use; it ends with this process."""
    made = Nursery()
    atexit.register(made.end)
    return made


def _serve() -> int:
    """Take orders until nobody can give one; comes back in each fork, with its exit code."""
    gc.disable()  # all that is imported stays
    _import_all()
    gc.freeze()
    gc.enable()
    for line in sys.stdin:
        order = json.loads(line)
        if "ended" in order:
            answer = _ended(order["ended"])
        else:
            answer = os.fork()
            if not answer:
                return _become(order["fork"])
        print(json.dumps(answer), flush=True)
    return 0


def _import_all() -> None:
    from workers.cli.command import Group  # noqa: PLC0415 - not by those who order
    from workers.cli.commands import COMMANDS  # noqa: PLC0415

    for top in COMMANDS.values():
        for command in top.commands.values() if isinstance(top, Group) else [top]:
            importlib.import_module(f"workers.cli.{command.home.partition(':')[0]}")
    for name in _IMPORTED_BEFORE:
        importlib.import_module(name)
    from workers.web.pages.rendering import environment_in  # noqa: PLC0415 - not by those who order
    from workers.web.texts import texts_of  # noqa: PLC0415 - as above

    environment = environment_in("en", texts_of("en"))
    for name in environment.list_templates():
        if name != "report.html":  # which is no page
            environment.get_template(name)


def _ended(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _become(order: dict[str, Any]) -> int:
    if order["is_of_tests"]:
        os.setsid()
        end_with_parent(signal.SIGKILL)
    if order["umask"] >= 0:
        os.umask(order["umask"])
    os.environ.clear()
    os.environ.update(order["env"])
    time.tzset()
    os.chdir(order["cwd"])
    for fd, path in enumerate(order["files"]):
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT if fd else os.O_RDONLY
        opened = os.open(path, flags, 0o666)
        os.dup2(opened, fd)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(  # noqa: SIM115
        2, "w", encoding="utf-8", closefd=False, buffering=1, errors="backslashreplace"
    )
    sys.argv = order["words"]
    sys.modules["__main__"].__package__ = None  # or it is called `python -m tests.dialer`
    if sys.argv[:2] == ["dialer", "web"]:
        _fork_the_server_of_work()
    try:
        code: int = importlib.import_module(_PROGRAMS[sys.argv[0]]).main()
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        code = end.code
    return _leave(code)


def _leave(code: int) -> int:
    """End as a process does, but leave to the kernel what all was imported.

    To take that apart touches each page that the fork shares: more work than most commands.
    """
    getattr(threading, "_shutdown")()  # noqa: B009  # no public way: waits for threads
    getattr(atexit, "_run_exitfuncs")()  # noqa: B009  # as above
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return code  # Python tells of it, in its own way
    os._exit(code)


def _fork_the_server_of_work() -> None:
    """Have what the web process forks its heavy work from: a start of it imports all anew."""
    started, util.spawnv_passfds = util.spawnv_passfds, _fork_passing
    forkserver.ensure_running()
    util.spawnv_passfds = started


def _fork_passing(_path: str, words: list[str], fds: list[int]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        kept = [0, 1, 2, *sorted(fds)]
        for before, after in itertools.pairwise([*kept, os.sysconf("SC_OPEN_MAX")]):
            os.closerange(before + 1, after)
        exec(words[-1], {})  # what multiprocessing would have a new Python do
    finally:
        os._exit(0)


if __name__ == "__main__":
    sys.exit(_serve())

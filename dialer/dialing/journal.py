"""What this host sent, on its own disk: it survives a Redis that forgets.

A line per intent, written and fsynced between gate and request; a line per answer that Redis could
not take. Lines are only ever appended; a file is dropped once nothing in it can matter any more.
A file that did not take a line whole gets no other: whoever is cut off must not spoil the next one.

A file is locked for as long as a request written in it may be under way, and the kernel takes the
lock away when its process ends. So an unlocked file tells that its process is dead, and with it the
connections of its requests; it tells that to processes on the same kernel, whose id is in the
first line.
"""

import errno
import fcntl
import json
import math
import os
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from dialer.clock import boottime_s
from dialer.file_set import sync_folder


class Intent(NamedTuple):
    """A request that may have left.

    Args:
        epoch: Of the store, when its intent was written.
        ends_at: Until when its call could be live, epoch s.
        attempt: As the gate wrote it, JSON.
    """

    epoch: int
    attempt_id: str
    ends_at: float
    attempt: str


class LateAnswer(NamedTuple):
    """What the provider said of an attempt, while Redis was away.

    Args:
        sid: The call's; None when none was placed.
        outcome: Where surely none was placed; None with a Sid, or when nobody knows.
    """

    attempt_id: str
    sid: str | None
    outcome: str | None
    http_status: int | None
    error_code: str | None


_as_json = json.JSONEncoder(separators=(",", ":")).encode  # dumps() would make one a call
_ROTATE_BYTES = 1024 * 1024
TAKES_FOR_S = 3600.0
"""So long a file takes lines; so one that idles goes, too, once its calls are over."""
_KERNEL_ID = Path("/proc/sys/kernel/random/boot_id")
_IDENTITY = "identity"


class Journal:
    """One process's files in the host's journal folder; reads all files of the host.

    Args:
        folder: Shared by the worker processes of one host.
        process: Names this process's files.
        under_way_s: How long after its intent a request can be under way at most.
        takes_for_s: How long a file takes lines.
    """

    def __init__(
        self,
        folder: Path,
        process: str,
        *,
        under_way_s: float = 360.0,
        takes_for_s: float = TAKES_FOR_S,
    ) -> None:
        self._folder = folder
        self._process = process
        self._lock = threading.Lock()  # of the fields below
        self._syncing = threading.Lock()  # taken first where both are
        self._file: int | None = None
        self._bytes = 0
        self._under_way_s = under_way_s
        self._takes_for_s = takes_for_s
        self._opened_s = math.inf  # of boottime_s
        self._full: list[tuple[int, float]] = []  # files still locked, since when, of boottime_s
        self._looked_at: set[Path] = set()
        self._kernel = _kernel_id()
        self._written = self._synced = self._lost = 0  # lines, counted from the first
        self._ends: dict[Path, tuple[int, float]] = {}  # size when read, latest end in it
        self._epoch = 0
        self._has_read_epoch = False

    @property
    def epoch(self) -> int:
        """The highest epoch this host knows of: a Redis that knows less has lost state."""
        if not self._has_read_epoch:
            self.intents(ending_after=math.inf)
        return self._epoch

    @cached_property
    def identity(self) -> str:
        """Names this folder among all of an account, however many hosts have one name.

        Raises:
            OSError: The folder does not take it.
        """
        path = self._folder / _IDENTITY
        with suppress(FileNotFoundError):
            return path.read_text(encoding="ascii")
        self._folder.mkdir(parents=True, exist_ok=True)
        made = self._folder / f"{_IDENTITY}.{self._process}.{secrets.token_hex(4)}"
        try:
            with made.open("x", encoding="ascii") as file:
                file.write(secrets.token_hex(16))
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):  # a neighbour was faster, and its word is whole
                path.hardlink_to(made)
        finally:
            made.unlink(missing_ok=True)
        sync_folder(self._folder)
        return path.read_text(encoding="ascii")

    def write_intents(self, intents: Sequence[Intent]) -> None:
        """Put intents on disk before their requests leave.

        Raises:
            OSError: They are not on disk; no request must leave.
        """
        self._append([{"intent": intent._asdict()} for intent in intents])
        self._epoch = max(self._epoch, *(intent.epoch for intent in intents))

    def write_answer(self, answer: LateAnswer) -> None:
        """Keep an answer until Redis can take it."""
        self._append([{"answer": answer._asdict()}])

    def intents(self, *, ending_after: float) -> list[Intent]:
        """Read this host's intents whose calls could still be live then."""
        found = [Intent(**line["intent"]) for line in self._lines() if "intent" in line]
        self._epoch = max(self._epoch, *(intent.epoch for intent in found), 0)
        self._has_read_epoch = True
        return [intent for intent in found if intent.ends_at > ending_after]

    def answers(self) -> list[LateAnswer]:
        """Read the answers that Redis could not take when they came."""
        return [LateAnswer(**line["answer"]) for line in self._lines() if "answer" in line]

    def left_behind(self) -> list[Intent]:
        """Read the intents of processes that have died on this kernel; each file's once."""
        left: list[Intent] = []
        paths = self._paths()
        self._looked_at.intersection_update(paths)
        for path in paths:
            if path in self._looked_at:
                continue
            with _left_by_its_writer(path) as is_left:
                lines = list(_read(path)) if is_left else []
            if not lines:
                continue  # an empty one was opened just now: its lock may be missing yet
            self._looked_at.add(path)
            if self._kernel and lines[0].get("kernel") == self._kernel:
                left += [Intent(**line["intent"]) for line in lines if "intent" in line]
        return left

    def prune(self, *, before: float) -> None:
        """Drop files in which no call can be live any more, unless somebody still writes to them.

        Raises:
            OSError: The file that has taken lines for long enough could not be put on disk.
        """
        self._let_go()
        for path in self._paths():
            with _left_by_its_writer(path) as is_left:
                if is_left and self._ends_before(path, before):
                    path.unlink(missing_ok=True)
                    self._ends.pop(path, None)

    def _let_go(self) -> None:
        """Write no more to a file that has taken lines for long enough; unlock what is over."""
        if self._is_old:
            with self._syncing:
                self._sync_all()
        with self._lock:
            self._unlock(since=boottime_s() - self._under_way_s)

    @property
    def _is_old(self) -> bool:
        return self._file is not None and boottime_s() - self._opened_s >= self._takes_for_s

    def _ends_before(self, path: Path, before: float) -> bool:
        """Whether no call of this file can be live any more; read only when it has changed."""
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            return False  # a neighbour was faster
        if self._ends.get(path, (0, 0.0))[0] != size:
            ends = [line["intent"]["ends_at"] for line in _read(path) if "intent" in line]
            self._ends[path] = (size, max(ends, default=0.0))
        # an empty one was opened just now: its lock may be missing yet
        return size > 0 and self._ends[path][1] < before

    def close(self) -> None:
        """Close the file; what is in it stays."""
        with self._syncing:
            self._sync_all()
            with self._lock:
                self._retire()
                self._unlock(since=math.inf)

    def _append(self, lines: Sequence[dict[str, Any]]) -> None:
        packed = "".join(_as_json(line) + "\n" for line in lines).encode()
        with self._lock:
            self._write(packed)
            self._bytes += len(packed)
            self._written += len(lines)
            nth = self._written
        self._sync(nth)

    def _write(self, packed: bytes) -> None:
        """Write to this process's file, or to a new one where it does not take it whole.

        Raises:
            OSError: No file takes it whole.
        """
        if self._file is not None:
            try:
                _write_whole(self._file, packed)
            except OSError:
                self._leave_torn(self._file)
            else:
                return
        self._file = self._open(packed)

    def _leave_torn(self, file: int) -> None:
        """Write no more to a file whose last line is cut off; what others wrote to it goes to disk."""
        try:
            os.fdatasync(file)
        except OSError:
            self._lost = self._written
        self._retire()

    def _sync(self, nth: int) -> None:
        """Put the nth line on disk, and with it all that other threads have written by then."""
        with self._syncing:
            if nth > max(self._synced, self._lost):
                self._sync_all()
            if nth <= self._lost:
                raise OSError(errno.EIO, "the journal's disk failed")

    def _sync_all(self) -> None:
        with self._lock:
            file, written = self._file, self._written
        if file is None:
            return
        try:
            os.fdatasync(file)
        except OSError:
            # the kernel tells of a lost page once: who else wrote must not trust a later sync
            with self._lock:
                self._lost = self._written
                self._retire()
            raise
        self._synced = written
        with self._lock:
            is_full = self._bytes > _ROTATE_BYTES or self._is_old
            if is_full and self._written == written:
                self._retire()

    def _open(self, first: bytes) -> int:
        """Open a new file with these lines in it; one that does not take them is gone again."""
        self._folder.mkdir(parents=True, exist_ok=True)
        number = sum(1 for _ in self._folder.glob(f"{self._process}.*.jsonl"))
        while (path := self._folder / f"{self._process}.{number:06}.jsonl").exists():
            number += 1
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)  # goes with this process, however that ends
            _write_whole(file, f"{_as_json({'kernel': self._kernel})}\n".encode() + first)
            sync_folder(self._folder)  # or a power failure might leave the file without a name
        except OSError:
            path.unlink(missing_ok=True)
            os.close(file)
            raise
        self._bytes = 0
        self._opened_s = boottime_s()
        self._unlock(since=boottime_s() - self._under_way_s)
        return file

    def _lines(self) -> Iterator[dict[str, Any]]:
        for path in self._paths():
            yield from _read(path)

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("*.jsonl"))

    def _retire(self) -> None:
        """Write to this file no more; it stays locked while its requests may be under way."""
        if self._file is not None:
            self._full.append((self._file, boottime_s()))
            self._file = None

    def _unlock(self, *, since: float) -> None:
        for file, full_since in self._full:
            if full_since <= since:
                os.close(file)
        self._full = [one for one in self._full if one[1] > since]


def _kernel_id() -> str:
    """Tell one boot of one machine from all others; '' where the system does not say."""
    try:
        return _KERNEL_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


@contextmanager
def _left_by_its_writer(path: Path) -> Iterator[bool]:
    """Tell whether nobody writes to a file; then nobody begins to before the block ends."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("rb"))
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except (FileNotFoundError, BlockingIOError):
            yield False
        else:
            yield True


def _write_whole(file: int, packed: bytes) -> None:
    """Write all of it; a disk that is nearly full may take a part first, and says so of the rest.

    Raises:
        OSError: Not all of it is written.
    """
    left = memoryview(packed)
    while left:
        written = os.write(file, left)
        if not written:
            raise OSError(errno.ENOSPC, "the journal's disk takes no more")
        left = left[written:]


def _read(path: Path) -> Iterator[dict[str, Any]]:
    try:
        # what a power failure leaves may be no text at all, and must not hide the lines before it
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue  # cut off by a power failure: its request did not leave, the write came first
        if isinstance(found, dict):
            yield found

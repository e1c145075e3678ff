"""Files that appear together and whole, or not at all."""

import errno
import fcntl
import hashlib
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Self


class FileSet:
    """Files that appear together and whole, or not at all; what they replace stays until then.

    Each grows under a hidden name beside its place, so that renaming stays within one disk. A hidden
    file is locked meanwhile: the kernel takes the lock from a process that is killed, so the next set
    in the folder knows what nobody will finish, and removes it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mark = secrets.token_hex(4)
        self._growing: dict[Path, Path] = {}
        self._lock = folder / _LOCK.format(self._mark)
        self._lock_file: int | None = None

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        if not os.access(self._folder, os.W_OK | os.X_OK):  # the hidden name would say nothing
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self._folder))
        _remove_abandoned(self._folder)
        self._lock_file = os.open(self._lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with suppress(OSError):  # where nothing can be locked, nobody takes it for abandoned
            fcntl.flock(self._lock_file, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_: object) -> None:
        for growing in self._growing.values():
            growing.unlink(missing_ok=True)
        self._lock.unlink(missing_ok=True)
        if self._lock_file is not None:
            os.close(self._lock_file)

    def place(self, name: str) -> Path:
        """Give the path under which a file of this name may grow."""
        growing = self._folder / f".{name}.{self._mark}.part"
        self._growing[self._folder / name] = growing
        return growing

    def publish(self) -> tuple[Path, ...]:
        """Bring all files to disk, then under their names."""
        for growing in self._growing.values():
            with growing.open("rb") as file:
                os.fsync(file.fileno())
        for final, growing in self._growing.items():
            growing.replace(final)
        sync_folder(self._folder)
        return tuple(self._growing)


def plain_name(name: str) -> str:
    """Make what people called something fit for a file's name; two may become the same."""
    return _NOT_IN_NAMES.sub("-", name)[:_LONGEST_NAME]


_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAME = 64
_LOCK = ".dialer-{}.lock"


def _remove_abandoned(folder: Path) -> None:
    """Remove what sets left behind whose processes were killed."""
    for lock in folder.glob(_LOCK.format("*")):
        mark = lock.stem.rpartition("-")[2]
        with suppress(OSError), lock.open("rb") as file:  # in use, or somebody else's
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for growing in folder.glob(f".*.{mark}.part"):
                growing.unlink(missing_ok=True)
            lock.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Put the names of a folder's files on disk."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file's content, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Files that appear together and whole, or not at all."""

import errno
import os
import re
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self


class FileSet:
    """Files that appear together and whole, or not at all; what they replace stays until then.

    Each grows under a hidden name beside its place, so that renaming stays within one disk.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mark = secrets.token_hex(4)
        self._growing: dict[Path, Path] = {}

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        if not os.access(self._folder, os.W_OK | os.X_OK):  # the hidden name would say nothing
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self._folder))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for growing in self._growing.values():
            growing.unlink(missing_ok=True)

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
        _sync_folder(self._folder)
        return tuple(self._growing)


def plain_name(name: str) -> str:
    """Make what people called something fit for a file's name; two may become the same."""
    return _NOT_IN_NAMES.sub("-", name)[:_LONGEST_NAME]


_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAME = 64


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""Uploaded files: a copy that nobody changes under us, and the hash that tells content from content."""

import contextlib
import hashlib
import io
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from campaigns.lists.source import CampaignFileError

_COPY_BYTES = 1 << 20


class StillWritten(CampaignFileError):
    """Somebody writes the file: half a list would be taken for the whole, and half a number for one."""


class FileState(NamedTuple):
    """What shows that a file was written to."""

    size: int
    changed_ns: int


def state_of(file: BinaryIO) -> FileState | None:
    """Tell how a file on disk is at present; None of what is none, such as an upload or a pipe."""
    if not isinstance(file, io.BufferedReader):
        return None
    found = os.fstat(file.fileno())
    return FileState(found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None


def require_state(file: BinaryIO, state: FileState | None) -> None:
    """Refuse a file that is no more as it was.

    Raises:
        StillWritten: It was written to meanwhile.
    """
    if state_of(file) != state:
        raise StillWritten(
            "The file was changed while it was read. Wait until it is complete, then load it again."
        )


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file that is read more than once; what a pipe brings is kept until the block's end."""
    with path.open("rb") as file:
        if file.seekable():
            yield file
            return
        with tempfile.TemporaryFile() as kept:
            shutil.copyfileobj(file, kept)
            kept.seek(0)
            yield cast("BinaryIO", kept)


@contextlib.contextmanager
def unchanged(path: Path) -> Iterator[BinaryIO]:
    """Open a file that is to be the same at the block's end.

    Raises:
        StillWritten: It was written to meanwhile.
    """
    with opened(path) as file:
        state = state_of(file)
        yield file
        require_state(file, state)


@contextlib.contextmanager
def private_copy(file: BinaryIO, *, folder: Path) -> Iterator[tuple[BinaryIO, str]]:
    """Copy an upload into a folder for a while; gives the copy with its content's hash.

    Raises:
        StillWritten: Somebody wrote to it meanwhile.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = state_of(file)
    digest = hashlib.sha256()
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".upload") as copy:
        while piece := file.read(_COPY_BYTES):
            digest.update(piece)
            copy.write(piece)
        require_state(file, state)
        copy.seek(0)
        # without its wrapper, which every line read would pass through
        yield cast("BinaryIO", copy.file), digest.hexdigest()


def hash_of(file: BinaryIO) -> str:
    """Hash a file from its beginning, and go back there."""
    file.seek(0)
    digest = hashlib.file_digest(cast("Any", file), "sha256")
    file.seek(0)
    return digest.hexdigest()

"""Uploaded files: a copy that nobody changes under us, and the hash that tells content from content."""

import contextlib
import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

_COPY_BYTES = 1 << 20


@contextlib.contextmanager
def private_copy(file: BinaryIO, *, folder: Path) -> Iterator[tuple[BinaryIO, str]]:
    """Copy an upload into a folder for a while; gives the copy with its content's hash."""
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".upload") as copy:
        while piece := file.read(_COPY_BYTES):
            digest.update(piece)
            copy.write(piece)
        copy.seek(0)
        # without its wrapper, which every line read would pass through
        yield cast("BinaryIO", copy.file), digest.hexdigest()


def hash_of(file: BinaryIO) -> str:
    """Hash a file from its beginning, and go back there."""
    file.seek(0)
    digest = hashlib.file_digest(cast("Any", file), "sha256")
    file.seek(0)
    return digest.hexdigest()

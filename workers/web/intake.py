"""Which uploads are taken: so many at once of one key and in all, and no more than the disk holds.

The disk is also Redis' own where the server is embedded, and a full one stops the dialling.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from campaigns.sentence import told
from workers.web.problems import Problem

MOST_AT_ONCE = 16
MOST_OF_KEY = 6
_LEFT_FREE_BYTES = 500_000_000
_LEFT_FREE_SHARE = 0.05  # where that is less
_COPIES = 2  # the upload, and the copy that is loaded from
_AGAIN_S = 10


def free_bytes(folder: Path) -> tuple[int, int]:
    """Tell how much of the disk is free, and how much there is."""
    usage = shutil.disk_usage(folder)
    return usage.free, usage.total


class Intake:
    """The uploads that are on their way through this process.

    Args:
        free: Tells what of a folder's disk is free, and how much there is.
    """

    def __init__(self, *, free: Callable[[Path], tuple[int, int]] = free_bytes) -> None:
        self._free = free
        self._of_key: Counter[str] = Counter()
        self._announced_bytes = 0

    @contextmanager
    def taking(self, key: str, folder: Path, announced_bytes: int) -> Iterator[None]:
        """Take an upload while the block runs.

        Args:
            key: Of whoever sends it.
            announced_bytes: What it says it has; 0 where it says nothing.

        Raises:
            Problem: There are too many, or no room.
        """
        if self._of_key[key] >= MOST_OF_KEY:
            raise _too_many(f"{MOST_OF_KEY} of one key")
        if self._of_key.total() >= MOST_AT_ONCE:
            raise _too_many(f"{MOST_AT_ONCE} in all")
        self.check_room(folder, self._announced_bytes + announced_bytes)
        self._of_key[key] += 1
        self._announced_bytes += announced_bytes
        try:
            yield
        finally:
            self._announced_bytes -= announced_bytes
            self._of_key[key] -= 1
            if not self._of_key[key]:
                del self._of_key[key]

    def check_room(self, folder: Path, wanted_bytes: int = 0) -> None:
        """Check that the disk has room for so much, and some over.

        Raises:
            Problem: It has not.
        """
        free, in_all = self._free(folder)
        left_free = min(_LEFT_FREE_BYTES, int(in_all * _LEFT_FREE_SHARE))
        if free - wanted_bytes * _COPIES < left_free:
            raise Problem(
                507,
                "disk_full",
                told(
                    "The disk has {free:,} MB free, too little for this file. Discard uploads "
                    "that wait for a decision, or make room.",
                    free=free // 1_000_000,
                ),
            )


def _too_many(how_many: str) -> Problem:
    return Problem(
        429,
        "too_many_uploads",
        told(
            "At most {most} uploads are taken at once; try again when one is done.",
            most=how_many,
        ),
        headers={"Retry-After": str(_AGAIN_S)},
    )

"""Numbers in E.164, and those of teams, as integers, which sort and compare by the thousand."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def as_integers(numbers: Sequence[str]) -> NDArray[np.int64]:
    """Read numbers that were judged before; all at once takes a quarter of the time of each by itself."""
    return np.fromstring(" ".join(numbers), dtype=np.int64, sep=" ")

"""The places where a test may have a process killed are those that processes get to."""

import re
from pathlib import Path

import pytest

from dialer import failpoints

ROOT = Path(__file__).parents[2]


def test_every_place_is_reached_somewhere_and_no_other_is():
    reached = {
        name
        for room in ("dialer", "workers")
        for file in (ROOT / room).rglob("*.py")
        for name in re.findall(r"""\breach\(\s*"(\w+)\"""", file.read_text(encoding="utf-8"))
    }

    assert reached == set(failpoints.PLACES)


def test_a_place_that_nobody_gets_to_cannot_be_armed():
    with pytest.raises(ValueError, match="places are block_stored"):
        failpoints.arm("gate_pased:3")

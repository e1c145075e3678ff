"""How long the tests wait: by what the machine could do meanwhile."""

import pytest

from tests.patience import Patience, until


@pytest.mark.parametrize(
    ("passed_s", "stalled_s", "is_over"),
    [
        (9, 0, False),
        (10, 0, True),
        (12, 3, False),  # for three of them somebody stood in line for a core
        (13, 3, True),
        (49, 49, False),
        (50, 50, True),  # however busy the machine is, once it is enough
    ],
)
def test_time_in_which_processes_stood_in_line_counts_for_a_fifth(passed_s, stalled_s, is_over):
    clock, pressure = iter([0, passed_s]), iter([0, stalled_s])

    patience = Patience(10, now_s=lambda: next(clock), stalled_s=lambda: next(pressure))

    assert patience.is_over is is_over


def test_what_never_comes_is_named():
    with pytest.raises(AssertionError, match="the train did not come within 0"):
        until(lambda: False, within_s=0, what="the train")


def test_what_comes_is_given():
    assert until(iter([0, None, "here"]).__next__) == "here"

"""The model of the dial protocol, checked anew; needs Debian's spin, and gcc."""

import pytest

from tools.check_model import DESIGN, WRONG_DESIGNS, check


def test_no_reachable_state_of_the_design_breaks_a_promise_and_every_line_is_reached():
    verdict = check(DESIGN, workers=2)

    assert verdict.error == ""
    assert verdict.unreached == ()
    assert verdict.states > 100_000


@pytest.mark.parametrize("design", WRONG_DESIGNS)
def test_a_tempting_wrong_design_rings_somebody_twice(design):
    verdict = check(design, workers=2)

    assert verdict.error.startswith("assertion violated (lives<=1)")

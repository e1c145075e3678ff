"""The model of the dial protocol, as Spin checked it last; test_model_checked.py has it checked anew."""

import pytest

from tools.check_model import RESULT, WRONG_DESIGNS, fingerprint


def recorded_of(design: str) -> str:
    lines = RESULT.read_text(encoding="utf-8").splitlines()
    (line,) = (line for line in lines if line.startswith(f"{design} "))
    return line


def test_the_recorded_result_is_that_of_this_very_model():
    recorded = RESULT.read_text(encoding="utf-8").splitlines()

    assert recorded[0] == f"dial.pml sha256 {fingerprint()}", "run: make model"


def test_no_reachable_state_of_the_design_broke_a_promise():
    assert "no violation in any state" in recorded_of("the design")


@pytest.mark.parametrize("design", WRONG_DESIGNS)
def test_a_tempting_wrong_design_rang_somebody_twice(design):
    assert "assertion violated (lives<=1)" in recorded_of(design)

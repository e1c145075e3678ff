"""The model of the dial protocol: checked where Spin is installed, else as it was checked last."""

import shutil

import pytest

from tools.check_model import DESIGN, RESULT, WRONG_DESIGNS, check, fingerprint

HAS_SPIN = bool(shutil.which("spin") and shutil.which("gcc"))


def test_the_recorded_result_is_that_of_this_very_model():
    recorded = RESULT.read_text(encoding="utf-8").splitlines()

    assert recorded[0] == f"dial.pml sha256 {fingerprint()}", "run: make model"


def test_no_reachable_state_of_the_design_breaks_a_promise_and_every_line_is_reached():
    if not HAS_SPIN:
        assert "no violation in any state" in recorded_of("the design")
        return

    verdict = check(DESIGN, workers=2)

    assert verdict.error == ""
    assert verdict.unreached == ()
    assert verdict.states > 100_000


@pytest.mark.parametrize("design", WRONG_DESIGNS)
def test_a_tempting_wrong_design_rings_somebody_twice(design):
    if not HAS_SPIN:
        assert "assertion violated (lives<=1)" in recorded_of(design)
        return

    verdict = check(design, workers=2)

    assert verdict.error.startswith("assertion violated (lives<=1)")


def recorded_of(design: str) -> str:
    (line,) = (
        line
        for line in RESULT.read_text(encoding="utf-8").splitlines()
        if line.startswith(f"{design} ")
    )
    return line

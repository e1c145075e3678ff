"""The benchmark programs start, measure something small, and print it; no time is judged."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SMALL = {
    "bench.settle": ["--calls", "5", "--repeats", "1"],
    "bench.flat": ["--dials", "20", "--largest", "1000"],
    "bench.callbacks": ["--lasts-s", "0.3", "--repeats", "1"],
    "bench.reports": ["--attempts", "50"],
    "bench.pacing": ["--lasts-s", "1", "--repeats", "1", "--only", "dialer"],
}


@pytest.mark.parametrize("program", SMALL)
def test_a_benchmark_starts_and_prints_its_method_and_figures(program):
    done = subprocess.run(
        [sys.executable, "-m", program, *SMALL[program]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 5

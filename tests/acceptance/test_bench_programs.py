"""Each benchmark program measures something small; no time is judged. `make chaos` runs them."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.page import results_folder, write_page
from bench.result import read

ROOT = Path(__file__).resolve().parents[2]

SMALL = {
    "bench.accounts": ["--accounts", "2", "--warm-s", "1", "--lasts-s", "3"],
    "bench.callbacks": ["--lasts-s", "0.3", "--repeats", "1"],
    "bench.desks": ["--agents", "2", "--every-s", "1", "--callbacks", "64", "--repeats", "1"],
    "bench.dispatch": ["--jobs", "60", "--repeats", "1", "--only", "dialer"],
    "bench.flat": ["--dials", "20", "--largest", "1000"],
    "bench.idle": ["--lasts-s", "1", "--rest-s", "0.5", "--only", "later"],
    "bench.load": [
        *("--rows", "500", "--other-rows", "300", "--repeats", "1"),
        *("--only", "dialer", "floor", "dramatiq .send()"),
    ],
    "bench.months": ["--campaigns", "2", "--contacts", "2"],
    "bench.pacing": ["--lasts-s", "1", "--repeats", "1", "--only", "dialer"],
    "bench.pages": ["--contacts", "300", "--campaigns", "3", "--times", "2"],
    "bench.reports": ["--attempts", "50"],
    "bench.settle": ["--calls", "5", "--repeats", "1"],
}


@pytest.mark.parametrize("program", SMALL)
def test_a_program_prints_its_method_and_figures_and_leaves_them_for_the_page(program, tmp_path):
    name = program.removeprefix("bench.")
    left = results_folder(tmp_path) / f"{name}.json"

    done = subprocess.run(
        [sys.executable, "-m", program, *SMALL[program], "--json", str(left)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=290,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    found = read(left)
    assert found.method in done.stdout
    assert all(row[0] in done.stdout for table in found.tables for row in table.rows)
    assert f"`{found.run.command}`" in write_page(tmp_path).read_text(encoding="utf-8")

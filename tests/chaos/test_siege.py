"""Processes killed at every place of their work, for half a minute; `make chaos` kills thousands."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(600)
def test_processes_killed_at_every_place_lose_nothing_and_ring_nobody_twice():
    seed = random.randrange(1_000_000)

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.chaos.chaos_run",
            "--kills",
            "30",
            "--seed",
            str(seed),
            "--json",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, f"seed {seed}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    report = json.loads(done.stdout)
    assert report["failed"] == {}
    assert report["kills"] >= 30

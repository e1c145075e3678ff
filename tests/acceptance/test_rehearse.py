"""A rehearsal: the user's list and rules, the real processes, no phone and little time."""

import csv
import os
import subprocess

import pytest

from tests.acceptance.rig import BIN, pairs
from tests.acceptance.test_file_modes import ANYBODY, others_may

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory):
    """Rehearse once, with a generous umask; gives the folder and what the command said."""
    folder = tmp_path_factory.mktemp("rehearsed")
    rows = [
        f"{row},{'2030-01-01T10:00' if n == 3 else ''}"
        for n, row in enumerate(pairs(30, agents=10))
    ]
    (folder / "calls.csv").write_text("\n".join(["agent,customer,name,not_before", *rows]) + "\n")
    (folder / ".env").write_text("EXOTEL_ACCOUNT_SID=theirs\nEXOTEL_CALLER_ID=08000000000\n")

    done = subprocess.run(
        [
            *(BIN / "dialer", "rehearse", "calls.csv", "--out", "results", "--speed", "60"),
            *("--hours", "03:00-03:01", "--max-attempts", "1", "--max-calls-per-day", "5"),
            *("--outcome", "connected=3", "--outcome", "customer_busy=1", "--talk", "20-40"),
        ],
        cwd=folder,
        umask=ANYBODY,
        env={**os.environ, "EXOTEL_BASE_URL": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    return folder, done


def test_a_rehearsal_dials_the_list_by_its_rules_and_touches_nothing_else(rehearsed):
    folder, done = rehearsed

    assert done.returncode == 0, done.stdout + done.stderr
    assert "This was a rehearsal: no phone rang." in done.stdout
    assert "Calling hours are left out (every day 03:00–03:01)" in done.stdout
    assert "Daily caps are left out" in done.stdout
    assert "1 contacts with a not-before are called at once" in done.stdout
    assert "✗" not in done.stdout
    [attempts] = (folder / "results").glob("rehearsal-calls_attempts_*.csv")
    with attempts.open(encoding="utf-8-sig", newline="") as file:
        outcomes = [row["outcome"] for row in csv.DictReader(file)]
    assert len(outcomes) == 30
    assert set(outcomes) == {"connected", "customer_busy"}
    assert sorted(path.name for path in folder.iterdir()) == [".env", "calls.csv", "results"]


def test_what_a_rehearsal_writes_is_its_users_alone_under_any_umask(rehearsed):
    folder, _ = rehearsed

    assert len(list((folder / "results").rglob("*"))) > 10
    assert others_may(folder / "results") == []

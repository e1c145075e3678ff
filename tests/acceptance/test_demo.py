"""The demo, as a new user runs it."""

import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.rig import BIN
from tests.patience import until

# it takes a minute, on a busy machine more
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@contextmanager
def demo(folder: Path, mark: str) -> Iterator["subprocess.Popen[str]"]:
    """Run it where a stranger's settings lie about; nothing of it may be left afterwards.

    Args:
        mark: Stands in the environment of every process it starts.
    """
    (folder / "tmp").mkdir(exist_ok=True)
    (folder / ".env").write_text("EXOTEL_ACCOUNT_SID=theirs\nEXOTEL_RATE_LIMIT=1\n")
    strange = {"EXOTEL_API_KEY": "theirs", "REDIS_URL": "redis://no"}
    env = {**os.environ, "DEMO_MARK": mark, "TMPDIR": str(folder / "tmp"), **strange}
    with subprocess.Popen(
        [BIN / "dialer", "demo", "--out", "results"],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield process
    assert until(lambda: not marked(mark), what="the end of all processes")


def marked(mark: str) -> list[int]:
    """Find the processes that carry the mark."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and mark.encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue  # it has ended, or is none of ours
    return found


def test_the_demo_dials_its_list_reports_and_agrees_with_the_simulator(tmp_path):
    with demo(tmp_path, secrets.token_hex(8)) as process:
        told, _ = process.communicate(timeout=280)

    assert process.returncode == 0, told
    assert "66 rows = 60 accepted + 5 rejected + 1 duplicate" in told
    assert "completed: 60 of 60 final" in told
    assert "✗" not in told
    written = {file.name for file in (tmp_path / "results").glob("sample_*")}
    assert {re.sub(r"_\d{8}T.*\.", ".", name) for name in written} >= {
        "sample_attempts.csv",
        "sample_contacts.csv",
        "sample_summary.csv",
        "sample_report.html",
    }


def until_dialling(process: "subprocess.Popen[str]") -> None:
    for line in process.stdout:
        if line.startswith("running"):
            break


def left_in(folder: Path) -> list[Path]:
    """List the demos' temporary folders."""
    return list((folder / "tmp").glob("dialer-demo-*"))

"""What we write can be read by nobody else, however generous the umask of whoever starts us is."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from dialer.simulator import SimulatorOptions, running
from tests.acceptance.rig import Rig, get, pairs
from tests.acceptance.test_books import RETRIES

pytestmark = pytest.mark.long

ANYBODY = 0o000


@pytest.fixture
def rig(tmp_path) -> Iterator[Rig]:
    with running(SimulatorOptions(rate_limit=200, rate_window_s=3, speed=120)) as provider:
        started = Rig(tmp_path, provider, {"EXOTEL_RATE_LIMIT": "200", "EXOTEL_RATE_WINDOW_S": "3"})
        started.umask = ANYBODY
        try:
            started.start("web", "feeder", "results", "worker")
            started.wait_until_up()
            yield started
        finally:
            started.stop()


def others_may(folder: Path) -> list[str]:
    """Name what in a folder, itself included, its group or others may do anything with."""
    return [
        f"{stat.S_IMODE(one.lstat().st_mode):o} {one}"
        for one in [folder, *folder.rglob("*")]
        if stat.S_IMODE(one.lstat().st_mode) & 0o077
    ]


def test_whatever_any_entry_point_writes_is_its_users_alone_under_any_umask(rig):
    rig.load([*pairs(6, agents=3), "+919000000001,12,too short"], "--start", "--record", *RETRIES)
    rig.wait_for_state("completed")
    out = rig.folder / "reports"
    rig.json("report", "camp", "--out", str(out), "--format", "xlsx,parquet,csv")
    assert get(f"http://127.0.0.1:{rig.port}/").status_code < 400
    rig.json("campaign", "archive", "camp", "--force")

    data = rig.folder / "var"
    assert {"archive", "journal", "redis"} <= {one.name for one in data.iterdir()}
    assert {one.suffix for one in out.iterdir()} >= {".csv", ".xlsx", ".parquet"}
    assert others_may(data) == []
    assert others_may(out) == []

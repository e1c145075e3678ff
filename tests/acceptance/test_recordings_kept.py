"""Recordings keep themselves while the process that keeps them is killed: each is kept, and told of once."""

import hashlib
import json
from pathlib import Path

import pytest

from dialer.simulator import SimulatorOptions, running
from dialer.simulator.fates import Fate
from tests.acceptance.rig import dialer, pairs
from tests.patience import until

pytestmark = pytest.mark.long

SETTINGS = {
    "EXOTEL_RATE_LIMIT": "200",
    "EXOTEL_RATE_WINDOW_S": "3",
    "DIALER_FINAL_VALUES_AFTER_S": "1",
    "DIALER_LOOKUP_AFTER_S": "3",
    "DIALER_LOOKUP_EVERY_S": "1",
}


def test_every_recording_is_kept_through_kill_9_and_told_of_once(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    options = SimulatorOptions(
        rate_limit=200, rate_window_s=3, speed=120, outcomes={Fate.CONNECTED: 1.0}
    )
    settings = SETTINGS | {"DIALER_RECORDINGS_TO": str(kept)}
    with running(options) as provider, dialer(tmp_path, provider, **settings) as rig:
        campaign = rig.load(pairs(24, agents=8), "--start", "--record")["campaign_id"]
        rig.start("events")
        until(lambda: files(kept), what="the first recording")
        rig.kill("events")
        rig.start("events")
        until(lambda: len(files(kept)) == 24, what="all recordings")

        found = until(lambda: len(told(rig)) >= 24 and told(rig), what="all events")

    by_name = {one["details"]["name"]: one["details"]["sha256"] for one in found}
    assert len(found) == len(by_name) == 24
    for file in files(kept):
        name = str(file.relative_to(kept))
        assert name.startswith(f"{campaign}/")
        assert hashlib.sha256(file.read_bytes()).hexdigest() == by_name[name]


def files(kept: Path) -> list[Path]:
    return sorted(kept.glob("*/*.mp3"))


def told(rig) -> list[dict]:
    command = ("events", "tail", "--all", "--no-follow", "--json")
    lines = rig.run(*command, "--kind", "attempt.recording_stored").stdout.splitlines()
    return [json.loads(line)["data"] for line in lines]

"""What is shipped for supervisors is well-formed, confined, and waits for what was sent."""

import re
import shutil
import subprocess
import sys
from configparser import ConfigParser, RawConfigParser
from pathlib import Path

import pytest

from dialer.settings import Settings
from workers.roles import all_processes

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "deploy/systemd"
UNITS = sorted(SYSTEMD.glob("*.service"))
MOST_EXPOSURE = 2.0
INSTALLED_IN = "/opt/dialer/.venv/bin"

# systemd.exec(5): what keeps a taken-over process from doing harm
CONFINED = {
    "DynamicUser": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "PrivateUsers": "yes",
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "MemoryDenyWriteExecute": "yes",
    "RestrictNamespaces": "yes",
    "RestrictSUIDSGID": "yes",
}


def directives(unit: Path) -> dict[str, dict[str, str]]:
    """Read a unit as systemd does: what all of them share, then its own."""
    parser = RawConfigParser(strict=False)  # some directives stand there several times
    parser.optionxform = str
    parser.read([SYSTEMD / "dialer-.service.d/10-common.conf", unit])
    return {section: dict(parser[section]) for section in parser.sections()}


def seconds(milliseconds_option: str, command: str) -> float:
    return int(re.search(rf"--{milliseconds_option} (\d+)", command)[1]) / 1000


@pytest.fixture
def installed(tmp_path) -> Path:
    """The units, as if the product were installed where this test's Python is."""
    folder = tmp_path / "units"
    shutil.copytree(SYSTEMD, folder)
    for unit in folder.glob("*.service"):
        text = unit.read_text().replace(INSTALLED_IN, str(Path(sys.executable).parent))
        unit.write_text(text)
    return folder


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_is_confined_and_well_formed(unit, installed):
    service = directives(unit)["Service"]

    assert {name: service[name] for name in CONFINED} == CONFINED
    assert service["KillMode"] == "mixed"
    assert service["Restart"] == "always"
    assert service["Type"] == "exec"

    if shutil.which("systemd-analyze"):
        _verified(installed / unit.name)
        assert _exposure(installed / unit.name) <= MOST_EXPOSURE


def test_the_target_wants_every_role():
    wanted = RawConfigParser()
    wanted.read(SYSTEMD / "dialer.target")

    started = {re.split(r"[@.]", name)[0] for name in wanted["Unit"]["Wants"].split()}

    assert started == {unit.stem.rstrip("@") for unit in UNITS}
    assert started == {f"dialer-{spec.name}" for spec in all_processes()}


def test_a_worker_is_given_longer_to_stop_than_anything_within_it_may_take():
    service = directives(SYSTEMD / "dialer-worker@.service")["Service"]
    programs = ConfigParser(interpolation=None)
    programs.read(ROOT / "deploy/supervisord.conf")
    by_supervisord = programs["program:worker"]
    request_s = Settings.model_fields["dialer_http_deadline_s"].default
    patience_s = seconds("worker-shutdown-timeout", service["ExecStart"])

    assert patience_s == seconds("worker-shutdown-timeout", by_supervisord["command"])
    assert request_s + 15 < patience_s  # the gate and the record come on top
    for stop_s in (int(service["TimeoutStopSec"]), by_supervisord.getint("stopwaitsecs")):
        assert 2 * patience_s + 10 <= stop_s  # Dramatiq may spend its patience twice


def test_secrets_come_as_credentials_named_like_settings_and_stand_in_no_unit():
    text = (SYSTEMD / "dialer-.service.d/10-common.conf").read_text()
    credentials = re.findall(r"LoadCredential=(\w+):/etc/dialer/credentials/(\w+)", text)

    assert {name for name, _ in credentials} >= {"exotel_api_key", "exotel_api_token", "redis_url"}
    assert all(name == file and name in Settings.model_fields for name, file in credentials)
    assert not re.search(r"^Environment=.*(KEY|TOKEN|SECRET)", text, re.MULTILINE)


def test_supervisord_signals_masters_alone_and_starts_every_role():
    programs = ConfigParser(interpolation=None)
    programs.read(ROOT / "deploy/supervisord.conf")
    roles = {
        name.removeprefix("program:"): programs[name]
        for name in programs
        if name.startswith("program:")
    }

    assert set(roles) == {spec.name for spec in all_processes()}
    for program in roles.values():
        assert program["stopsignal"] == "TERM"
        assert not program.getboolean("stopasgroup")
        assert program.getboolean("killasgroup")
        assert program.getboolean("autorestart")


def test_the_procfile_starts_every_role():
    lines = (ROOT / "Procfile").read_text().splitlines()

    assert {line.partition(":")[0] for line in lines if line} == {
        spec.name for spec in all_processes()
    }


def _verified(unit: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    # of the host's own units it may complain; of ours it must not
    assert [line for line in done.stderr.splitlines() if "dialer" in line] == []


def _exposure(unit: Path) -> float:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(re.search(r"exposure level for .*: ([\d.]+)", done.stdout)[1])

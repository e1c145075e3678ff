"""What is shipped for supervisors is well-formed, confined, and waits for what was sent."""

import re
import shutil
import subprocess
import sys
from configparser import ConfigParser, RawConfigParser
from pathlib import Path

import pytest
import yaml

import workers.web.app  # noqa: F401 - what declares every route
from dialer.settings import Settings
from workers.roles import all_processes
from workers.web.deeds import takes_file
from workers.web.guard import MAX_BODY_BYTES, MAX_UPLOAD_BYTES

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


def compose() -> dict:
    return yaml.safe_load((ROOT / "deploy/compose.yaml").read_text(encoding="utf-8"))


def role_of(service: str) -> str:
    return service.partition("-")[0]


def compose_s(duration: str) -> float:
    return float(duration.removesuffix("s"))


def roles_in_compose() -> dict[str, dict]:
    return {name: one for name, one in compose()["services"].items() if name != "valkey"}


def test_compose_runs_every_role_as_the_procfile_does():
    lines = (ROOT / "Procfile").read_text().splitlines()
    procfile = {line.partition(": ")[0]: line.partition(": ")[2].split() for line in lines}

    assert {role_of(name) for name in roles_in_compose()} == procfile.keys()
    for name, service in roles_in_compose().items():
        # one worker process a container: Dramatiq's master ends with any of its processes
        wanted = " ".join(procfile[role_of(name)]).replace("--processes 2", "--processes 1")
        assert " ".join(service["command"]) == wanted


def test_compose_gives_each_role_as_long_to_stop_as_other_supervisors():
    ours_s = {spec.name: spec.stop_s for spec in all_processes()}
    programs = ConfigParser(interpolation=None)
    programs.read(ROOT / "deploy/supervisord.conf")

    for name, service in roles_in_compose().items():
        role, stop_s = role_of(name), compose_s(service["stop_grace_period"])
        assert stop_s >= programs.getint(f"program:{role}", "stopwaitsecs"), name
        assert stop_s >= ours_s[role], name
        assert service["stop_signal"] == "SIGTERM"
        assert service["init"] is True


def test_a_container_is_confined_keeps_its_journal_and_is_known_by_a_name_that_stays():
    services = roles_in_compose()

    for name, service in services.items():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert service["environment"]["DIALER_DATA_DIR"] == "/var/lib/dialer"
        assert "data:/var/lib/dialer" in service["volumes"]
        assert service["hostname"] == name
        assert "deploy" not in service  # replicas would have random names
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["restart"] == "unless-stopped"
    assert {"data", "redis"} == compose()["volumes"].keys()


def test_compose_sets_nothing_but_settings_and_no_secret():
    for service in roles_in_compose().values():
        assert {one.lower() for one in service["environment"]} <= Settings.model_fields.keys()
    text = (ROOT / "deploy/compose.yaml").read_text(encoding="utf-8")
    assert not re.search(r"(PASSWORD|KEY|TOKEN|SECRET): [^$]", text)


def test_the_valkey_of_compose_has_the_settings_that_the_manual_asks_for():
    manual = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    block = manual.partition("\n## Redis\n")[2].partition("```")[2].partition("```")[0]
    wanted = [line.split("#")[0].split() for line in block.splitlines() if line.strip()]
    command = compose()["services"]["valkey"]["command"][-1].split()

    for name, value in wanted:
        given = command[command.index(f"--{name}") + 1]
        assert given == value or value == "…", name
    assert "--requirepass" in command
    assert compose()["services"]["valkey"]["volumes"] == ["redis:/data"]
    assert "ports" not in compose()["services"]["valkey"]


def test_the_image_is_slim_pinned_and_no_roots():
    text = (ROOT / "deploy/Containerfile").read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    last = text.rpartition("\nFROM ")[2]

    assert all(re.fullmatch(r"docker\.io/library/python:[\d.]+-slim-\w+", one) for one in bases)
    assert len(set(bases)) == 1  # what is built runs on what it was built for
    for command in re.findall(r"pip install (.+)", text):
        assert "--require-hashes" in command or "--no-index" in command
    assert re.search(r"^USER 1\d{4}", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert 'CMD ["dialer", "web"]' in last


def test_what_goes_into_the_image_is_named_and_nothing_else_goes():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    text = (ROOT / "deploy/Containerfile").read_text(encoding="utf-8")
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
        for word in line.split()[:-1]
    }

    assert ignored[0] == "*"
    allowed = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    assert all(any(Path(one).match(pattern) for pattern in allowed) for one in copied)
    assert not [one for one in allowed if one in {".env", "var"}]


def test_nginx_passes_on_who_asks_limits_them_and_writes_no_callback_down():
    top = blocks_of((ROOT / "deploy/nginx.conf").read_text())
    plain, nobody, tls = (words for name, words in top if name == ("server",))
    directives = dict(tls)
    locations = {name[-1]: dict(words) for name, words in tls if name[0] == "location"}

    # what a client sends under these names goes no further
    headers = {words[1]: words[2] for words, _ in tls if words[0] == "proxy_set_header"}
    assert headers == {
        "Connection": '""',
        "Host": "$host",
        "X-Forwarded-For": "$remote_addr",
        "X-Forwarded-Proto": "$scheme",
        "X-Forwarded-Host": "$host",
        "X-Real-IP": '""',
        "Forwarded": '""',
    }
    # a location that sets one of its own would lose them all
    own = {words[0] for location in locations.values() for words in location}
    assert not own & {"proxy_set_header", "add_header", "proxy_hide_header"}

    assert ("ssl_protocols", "TLSv1.2", "TLSv1.3") in directives
    assert ("ssl_reject_handshake", "on") in dict(nobody)
    assert [words[:2] for words, _ in plain if words[0] in {"return", "proxy_pass"}] == [
        ("return", "301")
    ]
    # of a connection's first request the first server of its port is in charge
    assert all(("client_header_timeout", "10s") in dict(server) for server in (plain, nobody, tls))

    assert ("access_log", "off") in locations["/callbacks/"]
    assert not [words for words in locations["/callbacks/"] if words[0] == "limit_req"]
    [[_, _, *written]] = [words for words, _ in top if words[0] == "log_format"]
    assert not re.search(
        r"\$(request|request_uri|args|query_string|http_referer)\b", " ".join(written)
    )
    assert [words[-1] for words, _ in tls if words[0] == "error_log"] == ["crit"]


def test_nginx_lets_lists_in_where_we_take_them_and_nowhere_else():
    [tls] = [
        words
        for name, words in blocks_of((ROOT / "deploy/nginx.conf").read_text())
        if name == ("server",) and any(one[0] == "ssl_protocols" for one, _ in words)
    ]
    [[pattern, words]] = [(name[-1], dict(words)) for name, words in tls if name[:2] == ("location", "~")]  # fmt: skip
    paths = [
        "/imports", "/imports/x", "/campaigns/x/append", "/campaigns/x", "/suppression/file",
        "/suppression", "/api/v1/campaigns", "/api/v1/campaigns/x/contacts", "/api/v1/campaigns/x",
        "/api/v1/suppressions", "/api/v1/rehearsals", "/api/v1/keys", "/sign-in", "/callbacks/x",
    ]  # fmt: skip

    for path in paths:
        assert bool(re.search(pattern, path)) == takes_file(path), path
    assert ("client_max_body_size", "64k") in dict(tls)
    assert MAX_BODY_BYTES == 64 * 1024
    assert ("client_max_body_size", "1001m") in words
    assert MAX_UPLOAD_BYTES <= 1001 * 1024**2


Blocks = list[tuple[tuple[str, ...], "Blocks"]]


def blocks_of(text: str) -> Blocks:
    """Read an nginx configuration: each directive's words, and what stands in its braces."""
    tokens = iter(re.findall(r"'[^']*'|\"[^\"]*\"|[{};]|[^\s{};]+", re.sub(r"#.*", "", text)))

    def block() -> Blocks:
        found: Blocks = []
        words: list[str] = []
        for token in tokens:
            if token == "}":
                break
            if token not in {"{", ";"}:
                words.append(token)
                continue
            found.append((tuple(words), block() if token == "{" else []))
            words = []
        return found

    return block()


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

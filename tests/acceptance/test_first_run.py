"""The first run: `dialer up` on a terminal makes a key and shows it; elsewhere it says which to make."""

import os
import pty
import re
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from dialer.simulator import SimulatorOptions, running
from tests.acceptance.rig import BIN, Rig, end_with_tests, get
from tests.chaos.processes_under_test import RedisProcess
from tests.patience import until

pytestmark = pytest.mark.long

PUBLIC = "https://dialer.example.com"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with running(SimulatorOptions()) as provider:
        yield Rig(tmp_path, provider)


class Terminal:
    """`dialer up` on a terminal of its own."""

    def __init__(self, process: subprocess.Popen[bytes], screen: int) -> None:
        self.process, self._screen, self.shown = process, screen, ""

    def read(self) -> None:
        """Read what is there: who writes to a full terminal waits."""
        if select.select([self._screen], [], [], 0.2)[0]:
            with suppress(OSError):  # nobody writes any more
                self.shown += os.read(self._screen, 65536).decode(errors="replace")

    def shows(self, pattern: str) -> re.Match[str]:
        """Wait until the screen shows something."""

        def found() -> re.Match[str] | None:
            self.read()
            return re.search(pattern, self.shown)

        return until(found, what=pattern)


@contextmanager
def up(rig: Rig) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [BIN / "dialer", "up"],
        env={**rig.env, "TERM": "dumb"},
        cwd=rig.folder,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=end_with_tests,  # noqa: PLW1509  # threads of ours hold no lock it takes
    )
    os.close(theirs)
    terminal = Terminal(process, ours)
    try:
        yield terminal
    finally:
        process.terminate()
        try:
            until(lambda: terminal.read() or process.poll() is not None, what="its end")
        finally:
            process.kill()
            process.wait()
            os.close(ours)


def test_up_on_a_terminal_makes_an_admin_key_and_shows_it_once(rig: Rig) -> None:
    url = f"http://127.0.0.1:{rig.port}"

    with up(rig) as terminal:
        key = terminal.shows(r"(dk_[\w-]+)\r?\n(?s:.*)web_listening")[1]
        assert f"{url}/sign-in" in terminal.shown
        rig.wait_until_up()
        without = get(f"{url}/api/v1/campaigns").status_code
        with_it = get(f"{url}/api/v1/keys", headers={"Authorization": f"Bearer {key}"}).status_code
    with up(rig) as again:
        again.shows("The pages:")  # what it shows of keys it shows before

    assert (without, with_it) == (401, 200)
    assert terminal.shown.count(key) == 1
    assert "dk_" not in again.shown


def test_up_without_a_terminal_shows_no_key_and_says_how_to_make_one(rig: Rig) -> None:
    rig.settings = {"DIALER_PUBLIC_URL": PUBLIC}

    done = rig.run("up")

    assert (done.returncode, done.stdout) == (2, "")  # nothing was started
    [line] = done.stderr.splitlines()
    assert "dk_" not in line
    assert line.startswith("dialer: DIALER_PUBLIC_URL is")
    assert "dialer key create NAME --scope admin" in line


def test_up_ends_at_a_redis_that_does_not_know_its_password_and_says_so_in_one_line(
    rig: Rig, tmp_path: Path
) -> None:
    with RedisProcess(tmp_path / "redis") as server, server.client() as admin:
        admin.config_set("requirepass", "another")
        rig.settings = {"REDIS_URL": server.url}

        done = rig.run("up")

    assert (done.returncode, done.stdout) == (1, "")  # nothing was started
    [line] = done.stderr.splitlines()
    assert line.startswith("dialer: Redis does not know this user or password: set REDIS_URL")


def test_up_says_that_all_wait_where_redis_is_not_there(rig: Rig, tmp_path: Path) -> None:
    rig.settings = {"REDIS_URL": f"unix://{tmp_path}/nobody.sock"}

    with up(rig) as terminal:
        terminal.shows("nobody.sock does not answer .*all wait for it")


def test_the_web_process_of_a_public_address_starts_once_a_key_was_made(rig: Rig) -> None:
    rig.settings = {"DIALER_PUBLIC_URL": "http://dialer.example.com"}
    refused = rig.run("web")

    made = rig.json("key", "create", "first", "--scope", "admin")
    rig.start("web")
    try:
        rig.wait_until_up()
        url = f"http://127.0.0.1:{rig.port}/api/v1/campaigns"
        answers = [
            httpx.get(url, headers=headers, verify=False).status_code
            for headers in ({}, {"Authorization": f"Bearer {made['key']}"})
        ]
    finally:
        rig.stop()

    [line] = refused.stderr.splitlines()
    assert refused.returncode == 2
    assert "dialer key create NAME --scope admin" in line
    assert answers == [401, 200]
    assert "open_to_others" in rig.log("web")  # it starts without TLS, but not without a word
    assert made["key"] not in rig.log("web")

"""Commands say where they look, what to type next, and what went wrong, to people and to programs."""

import json
from pathlib import Path

import pytest

from tests.acceptance.rig import Rig

READING = (("campaign", "list"), ("campaign", "status", "x"), ("key", "list"), ("hold", "show"))


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, "http://127.0.0.1:9")


@pytest.mark.parametrize("command", READING)
def test_a_command_that_reads_makes_no_store_and_names_the_one_it_misses(
    rig: Rig, command: tuple[str, ...]
) -> None:
    done = rig.run(*command)

    assert done.returncode == 2
    assert "nothing is stored here" in done.stderr
    assert str(rig.folder / "var" / "redis") in done.stderr
    assert not (rig.folder / "var").exists()


def test_a_failing_command_asked_for_json_prints_one_document(rig: Rig) -> None:
    done = rig.run("campaign", "status", "x", "--json")

    told = json.loads(done.stdout)
    assert told["exit_code"] == done.returncode == 2
    assert "nothing is stored here" in told["error"]


def test_names_are_quoted_guessed_at_and_the_store_is_named(rig: Rig) -> None:
    (rig.folder / "l.csv").write_text("agent,customer\n+919000000001,+919876543201\n")
    loaded = rig.run("campaign", "load", str(rig.folder / "l.csv"), "--name", "Welcome calls 01")

    resumed = rig.run("campaign", "resume", "welcome calls 01")
    guessed = rig.run("campaign", "status", "Welcom call 1")

    assert "dialer campaign start 'Welcome calls 01'" in loaded.stdout
    assert "dialer campaign start 'Welcome calls 01'" in resumed.stderr
    assert "did you mean 'welcome calls 01'?" in guessed.stderr


@pytest.mark.parametrize(
    ("command", "meant"),
    [
        (("campain", "list"), "'campaign'"),
        (("campaign", "cancell", "x"), "'cancel'"),
        (("campaign", "list", "--jsno"), "--json"),
        (("simulator", "--outcome", "conected=1"), "'connected'"),
        (("simulator", "--fault", "rset=1"), "'reset'"),
        (("campaign", "plan", "l.csv", "--retry", "customer_bussy=5m"), "'customer_busy'"),
        (("campaign", "resolve", "7f3kq2xa-1-1-k3x9p0a1b2", "--as", "conected"), "'connected'"),
        (("report", "x", "--out", "out", "--format", "csv,xslx"), "'xlsx'"),
    ],
)
def test_a_word_that_was_mistyped_is_guessed_at(
    rig: Rig, command: tuple[str, ...], meant: str
) -> None:
    (rig.folder / "l.csv").write_text("agent,customer\n+919000000001,+919876543201\n")

    done = rig.run(*command)

    assert done.returncode == 2
    assert meant in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("report", "x", "--out", "a", "--out", "b"), "--out is given 2 times: give it once"),
        (
            ("report", "x", "--out", "a", "--format", "csv", "--format=xlsx"),
            "--format is given 2 times: give it once, with commas between",
        ),
        (
            ("report", "x", "--out", "a", "--bom", "--no-bom"),
            "--bom is given 2 times: give it once",
        ),
        (("campaign", "plan", "l.csv", "--caller-id", "1", "--caller-id", "2"), "--caller-id is"),
        (
            (
                "campaign",
                "plan",
                "l.csv",
                "--hours",
                "mon 09:00-12:00",
                "--hours",
                "tue 09:00-12:00",
            ),
            "--hours is given 2 times: give it once, with semicolons between",
        ),
        (
            ("campaign", "plan", "l.csv", "--holidays", "IN", "--holidays", "IN-MH"),
            "--holidays is given 2 times: give it once, with commas between",
        ),
        (
            ("contact", "add", "x", "--customer", "1", "--backup", "1", "--backup", "2"),
            "--backup is given 2 times: give it once, with semicolons between",
        ),
        (
            ("purge", "--number", "+919876543201", "--number", "+919876543202"),
            "--number is given 2 times: a certificate is of one number, so run it once for each",
        ),
    ],
)
def test_what_is_said_twice_is_refused_and_not_half_of_it_taken(
    rig: Rig, command: tuple[str, ...], told: str
) -> None:
    (rig.folder / "l.csv").write_text("agent,customer\n+919000000001,+919876543201\n")

    done = rig.run(*command)

    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_what_may_be_said_several_times_is_taken_whole(rig: Rig) -> None:
    (rig.folder / "l.csv").write_text("agent,customer\n+919000000001,+919876543201\n")
    retries = ("--retry", "customer_busy=5m", "--retry", "customer_no_answer=2h")

    rig.run("campaign", "load", "l.csv", "--name", "x", *retries)

    retries = rig.json("campaign", "rules", "x")["rules"]["retry"]
    assert {"customer_busy=300s", "customer_no_answer=7200s"} <= set(retries)


def test_a_dry_run_needs_no_caller_id(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "http://127.0.0.1:9", {"EXOTEL_CALLER_ID": ""})
    (tmp_path / "l.csv").write_text("agent,customer\n+919000000001,+919876543201\n")

    done = rig.run("campaign", "load", str(tmp_path / "l.csv"), "--name", "x", "--dry-run")

    assert done.returncode == 0, done.stderr
    assert "1 accepted" in " ".join((done.stdout + done.stderr).split())


def test_what_keeps_dialling_is_told_in_the_campaigns_time(rig: Rig) -> None:
    rig.run("hold", "set", "fire drill")

    assert "IST: fire drill" in rig.run("hold", "show").stdout

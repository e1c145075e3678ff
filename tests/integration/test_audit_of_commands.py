"""Whatever is done from a terminal stands in the audit trail, with the user who did it."""

import os
import pwd
import socket
import subprocess

import pytest

from dialer.deeds import Did
from dialer.store import Database
from dialer.store.trail import Line, Trail
from tests.acceptance.rig import Rig
from tests.web_kit import LIST
from workers.cli import recorded
from workers.cli.command import READS, Command, Group, Table
from workers.cli.commands import COMMANDS

ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def rig(tmp_path, redis_server, redis_client) -> Rig:
    """An account whose commands are real processes."""
    (tmp_path / "contacts.csv").write_text(LIST, encoding="utf-8")
    (tmp_path / "stop.csv").write_text("+919876543201\n", encoding="utf-8")
    url = f"unix://{redis_server.connection_kwargs['unix_socket_path']}"
    return Rig(tmp_path, "http://127.0.0.1:1", {"REDIS_URL": url})


def test_an_export_that_finds_no_room_leaves_the_one_before_as_it_was(rig, tmp_path):
    before = tmp_path / "trail.jsonl"
    before.write_text("what was exported before")

    done = subprocess.run(
        ["bash", "-c", "ulimit -f 0; exec dialer audit --out trail.jsonl"],
        env=rig.env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1, done.stderr
    assert before.read_text() == "what was exported before"
    assert [one.name for one in tmp_path.glob(".*")] == []


def records(redis_client) -> list[dict]:
    return [line.as_json() for line in Trail(Database(redis_client, "demo")).lines()]


def ends(redis_client) -> list[tuple[str, str]]:
    return [
        (one["what"], one["outcome"]) for one in records(redis_client) if one["outcome"] != "begun"
    ]


def all_commands(table: Table, path: tuple[str, ...] = ()) -> dict[str, Command]:
    found = {}
    for name, entry in table.items():
        if isinstance(entry, Group):
            found |= all_commands(entry.commands, (*path, name))
        else:
            found[" ".join((*path, name))] = entry
    return found


def test_every_command_is_known_to_change_something_or_to_read():
    done = {entry.does for entry in all_commands(COMMANDS).values()} - {READS}

    assert done <= {str(one) for one in Did}


def a_command(**_: object) -> None:
    """Do something."""


@pytest.mark.parametrize(("words", "entry"), all_commands(COMMANDS).items())
def test_every_command_that_changes_something_is_recorded(words, entry):
    made = recorded.recorded(a_command, tuple(words.split()), entry)

    assert hasattr(made, "is_recorded") is (entry.does is not READS)


@pytest.mark.timeout(400)  # a process for each command
def test_what_commands_do_is_recorded_with_the_user_the_host_and_what_changed(rig, redis_client):
    for words in (
        ("campaign", "load", "contacts.csv", "--name", "diwali", "--start"),
        ("campaign", "pause", "diwali", "--why", "lunch"),
        ("campaign", "rules", "diwali", "--max-attempts", "2"),
        ("campaign", "resume", "diwali"),
        ("suppress", "add", "stop.csv"),
        ("suppress", "remove", "+919876543201"),
        ("hold", "set", "drill"),
        ("hold", "release"),
        ("account", "resume"),
        ("key", "create", "Asha", "--scope", "read"),
        ("report", "diwali", "--out", "reports"),
        ("campaign", "cancel", "diwali"),
        ("purge", "--number", "+919000000099"),
    ):
        done = rig.run(*words)
        assert done.returncode == 0, (words, done.stderr)

    assert ends(redis_client) == [
        ("campaign_started", "done"),
        ("list_loaded", "done"),
        ("campaign_paused", "done"),
        ("rules_changed", "done"),
        ("campaign_resumed", "done"),
        ("numbers_suppressed", "done"),
        ("number_unsuppressed", "done"),
        ("hold_set", "done"),
        ("hold_released", "done"),
        ("account_resumed", "done"),
        ("key_made", "done"),
        ("report_taken", "done"),
        ("campaign_cancelled", "done"),
        ("data_purged", "done"),
    ]
    told = records(redis_client)
    assert {one["who"]["id"] for one in told} == {ME}
    assert all(one["from"].startswith(socket.gethostname()) for one in told)
    paused = next(one for one in told if one["what"] == "campaign_paused" and "after" in one)
    assert (paused["before"], paused["after"]) == (
        {"state": "running"},
        {"state": "paused", "why": "lunch"},
    )
    assert "9876543201" not in str(told)


def test_a_command_that_is_refused_is_recorded_as_refused(rig, redis_client):
    assert rig.run("campaign", "start", "nobody").returncode == 1

    assert ends(redis_client) == [("campaign_started", "refused")]
    assert "nobody" in records(redis_client)[-1]["why"]


def test_commands_that_only_read_leave_no_record(rig, redis_client):
    rig.run("campaign", "load", "contacts.csv", "--name", "diwali", "--dry-run")
    rig.run("campaign", "list")
    rig.run("hold", "show")
    rig.run("audit", "--json")

    assert records(redis_client) == []


def test_a_changed_rule_is_a_change_and_showing_the_rules_is_none(rig, redis_client):
    rig.run("campaign", "load", "contacts.csv", "--name", "diwali")

    rig.run("campaign", "rules", "diwali")

    assert ends(redis_client) == [("list_loaded", "done")]


@pytest.mark.timeout(400)  # a process for each command
def test_the_trail_is_shown_written_and_checked(rig, redis_client):
    rig.run("hold", "set", "drill")
    rig.run("hold", "release")

    shown = rig.run("audit").stdout
    assert "hold_released" in shown
    assert "hold: drill → None" in shown
    assert rig.run("audit", "--out", "trail.jsonl").returncode == 0
    assert (rig.folder / "trail.jsonl").stat().st_mode & 0o777 == 0o600
    lines = (rig.folder / "trail.jsonl").read_text(encoding="utf-8").splitlines()
    assert Line.parse(lines[0]).is_genuine
    assert rig.run("audit", "--check").returncode == 0
    assert rig.run("audit", "--check", "--file", "trail.jsonl").returncode == 0
    (rig.folder / "trail.jsonl").write_text("\n".join(lines[1:2] + lines[3:]), encoding="utf-8")
    checked = rig.run("audit", "--check", "--file", "trail.jsonl")
    assert (checked.returncode, "record 3 is missing" in checked.stderr) == (1, True)
    assert rig.run("audit", "--since", "yesterday").returncode == 2


def test_a_record_removed_from_redis_is_told_by_the_check(rig, redis_client):
    rig.run("hold", "set", "drill")
    rig.run("hold", "release")
    key = "dialer:{demo}:audit"
    redis_client.xdel(key, redis_client.xrange(key)[1][0])

    checked = rig.run("audit", "--check")

    assert checked.returncode == 1
    assert "record 2 is missing" in checked.stderr

"""A campaign's books, made by real processes, checked against the provider's by hand."""

import csv
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import openpyxl
import pandas as pd
import pytest

from dialer.simulator import CallbackTrouble, SimulatorOptions, running
from tests.acceptance.rig import BIN, Rig, dialer, get, pairs
from tests.patience import until

pytestmark = pytest.mark.long

MAY_BE_TRIED_AGAIN = (
    "customer_busy",
    "customer_no_answer",
    "customer_failed",
    "agent_left",
    "agent_no_answer",
    "agent_busy",
    "agent_failed",
    "customer_not_dialled",
    "provider_failed",
)
RETRIES = [part for one in MAY_BE_TRIED_AGAIN for part in ("--retry", f"{one}=1x2")]
CUSTOMER_SIDE = {"customer_no_answer", "customer_busy", "customer_failed", "agent_left"}


@pytest.fixture(scope="module")
def rig(tmp_path_factory) -> Iterator[Rig]:
    options = SimulatorOptions(
        rate_limit=200,
        rate_window_s=3,
        speed=120,
        values_late_s=60,
        callback_faults={CallbackTrouble.DUPLICATED: 0.2, CallbackTrouble.LOST: 0.1},
    )
    settings = {
        "EXOTEL_RATE_LIMIT": "200",
        "EXOTEL_RATE_WINDOW_S": "3",
        "DIALER_LOOKUP_AFTER_S": "3",
        "DIALER_LOOKUP_EVERY_S": "1",
        "DIALER_FINAL_VALUES_AFTER_S": "1",
        "DIALER_MASK_KEY": "a key for tests",
    }
    folder = tmp_path_factory.mktemp("books")
    with running(options) as provider, dialer(folder, provider, **settings) as started:
        yield started


def finished(rig: Rig, name: str, *, rows: int = 40, agents: int = 10) -> str:
    """Dial a campaign to its end and wait for its last values; gives its id."""
    bad = ["+919000000001,12,too short", pairs(1, agents=1)[0]]
    list_ = [*pairs(rows, agents=agents), *bad]
    loaded = rig.load(list_, "--start", "--record", *RETRIES, name=name)
    rig.wait_for_state("completed", name=name)
    until(lambda: rig.seen(name)["values_late"] == 0, what="the last values")
    return loaded["campaign_id"]


@pytest.fixture(scope="module")
def dialled(rig: Rig) -> str:
    """Give the id of a campaign that was dialled, `figures`, for those who only read it."""
    return finished(rig, "figures")


def calls_of(rig: Rig, campaign: str) -> list[dict]:
    return [one for one in rig.calls().values() if one["custom_field"].startswith(campaign)]


def report(rig: Rig, name: str, out: str, *options: str) -> dict[str, Path]:
    """Write a report; gives its files by table."""
    made = rig.json("report", name, "--out", out, *options)
    files = [rig.folder / one for one in made["files"]]
    return {one.name.removeprefix(f"{name}_").rsplit("_", 1)[0]: one for one in files}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def figures(path: Path) -> dict[str, dict[str, str]]:
    return {row["name"]: row for row in rows(path)}


def test_every_figure_is_what_the_providers_ledger_gives_by_hand(rig, dialled):
    calls = calls_of(rig, dialled)
    connected = [one for one in calls if one["outcome"] == "connected"]
    agent_up = [one for one in calls if one["legs"][0]["status"] == "completed"]
    by_outcome = Counter(one["outcome"] for one in calls)
    by_attempt = Counter(one["custom_field"].split("-")[2] for one in calls)
    charged = sum(by_outcome[one] for one in CUSTOMER_SIDE) + len(connected)

    files = report(rig, "figures", "figures", "--format", "csv")

    kpis, summary = figures(files["kpis"]), figures(files["summary"])

    def ratio(name: str) -> tuple[int, int]:
        return int(kpis[name]["numerator"]), int(kpis[name]["denominator"])

    assert ratio("agent_answer_rate") == (len(agent_up), len(calls))
    assert ratio("customer_answer_rate") == (len(connected), len(agent_up))
    assert ratio("connect_rate") == (len(connected), len(calls))
    assert ratio("contact_rate_attempts") == (len(connected), charged)
    assert ratio("contact_rate_contacts") == (len({one["customer"] for one in connected}), 40)
    assert ratio("mean_talk_s") == (sum(one["talk_s"] for one in connected), len(connected))
    assert ratio("completion") == (40, 40)
    assert summary["standing"]["value"] == "final"
    assert summary["machine_answered"]["value"] == str(sum(one["by_machine"] for one in calls))
    assert summary["billed_s"]["value"] == str(sum(one["total_s"] for one in calls))
    assert Decimal(summary["price"]["value"]) == sum(Decimal(one["price"]) for one in calls)
    assert (summary["rows"]["value"], summary["rejected"]["value"]) == ("42", "1")
    assert summary["duplicate"]["value"] == "1"
    # a request that was never sent is an attempt without a call: a slow machine may have one
    ended = {
        row["key"]: int(row["calls"]) for row in rows(files["by_outcome"]) if row["calls"] != "0"
    }
    assert ended == by_outcome
    assert {row["key"]: int(row["calls"]) for row in rows(files["by_attempt"])} == by_attempt
    by_agent = Counter(one["agent"].removeprefix("+") for one in calls)
    assert {row["key"]: int(row["calls"]) for row in rows(files["by_agent"])} == by_agent
    assert sum(int(row["calls"]) for row in rows(files["by_hour"])) == len(calls)


def test_the_provider_agrees_until_it_has_a_call_that_we_do_not_know(rig):
    campaign = finished(rig, "agrees", rows=12, agents=4)
    clean = rig.json("reconcile", "agrees", "--out", "agrees")
    stranger = httpx.post(
        f"{rig.provider_url}/v1/Accounts/demo/Calls/connect.json",
        auth=("demo-key", "demo-token"),
        data={
            "From": pairs(1, agents=4)[0].split(",")[0],
            "To": pairs(1, agents=4)[0].split(",")[1],
            "CallerId": rig.env["EXOTEL_CALLER_ID"],
            "TimeLimit": "60",
            "TimeOut": "10",
            "CustomField": f"{campaign}-1-9-k3x9p0a1b2",
        },
    ).json()["Call"]["Sid"]
    until(lambda: is_over(rig, stranger), what="the end of that call")

    dirty = rig.run("reconcile", "agrees")

    assert clean["matched"] == len(calls_of(rig, campaign)) - 1
    assert clean["missing"] == clean["extra"] == clean["different"] == 0
    assert len(rows(rig.folder / clean["file"])) == clean["matched"]
    told = clean["events"]
    assert told["attempt.settled"] == told["attempt.placed"] == clean["matched"]
    assert (
        clean["event_sums"][0]
        == f"{clean['matched']} settled attempts = {clean['matched']} attempt.settled"
    )
    assert dirty.returncode == 1
    assert "1 extra" in dirty.stdout
    assert "Events: " in dirty.stdout
    assert stranger in dirty.stdout
    assert "do not agree" in dirty.stderr


def is_over(rig: Rig, sid: str) -> bool:
    listed = get(
        f"{rig.provider_url}/v1/Accounts/demo/Calls.json",
        params={"Sid": sid},
        auth=("demo-key", "demo-token"),
    )
    return listed.status_code == 200 and bool(listed.json()["Calls"])


def test_recordings_are_fetched_once_each(rig, dialled):
    recorded = {one["sid"] for one in calls_of(rig, dialled) if one["talk_s"]}

    first = rig.json("recordings", "figures", "--out", "voices")
    second = rig.json("recordings", "figures", "--out", "voices")

    assert (first["new"], first["failed"]) == (len(recorded), 0)
    assert (second["new"], second["here"]) == (0, len(recorded))
    found = {
        one.stem.rsplit("_", 1)[1]: one.read_bytes() for one in rig.folder.glob("voices/*.mp3")
    }
    assert found.keys() == recorded
    assert all(sid.encode() in voice for sid, voice in found.items())


def test_what_late_values_changed_is_told_by_diff(rig):
    rig.load(pairs(6, agents=3), "--start", *RETRIES, name="late")
    rig.wait_for_state("completed", name="late")
    early = report(rig, "late", "late-a")["attempts"]
    until(lambda: rig.seen("late")["values_late"] == 0, what="the last values")
    time.sleep(1.1)  # names tell seconds

    settled = report(rig, "late", "late-b")["attempts"]

    changes = rig.json("report", "diff", str(early), str(settled))
    assert rig.json("report", "diff", str(settled), str(settled)) == []
    was, now = rows(early), rows(settled)
    told = [
        (old["attempt_id"], column, old[column], new[column])
        for old, new in zip(was, now, strict=True)
        for column in new
        if old[column] != new[column]
    ]
    assert [
        (one["attempt_id"], one["column"], one["before"], one["after"]) for one in changes
    ] == told


def test_an_archived_campaign_reports_as_before_and_is_shown_as_archived(rig):
    finished(rig, "old", rows=12, agents=4)
    before = report(rig, "old", "old-a", "--format", "csv")

    archived = rig.json("campaign", "archive", "old")

    after = report(rig, "old", "old-b", "--format", "csv")
    tables = ("attempts", "contacts", "by_agent", "by_hour", "by_attempt", "by_outcome", "rejected")
    assert [after[one].read_bytes() for one in tables] == [
        before[one].read_bytes() for one in tables
    ]
    assert (Path(archived["folder"]) / "campaign.json").exists() or (
        rig.folder / archived["folder"] / "campaign.json"
    ).exists()
    assert rig.status("old")["archived_at"] is not None
    assert "old" not in [one["name"] for one in rig.json("campaign", "list")]
    (listed,) = [one for one in rig.json("campaign", "list", "--archived") if one["name"] == "old"]
    assert listed["archived"] is True
    assert listed["final"] == 12
    assert rig.run("campaign", "archive", "figures-nobody").returncode == 1


def test_a_purged_campaign_shows_no_number_and_adds_up(rig):
    finished(rig, "gone", rows=6, agents=3)
    would = rig.json("purge", "--campaign", "gone", "--dry-run")

    did = rig.json("purge", "--campaign", "gone")

    assert would == {**did, "dry_run": True, "at": would["at"]}
    assert did["contacts"] == 6
    files = report(rig, "gone", "gone", "--format", "csv")
    assert all("9190000" not in one.read_text() for one in files.values())
    assert {row["customer"] for row in rows(files["contacts"])} == {""}
    assert len(rows(files["contacts"])) == 6


@pytest.mark.usefixtures("dialled")
def test_masked_reports_hide_numbers_and_say_so(rig):
    hashed = report(rig, "figures", "masked", "--mask", "hashed", "--format", "csv,xlsx,parquet")

    found = list(rig.folder.glob("masked/*_hashed.*"))
    assert len(found) == 2 * 11 + 1
    assert all("9190000" not in one.read_text() for one in found if one.suffix == ".csv")
    sheet = openpyxl.load_workbook(next(rig.folder.glob("masked/*_report_*.xlsx")))["contacts"]
    at = [cell.value for cell in sheet[1]].index("customer")
    numbers = {row[at].value for row in sheet.iter_rows(min_row=2)}
    frame = pd.read_parquet(next(rig.folder.glob("masked/*_contacts_*.parquet")))
    assert numbers == set(frame["customer"])
    assert hashed
    assert rig.run("report", "figures", "--out", "x", "--mask", "blurred").returncode == 2


def test_a_report_is_five_files_unless_a_format_is_asked_for(rig):
    rig.load(pairs(6, agents=3), name="five")

    usual = report(rig, "five", "five")
    every_table = report(rig, "five", "every", "--format", "csv")

    names = sorted(
        (path.name.removeprefix("five_").rsplit("_", 1)[0], path.suffix)
        for path in (rig.folder / "five").iterdir()
    )
    assert names == [
        ("attempts", ".csv"),
        ("contacts", ".csv"),
        ("report", ".html"),
        ("report", ".xlsx"),
        ("summary", ".csv"),
    ]
    assert len(every_table) == 11
    assert usual["contacts"].read_bytes() == every_table["contacts"].read_bytes()
    book = openpyxl.load_workbook(next((rig.folder / "five").glob("*.xlsx")))
    assert {*book.sheetnames} == {*every_table, "contents"}


def test_reports_made_while_calls_go_on_add_up(rig):
    rig.load(pairs(40, agents=4), "--start", *RETRIES, name="live")

    standings = []
    for n in range(3):
        files = report(rig, "live", f"live-{n}")
        summary = figures(files["summary"])
        standings.append(summary["standing"]["value"])
        assert len(rows(files["contacts"])) == 40
        assert len(rows(files["attempts"])) == int(summary["attempts"]["value"])

    assert "provisional" in standings
    rig.wait_for_state("completed", name="live")


def test_a_full_disk_fails_the_command_and_leaves_the_old_report(rig):
    loaded = rig.load(pairs(300, agents=4), name="full")
    report(rig, "full", "full")
    before = {path: path.read_bytes() for path in (rig.folder / "full").iterdir()}

    command = 'ulimit -f 4; exec "$0" report "$1" --out full'
    done = subprocess.run(
        ["bash", "-c", command, str(BIN / "dialer"), loaded["campaign_id"]],
        env=rig.env,
        cwd=rig.folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "File too large" in done.stderr
    assert {path: path.read_bytes() for path in (rig.folder / "full").iterdir()} == before

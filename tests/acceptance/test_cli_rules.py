"""Rules, lists and decisions by the command line, as an operator meets them."""

import subprocess
import time
from datetime import UTC, datetime

import pytest

from campaigns.attempt import Outcome
from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState
from dialer.store import Database
from tests.acceptance.rig import BIN, Rig, pairs
from tests.factories import CALLER_ID, pair, store_campaign
from tests.patience import until

ROWS = [
    "+919000000001,+919876543201,Asha",
    "+919000000002,+919876543202,Ravi",
]


@pytest.fixture
def rig(tmp_path, redis_server, redis_client) -> Rig:
    """A dialer's settings on an emptied server; no process runs."""
    url = f"unix://{redis_server.connection_kwargs['unix_socket_path']}"
    return Rig(tmp_path, "http://127.0.0.1:9", {"REDIS_URL": url})


def write(rig: Rig, rows: list[str], *, name: str) -> str:
    file = rig.folder / name
    file.write_text("\n".join(["agent,customer,name", *rows]) + "\n", encoding="utf-8")
    return str(file)


def test_every_rule_can_be_set_at_load_and_is_shown(rig):
    (rig.folder / "days-off.txt").write_text("2026-12-25 Christmas\n# more to come\n")
    options = {
        "--hours": "mon-fri 09:00-12:30,14:00-20:00",
        "--holidays": "days-off.txt",
        "--timezone": "Asia/Dubai",
        "--zone-by": "number",
        "--starts-at": "2027-01-04T09:00",
        "--ends-at": "2027-02-01T20:00",
        "--max-attempts": "4",
        "--retry": "customer_busy=5m*x4",
        "--min-gap": "2h",
        "--unknown": "manual",
        "--wrap-up": "20",
        "--park-after": "3",
        "--park": "10m",
        "--priority": "-5",
        "--weight": "2.5",
        "--max-calls-per-day": "1000",
        "--max-spend-per-day": "5000",
        "--price-per-min": "0.6",
        "--max-calls-per-number": "2",
        "--country-calls-per-day": "AE=50",
        "--max-concurrent-calls": "25",
        "--caller-id": "+918045678901",
        "--time-limit": "600",
        "--time-out": "25",
        "--recording-channels": "dual",
        "--recording-format": "mp3-hq",
        "--wait-url": "https://example.com/wait.wav",
        "--playback-url": "https://example.com/hello.wav",
        "--playback-to": "Both",
        "--stream-url": "wss://example.com/audio",
        "--stream-begin": "at Leg2Connect",
        "--custom-field": "{name}",
    }
    rig.settings = {
        **rig.settings,
        "DIALER_ALLOWED_CALLER_IDS": "+918045678901",
        "DIALER_ALLOWED_URL_HOSTS": "example.com",
    }
    rig.load(ROWS, "--record", *(word for option in options.items() for word in option))

    status = rig.status()
    told = rig.json("campaign", "rules", "camp")

    assert told["rules"] == status["rules"]
    assert (
        told["rules"]
        | {
            "hours": "mon-fri 09:00-12:30,14:00-20:00; not 2026-12-25",
            "zone_by": "number",
            "starts_at": "2027-01-04T09:00:00+04:00",
            "min_gap_s": 7200,
            "park_s": 600,
            "priority": -5,
            "record": True,
            "country_calls_per_day": {"AE": 50},
            "custom_field": "{name}",
        }
        == told["rules"]
    )
    assert "customer_busy=300s*x4" in told["rules"]["retry"]
    assert "1,000 calls a day" in rig.run("campaign", "status", "camp").stdout


def test_rules_change_are_shown_as_they_were_and_change_back(rig):
    rig.load(ROWS, "--start")

    asked = rig.run("campaign", "rules", "camp", "--wrap-up", "99", "--dry-run")
    changed = rig.json("campaign", "rules", "camp", "--wrap-up", "99", "--hours", "india-recovery")
    late = rig.run("campaign", "rules", "camp", "--wrap-up", "7", "--based-on", "1")
    versions = rig.json("campaign", "rules", "camp", "--versions")
    back = rig.json("campaign", "rules", "camp", "--back-to", "1")
    unknown = rig.run("campaign", "rules", "camp", "--back-to", "9")

    assert "Wrap-up" in asked.stdout
    assert "nothing was changed" in asked.stdout
    assert (changed["rules"]["wrap_up_s"], changed["rules_version"]) == (99, 2)
    assert changed["rules"]["hours"] == "08:00-19:00"
    assert (late.returncode, late.stdout) == (1, "")
    assert "were changed meanwhile" in late.stderr
    assert [(one["version"], bool(one["by"])) for one in versions] == [(2, True), (1, False)]
    assert (back["rules_version"], back["rules"]) == (3, versions[1]["rules"])
    assert "has no version 9" in unknown.stderr


def test_a_template_is_saved_shown_used_and_removed(rig):
    rig.load(ROWS, "--wrap-up", "77")

    saved = rig.json(
        "template", "save", "Evening calls", "--like", "camp", "--hours", "17:00-20:00"
    )
    wrong = rig.run("template", "save", "x", "--time-out", "99")
    nothing = rig.run("template", "save", "x")
    day = rig.run("template", "save", "x", "--starts-at", "2036-01-01T09:00")
    shown = rig.run("template", "show", "evening  calls").stdout
    listed = rig.run("template", "list").stdout
    file = write(rig, ["+919000000003,+919876543203,Uma"], name="more.csv")
    load = ("campaign", "load", file, "--name", "more", "--template", "evening calls")
    loaded = rig.json(*load, "--max-attempts", "2", "--tag", "North", "--tag", "renewals")
    removed = rig.run("template", "remove", "evening calls")
    gone = rig.run("template", "show", "evening calls")

    assert saved["given"] == {"hours": "17:00-20:00", "wrap_up_s": "77"}
    assert (wrong.returncode, nothing.returncode, day.returncode) == (2, 2, 2)
    assert "--time-out: " in wrong.stderr
    assert "--starts-at: a template names no day" in day.stderr
    assert "17:00–20:00" in shown
    assert "Evening calls" in listed
    rules = rig.json("campaign", "rules", loaded["campaign_id"])["rules"]
    assert (rules["wrap_up_s"], rules["hours"], rules["max_attempts"]) == (77, "17:00-20:00", 2)
    assert "is removed" in removed.stdout
    assert (gone.returncode, gone.stdout) == (1, "")
    assert "there is no template 'evening calls'" in gone.stderr
    tagged = rig.json("campaign", "tag", "more", "south", "--remove", "NORTH")
    assert tagged["tags"] == ["renewals", "south"]
    found = rig.json("campaign", "list", "--tag", "South")
    assert [(one["name"], one["tags"]) for one in found] == [("more", ["renewals", "south"])]
    assert rig.json("campaign", "list", "--tag", "South", "--tag", "RENEWALS") == found
    assert rig.json("campaign", "list", "--tag", "South", "--tag", "north") == []
    assert "south" in rig.run("campaign", "list").stdout


def test_those_not_reached_are_loaded_again_with_the_campaign_s_rules(rig, redis_client):
    db = Database(redis_client, "demo")
    ends = (Outcome.CONNECTED, Outcome.CUSTOMER_BUSY, Outcome.CUSTOMER_NO_ANSWER)
    final = {"state": ContactState.FINAL, "made": 1, "charged": 1}
    contacts = [pair(1, n, outcome=end, **final) for n, end in enumerate(ends)]
    id_ = store_campaign(db, contacts, name="ended", running=False, wrap_up_s=77)
    db.client.hset(db.key("c", id_), "state", CampaignState.COMPLETED)
    db.client.hset(db.key("c", id_, "counts"), mapping={f"outcome:{end}": 1 for end in ends})
    rig.settings = {**rig.settings, "DIALER_ALLOWED_CALLER_IDS": CALLER_ID}
    again = ("campaign", "again", "ended", "--name", "ended-2")

    asked = rig.run(*again, "--dry-run")
    loaded = rig.json(*again, "--max-attempts", "2")
    busy = rig.json(*again[:-1], "ended-3", "--end", "customer_busy", "--dedupe", "file")

    assert "2 rows = 2 accepted" in asked.stdout
    assert (loaded["accepted"], busy["accepted"]) == (2, 1)
    rules = rig.json("campaign", "rules", "ended-2")["rules"]
    assert (rules["wrap_up_s"], rules["max_attempts"]) == (77, 2)
    row = rig.json("contact", "show", f"{busy['campaign_id']}-1")["row"]
    assert row["contact_id"] == f"{id_}-2"


def test_nobody_is_called_again_before_somebody_s_calls_are_over(rig):
    rig.load(ROWS)

    early = rig.run("campaign", "again", "camp", "--name", "camp-2")
    unknown = rig.run("campaign", "again", "camp", "--name", "camp-2", "--end", "busy")

    assert (early.returncode, early.stdout) == (1, "")
    assert "no contact of campaign camp ended unreached" in early.stderr
    assert "'busy' is no end of a contact" in unknown.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--park", "a while"], "--park: 'a while' is no duration"),
        (["--holidays", "nowhere.txt"], "--holidays nowhere.txt"),
        (["--country-calls-per-day", "India=5"], "--country-calls-per-day"),
        (["--max-spend-per-day", "5"], "price_per_min"),
        (["--stream-url", "https://example.com"], "StreamUrl"),
        (["--custom-field", "{colour}"], "colour"),
    ],
)
def test_a_wrong_rule_is_one_line_that_names_its_option(rig, options, says):
    file = write(rig, ROWS, name="list.csv")

    done = rig.run("campaign", "load", file, "--name", "camp", *options)

    assert done.returncode in {1, 2}
    [line] = done.stderr.splitlines()
    assert says in line
    assert rig.json("campaign", "list") == []


def test_a_changed_file_shows_what_is_different_before_anything_is_done(rig):
    rig.load(ROWS)
    changed = write(
        rig, [ROWS[0], f"{ROWS[1]} II", "+919000000003,+919876543203,New"], name="b.csv"
    )

    refused = rig.run("campaign", "load", changed, "--name", "camp")
    dry = rig.json("campaign", "append", "camp", changed, "--dry-run")
    appended = rig.json("campaign", "append", "camp", changed)
    again = rig.json("campaign", "append", "camp", changed)

    assert refused.returncode == 1
    assert "1  changed" in refused.stderr
    assert "append the rows to campaign" in refused.stderr
    counts = {name: group["count"] for name, group in dry["diff"].items()}
    assert counts == {"new": 1, "unchanged": 1, "changed": 1, "missing": 0}
    assert (appended["accepted"], appended["duplicate"]) == (1, 2)
    assert (again["already"], again["diff"]) == (True, None)
    assert [one["accepted"] for one in rig.json("campaign", "imports", "camp")] == [2, 1]


def test_a_campaigns_own_suppression_list_does_not_touch_the_accounts(rig):
    rig.load(ROWS)
    file = write(rig, ["+919000000009,+919876543202,"], name="dnc.csv")

    added = rig.json("suppress", "add", file, "--column", "customer", "--campaign", "camp")

    assert added["added"] == 1
    [one] = rig.json("suppress", "list", "--campaign", "camp")
    assert (one["number"], one["source"]) == ("+919876543202", "dnc.csv")
    assert rig.json("suppress", "list") == []
    blockers = {
        one["name"]: one["contacts"] for one in rig.json("campaign", "why", "camp")["blockers"]
    }
    assert blockers["suppressed"] == 1


def test_why_names_what_is_in_the_way_and_how_many_wait_for_it(rig):
    rig.load(ROWS)

    told = rig.json("campaign", "why", "camp")

    assert told["blocked_by"] == "not_started"
    assert [(one["name"], one["contacts"]) for one in told["blockers"]] == [
        ("not_started", 2),
        ("no_feeder", 2),
        ("no_worker", 2),
    ]
    assert "has not been started" in rig.run("campaign", "why", "camp").stdout


def test_a_plan_is_told_without_writing_anything(rig):
    file = write(rig, pairs(100, agents=4), name="list.csv")

    planned = rig.json(
        "campaign", "plan", file, "--customer-answers", "1", "--agent-answers", "1", "--talk", "90"
    )

    assert (planned["contacts"], planned["agents"], planned["calls"]) == (100, 4, 100)
    assert planned["binding"] == "agents"
    assert planned["duration_s"] == 25 * (90 + 2 * 12)
    assert rig.json("campaign", "list") == []


def test_a_column_called_agent_does_not_hide_who_is_dialled(rig):
    loaded = rig.load(["9000000001,9876543201,Asha"], name="diwali sale")

    shown = rig.run("contact", "show", f"{loaded['campaign_id']}-1").stdout

    assert "+919876543201" in shown
    assert "+919000000001" in shown
    assert " 9000000001" in shown


def test_the_command_to_go_on_with_can_be_typed_as_it_stands(rig):
    file = write(rig, ROWS, name="l.csv")

    told = rig.run("campaign", "load", file, "--name", "diwali sale").stdout

    assert "dialer campaign start 'diwali sale'" in told


def test_a_contact_is_called_back_when_somebody_says_so(rig):
    loaded = rig.load(ROWS)
    contact = f"{loaded['campaign_id']}-2"

    told = rig.json("contact", "call-back", contact, "--at", "2027-01-04T10:30")

    assert told["due_at"] == "2027-01-04T10:30:00+05:30"
    shown = rig.json("contact", "show", contact)
    assert (shown["state"], shown["due_at"]) == ("waiting", told["due_at"])
    assert shown["row"]["name"] == "Ravi"
    assert rig.run("contact", "show", "nobody").returncode == 2
    assert rig.run("contact", "show", f"{loaded['campaign_id']}-99").returncode == 1


def test_agents_are_listed_with_the_contacts_that_wait_for_them(rig):
    rig.load(pairs(6, agents=2))

    listed = rig.json("agents", "--campaign", "camp")

    assert [(one["state"], one["waiting"]) for one in listed] == [("free", 3), ("free", 3)]


def test_a_hold_set_by_hand_stops_everything_until_it_is_released(rig):
    rig.load(ROWS, "--start")

    rig.json("hold", "set", "the numbers are wrong")

    assert rig.json("hold", "show")["by_hand"] is True
    assert "the numbers are wrong" in rig.run("campaign", "why", "camp").stdout
    assert rig.json("hold", "release")["was_held"] is True
    assert rig.json("hold", "show")["held"] is False
    assert rig.json("account", "show")["stopped"] is False


def test_r9_releasing_names_what_is_not_known_and_asks(rig, redis_client):
    rig.load(ROWS, "--start")
    account = "dialer:{demo}:account"
    redis_client.hset(account, "run_id", "another")
    redis_client.hset("dialer:{demo}:hosts", "identity", time.time())
    redis_client.hset("dialer:{demo}:host_names", "identity", "host-seven")
    rig.json("hold", "set", "let me look first")

    shown = rig.json("hold", "show")
    no = rig.run("hold", "release", answers="n\n")
    alone = rig.run("hold", "release", answers="n\n")
    nobody_there = rig.run("hold", "release", "--json")
    yes = rig.json("hold", "release", "--yes")

    assert (shown["by_hand"], shown["waiting_for"]) == (False, ["host-seven"])
    assert "Not known yet: what these hosts sent last: host-seven." in no.stderr
    assert (no.returncode, "Redis was restarted" in no.stdout) == (0, True)
    assert "let me look first" not in no.stdout
    assert alone.returncode == nobody_there.returncode == 130
    assert yes == {"held": False, "was_held": True}


def test_nothing_is_unresolved_before_anything_was_dialled(rig):
    rig.load(ROWS)

    assert rig.json("campaign", "unresolved", "camp") == []
    assert rig.run("campaign", "resolve", "nobody", "--as", "skip").returncode == 2


def test_a_load_that_is_killed_goes_on_when_it_is_run_again(rig, redis_client):
    file = write(rig, pairs(60_000, agents=90), name="big.csv")
    load = ["campaign", "load", file, "--name", "big"]
    process = subprocess.Popen(
        [BIN / "dialer", *load],
        env=rig.env,
        cwd=rig.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    until(lambda: redis_client.keys("*:contacts:*"), what="the first block")
    process.kill()
    process.wait(timeout=240)
    loaded = rig.json(*load)

    assert (loaded["rows"], loaded["accepted"], loaded["already"]) == (60_000, 60_000, False)
    assert rig.status("big")["waiting"] == 60_000


def test_the_history_is_told_with_the_instant_and_the_hash_of_each_file(rig):
    rig.load(ROWS)

    [one] = rig.json("campaign", "imports", "camp")

    assert len(one["hash"]) == 64
    assert (datetime.now(UTC) - datetime.fromisoformat(one["at"])).total_seconds() < 600

"""Two accounts in one installation, at two providers, each with a limit and a ledger of its own."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from dialer.simulator import Fate, SimulatorOptions, running
from tests.acceptance.rig import Rig, agrees_with_provider, pairs
from tests.patience import until

WINDOW_S = 5.0
LIMITS = {"demo": 60, "acme1": 40}


@pytest.fixture
def providers() -> Iterator[dict[str, str]]:
    """Give each account's provider by Sid."""
    common = SimulatorOptions(speed=60, rate_window_s=WINDOW_S, outcomes={Fate.CONNECTED: 1})
    demo, acme = (
        dataclasses.replace(common, account_sid=sid, rate_limit=limit)
        for sid, limit in LIMITS.items()
    )
    with running(demo) as demo_url, running(acme) as acme_url:
        yield {"demo": demo_url, "acme1": acme_url}


@pytest.fixture
def installation(tmp_path, redis_server, redis_client, providers) -> Iterator[Rig]:
    rig = installed(tmp_path, redis_server, providers)
    try:
        rig.start("web", "feeder", "results", "worker")
        rig.wait_until_up()
        yield rig
    finally:
        rig.stop()


def installed(folder: Path, redis_server, providers: dict[str, str]) -> Rig:
    (folder / "accounts.toml").write_text(
        f"""
[acme]
sid = "acme1"
api_key = "demo-key"
api_token = "demo-token"
caller_id = "+918045678911"
base_url = "{providers["acme1"]}"
details_base_url = "{providers["acme1"]}"
rate_limit = {LIMITS["acme1"]}
""",
        encoding="utf-8",
    )
    return Rig(
        folder,
        providers["demo"],
        {
            "REDIS_URL": f"unix://{redis_server.connection_kwargs['unix_socket_path']}",
            "DIALER_ACCOUNTS": "accounts.toml",
            "EXOTEL_RATE_LIMIT": str(LIMITS["demo"]),
            "EXOTEL_RATE_WINDOW_S": str(WINDOW_S),
            "DIALER_FINAL_VALUES_AFTER_S": "1",
        },
    )


@pytest.mark.long
def test_each_account_dials_at_its_own_limit_and_agrees_with_its_own_provider(
    installation, providers
):
    rig = installation

    rig.load(pairs(120, agents=60), "--max-attempts", "1", "--start", name="ours")
    rig.load(
        pairs(80, agents=40), "--max-attempts", "1", "--start", "--account", "acme", name="theirs"
    )

    for name, sid in (("ours", "demo"), ("theirs", "acme1")):
        of_account = dataclasses.replace(rig, provider_url=providers[sid])
        until(
            lambda name=name: rig.status(name)["state"] == "completed",
            within_s=120,
            what=f"the end of {name}",
            every_s=1,
        )
        agrees_with_provider(of_account, name)
        peak = of_account.verdict()["peak_in_window"]
        # how fully a limit is used on an idle machine, `make bench` tells
        assert 0.5 * LIMITS[sid] <= peak <= LIMITS[sid]


def test_a_command_names_its_account_or_finds_it_by_the_campaign(
    tmp_path, redis_server, redis_client, providers
):
    rig = installed(tmp_path, redis_server, providers)
    rig.load(pairs(1, agents=1), name="both")
    rig.load(pairs(2, agents=1), "--account", "acme", name="both")
    rig.load(pairs(3, agents=1), "--account", "acme1", name="theirs")

    listed = rig.json("account", "list")
    assert [(one["account"], one["sid"]) for one in listed] == [("main", "demo"), ("acme", "acme1")]
    listed = rig.json("campaign", "list")
    assert [(one["account"], one["name"]) for one in listed] == [
        ("main", "both"),
        ("acme", "theirs"),
        ("acme", "both"),
    ]
    assert rig.status("theirs")["rows"] == 3
    doubtful = rig.run("campaign", "status", "both")
    assert doubtful.returncode == 2
    assert "'both' is in main, acme: say which with --account" in doubtful.stderr
    assert rig.json("campaign", "status", "both", "--account", "acme")["rows"] == 2
    kept = rig.json("template", "save", "as theirs", "--like", "theirs", "--wrap-up", "77")
    assert kept["given"]["wrap_up_s"] == "77"
    assert rig.json("template", "list") == []
    assert rig.json("template", "list", "--account", "acme") == [kept]
    unknown = rig.run("campaign", "list", "--account", "emca")
    assert unknown.returncode == 2
    assert "there is no account 'emca'; there are main, acme" in unknown.stderr


def test_an_account_is_added_to_the_file_only_if_the_whole_file_is_right(
    tmp_path, redis_server, redis_client, providers
):
    rig = installed(tmp_path, redis_server, providers)
    before = (tmp_path / "accounts.toml").read_text(encoding="utf-8")
    (tmp_path / "key").write_text("k\n", encoding="utf-8")
    options = ("--sid", "b1", "--api-key-file", "key", "--api-token-file", "key", "--caller-id")

    wrong = rig.run("account", "add", "bharat", *options, "hello")
    assert wrong.returncode == 2
    assert "[bharat] caller_id takes 3 to 15 digits" in wrong.stderr
    assert (tmp_path / "accounts.toml").read_text(encoding="utf-8") == before

    assert rig.run("account", "add", "bharat", *options, "+918045678922").returncode == 0
    assert [one["account"] for one in rig.json("account", "list")] == ["main", "acme", "bharat"]
    told = [one for one in rig.json("audit") if one["what"] == "account_added"]
    assert [one["outcome"] for one in told] == ["begun", "refused", "begun", "done"]


def test_a_key_is_made_for_accounts_by_name_and_listed_with_them(
    tmp_path, redis_server, redis_client, providers
):
    rig = installed(tmp_path, redis_server, providers)
    make = ("key", "create", "desk", "--scope", "read")

    one = rig.json(*make, "--account", "acme")
    everything = rig.json(*make)
    unknown = rig.run(*make, "--account", "emca")

    assert (one["accounts"], everything["accounts"]) == (["acme"], None)
    assert [each["accounts"] for each in rig.json("key", "list")] == [["acme"], None]
    assert unknown.returncode == 2
    assert "there is no account 'emca'; there are main, acme" in unknown.stderr


def test_a_number_is_put_on_the_list_of_all_accounts_by_command(
    tmp_path, redis_server, redis_client, providers
):
    rig = installed(tmp_path, redis_server, providers)
    (tmp_path / "dnd.csv").write_text("9876543201\n", encoding="utf-8")

    added = rig.json("suppress", "add", "dnd.csv", "--all-accounts")

    assert added["added"] == 1
    (listed,) = rig.json("suppress", "list", "--all-accounts")
    assert listed["number"] == "+919876543201"
    assert rig.json("suppress", "list") == rig.json("suppress", "list", "--account", "acme") == []
    both = rig.run("suppress", "list", "--all-accounts", "--account", "acme")
    assert both.returncode == 2
    assert "--all-accounts goes with neither --campaign nor --account" in both.stderr
    assert rig.json("suppress", "remove", "9876543201", "--all-accounts")["removed"]

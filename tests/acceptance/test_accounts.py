"""Two accounts in one installation, at two providers, each with a limit and a ledger of its own."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from dialer.simulator import Fate, SimulatorOptions, running
from tests.acceptance.rig import Rig, agrees_with_provider, pairs, until

WINDOW_S = 10.0
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


def of_acme(rig: Rig, providers: dict[str, str]) -> Rig:
    """The command line of the other account."""
    settings = {
        **rig.settings,
        "DIALER_ACCOUNTS": "",
        "EXOTEL_ACCOUNT_SID": "acme1",
        "EXOTEL_CALLER_ID": "+918045678911",
        "EXOTEL_RATE_LIMIT": str(LIMITS["acme1"]),
        "DIALER_DATA_DIR": str(rig.folder / "var" / "accounts" / "acme1"),
    }
    return dataclasses.replace(rig, provider_url=providers["acme1"], settings=settings)


@pytest.mark.long
def test_each_account_dials_at_its_own_limit_and_agrees_with_its_own_provider(
    installation, providers
):
    acme = of_acme(installation, providers)

    installation.load(pairs(120, agents=60), "--max-attempts", "1", "--start", name="ours")
    acme.load(pairs(80, agents=40), "--max-attempts", "1", "--start", name="theirs")

    for rig, name in ((installation, "ours"), (acme, "theirs")):
        until(
            lambda rig=rig, name=name: rig.status(name)["state"] == "completed",
            within_s=120,
            what=f"the end of {name}",
            every_s=1,
        )
        agrees_with_provider(rig, name=name)
    for rig, sid in ((installation, "demo"), (acme, "acme1")):
        assert 0.9 * LIMITS[sid] <= rig.verdict()["peak_in_window"] <= LIMITS[sid]

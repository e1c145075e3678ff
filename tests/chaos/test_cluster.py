"""A campaign on three masters: one dies and its replica takes over, a slot is moved; R3 on a cluster."""

import dataclasses
import ssl
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from dialer.simulator import running
from tests.acceptance.rig import agrees_with_provider, dialer, pairs
from tests.chaos.fault_proxy import FaultProxy
from tests.chaos.redis_cluster import RedisCluster, redis_cluster, tell
from tests.chaos.test_failover import FAST, PROVIDER, connects
from tests.chaos.test_managed_redis import PASSWORD, certificate, documented_acl
from tests.patience import until


@pytest.mark.long
def test_a_campaign_goes_on_once_a_replica_has_taken_its_accounts_slot(tmp_path):
    with (
        redis_cluster(tmp_path / "cluster") as cluster,
        running(PROVIDER) as provider,
        dialer(tmp_path, provider, **FAST, REDIS_URL=cluster.url) as rig,
    ):
        rig.load(pairs(200, agents=200), "--start")
        until(lambda: connects(rig) > 40, within_s=40, what="the first calls")
        lost = cluster.owner("demo")
        lost.kill()
        killed_s = time.monotonic()
        asked = next(one for one in cluster.masters if one is not lost)
        until(
            lambda: cluster.owner("demo", asked=asked) is not lost,
            within_s=30,
            what="another master",
        )
        before = connects(rig)
        until(lambda: connects(rig) > before, within_s=30, what="a call after it")
        idle_s = time.monotonic() - killed_s
        rig.wait_for_state("completed", within_s=90)

        assert idle_s < 40
        agrees_with_provider(rig)
        assert rig.verdict()["peak_in_window"] <= 60


@pytest.mark.long
def test_a_slot_that_is_moved_in_mid_campaign_holds_its_account_and_no_other(tmp_path):
    acme = dataclasses.replace(PROVIDER, account_sid="other")
    (tmp_path / "rig").mkdir()
    with (
        redis_cluster(tmp_path / "cluster", replicas=False) as cluster,
        running(PROVIDER) as provider,
        running(acme) as its_provider,
    ):
        assert cluster.owner("demo") is not cluster.owner("other")
        (tmp_path / "rig" / "accounts.toml").write_text(
            f"""
[other]
sid = "other"
api_key = "demo-key"
api_token = "demo-token"
caller_id = "+918045678911"
base_url = "{its_provider}"
details_base_url = "{its_provider}"
""",
            encoding="utf-8",
        )
        of_cluster = {
            "REDIS_URL": cluster.url,
            "DIALER_ACCOUNTS": "accounts.toml",
            "DIALER_SHARED_PHONES": "false",
        }
        with dialer(tmp_path / "rig", provider, **FAST, **of_cluster) as rig:
            theirs = dataclasses.replace(rig, provider_url=its_provider)
            rig.load(pairs(200, agents=200), "--start", name="ours")
            rig.load(pairs(300, agents=300), "--start", "--account", "other", name="theirs")
            until(lambda: connects(rig) > 40, within_s=40, what="the first calls")
            seen: list[int] = []

            def half_way() -> None:
                standing, going = connects(rig), connects(theirs)
                until(lambda: connects(theirs) > going + 10, within_s=15, what="others' calls")
                seen.append(connects(rig) - standing)

            cluster.move("demo", on_the_way=half_way)

            assert seen[0] <= 3  # those that were past the gate
            for one, name in ((rig, "ours"), (theirs, "theirs")):
                rig.wait_for_state("completed", name=name, within_s=120)
                agrees_with_provider(one, name)
                assert one.verdict()["peak_in_window"] <= 60


def behind_tls(cluster: RedisCluster, folder: Path, undo: ExitStack) -> str:
    """Let every master tell of a port where it is met with TLS; gives the cluster's address."""
    ca = certificate(folder)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(ca, folder / "key.pem")
    fronts = []
    for one in cluster.masters:
        front = undo.enter_context(FaultProxy(("127.0.0.1", one.port), tls=tls))
        tell(one, "CONFIG", "SET", "cluster-announce-port", front.port)
        fronts.append(front.port)
    for one in cluster.masters:
        until(lambda one=one: set(fronts) == ports_told_by(one), what="what the nodes announce")
    hosts = ",".join(f"127.0.0.1:{port}" for port in fronts[:2])
    return f"rediss+cluster://dialer:{PASSWORD}@{hosts}?ssl_ca_certs={ca}"


def ports_told_by(node) -> set[int]:
    return {told[2][1] for told in tell(node, "CLUSTER", "SLOTS")}


def test_the_documented_user_dials_on_a_cluster_over_tls_with_an_own_ca(tmp_path):
    with (
        redis_cluster(tmp_path / "cluster", replicas=False) as cluster,
        running(PROVIDER) as provider,
        ExitStack() as undo,
    ):
        rights = f"{documented_acl()} +cluster|slots"
        for one in cluster.masters:
            tell(one, "ACL", "SETUSER", "dialer", "on", f">{PASSWORD}", *rights.split())
        url = behind_tls(cluster, tmp_path, undo)
        with dialer(tmp_path, provider, **FAST, REDIS_URL=url) as rig:
            rig.load(pairs(30, agents=10), "--start", "--max-attempts", "1")
            rig.wait_for_state("completed", within_s=60)
            agrees_with_provider(rig)
            told = {one["name"]: one["verdict"] for one in rig.json("doctor")["findings"]}

        assert (told["rights"], told["writes"]) == ("ok", "ok")
        assert [tell(one, "ACL", "LOG") for one in cluster.masters] == [[], [], []]

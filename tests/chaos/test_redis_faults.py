"""R and D2: Redis dies, forgets, stalls, refuses, or is not the Redis it was."""

import shutil
import threading
from contextlib import suppress

import pytest
import redis

from campaigns.attempt import AttemptState, Outcome
from campaigns.retry_policy import RetryRule
from dialer.dialing.gate import Dropped
from dialer.dialing.releasing import Release
from dialer.store import Database
from tests.chaos.dialer_under_test import QUARANTINE_S, RULES, stationed
from tests.chaos.processes_under_test import RedisProcess
from tests.conservation import check_conservation
from tests.patience import until

BEFORE_REPORT_S = 3.0  # what was under way when Redis died is in the journal by then


@pytest.fixture
def server(tmp_path):
    """A server of the test's own, that keeps what it acknowledges."""
    with RedisProcess(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def station(server, tmp_path, provider):
    with server.client() as client, stationed(client, tmp_path, provider) as station:
        yield station


def restart(station, server):
    server.kill()
    server.start()
    station.client.connection_pool.disconnect()


def answers_within(station, seconds: float) -> None:
    """Let the process wait so long for Redis from now on, on new connections."""
    pool = station.client.connection_pool
    pool.connection_kwargs["socket_timeout"] = seconds
    pool.disconnect()
    pool.reset()  # one that connects again would keep its old patience


def end_hold(station):
    """What workers and feeder do each second."""
    for _ in range(8):
        station.wiring.host_recovery.tick()
        station.wiring.account_recovery.tick()
        station.pass_time(1)


def is_held(station) -> bool:
    return station.wiring.holds.read() is not None


def test_r1_a_killed_redis_keeps_every_write_it_acknowledged(server):
    with server.client() as client:
        for n in range(2000):
            client.hset("kept", n, n)

    server.kill()
    server.start()

    with server.client() as client:
        assert client.hlen("kept") == 2000


def test_r1_after_a_restart_dialling_is_held_and_goes_on_by_itself_within_seconds(station, server):
    campaign = station.load(4)
    station.wiring.host_recovery.tick()
    first, *others = station.release()
    station.dial(first)

    restart(station, server)
    assert [station.dial(one) for one in others] == [Dropped("hold")] * 3
    began_s = station.db.now()
    end_hold(station)

    assert not is_held(station)
    assert station.db.now() - began_s <= 15
    assert station.finish(campaign).outcomes == {"connected": 4}
    assert station.counts(campaign).charged == 4
    assert station.provider.verdict()["attempts_posted_twice"] == []


def test_r1_a_host_reports_only_what_can_no_longer_grow(station, server):
    """A request that passed its gate before the crash may still be on its way to the journal."""
    station.load()
    station.wiring.host_recovery.tick()
    station.dial_all()
    restart(station, server)
    station.release()

    station.wiring.host_recovery.tick()

    assert station.wiring.holds.read().waiting_for
    station.pass_time(BEFORE_REPORT_S)
    station.wiring.host_recovery.tick()
    assert not station.wiring.holds.read().waiting_for


def dial_and_come_back_older(station, server, folder, *, released_before=True, **rules) -> str:
    """Dial one contact, then let Redis return to what it knew before.

    Args:
        released_before: It knew that the contact was released; else that it waited.
    """
    station.release()  # from now on this Redis is known
    campaign = station.load(rules=RULES.model_copy(update=rules))
    station.wiring.host_recovery.tick()
    released = station.release() if released_before else ()
    server.kill()
    shutil.copytree(folder / "redis", folder / "before", ignore=shutil.ignore_patterns("*.sock"))
    server.start()
    station.client.connection_pool.disconnect()
    station.release()
    end_hold(station)
    station.dial(*released or station.release())
    station.release()  # the feeder remembers how far Redis had come
    assert station.provider.verdict()["calls"] == 1

    server.kill()
    server.forget()
    shutil.copytree(folder / "before", folder / "redis", dirs_exist_ok=True)
    server.start()
    station.client.connection_pool.disconnect()
    station.release()
    assert is_held(station)
    station.let_calls_end()
    return campaign


def knows_its_only_call(station, campaign):
    (attempt,) = station.attempts(campaign)
    (call,) = station.provider.ledger("calls")
    assert (attempt.sid, str(attempt.outcome)) == (call["sid"], "connected")
    assert station.finish(campaign).charged == 1
    check_conservation(station.db)


def test_r2_a_redis_that_came_back_older_gets_the_lost_attempt_back_and_rings_nobody_twice(
    station, server, tmp_path
):
    campaign = dial_and_come_back_older(station, server, tmp_path)

    end_hold(station)

    knows_its_only_call(station, campaign)


def test_r2_a_contact_whose_attempt_came_back_is_called_again_when_that_is_due_and_not_before(
    station, server, tmp_path
):
    station.provider.order(scripts={"+919876543201": ["customer_busy", "connected"]})
    campaign = dial_and_come_back_older(
        station,
        server,
        tmp_path,
        released_before=False,
        retry=(RetryRule.parse("customer_busy=6h"),),
    )
    end_hold(station)
    station.sweep()
    (attempt,) = station.attempts(campaign)
    assert attempt.outcome is Outcome.CUSTOMER_BUSY

    assert station.dial_all() == []
    station.pass_time(6 * 3600 + 1)
    assert len(station.dial_all()) == 1
    check_conservation(station.db)


def test_r2_a_call_that_only_the_provider_remembers_gets_its_attempt_back(
    station, server, tmp_path
):
    """The host is lost with its journal, and Redis comes back older: the provider's books remain."""
    campaign = dial_and_come_back_older(station, server, tmp_path)
    shutil.rmtree(tmp_path / "journal")

    station.wiring.account_recovery.tick()
    assert is_held(station)  # the host may yet come back
    station.pass_time(2_300)  # longer than the longest call by the account's settings
    station.wiring.account_recovery.tick()

    assert not is_held(station)
    knows_its_only_call(station, campaign)


@pytest.mark.parametrize("place", ["restored", "calls_read"])
def test_r2_a_recovery_that_is_killed_is_done_again_and_counts_once(
    station, server, tmp_path, place
):
    campaign = dial_and_come_back_older(station, server, tmp_path)

    station.killed_at(place, lambda: end_hold(station))
    assert is_held(station)
    station.pass_time(BEFORE_REPORT_S)
    end_hold(station)

    knows_its_only_call(station, campaign)


@pytest.mark.parametrize("worker", ["that remembers", "that has just started"])
def test_r2_r8_an_emptied_redis_is_noticed_and_the_pair_is_not_rung_again(station, worker):
    station.load()
    station.wiring.host_recovery.tick()
    station.dial_all()

    station.client.flushall()
    if worker == "that has just started":
        station.restart()
    station.load(name="again")
    released = station.release()
    dropped = [station.dial(one) for one in released]
    end_hold(station)
    station.dial_all()

    assert dropped in ([Dropped("hold")], [])
    assert station.provider.verdict()["calls"] == 1
    assert station.wiring.holds.read() is None


def test_r2_r8_after_the_longest_call_the_pair_is_free_again(station):
    station.load()
    station.wiring.host_recovery.tick()
    station.dial_all()
    station.client.flushall()
    again = station.load(name="again")
    station.release()
    end_hold(station)

    station.pass_time(QUARANTINE_S)

    assert station.finish(again).outcomes == {"connected": 1}
    assert station.provider.verdict()["overlapping_calls"] == []


def test_r8_another_database_is_not_taken_for_ours(station, server):
    station.load()
    station.wiring.host_recovery.tick()
    station.dial_all()

    with redis.Redis(unix_socket_path=str(server.socket), db=1) as other:
        other.set("somebody", "else's")
        answer = Database(other, station.db.account).run(
            Release(
                most=8,
                lease_s=10.0,
                token="token",
                most_live=0,
                epoch=station.wiring.journal.epoch,
                used_within_s=3.0,
                queued=0,
                terms="",
                clock_from=0,
                clock_until=1e12,
            )
        )
        assert answer[0] == b"hold"
        assert other.get("somebody") == b"else's"


def test_r8_every_key_is_under_our_prefix(station):
    station.client.set("foreign", "1")
    station.finish(station.load(2))

    ours = [name for name in station.client.scan_iter() if name != b"foreign"]

    assert station.client.get("foreign") == b"1"
    assert all(name.startswith(station.db.prefix.encode()) for name in ours)


def refuse_by_memory(server, client):
    client.config_set("maxmemory", "1mb")
    client.config_set("maxmemory", "1")


def refuse_as_replica(server, client):
    client.replicaof("127.0.0.1", "9")


def refuse_for_want_of_replicas(server, client):
    client.config_set("min-replicas-to-write", "1")


def refuse_for_a_full_disk(server, client):
    """D2 as the client sees it: a failed snapshot makes Redis refuse writes (MISCONF)."""
    client.config_set("stop-writes-on-bgsave-error", "yes")
    client.config_set("save", "1 1")
    server.block_snapshots()
    client.set("dirty", 1)
    with suppress(redis.ResponseError):
        client.bgsave()
    until(
        lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err",
        what="the failed snapshot",
    )


def accept_again(server, client):
    server.unblock_snapshots()
    client.config_set("maxmemory", "0")
    client.replicaof("NO", "ONE")
    client.config_set("min-replicas-to-write", "0")
    client.config_set("save", "")
    client.config_set("stop-writes-on-bgsave-error", "no")


REFUSALS = {
    "R5 memory full": refuse_by_memory,
    "R6 read-only": refuse_as_replica,
    "R6 too few replicas": refuse_for_want_of_replicas,
    "D2 disk full": refuse_for_a_full_disk,
}


@pytest.mark.parametrize("refuse", REFUSALS.values(), ids=REFUSALS.keys())
def test_r5_r6_d2_a_redis_that_refuses_writes_stops_dialling_and_everything_goes_on_afterwards(
    station, server, refuse
):
    campaign = station.load(2)
    released = station.release()
    refuse(server, station.client)

    for one in released:
        with pytest.raises(redis.ResponseError):
            station.dial(one)
    with pytest.raises(redis.ResponseError):
        station.release()
    assert station.provider.verdict()["connects"] == 0

    accept_again(server, station.client)
    assert station.finish(campaign).outcomes == {"connected": 2}
    assert station.counts(campaign).charged == 2


def test_r5_an_answer_that_finds_redis_full_is_kept_on_disk_and_handed_in(station, server):
    campaign = station.load()
    released = station.release()
    station.provider.order(connect=[{"fault": "stall+placed"}])

    dialling = threading.Thread(target=station.dial, args=released)
    dialling.start()
    until(lambda: station.provider.verdict()["connects"], what="the request")
    refuse_by_memory(server, station.client)
    dialling.join()
    accept_again(server, station.client)
    station.restart()  # not even the process remembers
    station.wiring.host_recovery.start()
    station.wiring.host_recovery.tick()

    (attempt,) = station.attempts(campaign)
    assert (attempt.state, attempt.sid) == (
        AttemptState.PLACED,
        station.provider.ledger("calls")[0]["sid"],
    )


def test_r7_an_answer_that_finds_redis_stalled_is_kept_and_handed_in(station, server):
    campaign = station.load()
    released = station.release()
    station.provider.order(connect=[{"fault": "stall+placed"}])

    dialling = threading.Thread(target=station.dial, args=released)
    dialling.start()
    until(lambda: station.provider.verdict()["connects"], what="the request")
    answers_within(station, 1)
    server.pause()
    dialling.join(timeout=240)
    server.resume()
    assert not dialling.is_alive(), "a stalled Redis holds a worker for ever"
    answers_within(station, 30)
    station.wiring.host_recovery.tick()

    (attempt,) = station.attempts(campaign)
    assert attempt.sid == station.provider.ledger("calls")[0]["sid"]
    assert station.finish(campaign).charged == 1


def test_r7_a_gate_that_stalls_sends_nothing_and_leaves_no_quarantine(station, server):
    campaign = station.load()
    released = station.release()
    answers_within(station, 1)
    server.pause()

    with pytest.raises(redis.TimeoutError):
        station.dial(*released)
    server.resume()
    answers_within(station, 30)
    station.wiring.host_recovery.tick()

    assert station.provider.verdict()["connects"] == 0
    assert station.finish(campaign).outcomes == {"connected": 1}
    assert station.provider.verdict()["connects"] == 1

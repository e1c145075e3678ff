"""Break the link to the provider after the n-th byte, for n = 0, 1, 2 …, in either direction.

    python -m tests.chaos.nth_byte

Each contact's request goes over a connection of its own, which is cut after its own number of bytes;
one contact more than there are bytes passes clean. Then the link is whole again, time passes, and
every contact must end connected, its calls all known, none posted twice.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import redis

from dialer import logs
from tests.chaos.dialer_under_test import FAST, Station, stationed
from tests.chaos.fault_proxy import Direction, FaultProxy
from tests.chaos.processes_under_test import ProviderProcess, RedisProcess
from tests.conservation import check_conservation

_LONGEST_REQUEST, _LONGEST_ANSWER = 1400, 1100  # bytes; more than either takes


@dataclass(frozen=True, slots=True)
class Broken:
    """What became of the contacts.

    Args:
        cuts: Bytes after which a connection was cut, one per contact.
        unknown: Attempts that had to be quarantined.
        calls: Calls the provider placed.
    """

    cuts: int
    unknown: int
    calls: int


def break_link(
    client: "redis.Redis", folder: Path, provider: ProviderProcess, *, up: bool, step: int
) -> Broken:
    """Dial one contact for each cut.

    Raises:
        AssertionError: A promise was broken.
    """
    cuts = range(0, _LONGEST_REQUEST if up else _LONGEST_ANSWER, step)
    host, port = provider.url.removeprefix("http://").split(":")
    with FaultProxy((host, int(port))) as proxy, stationed(client, folder, provider) as station:
        campaign = station.load(len(cuts), wide=True)
        direction: Direction = proxy.faults.up if up else proxy.faults.down
        direction.cut_each_after = list(cuts)
        _dial_all_once(station, proxy, len(cuts))
        station.restart()
        unknown = sum(one.state == "unknown" for one in station.attempts(campaign))
        counts = station.finish(campaign, turns=200)
        calls = provider.ledger("calls")
        assert counts.outcomes == {"connected": len(cuts)}, counts.outcomes
        assert len(calls) == len(cuts), "somebody was rung twice, or never"
        verdict = provider.verdict()
        assert verdict["attempts_posted_twice"] == []
        assert verdict["overlapping_calls"] == []
        known = {one.sid for one in station.attempts(campaign) if one.sid}
        assert known == {call["sid"] for call in calls}
        check_conservation(station.db)
    return Broken(len(cuts), unknown, len(calls))


def _dial_all_once(station: Station, proxy: FaultProxy, contacts: int) -> None:
    dialled = 0
    while dialled < contacts:
        # each request over a connection of its own; the breakers would end the test early
        station.restart(exotel_base_url=proxy.url)
        station.client.delete(station.db.key("recent"))
        station.client.hdel(station.db.key("pace"), "blocked_until")
        released = station.release()
        assert released, f"{contacts - dialled} contacts were never released"
        for one in released:
            station.restart(exotel_base_url=proxy.url)
            station.client.delete(station.db.key("recent"))
            station.client.hdel(station.db.key("pace"), "blocked_until")
            station.dial(one)
            dialled += 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--step", type=int, default=1, help="bytes between two cuts")
    step = parser.parse_args().step
    logs.set_up(log_format="json", level="error", role="")
    with (
        tempfile.TemporaryDirectory(prefix="nth-") as folder,
        RedisProcess(Path(folder) / "redis", {"save": ""}) as server,
        ProviderProcess(FAST) as provider,
        server.client() as client,
    ):
        for up in (True, False):
            client.flushall()
            broken = break_link(client, Path(folder) / str(up), provider, up=up, step=step)
            way = "to the provider" if up else "from the provider"
            print(
                f"{way}: {broken.cuts} links cut, {broken.unknown} unknown outcomes, "
                f"{broken.calls} calls, 0 faults"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())

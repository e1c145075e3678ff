"""Runs the benchmarks one after the other and writes the page of them: `make bench`, `make soak`."""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench import ground
from bench.page import results_folder, write_page


@dataclass(frozen=True, slots=True)
class Step:
    """One run of a program.

    Args:
        result: The name its result is kept under.
        quick: Its options where a few minutes must do.
    """

    result: str
    program: str
    full: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()


BENCH = (
    Step(
        *("pacing", "bench.pacing", ("--lasts-s", "18")),
        ("--lasts-s", "6", "--repeats", "1", "--only", "dialer", "limits-moving", "bullmq"),
    ),
    Step("dispatch", "bench.dispatch", ("--jobs", "4000"), ("--jobs", "1000", "--repeats", "1")),
    Step("dispatch-50ms", "bench.dispatch", ("--jobs", "2000", "--answer-ms", "50")),
    Step("dispatch-100ms", "bench.dispatch", ("--jobs", "2000", "--answer-ms", "100")),
    Step("dial", "bench.dial", (), ("--dials", "20")),
    Step(
        *("load", "bench.load", ("--rows", "1000000", "--other-rows", "300000")),
        ("--rows", "50000", "--other-rows", "20000", "--repeats", "1"),
    ),
    Step(
        *("load-wide", "bench.load", ("--rows", "1000000", "--columns", "30", "--only", "dialer")),
        ("--rows", "20000", "--columns", "30", "--only", "dialer", "--repeats", "1"),
    ),
    Step("flat", "bench.flat", (), ("--largest", "100000", "--dials", "200")),
    Step("callbacks", "bench.callbacks", (), ("--lasts-s", "2", "--repeats", "1")),
    Step("desks", "bench.desks", (), ("--callbacks", "1000", "--repeats", "1")),
    Step("settle", "bench.settle", (), ("--calls", "1000", "--repeats", "1")),
    Step(
        *("reports", "bench.reports", ("--attempts", "500000", "--repeats", "3")),
        ("--attempts", "20000"),
    ),
    Step("reaction", "bench.reaction", (), ("--repeats", "1")),
    Step("idle", "bench.idle", (), ("--lasts-s", "20", "--only", "later")),
    Step("receivers", "bench.receivers", (), ("--contacts", "40", "--repeats", "1")),
    Step("accounts", "bench.accounts", (), ("--accounts", "3", "--warm-s", "5", "--lasts-s", "20")),
    Step("pages", "bench.pages", (), ("--contacts", "20000", "--campaigns", "50")),
    Step("leads", "bench.leads", (), ("--contacts", "5000", "--agents", "10", "--leads", "10")),
)
SOAK = (
    Step(
        *("pacing-soak", "bench.pacing"),
        (
            *("--window-s", "60", "--lasts-s", "600", "--repeats", "1"),
            *("--only", "dialer", "dialer-killed-each-second"),
        ),
    ),
    Step("soak", "bench.soak", ("--windows", "10")),
    Step("months", "bench.months"),
    Step("soak-killed", "bench.soak", ("--windows", "10", "--kill-every-s", "1")),
)
LONG_SOAK = (Step("soak-hour", "bench.soak", ("--windows", "60")),)


def run(steps: Iterable[Step], docs: Path, *, is_quick: bool = False) -> list[str]:
    """Run them and write the page; a program that fails leaves its old result, and is named."""
    failed = []
    for step in steps:
        options = step.quick if is_quick else step.full
        if is_quick and not options:
            continue
        if not _result_of(step, options, results_folder(docs)):
            print(f"!!! {step.program} failed; its old result stays", file=sys.stderr, flush=True)
            failed.append(step.result)
    print(f"\nwritten: {write_page(docs)}")
    return failed


def _result_of(step: Step, options: tuple[str, ...], folder: Path) -> bool:
    print(f"\n=== {step.result}   {time.strftime('%Y-%m-%d %H:%M')}", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as aside:
        found = Path(aside, "result.json")
        command = [sys.executable, "-m", step.program, *options, "--json", str(found)]
        done = subprocess.run(command, cwd=ground.ROOT, check=False)
        if done.returncode or not found.exists():
            return False
        (folder / f"{step.result}.json").write_bytes(found.read_bytes())
    return True


def main() -> int:
    """Run what was asked for; 1 when a program failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--quick", action="store_true", help="small, into out/")
    which.add_argument("--soak", action="store_true", help="real windows, ten minutes each")
    which.add_argument("--hour", action="store_true", help="the whole product for an hour")
    parser.add_argument("--only", nargs="*", help="leave other results as they are")
    args = parser.parse_args()
    steps = LONG_SOAK if args.hour else SOAK if args.soak else BENCH
    wanted = [step for step in steps if not args.only or step.result in args.only]
    failed = run(wanted, ground.ROOT / ("out" if args.quick else "docs"), is_quick=args.quick)
    if failed:
        print(f"FAILED: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Runs every benchmark one after the other and prints what each says: `make bench`, `make soak`."""

import argparse
import subprocess
import sys
import time

from bench import ground

QUICK = (
    ("bench.pacing", "--lasts-s", "18", "--repeats", "1", "--svg", "docs/benchmarks/pacing.svg"),
    ("bench.dispatch", "--jobs", "5000", "--svg", "docs/benchmarks/dispatch.svg"),
    ("bench.dispatch", "--jobs", "3000", "--answer-ms", "100"),
    ("bench.load", "--rows", "200000", "--repeats", "3"),
    ("bench.flat", "--dials", "800"),
    ("bench.callbacks",),
    ("bench.settle",),
    ("bench.reports", "--attempts", "100000"),
    ("bench.reaction",),
)
SOAK = (
    ("bench.pacing", "--window-s", "60", "--lasts-s", "600", "--repeats", "1", "--only", "dialer"),
    ("bench.soak", "--minutes", "10"),
)
LONG_SOAK = (("bench.soak", "--minutes", "60"),)


def main() -> int:
    """Run them; a program that fails does not keep the others from running."""
    parser = argparse.ArgumentParser(description=__doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--soak", action="store_true", help="real windows, ten minutes each")
    which.add_argument("--hour", action="store_true", help="the whole product for an hour")
    args = parser.parse_args()
    failed = []
    for program, *options in LONG_SOAK if args.hour else SOAK if args.soak else QUICK:
        print(
            f"\n=== {program} {' '.join(options)}   {time.strftime('%Y-%m-%d %H:%M')}", flush=True
        )
        done = subprocess.run(
            [sys.executable, "-m", program, *options], cwd=ground.ROOT, check=False
        )
        if done.returncode:
            failed.append(program)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return len(failed)


if __name__ == "__main__":
    raise SystemExit(main())

"""Check the model of the dial protocol with Spin: the design holds, each wrong one is refuted.

`python tools/check_model.py` writes docs/model/result.txt. It needs `spin` and `gcc`.
"""

import hashlib
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

MODEL = Path(__file__).parents[1] / "docs/model/dial.pml"
RESULT = MODEL.with_name("result.txt")
DESIGN = ""
WRONG_DESIGNS = ("RECORD_AFTER_POST", "TAKEOVER", "NO_SEND_WINDOW")
MOST_STEPS = 100_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What Spin found of one design.

    Args:
        error: What is violated, at which depth; '' when nothing is, in any state.
        states: How many it looked at.
        unreached: Lines of the model that no run gets to.
    """

    design: str
    error: str
    states: int
    unreached: tuple[int, ...]

    def __str__(self) -> str:
        found = self.error or "no violation in any state"
        return f"{self.design or 'the design':<18} {self.states:>10,} states  {found}"


def check(design: str, *, workers: int) -> Verdict:
    """Look at every reachable state of one design, up to the first violation."""
    with tempfile.TemporaryDirectory() as folder:
        defines = [f"-DWORKERS={workers}", *([f"-D{design}"] if design else [])]
        _run(folder, "spin", *defines, "-a", str(MODEL))
        # -O1 is made twice as soon as -O2, and as quick
        # -w: Spin's C compares and indexes in ways that compilers like to talk about
        _run(folder, "gcc", "-w", "-O1", "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c")
        said = _run(folder, "./pan", f"-m{MOST_STEPS}")
    if "max search depth too small" in said:
        raise RuntimeError("the search was cut off: raise MOST_STEPS")
    violated = re.search(r"pan:1: (.+)", said)
    stored = re.search(r"(\d+) states, stored", said)
    unreached = re.findall(r"dial\.pml:(\d+), state \d+, \"(?!-end-|\(1\))", said)
    return Verdict(
        design,
        violated[1] if violated else "",
        int(stored[1]) if stored else 0,
        tuple(int(line) for line in unreached),
    )


def fingerprint() -> str:
    """Name the model as it stands."""
    return hashlib.sha256(MODEL.read_bytes()).hexdigest()


def main() -> None:
    """Check all designs and write down what was found."""
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    verdicts = [check(design, workers=workers) for design in (DESIGN, *WRONG_DESIGNS)]
    lines = [f"dial.pml sha256 {fingerprint()}", f"{workers} workers", *map(str, verdicts)]
    RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"), end="")
    good, *wrong = verdicts
    if good.error or good.unreached or not all(one.error for one in wrong):
        sys.exit("the model does not say what it should")


def _run(folder: str, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    main()

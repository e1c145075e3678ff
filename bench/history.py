"""What was measured before: a line for every run that once stood on the page.

    docs/benchmarks/history.jsonl    {"result": …, "measured_at": …, "commit": …, "speed": …, "values": {…}}

A figure that got worse is seen beside the machine's own speed of that hour, which is measured
with it (`ground.speed`): where both fell, it was the machine.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.goals import GOALS, Goal
from bench.result import Result, Table

KEPT = 8
"""So many runs of one program stand on the page, the newest first."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures goals are judged by, of one run.

    Args:
        result: The name its result is kept under.
        commit: What was checked out; "" where nobody wrote it down.
        speed: The machine's own, as `ground.speed` has it; None where nobody measured it.
    """

    result: str
    measured_at: str
    commit: str
    speed: float | None
    values: dict[str, float]


def keep(path: Path, results: Mapping[str, Result]) -> list[Measured]:
    """Add what is new to the history; gives all of it, the oldest first."""
    known = [Measured(**json.loads(line)) for line in _lines(path)]
    seen = {(one.result, one.measured_at) for one in known}
    new = [
        _measured(name, result)
        for name, result in results.items()
        if _goals(name) and (name, result.run.measured_at) not in seen
    ]
    kept = sorted((*known, *new), key=lambda one: (one.result, one.measured_at))
    text = "".join(f"{json.dumps(asdict(one), ensure_ascii=False)}\n" for one in kept)
    path.write_text(text, encoding="utf-8")
    return kept


def over_time(name: str, history: Sequence[Measured]) -> Table | None:
    """Make the table of one program's runs; None where there is nothing to compare with."""
    runs = [one for one in history if one.result == name][-KEPT:]
    if len(runs) < 2:
        return None
    goals = _goals(name)
    header = ("measured", "commit", "machine's speed", *(goal.value for goal in goals))
    return Table(header, tuple(_row(one, goals) for one in reversed(runs)))


def _row(one: Measured, goals: Sequence[Goal]) -> tuple[str, ...]:
    speed = "–" if one.speed is None else f"{one.speed:.2f}"
    figures = (
        goal.form.format(one.values[goal.value]) if goal.value in one.values else "–"
        for goal in goals
    )
    return (one.measured_at, one.commit or "–", speed, *figures)


def _measured(name: str, result: Result) -> Measured:
    wanted = [goal.value for goal in _goals(name)]
    values = {value: result.values[value] for value in wanted if value in result.values}
    run = result.run
    return Measured(name, run.measured_at, run.commit, run.speed, values)


def _goals(name: str) -> list[Goal]:
    return [goal for goal in GOALS if goal.result == name]


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

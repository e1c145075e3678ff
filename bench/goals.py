"""What we want to reach, and whether the figures say that we did."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import ge, le

from bench.result import Result


@dataclass(frozen=True, slots=True)
class Goal:
    """One thing to reach.

    Args:
        what: What is measured.
        result: The result it is judged by.
        value: The name of the value in there.
        reached: Compares the value with the bound.
        form: How both are written.
    """

    what: str
    result: str
    value: str
    reached: Callable[[float, float], bool]
    bound: float
    form: str = "{:,.0f}"

    def wanted(self) -> str:
        """Write the bound."""
        if self.bound == 0:
            return "none"
        return f"{'≥' if self.reached is ge else '≤'} {self.form.format(self.bound)}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A goal beside what was measured; `met` is None while nothing was."""

    goal: Goal
    measured: str
    met: bool | None


def _none(what: str, result: str, value: str) -> Goal:
    return Goal(what, result, value, le, 0)


def _used(what: str, result: str, value: str = "used", *, bound: float = 0.99) -> Goal:
    return Goal(what, result, value, ge, bound, "{:.2%}")


def _at_least(what: str, result: str, value: str, bound: float) -> Goal:
    return Goal(what, result, value, ge, bound, "{:.2f}")


def _at_most(what: str, result: str, value: str, bound: float) -> Goal:
    return Goal(what, result, value, le, bound, "{:.2f}")


GOALS = (
    # pacing
    _none("pacing, scaled window: 429s", "pacing", "refused"),
    _used("– used of the provable bound", "pacing"),
    _none("– a process killed every second: 429s", "pacing", "killed_refused"),
    _used("– the same: used", "pacing", "killed_used"),
    _none("– others without a 429 that use ≥ 99 %", "pacing", "others_as_good"),
    _none("pacing, 60 s window, ten minutes: 429s", "pacing-soak", "refused"),
    _used("– used", "pacing-soak"),
    _none("– a process killed every second: 429s", "pacing-soak", "killed_refused"),
    _used("– the same: used", "pacing-soak", "killed_used", bound=0.995),
    _none("the whole product, ten minutes: 429s", "soak", "refused"),
    _used("– used, look-ups included", "soak", bound=0.995),
    _none("– a worker killed every second: 429s", "soak-killed", "refused"),
    _used("– the same: used, look-ups included", "soak-killed", bound=0.993),
    _none("the whole product, an hour: 429s", "soak-hour", "refused"),
    _used("– used, look-ups included", "soak-hour"),
    _none("twenty accounts at once: 429s", "accounts", "refused"),
    _used("– used by the account with least, look-ups included", "accounts", "least_used"),
    _at_most("months in small: keys of Redis that a campaign leaves", "months", "keys_left", 0),
    _at_most("– files", "months", "files_left", 0),
    Goal("– bytes a contact with one attempt ended", "months", "packed_bytes", le, 120),
    # a dial
    _at_least("dispatch over bare Dramatiq + httpx", "dispatch", "of_bare", 0.9),
    _at_least("– over the best of Celery, arq, taskiq", "dispatch", "of_best_peer", 1),
    _at_least("the provider takes 50 ms: over bare", "dispatch-50ms", "of_bare", 1),
    _at_least("– over the best peer", "dispatch-50ms", "of_best_peer", 1),
    _at_least("the provider takes 100 ms: over bare", "dispatch-100ms", "of_bare", 1),
    _at_least("– over the best peer", "dispatch-100ms", "of_best_peer", 1),
    # a list
    Goal("load: rows a second, three columns", "load", "rows_per_s", ge, 120_000),
    Goal("– peak memory, MB", "load", "peak_mb", le, 200),
    Goal("– bytes a contact", "load", "bytes_a_row", le, 50),
    Goal("– thirty columns: rows a second", "load-wide", "rows_per_s", ge, 40_000),
    Goal("– peak memory, MB", "load-wide", "peak_mb", le, 200),
    _at_most("steps of a dial as it grows: p50, worst ratio", "flat", "p50_ratio", 1.2),
    _at_most("– p99, worst ratio", "flat", "p99_ratio", 1.2),
    # what comes back
    _at_least("callbacks, JSON, over bare Starlette", "callbacks", "of_bare_json", 1.2),
    _at_least("– multipart", "callbacks", "of_bare_multipart", 1.2),
    _at_most(
        "callbacks beside fifty agents' pages and ten dashboards: p50 over that without",
        "desks",
        "p50_ms_ratio",
        1.25,
    ),
    _at_most("– p99", "desks", "p99_ms_ratio", 1.5),
    _at_most("– p99, pages in a process of their own", "desks", "p99_ms_ratio_apart", 1.5),
    Goal("facts settled a second", "settle", "facts_per_s", ge, 8_000),
    _at_most("start to the first POST, s, the longest", "reaction", "start → first POST", 0.5),
    _at_most("– pause to the last", "reaction", "pause → last POST", 0.3),
    _at_most(
        "– a call's end to its agent's next, beyond the wrap-up",
        "reaction",
        "callback → agent's next call",
        0.3,
    ),
    _at_most("a lead, with 100,000 running: s to the agent's phone, p95", "leads", "p95_s", 3),
    _at_most(
        "beside ten dead receivers: dialling, times without", "receivers", "dials_ratio", 1.25
    ),
    _at_most("– a callback's answer, p95", "receivers", "callback_ratio", 1.25),
    # pages, at a million contacts in 500 campaigns
    _at_most("pages: first byte of the slowest, ms", "pages", "first_byte_ms", 100),
    _at_most("– search: CPU of the dearest, ms", "pages", "search_cpu_ms", 200),
    # while nothing is to be dialled
    _at_most("idle: commands of Redis a second", "idle", "commands", 20),
    _at_most("– writes a second", "idle", "writes", 1),
    _at_most("– CPU of all processes, percent of a core", "idle", "cpu", 0.5),
    # reports
    _at_least("a million attempts as CSV: pandas' time over ours", "reports", "csv_of_pandas", 2),
    _at_least("– as Parquet", "reports", "parquet_of_pandas", 2),
    _at_least("– as XLSX", "reports", "xlsx_of_pandas", 16),
)


def judge(results: Mapping[str, Result]) -> list[Judgement]:
    """Hold every goal against the results that are there."""
    return [_judged(goal, results.get(goal.result)) for goal in GOALS]


def _judged(goal: Goal, result: Result | None) -> Judgement:
    if result is None or goal.value not in result.values:
        return Judgement(goal, "not measured", None)
    value = result.values[goal.value]
    return Judgement(goal, goal.form.format(value), goal.reached(value, goal.bound))

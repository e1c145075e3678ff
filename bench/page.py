"""Makes the page of benchmarks, and its plots, from the results that are there.

python -m bench.page docs    docs/benchmarks/results/*.json ─▶ docs/benchmarks.md, its *.svg
"""

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench import ground, history
from bench.chart import bar_chart
from bench.goals import Judgement, judge
from bench.history import Measured
from bench.result import Result, Table, read

SECTIONS = (
    ("Pacing", ("pacing", "pacing-soak", "soak", "soak-killed", "soak-hour", "accounts", "months")),
    ("Cost of a dial", ("dispatch", "dispatch-50ms", "dispatch-100ms", "dial")),
    ("Load", ("load", "load-wide")),
    ("Flat as it grows", ("flat",)),
    ("Callbacks", ("callbacks", "desks", "settle")),
    ("Reports", ("reports",)),
    ("Reaction", ("reaction", "leads", "receivers")),
    ("Pages", ("pages",)),
    ("Idle", ("idle",)),
)
"""Subjects, each with the results that belong to it."""

_HEAD = """# Benchmarks: what was measured, how, and what it does not show

This page is written by the programs in `bench/`; why the figures are what they are stands in
[performance]({performance}).

```console
$ make bench              # all of it but the soaks, on your machine; about half an hour
$ make bench QUICK=1      # a small version, a few minutes, into out/benchmarks.md
$ make soak               # forty minutes at the real pace: 200 requests in 60 s
$ make soak SOAK=--hour   # the whole product for an hour
```

Each program runs alone too: `python -m bench.pacing --help`. What we are compared with is installed
into environments of its own, never into the product's. A figure is a median, with its range in
brackets where it was taken more than once; a ratio is the median of the ratios of runs that lay next
to each other, and means more than the figures it is made of. Take your own.

"""


_OVER_TIME = f"""What goals are judged by, in the last {history.KEPT} runs that stood on this page, the newest first.
The machine's own speed is that of a fixed piece of work in the moment of the run: a figure that fell
with it fell because of the machine. A commit with a + had changes that were not committed yet."""


def results_folder(docs: Path) -> Path:
    """Tell where the results of a page lie."""
    return docs / "benchmarks" / "results"


def write_page(docs: Path) -> Path:
    """Write the page and its plots from what lies beside it; gives the page."""
    results = {path.stem: read(path) for path in sorted(results_folder(docs).glob("*.json"))}
    plots = docs / "benchmarks"
    for old in plots.glob("*.svg"):
        old.unlink()
    for name, result in results.items():
        for plot, path in zip(result.plots, _plot_names(name, result), strict=True):
            drawn = bar_chart(plot.title, plot.bars, goal=plot.goal)
            (plots / path).write_text(drawn, encoding="utf-8")
    measured = history.keep(plots / "history.jsonl", results)
    page = docs / "benchmarks.md"
    why = os.path.relpath(ground.ROOT / "docs" / "performance.md", docs)
    page.write_text(
        _HEAD.format(performance=why) + "\n".join(_body(results, measured)), encoding="utf-8"
    )
    return page


def _body(results: Mapping[str, Result], measured: Sequence[Measured]) -> Iterator[str]:
    yield "## Goals\n"
    yield _as_markdown(_goals(judge(results)))
    for number, (subject, names) in enumerate(SECTIONS, 1):
        yield f"## {number}. {subject}\n"
        there = [name for name in names if name in results]
        if not there:
            yield "Not measured yet.\n"
        methods: set[str] = set()
        for name in there:
            result = results[name]
            yield from _section(name, result, is_new=result.method not in methods)
            methods.add(result.method)
    yield f"## {len(SECTIONS) + 1}. Over time\n"
    yield f"{_OVER_TIME}\n"
    for name, result in results.items():
        if runs := history.over_time(name, measured):
            yield f"### {name}: {result.title}\n"
            yield _as_markdown(runs)


def _goals(judgements: Sequence[Judgement]) -> Table:
    said = {True: "yes", False: "**no**", None: "–"}
    rows = tuple(
        (one.goal.what, one.goal.wanted(), one.measured, said[one.met]) for one in judgements
    )
    return Table(("", "goal", "measured", "met"), rows)


def _section(name: str, result: Result, *, is_new: bool) -> Iterator[str]:
    """Write one result; method and bounds of validity once for all runs of a program."""
    yield f"### {result.title}\n"
    if is_new:
        yield f"{result.method.strip()}\n"
    yield f"{result.setting}\n"
    for plot, path in zip(result.plots, _plot_names(name, result), strict=True):
        yield f"![{plot.title}](benchmarks/{path})\n"
    for table in result.tables:
        yield _as_markdown(table)
    if is_new:
        yield f"*Not shown*: {result.not_shown.strip()}\n"
    yield f"<sub>{result.run.measured_at} · {result.run.machine} · `{result.run.command}`</sub>\n"


def _plot_names(name: str, result: Result) -> list[str]:
    return [f"{name}{'' if n == 1 else f'-{n}'}.svg" for n in range(1, len(result.plots) + 1)]


def _as_markdown(table: Table) -> str:
    lines = [table.header, ("---", *("---:" for _ in table.header[1:])), *map(_marked, table.rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _marked(row: tuple[str, ...]) -> tuple[str, ...]:
    """Ours stands out."""
    return tuple(f"**{cell}**" for cell in row) if row[0].startswith("dialer") else row


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("docs", type=Path, nargs="?", default=ground.ROOT / "docs")
    print(write_page(parser.parse_args().docs))


if __name__ == "__main__":
    main()

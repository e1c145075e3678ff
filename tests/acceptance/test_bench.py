"""The benchmarks' page is made of what its programs leave; no time is judged."""

from bench import history
from bench.chart import Bar
from bench.goals import GOALS, judge
from bench.page import SECTIONS, results_folder, write_page
from bench.result import Plot, Result, Run, Table, publish
from bench.run import BENCH, LONG_SOAK, SOAK, Step, run
from tests.acceptance.test_bench_programs import SMALL

LONG = {"bench.dial", "bench.leads", "bench.reaction", "bench.receivers", "bench.soak"}
"""They start whole installations: `make bench QUICK=1` and `make soak` run them."""


def test_every_program_has_a_smallest_run():
    assert {step.program for step in (*BENCH, *SOAK, *LONG_SOAK)} == set(SMALL) | LONG


def test_every_result_has_its_place_on_the_page():
    placed = [name for _, names in SECTIONS for name in names]

    assert sorted(step.result for step in (*BENCH, *SOAK, *LONG_SOAK)) == sorted(placed)
    assert {goal.result for goal in GOALS} <= set(placed)


def test_a_goal_is_met_at_its_bound_and_missed_beyond_it():
    loaded = result(values={"rows_per_s": 120_000.0, "peak_mb": 200.1})

    judged = {one.goal.value: one for one in judge({"load": loaded}) if one.goal.result == "load"}

    assert (judged["rows_per_s"].measured, judged["rows_per_s"].met) == ("120,000", True)
    assert judged["peak_mb"].met is False
    assert (judged["bytes_a_row"].measured, judged["bytes_a_row"].met) == ("not measured", None)


def test_zero_is_asked_of_429s():
    judged = judge({"pacing": result(values={"refused": 1.0, "killed_refused": 0.0})})

    met = {one.goal.value: one.met for one in judged if one.goal.result == "pacing"}
    assert met["refused"] is False
    assert met["killed_refused"] is True


def test_the_page_is_made_of_the_results_that_are_there(tmp_path):
    publish(result(values={"facts_per_s": 9.0}), results_folder(tmp_path) / "settle.json")
    (tmp_path / "benchmarks" / "of-an-older-run.svg").touch()

    text = write_page(tmp_path).read_text(encoding="utf-8")

    assert "| facts settled a second | ≥ 8,000 | 9 | **no** |" in text
    assert "| **dialer** | **9** |" in text
    assert "![Facts](benchmarks/settle.svg)" in text
    assert "2026-01-02 03:04 · a machine · `python -m bench.nothing`" in text
    assert text.count("Not measured yet.") == len(SECTIONS) - 1
    assert [one.name for one in tmp_path.glob("benchmarks/*.svg")] == ["settle.svg"]


def test_what_stood_on_the_page_before_stays_beside_the_newest_run(tmp_path):
    settled = results_folder(tmp_path) / "settle.json"
    for at, facts in (("2026-01-02 03:04", 5.0), ("2026-01-03 03:04", 9.0)):
        publish(result(values={"facts_per_s": facts, "of no goal": 1}, measured_at=at), settled)
        text = write_page(tmp_path).read_text(encoding="utf-8")
    again = write_page(tmp_path).read_text(encoding="utf-8")

    assert text == again
    rows = [line for line in text.splitlines() if line.startswith("| 2026-01-0")]
    assert rows == [
        "| 2026-01-03 03:04 | 0a1b2c3d | 0.87 | 9 |",
        "| 2026-01-02 03:04 | 0a1b2c3d | 0.87 | 5 |",
    ]


def test_the_history_holds_what_goals_are_judged_by_alone(tmp_path):
    path = tmp_path / "history.jsonl"

    kept = history.keep(path, {"settle": result(values={"facts_per_s": 9.0, "of no goal": 1})})

    assert [one.values for one in kept] == [{"facts_per_s": 9.0}]
    assert history.keep(path, {}) == kept


def test_method_and_bounds_of_a_program_stand_once_however_often_it_ran(tmp_path):
    for name in ("dispatch", "dispatch-50ms"):
        publish(result(values={}), results_folder(tmp_path) / f"{name}.json")

    text = write_page(tmp_path).read_text(encoding="utf-8")

    assert text.count("How it is done.") == 1
    assert text.count("*Not shown*: Much.") == 1


def test_a_program_that_fails_leaves_its_old_result_and_is_named(tmp_path, capsys):
    old = results_folder(tmp_path) / "settle.json"
    publish(result(values={"facts_per_s": 9.0}), old)
    before = old.read_bytes()

    failed = run([Step("settle", "bench.nothing")], tmp_path)

    assert failed == ["settle"]
    assert old.read_bytes() == before
    assert "bench.nothing failed" in capsys.readouterr().err
    assert (tmp_path / "benchmarks.md").exists()


def result(*, values, measured_at="2026-01-02 03:04"):
    return Result(
        title="Something",
        method="How it is done.",
        not_shown="Much.",
        run=Run(measured_at, "a machine", "python -m bench.nothing", "0a1b2c3d", 0.87),
        setting="Once.",
        values=values,
        tables=(Table(("", "figure"), (("dialer", "9"),)),),
        plots=(Plot("Facts", (Bar("dialer", 9.0, "9", is_ours=True),)),),
    )

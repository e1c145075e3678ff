"""Rules no linter knows: where keys are named, where the clock is read, what is never imported."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sources import PRODUCT, ROOT, nodes_of

CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "monotonic"),
    ("time", "sleep"),
    ("time", "clock_gettime"),
}


def calls(path: Path) -> Iterator[tuple[str, str, int]]:
    for node in nodes_of(path):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
            yield name, node.func.attr, node.lineno


def test_the_clock_is_read_in_one_place():
    reads = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in PRODUCT
        if path != ROOT / "dialer" / "clock.py"
        for owner, name, line in calls(path)
        if (owner, name) in CLOCKS
    ]

    assert reads == []


def test_no_key_is_named_outside_the_store_without_its_prefix():
    offenders = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in PRODUCT
        if path != ROOT / "dialer" / "store" / "keys.py"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if '"dialer:{' in line or "'dialer:{" in line
    ]

    assert offenders == []


def test_keys_are_put_together_in_the_store_alone():
    """Everybody else asks one of its rooms who is on a call, or until when somebody rests."""
    store = ROOT / "dialer" / "store"
    offenders = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in PRODUCT
        if store not in path.parents
        for _, name, line in calls(path)
        if name == "key"
    ]

    assert offenders == []


def docstrings(path: Path) -> set[int]:
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        id(node.body[0].value)
        for node in nodes_of(path)
        if isinstance(node, owners) and node.body and isinstance(node.body[0], ast.Expr)
    }


def test_no_sentence_that_pages_or_programs_may_read_names_an_option_of_the_command_line():
    """Each way in has its own word for a choice; the command line adds its own by itself."""
    shown = [path for path in PRODUCT if (ROOT / "workers" / "cli") not in path.parents]
    shown = [path for path in shown if path.parent.name != "simulator"]
    named = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.value!r}"
        for path in shown
        for told in [docstrings(path)]
        for node in nodes_of(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if id(node) not in told and re.search(r"[a-z:] --[a-z]", node.value)
    ]

    assert [one for one in named if "dialer key create" not in one] == []


def test_whoever_takes_files_opens_workbooks_apart():
    """Those of a few kilobytes open to gigabytes (H2)."""
    taken = [
        (path.name, node)
        for path in PRODUCT
        if (ROOT / "campaigns") not in path.parents
        for node in nodes_of(path)
        if isinstance(node, ast.Call)
        if getattr(node.func, "id", "") in {"open_list", "open_source", "open_workbook"}
    ]

    assert {name for name, _ in taken} >= {"loading.py", "suppressing.py"}
    for name, call in taken:
        given = {one.arg: ast.unparse(one.value) for one in call.keywords}
        in_child = name == "child.py"
        assert in_child or given.get("workbooks") == "open_workbook_apart", name


@pytest.mark.parametrize(
    "script",
    sorted((ROOT / "dialer" / "lua").rglob("*.lua")),
    ids=lambda p: f"{p.parent.name}/{p.name}",
)
def test_a_script_says_what_it_does_and_what_it_takes(script):
    text = script.read_text(encoding="utf-8")

    assert text.startswith("-- ")
    is_shared = script.name == "epilogue.lua" or script.parent.name == "prelude"
    for told in () if is_shared else ("-- KEYS 1  prefix", "-- GIVEN", "-- Returns"):
        assert told in text

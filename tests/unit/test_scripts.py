"""What scripts are given has one home, which makes the arguments and the Lua that names them."""

import importlib
import pkgutil
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

import dialer
from dialer.store.scripts import SCRIPTS, arguments, prelude, read_all, source, text_of

LUA = Path(dialer.__file__).parent / "lua"
FILES = sorted(path.stem for path in LUA.glob("*.lua"))
STEPS = [name for name in FILES if name != "epilogue"]
FUNCTION = re.compile(r"\blocal function (\w+)")


def given_by_script() -> dict[str, type]:
    for module in pkgutil.walk_packages(dialer.__path__, "dialer."):
        if not module.name.startswith("dialer.simulator"):
            importlib.import_module(module.name)
    return {script: given for given, script in SCRIPTS.items()}


class Pair(NamedTuple):
    agent: str
    n: int


class Everything(NamedTuple):
    name: str
    why: str | None
    seconds: float
    until_s: float | None
    is_late: bool
    pairs: Sequence[Pair]


class Names(NamedTuple):
    campaign: str
    names: Sequence[str]


@pytest.mark.parametrize("script", FILES)
def test_no_script_knows_at_which_place_an_argument_stands(script):
    assert "ARGV" not in text_of(script)


def test_each_script_is_given_one_kind_of_tuple_and_says_where_that_is_described():
    given = given_by_script()

    assert sorted(given) == STEPS
    for script, kind in given.items():
        where = kind.__module__.replace(".", "/") + ".py"
        assert f"-- GIVEN   {kind.__name__} in {where}\n" in text_of(script)


def test_a_script_reads_no_field_that_it_is_not_given_and_is_given_none_that_it_does_not_read():
    """A field that is misspelt in Lua is nil, and nil is not an error."""
    for script, kind in given_by_script().items():
        step = "\n".join(line.partition("--")[0] for line in text_of(script).splitlines())
        read = set(re.findall(r"\bgiven\.(\w+)", step))
        if script == "commit":
            read |= set(re.findall(r"'(rows|accepted|rejected|duplicate)'", step))  # by name
        if "take_slot(" in step:  # which is handed all of it
            read |= {"requests", "spacing_s", "lease_s", "slack_s"}
        assert read == set(kind._fields), script


def test_arguments_stand_in_the_order_in_which_they_are_named():
    given = Everything("a", None, 1.5, None, True, [Pair("1", 2), Pair("3", 4)])

    assert arguments(given) == ["a", "", 1.5, "", 1, "1", 2, "3", 4]
    assert arguments(Names("c", ["x", "y"])) == ["c", "x", "y"]


def test_a_script_holds_of_the_prelude_what_it_uses():
    """Redis builds all of it anew each time: functions that stood there for others were a third of a step."""
    shared = {name for part in prelude() for name in FUNCTION.findall(part)}
    for script, kind in given_by_script().items():
        code = re.sub(r"--.*", "", source(kind))
        held = shared & set(FUNCTION.findall(code))
        called = {name for name in shared if re.search(rf"\b{name}\(", FUNCTION.sub("", code))}
        assert called <= held < shared, script
        if script == "approach":
            assert {"log_presence", "team_of", "take_back"}.isdisjoint(held)


@pytest.mark.parametrize("script", STEPS)
def test_no_run_of_a_script_knows_what_another_one_did(script):
    """Redis keeps some of them as functions, whose names outlive a run: each run gives every name its value."""
    code = source(given_by_script()[script])
    (declared,) = re.findall(r"^local ([a-z].*)$", code, re.MULTILINE)[:1]
    each_time = code.partition("local function prepare()")[2].partition("local function run()")[0]

    given_anew = set(
        re.findall(r"\w+", " ".join(re.findall(r"^([\w, ]+) =", each_time, re.MULTILINE)))
    )
    assert set(declared.split(", ")) <= given_anew


def test_once_all_are_read_no_script_is_looked_for_in_a_version_installed_later():
    given_by_script()
    text_of.cache_clear()
    source.cache_clear()
    read_all()
    read = text_of.cache_info().misses
    for given in SCRIPTS:
        source(given)
    assert text_of.cache_info().misses == read

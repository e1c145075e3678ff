"""Change one thing of the core at a time and see whether a test notices: `make mutants`.

Each mutant is an operator turned, a number one higher, a word of Redis left out, or a step not
taken, in a copy of the tree; the tests beside its file run until one fails. One that survives is
either a test to write, or is listed with its reason in tools/mutants_equivalent.toml.

    python -m tools.mutants [--only gate.lua] [--sample 40] [--seed 1] [--line 97]
"""

import argparse
import ast
import io
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tokenize
import tomllib
import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parents[1]
EQUIVALENT = ROOT / "tools/mutants_equivalent.toml"

GATE = "test_gate test_gate_parties test_account_day test_release_limits test_second_person"
GATE += " test_teams test_presence"
RELEASE = "test_release test_release_times test_release_limits test_turns test_agent_queues"
RELEASE += " test_report_source"
RECORD = "test_settling test_rules test_release_limits test_release_times test_never_over"
RECORD += " test_account_day test_dialing"
RECOVERY = "test_recovery test_lost_calls"
ENTRANCE = f"test_gate_parties test_agreeing test_slow_workers test_dial_queue {RECOVERY}"
LOOKUPS = "test_lookups_that_fail test_reconciling test_reconciliation"
TARGETS = {
    "dialer/lua/gate.lua": f"{GATE} test_agreeing test_dialing test_pacing {RECOVERY}",
    "dialer/lua/release.lua": f"{RELEASE} test_gate test_feeder_races test_idling test_explaining",
    "dialer/lua/record.lua": f"{RECORD} test_sweeping test_deciding test_calling_back test_resuming",
    "dialer/lua/prelude/sums.lua": "test_account_day test_agent_page test_talk_and_spend test_today",
    "dialer/lua/take_slot.lua": "test_pacing test_sweeping test_lookups_that_fail test_agreeing",
    "dialer/lua/hold.lua": f"{RECOVERY} test_resuming test_agreeing test_pacing",
    "dialer/lua/restore.lua": f"{RECOVERY} test_resuming",
    "dialer/lua/clock.lua": "test_server_clock test_waiting_through_steps test_shared_phones",
    "dialer/lua/archive.lua": "test_archiving test_archived_apart test_archive_index",
    "dialer/store/server_clock.py": "test_server_clock test_waiting_through_steps",
    "dialer/store/past.py": "test_past_attempts",
    "campaigns/settlement.py": "test_settlement test_reconciliation test_settling test_never_over",
    "campaigns/doubt.py": "test_doubt test_settling test_sweeping",
    "campaigns/retry_policy.py": "test_retry_policy test_rules_in_words test_campaign_rules",
    "dialer/pacing.py": "test_pacing test_pacing_machine test_agreeing",
    "dialer/dialing/journal.py": f"test_journal {RECOVERY}",
    "dialer/dialing/entrance.py": f"test_dialing {ENTRANCE}",
    "dialer/dialing/sending.py": f"test_dialing test_way_out {ENTRANCE}",
    "dialer/dialing/finishing.py": f"test_dialing test_pacing test_settling test_way_out {RECOVERY}",
    "dialer/dialing/releasing.py": f"{RELEASE} test_dial_queue test_slow_workers test_agreeing",
    "dialer/dialing/way_out.py": "test_way_out test_clusters",
    "dialer/settling/sweeping.py": f"test_sweeping {LOOKUPS} {RECOVERY}",
    "dialer/settling/lookups.py": f"{LOOKUPS} test_sweeping",
    "dialer/settling/deciding.py": "test_deciding test_never_over test_sweeping",
    "dialer/callback_paths.py": "test_callback_paths",
    "dialer/access/agent_links.py": "test_agents_pages test_agent_page test_agents_listed",
    "dialer/access/api_keys.py": "test_api_keys test_api_access test_door",
    "dialer/access/exposure.py": "test_exposure test_api_access",
    "dialer/access/sessions.py": "test_sessions test_door",
}
"""Files, and the names of the test files that keep their promises, the likeliest first."""

TURNED = {
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "+": "-",
    "-": "+",
    "*": "/",
    "/": "*",
    "and": "or",
    "or": "and",
    "not": "",
    "True": "False",
    "False": "True",
    "true": "false",
    "false": "true",
}
LUA_TURNED = TURNED | {"==": "~=", "~=": "=="}
PYTHON_TURNED = TURNED | {"==": "!=", "!=": "==", "is": "is not", "//": "/"}
LUA_TOKEN = re.compile(
    r"""--[^\n]*|'(?:XX|NX|LT|GT|REV)', |"[^"\n]*"|'[^'\n]*'|[<>=~]=|\.\.|[A-Za-z_]\w*|[\d.]+(?:e\d+)?|[-+*/<>]"""
)
LUA_STEP = re.compile(r"^[ ]*(?!return|local)[\w.]+\([^\n]*\)(?=$|[ ]--)", re.MULTILINE)
WORDS_OF_REDIS = re.compile(r"'(XX|NX|LT|GT|REV)', ")

OPTIONS = ["-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"]
OPTIONS += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # what is imported already


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change to a file's text, from one character to another."""

    path: str
    source: str
    start: int
    end: int
    becomes: str

    @property
    def text(self) -> str:
        return self.source[: self.start] + self.becomes + self.source[self.end :]

    @property
    def line(self) -> int:
        return self.source.count("\n", 0, self.start) + 1

    @property
    def was(self) -> str:
        return self.source.splitlines()[self.line - 1].strip()

    @property
    def now(self) -> str:
        return self.text.splitlines()[self.line - 1].strip()

    def __str__(self) -> str:
        return f"{self.path}:{self.line}\n    {self.was}\n    {self.now}"


def mutants(path: str) -> Iterator[Mutant]:
    """Give all mutants of a file that are still programs."""
    source = (ROOT / path).read_text(encoding="utf-8")
    changes = _lua_changes(source) if path.endswith(".lua") else _python_changes(source)
    for start, end, becomes in changes:
        mutant = Mutant(path, source, start, end, becomes)
        if path.endswith(".lua") or _is_python(mutant.text):
            yield mutant


def _lua_changes(source: str) -> Iterator[tuple[int, int, str]]:
    for found in LUA_TOKEN.finditer(source):
        token = found[0]
        if WORDS_OF_REDIS.fullmatch(token):
            yield *found.span(), ""
        elif token in LUA_TURNED:
            yield *found.span(), LUA_TURNED[token]
        elif token.isdigit():
            yield *found.span(), str(int(token) + 1)
    for found in LUA_STEP.finditer(source):
        if found[0].count("(") == found[0].count(")"):
            yield *found.span(), "do end"


def _python_changes(source: str) -> Iterator[tuple[int, int, str]]:
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        span = (
            starts[token.start[0] - 1] + token.start[1],
            starts[token.end[0] - 1] + token.end[1],
        )
        if token.type == tokenize.NUMBER and token.string.replace("_", "").isdigit():
            yield *span, str(int(token.string) + 1)
        elif token.line[: token.start[1]].endswith("slots="):
            continue  # slots save memory, and change nothing else
        elif token.string in PYTHON_TURNED and after and after.string != ",":
            yield *span, PYTHON_TURNED[token.string]  # a bare star among parameters is no product
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            last = node.end_lineno or node.lineno
            end = starts[last - 1] + (node.end_col_offset or 0)
            yield starts[node.lineno - 1] + node.col_offset, end, "pass"


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def _judged_equivalent() -> set[tuple[str, str, str]]:
    listed = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))["equivalent"]
    return {(one["file"], one["line"], one["becomes"]) for one in listed}


class Copy:
    """The tree, where files may be spoilt, and processes that try its tests."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "tree"
        tracked = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        for name in subprocess.check_output(tracked, cwd=ROOT, text=True).splitlines():
            if (ROOT / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.root / name)
        self.said = folder / "said.txt"
        """What the last run printed."""

    def notices(self, mutant: Mutant, tests: list[str], *, within_s: float) -> bool:
        """Tell whether a test fails, or the tests do not end."""
        path = self.root / mutant.path
        path.write_text(mutant.text, encoding="utf-8")
        for old in path.parent.glob(f"__pycache__/{path.stem}.*"):
            old.unlink()  # it may be of the same second and size
        try:
            return self.run(tests, within_s=within_s) != 0
        finally:
            path.write_text(mutant.source, encoding="utf-8")

    def run(self, tests: list[str], *, within_s: float, writes_bytecode: bool = False) -> int:
        """Run tests in a child that has the libraries imported already; 0: all passed."""
        pid = os.fork()
        if not pid:
            self._try(tests, writes_bytecode=writes_bytecode)
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                _kill(pid)  # the server a test may have left
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.02)
        _kill(pid)
        os.waitpid(pid, 0)
        return -1

    def _try(self, tests: list[str], *, writes_bytecode: bool) -> NoReturn:
        code = 3
        try:
            os.setsid()
            os.chdir(self.root)
            os.environ["PYTHONPATH"] = str(self.root)  # for the processes that tests start
            sys.dont_write_bytecode = not writes_bytecode
            sys.path[:] = [str(self.root), *(one for one in sys.path if one != str(ROOT))]
            said = os.open(self.said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            for stream in (1, 2):
                os.dup2(said, stream)
            code = int(pytest.main([*OPTIONS, *tests]))
        except BaseException:  # noqa: BLE001  # it says why, and the child ends here
            traceback.print_exc()
        finally:
            os._exit(code)


def _kill(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _tests_of(path: str) -> list[str]:
    found = [next(ROOT.glob(f"tests/*/{name}.py")) for name in TARGETS[path].split()]
    return [str(one.relative_to(ROOT)) for one in found]


def _preload() -> None:
    """Import what no mutant touches, once."""
    for name in ("dramatiq", "httpx", "hypothesis", "pydantic", "redis", "structlog"):
        with suppress(ImportError):
            __import__(name)


def main() -> int:
    """Print who survives; 1 when somebody does who is not listed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="files whose path contains this")
    parser.add_argument("--line", type=int, help="only this line of it")
    parser.add_argument("--sample", type=int, help="so many of each file, chosen by the seed")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    equivalent, survived, tried = _judged_equivalent(), 0, 0
    _preload()
    with tempfile.TemporaryDirectory(prefix="dialer-mutants-") as folder:
        copy = Copy(Path(folder))
        for path in (one for one in TARGETS if asked.only in one):
            tests = _tests_of(path)
            began = time.monotonic()
            if copy.run(tests, within_s=1800, writes_bytecode=True):
                print(f"{path}: its tests fail as it is\n{copy.said.read_text()[-3000:]}")
                return 2
            within_s = 60 + 5 * (time.monotonic() - began)
            found = [
                one
                for one in mutants(path)
                if (path, one.was, one.now) not in equivalent and asked.line in (None, one.line)
            ]
            if asked.sample and asked.sample < len(found):
                found = random.Random(asked.seed).sample(found, asked.sample)
            for mutant in found:
                tried += 1
                if not copy.notices(mutant, tests, within_s=within_s):
                    survived += 1
                    print(f"SURVIVED {mutant}", flush=True)
            print(f"{path}: {len(found)} tried", flush=True)
    print(f"{tried} tried, {survived} survived, {len(equivalent)} listed as equivalent")
    return int(survived > 0)


if __name__ == "__main__":
    sys.exit(main())

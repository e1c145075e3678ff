"""Tests side by side: forks of one process that has imported and collected them run them file by file.

A plug-in of pytest, for `--processes 8`. Processes of their own would each import and collect all tests
anew, which was a tenth of all work. No two forks run tests of one file, so what a file shares is made once;
who is through with a file takes the next one in the order in which they were collected.
"""

import itertools
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import pytest

from dialer.parent_watch import end_with_parent

_NUMBER_BYTES = 2  # of a file; the numbers of all files fit into a pipe many times


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--processes", type=int, default=0, help="run files in so many forks")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    options = session.config.option
    if not options.processes or options.collectonly or session.testsfailed:
        return None
    files = [list(items) for _, items in itertools.groupby(session.items, lambda item: item.path)]
    numbers = _numbers(len(files))
    _make_what_forks_share()
    folder = _folders(session).getbasetemp()
    forks: dict[Connection, Fork] = {}
    for n in range(min(options.processes, len(files))):
        ours, theirs = Pipe(duplex=False)
        if not (pid := _fork()):
            _have_folder(session, folder / f"{n}")
            return _work(session, _taken(files, numbers), theirs)
        theirs.close()
        forks[ours] = Fork(pid)
    os.close(numbers)
    _hear(session, forks)
    return True


def _fork() -> int:
    with warnings.catch_warnings(action="ignore"):  # of threads that libraries began, and that wait
        return os.fork()


def _numbers(count: int) -> int:
    """Give a pipe from which each reader takes the number of a file that nobody else has."""
    taking, giving = os.pipe()
    os.write(giving, b"".join(number.to_bytes(_NUMBER_BYTES) for number in range(count)))
    os.close(giving)
    return taking


def _taken(files: list[list[pytest.Item]], numbers: int) -> Iterator[list[pytest.Item]]:
    while number := os.read(numbers, _NUMBER_BYTES):
        yield files[int.from_bytes(number)]


def _make_what_forks_share() -> None:
    """Make what tests that were collected will want, each once for all."""
    if forking := sys.modules.get("tests.forking"):
        forking.nursery()
        forking.import_before_forks()


# in the process that collected


class Fork:
    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.at = ""
        """The id of the test it is at."""


def _hear(session: pytest.Session, forks: dict[Connection, Fork]) -> None:
    """Report what the forks tell until the last has ended."""
    if reporter := session.config.pluginmanager.getplugin("terminalreporter"):
        reporter.showfspath = False  # tests of many files come one after another
    left = {item.nodeid for item in session.items}
    ends: dict[str, int] = {}
    is_over = False
    while forks:
        for told in wait(list(forks)):
            assert isinstance(told, Connection)
            try:
                _hear_one(session, forks[told], told.recv(), left)
            except EOFError:
                fork = forks.pop(told)
                if code := os.waitstatus_to_exitcode(os.waitpid(fork.pid, 0)[1]):
                    ends[fork.at] = code
        if session.shouldfail and not is_over:
            is_over = True
            for fork in forks.values():
                os.kill(fork.pid, signal.SIGINT)
    if session.shouldfail:
        raise session.Failed(session.shouldfail)
    _report_lost(session, left, ends)


def _hear_one(
    session: pytest.Session, fork: Fork, told: str | dict[str, Any], left: set[str]
) -> None:
    if isinstance(told, str):
        fork.at = told
        return
    hook = session.config.hook
    report = hook.pytest_report_from_serializable(config=session.config, data=told)
    hook.pytest_runtest_logreport(report=report)
    if report.when == "teardown":
        left.discard(report.nodeid)


def _report_lost(session: pytest.Session, left: set[str], ends: dict[str, int]) -> None:
    """Report as failed what a fork was at when it ended badly, and what stood behind that."""
    for item in session.items:
        if item.nodeid not in left | ends.keys():
            continue
        code = ends.get(item.nodeid)
        report = pytest.TestReport(
            item.nodeid,
            item.location,
            keywords={},
            outcome="failed",
            longrepr="it was not run" if code is None else f"its process ended with {code}",
            when="call",
        )
        session.config.hook.pytest_runtest_logreport(report=report)


# in a fork


def _have_folder(session: pytest.Session, folder: Path) -> None:
    """Keep a fork's tests' folders apart: for each of them pytest looks through all that are there."""
    folder.mkdir(mode=0o700)
    _folders(session)._basetemp = folder


def _folders(session: pytest.Session) -> Any:
    return getattr(session.config, "_tmp_path_factory")  # noqa: B009  # there is no public way


class Telling:
    """Tells who collected the tests what becomes of them."""

    def __init__(self, config: pytest.Config, to: Connection) -> None:
        self._config, self._to = config, to
        self._code = 0

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._to.send(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._to.send(data)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if exitstatus != pytest.ExitCode.TESTS_FAILED:  # which was told, test by test
            self._code = int(exitstatus)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        os._exit(self._code)  # what was registered for the end is not ours


def _work(session: pytest.Session, files: Iterator[list[pytest.Item]], to: Connection) -> bool:
    end_with_parent(signal.SIGINT)
    plugins = session.config.pluginmanager
    plugins.unregister(name="terminalreporter")
    plugins.register(Telling(session.config, to))
    session.config.workerinput = {}  # type: ignore[attr-defined]  # plug-ins leave the telling to others
    capturing = plugins.getplugin("capturemanager")
    capturing.stop_global_capturing()
    capturing.start_global_capturing()  # into files of its own
    for items in files:
        for item, following in itertools.pairwise([*items, session]):  # what is the session's stays
            session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    return True

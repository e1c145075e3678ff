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
    forks: dict[Connection, Fork] = {}
    for _ in range(min(options.processes, len(files))):
        ours, theirs = Pipe(duplex=False)
        if not (pid := _fork()):
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


def _taken(files: list[list[pytest.Item]], numbers: int) -> Iterator[pytest.Item]:
    while number := os.read(numbers, _NUMBER_BYTES):
        yield from files[int.from_bytes(number)]


def _make_what_forks_share() -> None:
    forking = sys.modules.get("tests.forking")  # where some test that was collected wants it
    if forking:
        forking.nursery()


# in the process that collected


class Fork:
    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.at: tuple[str, tuple[str, int | None, str]] = ("tests", ("tests", None, ""))
        """The test it is at: its id and its place."""


def _hear(session: pytest.Session, forks: dict[Connection, Fork]) -> None:
    """Report what the forks tell until the last has ended."""
    if reporter := session.config.pluginmanager.getplugin("terminalreporter"):
        reporter.showfspath = False  # tests of many files come one after another
    is_over = False
    while forks:
        for told in wait(list(forks)):
            assert isinstance(told, Connection)
            _hear_one(session, forks, told)
        if session.shouldfail and not is_over:
            is_over = True
            for fork in forks.values():
                os.kill(fork.pid, signal.SIGINT)
    if session.shouldfail:
        raise session.Failed(session.shouldfail)


def _hear_one(session: pytest.Session, forks: dict[Connection, Fork], told: Connection) -> None:
    hook = session.config.hook
    try:
        what = told.recv()
    except EOFError:
        report = _end(forks.pop(told))
        if not report or session.shouldfail:
            return
    else:
        if isinstance(what, tuple):
            forks[told].at = what
            return
        report = hook.pytest_report_from_serializable(config=session.config, data=what)
    hook.pytest_runtest_logreport(report=report)


def _end(fork: Fork) -> pytest.TestReport | None:
    """Take leave of a fork; a report where it ended before its tests did."""
    _, status = os.waitpid(fork.pid, 0)
    if not status:
        return None
    said = f"the process of this test ended with {os.waitstatus_to_exitcode(status)}"
    return pytest.TestReport(*fork.at, keywords={}, outcome="failed", longrepr=said, when="call")


# in a fork


class Telling:
    """Tells who collected the tests what becomes of them."""

    def __init__(self, config: pytest.Config, to: Connection) -> None:
        self._config, self._to = config, to
        self._code = 0

    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        self._to.send((nodeid, location))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._to.send(data)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if exitstatus != pytest.ExitCode.TESTS_FAILED:  # which was told, test by test
            self._code = int(exitstatus)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        os._exit(self._code)  # what was registered for the end is not ours


def _work(session: pytest.Session, items: Iterator[pytest.Item], to: Connection) -> bool:
    end_with_parent(signal.SIGINT)
    plugins = session.config.pluginmanager
    plugins.unregister(name="terminalreporter")
    plugins.register(Telling(session.config, to))
    session.config.workerinput = {}  # type: ignore[attr-defined]  # plug-ins leave the telling to others
    capturing = plugins.getplugin("capturemanager")
    capturing.stop_global_capturing()
    capturing.start_global_capturing()  # into files of its own
    item = next(items, None)
    while item:
        following = next(items, None)
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        item = following
    return True

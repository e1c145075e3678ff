"""The process runner of `dialer up`, with real processes and real kills."""

import os
import pty
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.patience import until
from workers.up import AlreadyRunning, CannotRun, ChildSpec, ProcessGroup, run_processes

OBEDIENT = """
import os, signal, sys, threading
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
print(f"ready {os.getpid()}")
stop.wait()
print("bye")
"""
DEAF = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(f"ready {os.getpid()}")
while True:
    time.sleep(60)
"""
ACTORS = """
import os, signal, dramatiq
from dramatiq.brokers.stub import StubBroker
from dialer.parent_watch import end_with_parent

class EndWithMaster(dramatiq.Middleware):
    def after_process_boot(self, broker):
        end_with_parent(signal.SIGTERM)
        print(f"master {os.getppid()}", flush=True)
        print(f"booted {os.getpid()}", flush=True)

broker = StubBroker(middleware=[EndWithMaster()])
dramatiq.set_broker(broker)
"""
RUNNER = """
import sys
from pathlib import Path
from workers.up import ChildSpec, run_processes
data_dir, *programs = sys.argv[1:]
specs = [ChildSpec(f"child{n}", [sys.executable, "-c", one], stop_s=60) for n, one in enumerate(programs)]
sys.exit(run_processes(specs, Path(data_dir)))
"""


class Lines(list):
    """Collects lines as `name: text`."""

    def __call__(self, name: str, line: str) -> None:
        self.append(f"{name}: {line}")

    def pids(self, word: str = "ready") -> list[int]:
        return [int(line.split()[-1]) for line in self if f" {word} " in line]


@pytest.fixture(autouse=True)
def hangups_are_heard():
    """Whoever runs the tests by nohup hands on to their processes that hangups are ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def run(tmp_path: Path, lines: Lines) -> Iterator[Callable[..., ProcessGroup]]:
    """Start a group, stopped at the end."""
    groups = []

    def start(*specs: ChildSpec, **options) -> ProcessGroup:
        group = ProcessGroup(specs, tmp_path / "var", on_line=lines, **options)
        groups.append(group)
        group.start()
        return group

    yield start
    for group in groups:
        group.stop(hurry=lambda: True)


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Start a process that runs programs as `dialer up` would."""
    started = []

    def start(*programs: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", RUNNER, str(tmp_path / "var"), *programs],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def python(name: str, program: str, **options) -> ChildSpec:
    return ChildSpec(name, [sys.executable, "-c", textwrap.dedent(program)], **options)


def poll_until(group: ProcessGroup, condition: Callable[[], bool], within_s: float = 90) -> None:
    def polled() -> bool:
        group.poll(0.05)
        return condition()

    until(polled, within_s=within_s)


def is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        # a process nobody has waited for yet is dead, too
        state = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
        ).stdout
        return bool(state.strip()) and not state.startswith("Z")
    return False


def read_pids(process: subprocess.Popen, count: int) -> list[int]:
    pids = []
    while len(pids) < count:
        line = process.stdout.readline()
        assert line, "the runner ended"
        if " ready " in line:
            pids.append(int(line.split()[-1]))
    return pids


def until_line(process: subprocess.Popen, words: str) -> bool:
    return any(words in line for line in process.stdout)


def test_output_of_both_kinds_is_forwarded_line_by_line(run, lines):
    program = """
        import sys
        print("one"); print("two", file=sys.stderr); print("ümlaut"); sys.stdout.write("no end")
    """

    group = run(python("web", program))

    poll_until(group, lambda: "web: no end" in lines)
    assert lines[:4] == ["web: one", "web: two", "web: ümlaut", "web: no end"]


def test_output_goes_to_files_where_a_folder_is_given(run, lines, tmp_path):
    group = run(python("web", "print('one')"), log_dir=tmp_path / "logs")

    poll_until(group, lambda: (tmp_path / "logs" / "web.log").read_text() == "one\n")
    assert "web: one" not in lines


def test_a_child_gets_its_own_environment_besides_ours(run, lines):
    group = run(python("web", "import os; print(os.environ['COLOUR'])", env={"COLOUR": "red"}))

    poll_until(group, lambda: "web: red" in lines)


def test_a_killed_child_is_started_again_and_that_is_said(run, lines):
    group = run(python("web", OBEDIENT))
    poll_until(group, lambda: len(lines.pids()) == 1)

    os.kill(lines.pids()[0], signal.SIGKILL)

    poll_until(group, lambda: len(lines.pids()) == 2)
    assert "up: web was ended by SIGKILL; starting again in 1 s" in lines


def test_the_pause_doubles_while_a_child_keeps_dying(run, lines):
    group = run(python("web", "raise SystemExit(3)"))

    poll_until(group, lambda: any("in 4 s" in line for line in lines))
    assert [line for line in lines if line.startswith("up:")] == [
        f"up: web ended with code 3; starting again in {pause_s} s" for pause_s in (1, 2, 4)
    ]


def test_a_child_that_says_a_setting_is_wrong_is_not_started_again_and_ends_the_run(
    tmp_path, lines
):
    wrong = 'import sys; print("dialer: set PORT", file=sys.stderr); sys.exit(2)'

    with pytest.raises(CannotRun, match=r"^web cannot run: set PORT$"):
        run_processes(
            [python("feeder", OBEDIENT), python("web", wrong)], tmp_path / "var", on_line=lines
        )

    assert lines.count("web: dialer: set PORT") == 1
    assert not any(map(is_alive, lines.pids()))


def test_a_program_that_is_not_there_is_named(run, lines):
    group = run(ChildSpec("web", ["no-such-program"]))

    poll_until(group, lambda: "web: cannot run no-such-program: No such file or directory" in lines)


def test_children_are_stopped_in_the_order_given_each_after_the_one_before(run, lines):
    group = run(*(python(name, OBEDIENT) for name in ("feeder", "worker", "results", "web")))
    poll_until(group, lambda: len(lines.pids()) == 4)

    group.stop()

    goodbyes = [line for line in lines if line.endswith(": bye")]
    assert goodbyes == ["feeder: bye", "worker: bye", "results: bye", "web: bye"]
    assert not any(map(is_alive, lines.pids()))


def test_a_child_that_does_not_end_in_its_time_is_killed(run, lines):
    group = run(python("web", DEAF, stop_s=0.5))
    poll_until(group, lambda: len(lines.pids()) == 1)

    group.stop()

    assert "up: web has not ended and is killed" in lines
    assert not is_alive(lines.pids()[0])


def test_what_a_stopped_child_leaves_behind_is_killed(run, lines):
    leaves_one = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {DEAF!r}])"
    group = run(python("web", leaves_one + "\n" + OBEDIENT))
    poll_until(group, lambda: len(lines.pids()) == 2)

    group.stop()

    assert until(lambda: not any(map(is_alive, lines.pids())))


def test_a_second_group_on_a_folder_is_refused_and_told_who_runs(run, lines):
    run(python("web", OBEDIENT))

    with pytest.raises(AlreadyRunning, match=str(os.getpid())):
        run(python("web", OBEDIENT))


def test_a_folder_is_free_again_once_its_runner_was_killed(runner):
    first = runner(OBEDIENT)
    read_pids(first, 1)
    first.kill()
    first.wait()

    second = runner(OBEDIENT)

    assert read_pids(second, 1)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_signal_ends_runner_and_children_in_good_order(runner, signum):
    process = runner(OBEDIENT, OBEDIENT)
    pids = read_pids(process, 2)

    process.send_signal(signum)

    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0
    assert output.count("bye") == 2
    assert not any(map(is_alive, pids))


def test_a_terminal_that_is_closed_ends_runner_and_children_in_good_order(tmp_path):
    """The kernel hangs up, the shell does too, and from then on no line finds a reader."""
    said = tmp_path / "said"
    speaks = OBEDIENT.replace('print("bye")', f'print("bye"); open({str(said)!r}, "w").close()')
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(
            sys.executable, [sys.executable, "-c", RUNNER, str(tmp_path / "var"), speaks, OBEDIENT]
        )
    with os.fdopen(terminal, "rb", buffering=0) as screen:
        seen = b""
        while seen.count(b" ready ") < 2:
            seen += screen.read(1024)

    os.kill(pid, signal.SIGHUP)

    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert said.exists()


def test_where_nobody_reads_any_more_all_ends_in_good_order(runner, tmp_path):
    """As under `| tee`, which Ctrl-C ends as well, and sooner."""
    said = tmp_path / "said"
    speaks = OBEDIENT.replace('print("bye")', f'print("bye"); open({str(said)!r}, "w").close()')
    chatty = "import time\nwhile True:\n    print('tick')\n    time.sleep(0.1)\n"
    process = runner(speaks, chatty)
    pids = read_pids(process, 1)

    process.stdout.close()

    assert process.wait(timeout=240) == 0
    assert said.exists()
    assert not any(map(is_alive, pids))


def test_who_was_told_to_ignore_hangups_does(runner):
    """As by `nohup dialer up &`, before the terminal is closed."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = runner(OBEDIENT.replace("stop.wait()", "stop.wait(1); print('on')"))
        read_pids(process, 1)
        process.send_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)

    assert until_line(process, "starting again")  # not before its child has ended by itself


def test_two_hangups_are_one(runner):
    slow = OBEDIENT.replace(
        'print("bye")', 'import time; print("wait"); time.sleep(1); print("bye")'
    )
    process = runner(slow)
    read_pids(process, 1)

    process.send_signal(signal.SIGHUP)
    assert "wait" in process.stdout.readline()
    process.send_signal(signal.SIGHUP)

    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0
    assert "bye" in output


def test_a_second_stop_signal_kills_what_has_not_ended(runner):
    process = runner(DEAF)
    pids = read_pids(process, 1)

    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)

    process.communicate(timeout=240)
    assert process.returncode == 0
    assert not any(map(is_alive, pids))


@pytest.mark.parametrize("started", [0, 1, 2, 3, 4])
def test_a_signal_in_the_middle_of_the_start_leaves_no_process_behind(runner, tmp_path, started):
    mark = f"# {tmp_path}"
    process = runner(*[OBEDIENT + mark] * 4)
    assert until(lambda: len(processes_marked(mark)) >= 1 + started)

    process.send_signal(signal.SIGINT)

    process.communicate(timeout=240)
    assert processes_marked(mark) == []


def test_no_child_outlives_a_killed_runner_not_even_a_deaf_one(runner):
    process = runner(OBEDIENT, DEAF)
    pids = read_pids(process, 2)

    process.kill()

    assert until(lambda: not any(map(is_alive, pids)))


def test_a_killed_dramatiq_master_takes_its_workers_along_and_comes_back(run, lines, tmp_path):
    group = run(dramatiq_child(tmp_path))
    poll_until(group, lambda: len(lines.pids("booted")) == 2)
    first = lines.pids("booted")

    os.kill(lines.pids("master")[0], signal.SIGKILL)

    poll_until(group, lambda: len(lines.pids("booted")) == 4)
    assert until(lambda: not any(map(is_alive, first)))


def test_dramatiqs_workers_go_when_the_runner_is_killed(tmp_path):
    spec = dramatiq_child(tmp_path)
    program = (
        "from pathlib import Path; from workers.up import ChildSpec, run_processes;"
        f"run_processes([ChildSpec('worker', {spec.argv!r}, {spec.env!r})], Path({str(tmp_path)!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    with process:
        booted = []
        while len(booted) < 2:
            line = process.stdout.readline()
            assert line, "the runner ended"
            if " booted " in line:
                booted.append(int(line.split()[-1]))

        process.kill()

        assert until(lambda: not any(map(is_alive, booted)))


def test_dramatiq_stops_in_good_order(run, lines, tmp_path):
    group = run(dramatiq_child(tmp_path))
    poll_until(group, lambda: len(lines.pids("booted")) == 2)

    group.stop()

    assert not any(map(is_alive, lines.pids("booted")))
    assert not any("killed" in line for line in lines)


def dramatiq_child(folder: Path) -> ChildSpec:
    (folder / "some_actors.py").write_text(ACTORS)
    argv = [sys.executable, "-m", "dramatiq", "some_actors", "-p", "2", "-t", "1"]
    return ChildSpec("worker", argv, {"PYTHONPATH": str(folder)}, stop_s=30)


def processes_marked(mark: str) -> list[str]:
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "args="], capture_output=True, text=True, check=True
    ).stdout
    return [line for line in listed.splitlines() if mark in line]

"""Files that appear together and whole, whatever becomes of the process that writes them."""

import os
import signal
from pathlib import Path

from dialer.file_set import FileSet


def write_and_die(folder: Path) -> None:
    """Let another process be killed while its files grow."""
    child = os.fork()
    if not child:
        with FileSet(folder) as files:
            files.place("report.csv").write_text("half a li")
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


def names_in(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def test_files_appear_under_their_names_and_nothing_else_does(tmp_path):
    with FileSet(tmp_path) as files:
        files.place("a.csv").write_text("a")
        files.place("b.csv").write_text("b")
        assert "a.csv" not in names_in(tmp_path)
        files.publish()

    assert names_in(tmp_path) == ["a.csv", "b.csv"]


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path):
    write_and_die(tmp_path)
    assert any(name.endswith(".part") for name in names_in(tmp_path))

    with FileSet(tmp_path) as files:
        files.place("b.csv").write_text("b")
        files.publish()

    assert names_in(tmp_path) == ["b.csv"]


def test_what_somebody_is_writing_stays(tmp_path):
    with FileSet(tmp_path) as files:
        files.place("a.csv").write_text("a")
        with FileSet(tmp_path) as others:
            others.place("b.csv").write_text("b")
            others.publish()

        files.publish()

    assert names_in(tmp_path) == ["a.csv", "b.csv"]

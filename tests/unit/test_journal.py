"""What a host's journal keeps, and for how long."""

import os
import resource
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dialer.dialing.journal import Intent, Journal, LateAnswer
from tests.patience import until


def intent(attempt_id: str, *, ends_at: float, epoch: int = 1, attempt: str = "[]") -> Intent:
    return Intent(epoch=epoch, attempt_id=attempt_id, ends_at=ends_at, attempt=attempt)


def test_a_host_reads_the_intents_of_all_its_processes_whose_calls_could_be_live(tmp_path):
    first, second = Journal(tmp_path, "first"), Journal(tmp_path, "second")
    first.write_intents([intent("over", ends_at=100.0)])
    first.write_intents([intent("live", ends_at=150.0)])
    second.write_intents([intent("live too", ends_at=200.0)])

    found = [one.attempt_id for one in first.intents(ending_after=100.0)]

    assert found == ["live", "live too"]


def test_a_file_that_another_process_still_writes_to_is_not_dropped(tmp_path):
    writer, neighbour = Journal(tmp_path, "writer"), Journal(tmp_path, "neighbour")
    writer.write_intents([intent("of last night", ends_at=50.0)])

    neighbour.prune(before=100.0)
    writer.write_intents([intent("of this morning", ends_at=150.0)])

    found = [one.attempt_id for one in neighbour.intents(ending_after=100.0)]
    assert found == ["of this morning"]


def test_a_file_is_dropped_once_its_writer_is_gone_and_its_calls_are_over(tmp_path):
    writer, neighbour = Journal(tmp_path, "writer"), Journal(tmp_path, "neighbour")
    writer.write_intents([intent("a", ends_at=50.0)])
    writer.close()

    neighbour.prune(before=49.0)
    kept = list(tmp_path.iterdir())
    neighbour.prune(before=100.0)

    assert len(kept) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_opened_just_now_and_is_not_locked_yet_is_not_dropped(tmp_path):
    (tmp_path / "writer.000000.jsonl").touch()

    Journal(tmp_path, "neighbour").prune(before=100.0)

    assert [one.name for one in tmp_path.iterdir()] == ["writer.000000.jsonl"]


def test_a_line_cut_off_by_a_power_failure_is_passed_over(tmp_path):
    writer = Journal(tmp_path, "writer")
    writer.write_intents([intent("whole", ends_at=150.0)])
    writer.close()
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes() + b'{"intent":{"epoch":2,"atte')

    assert read(writer) == ["whole"]


def test_what_a_power_failure_left_that_is_no_text_hides_no_line(tmp_path):
    writer = Journal(tmp_path, "writer")
    writer.write_intents([intent("whole", ends_at=150.0)])
    writer.close()
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes() + b"\xff\x00\xfe" * 100)

    assert read(writer) == ["whole"]


################################################################ what a power failure leaves


@dataclass
class Disk:
    """What is surely on it: files by inode with the length they had when they were synced last."""

    synced: dict[int, int] = field(default_factory=dict)

    def noting(self, sync: Callable[[int], None]) -> Callable[[int], None]:
        def synced(fd: int) -> None:
            sync(fd)
            found = os.fstat(fd)
            self.synced[found.st_ino] = found.st_size

        return synced

    def has(self, path: Path) -> bool:
        """Whether all of a file would be found after a power failure, and its name too."""
        is_whole = self.synced.get(path.stat().st_ino) == path.stat().st_size
        return is_whole and path.parent.stat().st_ino in self.synced


@pytest.fixture
def disk(monkeypatch) -> Disk:
    disk = Disk()
    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, disk.noting(getattr(os, name)))
    return disk


def test_intents_are_on_disk_before_their_requests_may_leave(tmp_path, disk):
    writer = Journal(tmp_path, "writer")
    for name in ("a", "b"):
        writer.write_intents([intent(name, ends_at=50.0)])

        (file,) = tmp_path.iterdir()
        assert disk.has(file)


def test_an_answer_that_redis_could_not_take_is_on_disk(tmp_path, disk):
    Journal(tmp_path, "writer").write_answer(LateAnswer("a", "sid", None, 200, None))

    (file,) = tmp_path.iterdir()
    assert disk.has(file)


def test_the_identity_of_a_folder_is_on_disk_before_anybody_knows_it(tmp_path, disk):
    assert Journal(tmp_path, "writer").identity

    assert disk.has(tmp_path / "identity")


################################################################ D3: the disk is nearly full


def read(journal: Journal) -> list[str]:
    return [one.attempt_id for one in journal.intents(ending_after=0.0)]


@contextmanager
def most_bytes_a_file(most: int) -> Iterator[None]:
    """Let no file of this process get longer: what goes beyond is written in part, then refused."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


LINE = "x" * 150


def test_d3_a_line_that_is_cut_off_goes_whole_to_a_file_of_its_own_and_spoils_no_other(tmp_path):
    writer = Journal(tmp_path, "writer")
    writer.write_intents([intent("a", ends_at=50.0, attempt=LINE)])
    (file,) = tmp_path.iterdir()

    with most_bytes_a_file(file.stat().st_size + 100):
        writer.write_intents([intent("b", ends_at=50.0, attempt=LINE)])
    writer.write_intents([intent("c", ends_at=50.0, attempt=LINE)])

    assert read(Journal(tmp_path, "other")) == ["a", "b", "c"]


@pytest.mark.parametrize("room", [0, 1, 40, 100])
def test_d3_a_line_that_no_file_takes_whole_is_not_durable_and_leaves_no_file_behind(
    tmp_path, room
):
    writer = Journal(tmp_path, "writer")
    writer.write_intents([intent("a", ends_at=50.0)])
    (file,) = tmp_path.iterdir()
    size = file.stat().st_size

    for _ in range(20):
        with most_bytes_a_file(size + room), pytest.raises(OSError, match="large"):
            writer.write_intents([intent("b", ends_at=50.0, attempt=LINE * 3)])
    assert list(tmp_path.iterdir()) == [file]
    writer.write_intents([intent("c", ends_at=50.0)])

    assert read(Journal(tmp_path, "other")) == ["a", "c"]


def test_d3_so_it_is_for_the_first_line_of_a_process(tmp_path):
    writer = Journal(tmp_path, "writer")

    with most_bytes_a_file(30), pytest.raises(OSError, match="large"):
        writer.write_intents([intent("a", ends_at=50.0)])
    assert list(tmp_path.iterdir()) == []
    writer.write_intents([intent("b", ends_at=50.0)])

    assert read(writer) == ["b"]


def test_d3_what_others_wrote_before_is_on_disk_when_a_file_is_left_torn(tmp_path, monkeypatch):
    """They wait for their own sync meanwhile, which may see the next file only."""
    writer = Journal(tmp_path, "writer")
    writer.write_intents([intent("a", ends_at=50.0)])
    (file,) = tmp_path.iterdir()
    inode = file.stat().st_ino
    synced: list[tuple[int, int]] = []
    sync = os.fdatasync

    def noted(fd: int) -> None:
        synced.append((os.fstat(fd).st_ino, os.fstat(fd).st_size))
        sync(fd)

    monkeypatch.setattr(os, "fdatasync", noted)

    with writer._syncing:  # a neighbour's line is written, and its sync has to wait
        neighbour = threading.Thread(
            target=writer.write_intents, args=([intent("b", ends_at=50.0)],), daemon=True
        )
        neighbour.start()
        until(lambda: writer._written == 2, what="the neighbour's line")
        size = file.stat().st_size
        with most_bytes_a_file(size + 10):
            torn = threading.Thread(
                target=writer.write_intents, args=([intent("c", ends_at=50.0)],), daemon=True
            )
            torn.start()
            until(lambda: writer._written == 3, what="the torn line")
    neighbour.join(10)
    torn.join(10)

    assert [one for one in synced if one[0] == inode and one[1] >= size]
    assert read(writer) == ["a", "b", "c"]


def test_d3_an_answer_that_the_disk_does_not_take_is_told(tmp_path):
    writer = Journal(tmp_path, "writer")

    with most_bytes_a_file(10), pytest.raises(OSError, match="large"):
        writer.write_answer(LateAnswer("a", "sid", None, 200, None))


################################################################ whose journal it is


def test_a_folder_keeps_its_identity_and_two_folders_have_two(tmp_path):
    first, again = Journal(tmp_path / "a", "first"), Journal(tmp_path / "a", "again")
    other = Journal(tmp_path / "b", "first")

    assert first.identity == again.identity != other.identity
    assert [one.name for one in (tmp_path / "a").iterdir()] == ["identity"]


def test_processes_that_ask_at_once_agree_on_it(tmp_path):
    journals = [Journal(tmp_path, f"p{n}") for n in range(8)]
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda one=one: found.append(one.identity)) for one in journals
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_process_knows_the_epoch_of_its_folder_before_it_writes(tmp_path):
    writer = Journal(tmp_path, "writer")
    writer.write_intents([intent("over", ends_at=50.0, epoch=7)])

    assert Journal(tmp_path, "another").epoch == 7


################################################################ processes that died

HALF_A_FILE = " " * 600_000


def left_behind(journal: Journal) -> list[str]:
    return [one.attempt_id for one in journal.left_behind()]


def test_what_a_dead_process_left_behind_is_told_once_to_each_other(tmp_path):
    dead, *others = (Journal(tmp_path, name) for name in ("dead", "second", "third"))
    dead.write_intents([intent("a", ends_at=50.0), intent("b", ends_at=60.0)])
    assert [left_behind(one) for one in others] == [[], []]

    dead.close()  # as the kernel does at its end

    assert [left_behind(one) for one in others] == [["a", "b"]] * 2
    assert [left_behind(one) for one in others] == [[], []]


def test_a_full_file_does_not_look_like_a_dead_process_while_its_requests_are_under_way(tmp_path):
    writer, other = Journal(tmp_path, "writer", under_way_s=300.0), Journal(tmp_path, "other")
    for name in ("a", "b", "c"):
        writer.write_intents([intent(name, ends_at=50.0, attempt=HALF_A_FILE)])
    assert len(list(tmp_path.iterdir())) == 2

    assert left_behind(other) == []
    writer.close()
    assert left_behind(other) == ["a", "b", "c"]


def test_a_full_file_is_let_go_when_its_requests_are_long_over(tmp_path):
    writer, other = Journal(tmp_path, "writer", under_way_s=0.0), Journal(tmp_path, "other")
    for name in ("a", "b", "c"):
        writer.write_intents([intent(name, ends_at=50.0, attempt=HALF_A_FILE)])

    other.prune(before=100.0)

    assert len(list(tmp_path.iterdir())) == 1


def test_nothing_is_concluded_from_the_locks_of_another_machine(tmp_path):
    """A shared folder may show its locks to those on the same machine alone."""
    writer, other = Journal(tmp_path, "writer"), Journal(tmp_path, "other")
    writer.write_intents([intent("a", ends_at=50.0)])
    writer.close()
    (file,) = tmp_path.iterdir()
    first, line = file.read_text().splitlines()
    file.write_text(f'{{"kernel":"another"}}\n{line}\n')

    assert first.startswith('{"kernel":')
    assert left_behind(other) == []
    assert [one.attempt_id for one in other.intents(ending_after=0.0)] == ["a"]


def test_a_file_that_idles_goes_once_its_calls_are_over(tmp_path):
    writer = Journal(tmp_path, "writer", under_way_s=0.0, takes_for_s=0.0)
    writer.write_intents([intent("over", ends_at=100.0)])

    writer.prune(before=101.0)
    assert list(tmp_path.glob("*.jsonl")) == []

    writer.write_intents([intent("live", ends_at=200.0)])
    writer.prune(before=101.0)
    assert read(writer) == ["live"]


def test_a_file_whose_requests_are_under_way_stays_locked_when_it_takes_no_more_lines(tmp_path):
    writer = Journal(tmp_path, "writer", under_way_s=300.0, takes_for_s=0.0)
    writer.write_intents([intent("over", ends_at=100.0)])

    writer.prune(before=101.0)

    assert read(writer) == ["over"]
    writer.close()

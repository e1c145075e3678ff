"""What a host's journal keeps, and for how long."""

from dialer.journal import Intent, Journal


def intent(attempt_id: str, *, ends_at: float, epoch: int = 1, attempt: str = "[]") -> Intent:
    return Intent(epoch=epoch, attempt_id=attempt_id, ends_at=ends_at, attempt=attempt)


def test_a_host_reads_the_intents_of_all_its_processes_whose_calls_could_be_live(tmp_path):
    first, second = Journal(tmp_path, "first"), Journal(tmp_path, "second")
    first.write_intents([intent("over", ends_at=50.0)])
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


def test_a_line_cut_off_by_a_power_failure_is_passed_over(tmp_path):
    writer = Journal(tmp_path, "writer")
    writer.write_intents([intent("whole", ends_at=150.0)])
    writer.close()
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes() + b'{"intent":{"epoch":2,"atte')

    found = [one.attempt_id for one in writer.intents(ending_after=0.0)]

    assert found == ["whole"]


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

"""What a host's journal keeps, and for how long."""

from dialer.journal import Intent, Journal


def intent(attempt_id: str, *, ends_at: float, epoch: int = 1) -> Intent:
    return Intent(epoch=epoch, attempt_id=attempt_id, ends_at=ends_at, attempt="[]")


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

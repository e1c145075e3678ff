"""What a demo and a rehearsal stand on goes at once when they do."""

import fcntl
import threading
from pathlib import Path

import pytest

from dialer.embedded.supervisor import ServerFolder, open_lock, try_lock
from tests.patience import until
from workers.sandbox import _remove


def test_a_stage_that_goes_leaves_its_servers_lock_to_the_supervisor(tmp_path: Path) -> None:
    """It ends once it can take the lock, so who waits for its end must not have it: both would wait."""
    stage = tmp_path / "stage"
    folder = ServerFolder.within(stage / "var")
    supervisor, server = open_lock(folder.supervisor_lock), open_lock(folder.server_lock)
    try_lock(supervisor, fcntl.LOCK_EX)
    going = threading.Thread(target=_remove, args=(stage,))

    def is_taken() -> bool:
        if not try_lock(server, fcntl.LOCK_EX):
            return True
        fcntl.flock(server, fcntl.LOCK_UN)
        return False

    going.start()
    until(lambda: not stage.exists(), within_s=30, what="the end of the folder")
    with pytest.raises(AssertionError):
        until(is_taken, within_s=1, what="somebody with the server's lock")

    fcntl.flock(supervisor, fcntl.LOCK_UN)
    going.join(timeout=30)
    assert not going.is_alive()

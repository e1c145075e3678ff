"""A worker process ends when its master was killed, also where that happened while it started."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MASTER = """
import multiprocessing, os, select, sys

def worker(master, told):
    while os.getppid() == master:
        select.select([], [], [], 0.01)
    from workers.broker import EndWithMaster
    EndWithMaster().after_process_boot(None)
    os.write(told, b"lived on")
    os._exit(0)

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    child = multiprocessing.Process(target=worker, args=(os.getpid(), 1))
    child.start()
    os._exit(0)
"""


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_a_worker_whose_master_died_while_it_started_ends(tmp_path, start_method):
    program = tmp_path / "master.py"
    program.write_text(MASTER)

    # read to its end: the worker holds the other end of the pipe for as long as it lives
    done = subprocess.run(
        [sys.executable, program, start_method],
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        timeout=240,
        check=True,
    )

    assert done.stdout == b""

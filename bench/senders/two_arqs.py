"""Two arq workers, as arq itself runs one process; so many jobs at a time each: `two_arqs 16`."""

import os
import signal
import subprocess
import sys

env = {**os.environ, "BENCH_SLOTS": sys.argv[1]}
workers = [
    subprocess.Popen([sys.executable, "-m", "arq", "bench.senders.on_arq.WorkerSettings"], env=env)
    for _ in range(2)
]


def stop(_signal: int, _frame: object) -> None:
    """Pass the end on."""
    for worker in workers:
        worker.kill()


signal.signal(signal.SIGTERM, stop)
for one in workers:
    one.wait()

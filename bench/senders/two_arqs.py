"""Two arq workers: arq itself runs one process."""

import signal
import subprocess
import sys

workers = [
    subprocess.Popen([sys.executable, "-m", "arq", "bench.senders.on_arq.WorkerSettings"])
    for _ in range(2)
]


def stop(_signal: int, _frame: object) -> None:
    """Pass the end on."""
    for worker in workers:
        worker.kill()


signal.signal(signal.SIGTERM, stop)
for one in workers:
    one.wait()

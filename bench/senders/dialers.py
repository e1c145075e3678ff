"""Our worker, as `dramatiq workers.actors` runs it, in forked processes that are cheap to replace.

python -m bench.senders.dialers PROCESSES THREADS KILL_EVERY_S

With KILL_EVERY_S above 0, one of them is killed with SIGKILL that often, and replaced at once;
only the start is cheaper than in production, because the imports are done already.
"""

import itertools
import os
import signal
import sys
import time

import dramatiq

import workers.broker
import workers.wiring  # noqa: F401  # imported before the fork, so that a replacement is there at once
from dialer.parent_watch import end_with_parent


def main(processes: str, threads: str, kill_every_s: str) -> None:
    """Run until SIGTERM."""
    children = [_start(int(threads)) for _ in range(int(processes))]

    def stop(_signal: int, _frame: object) -> None:
        for child in children:
            os.kill(child, signal.SIGKILL)
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    pause_s = float(kill_every_s)
    for victim in itertools.cycle(range(len(children))):
        time.sleep(pause_s or 3600)
        os.kill(children[victim], signal.SIGKILL)
        os.waitpid(children[victim], 0)
        children[victim] = _start(int(threads))


def _start(threads: int) -> int:
    parent_pid = os.getpid()
    if child := os.fork():
        return child
    end_with_parent(signal.SIGKILL, parent_pid=parent_pid)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    from workers import actors  # connects, so only after the fork

    worker = dramatiq.Worker(actors.broker, worker_threads=threads)
    worker.start()
    worker.join()
    signal.pause()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])

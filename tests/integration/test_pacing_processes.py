"""Real processes on a real clock, one of them killed again and again."""

import itertools
import os

from tests.forking import nursery
from tests.pacing_worker import ALLOWANCE
from tests.patience import Patience

PROCESSES = 3
A_KILL_EVERY = 66  # requests: two seconds' worth
REQUESTS = 500  # fifteen seconds' worth


def test_no_window_holds_more_than_the_limit_while_processes_die(
    redis_server, redis_client, tmp_path
):
    def start():
        return nursery().start(
            str(redis_server.connection_kwargs["unix_socket_path"]),
            "killed",
            program="pacing_worker",
            env=os.environ,
            cwd=tmp_path,
            stdout=tmp_path / "told",
            stderr=tmp_path / "told",
            is_of_tests=True,
        )

    patience = Patience(60)
    workers = [start() for _ in range(PROCESSES)]
    try:
        for victim in itertools.cycle(range(PROCESSES)):
            counted = redis_client.llen("provider:log")
            if counted >= REQUESTS:
                break
            wait_for_requests(redis_client, counted + A_KILL_EVERY, patience)
            workers[victim].kill()
            workers[victim].wait()
            workers[victim] = start()
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()

    log = [line.split() for line in redis_client.lrange("provider:log", 0, -1)]
    most = max(int(in_window) for _, in_window in log)
    lasted_s = float(log[-1][0]) - float(log[0][0])
    share = len(log) * ALLOWANCE.spacing_s / lasted_s
    print(f"{len(log)} requests in {lasted_s:.1f} s: {share:.1%} of the limit, most {most}")
    assert most <= ALLOWANCE.requests


def wait_for_requests(client, number, patience):
    while client.llen("provider:log") < number:
        assert not patience.is_over, "the workers send nothing any more"
        client.blpop("nobody ever pushes here", timeout=0.1)

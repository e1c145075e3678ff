"""Bare Dramatiq + httpx: the least a queue and a POST can cost here, without any promise.

Run as a module it fills the queue.
"""

import os
import threading

import dramatiq
import httpx
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Middleware

from bench.forms import form

PROVIDER = os.environ.get("BENCH_PROVIDER", "")


class PollSoon(Middleware):
    """Polls as often as ours does, so that the comparison is of work and not of waiting."""

    def before_worker_boot(self, _broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        worker.worker_timeout = 50


broker = RedisBroker(  # type: ignore[no-untyped-call]  # dramatiq types its core only
    client=redis.Redis.from_url(os.environ.get("BENCH_REDIS", "redis://127.0.0.1")),
)
broker.add_middleware(PollSoon())
dramatiq.set_broker(broker)
_of_thread = threading.local()


@dramatiq.actor(queue_name="bench", max_retries=0)
def post(form: dict[str, str]) -> None:
    """Send one form, as a dial does."""
    if not hasattr(_of_thread, "http"):
        _of_thread.http = httpx.Client(auth=("key", "token"), timeout=45, trust_env=False)
    answer = _of_thread.http.post(f"{PROVIDER}/v1/Accounts/demo/Calls/connect.json", data=form)
    answer.raise_for_status()
    answer.json()


if __name__ == "__main__":
    for n in range(int(os.environ["BENCH_JOBS"])):
        post.send(form(n))

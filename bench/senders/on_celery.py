"""The same POST as a Celery task; run as a module it fills the queue."""

import os
import threading

import httpx
from celery import Celery

from bench.forms import form

PROVIDER = os.environ.get("BENCH_PROVIDER", "")

app = Celery("bench", broker=os.environ.get("BENCH_REDIS", "redis://127.0.0.1"))
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,  # as ours: a killed worker's message comes again
    worker_prefetch_multiplier=4,
    broker_connection_retry_on_startup=True,
)
_of_thread = threading.local()


@app.task(name="post", rate_limit=os.environ.get("BENCH_RATE") or None)
def post(fields: dict[str, str]) -> None:
    """Send one form, as a dial does."""
    if not hasattr(_of_thread, "http"):
        _of_thread.http = httpx.Client(auth=("key", "token"), timeout=45, trust_env=False)
    answer = _of_thread.http.post(f"{PROVIDER}/v1/Accounts/demo/Calls/connect.json", data=fields)
    answer.raise_for_status()


if __name__ == "__main__":
    for n in range(int(os.environ["BENCH_JOBS"])):
        post.delay(form(n))

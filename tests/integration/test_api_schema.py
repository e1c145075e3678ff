"""The API against its own OpenAPI document: requests nobody thought of, answers as documented."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.settings import read_settings
from tests.integration.test_tenants import EXAMPLES
from tests.web_kit import ADMIN_KEY, Site, one_site
from workers.web.api import api_app
from workers.web.pages.manual import openapi_document
from workers.web.services import Services
from workers.wiring import Wiring

PATIENCE_S = 240
MOST = max(10, settings().max_examples // 4)  # for each route: ten, or as `make chaos` asks
AUTH = {"Authorization": f"Bearer {ADMIN_KEY}"}


async def nobody_asks() -> bool:
    return False


# events never end, and each report is the work of a second or so; both are tested by themselves
LABELS = [
    one for one in EXAMPLES if " /api/v1/" in one and not one.endswith(("/events", ".{format}"))
]


@pytest.fixture(scope="module")
def operations() -> dict[str, Any]:
    """Give what the document tells of, by method and path."""
    import schemathesis  # noqa: PLC0415 - two seconds, in the one process that runs these

    services = Services(Wiring(read_settings(env_file=None, redis_url="unix:///nowhere")))
    schema = schemathesis.openapi.from_dict(openapi_document(api_app(services, nobody_asks)))
    found = [one.ok() for one in schema.get_all_operations()]
    return {one.label: one for one in found}


def excluded_checks() -> list[Any]:
    from schemathesis.specs.openapi import checks  # noqa: PLC0415 - as above

    return [
        checks.ignored_auth,  # test_api_access asks every route; many wrong keys get 429
        checks.positive_data_acceptance,  # no document can say which file is a list
    ]


web = one_site()


@pytest.fixture(scope="module")
def campaign(web: Site) -> str:
    return web.upload().json()["campaign_id"]


@pytest.mark.parametrize("label", LABELS)
@given(data=st.data())
@settings(max_examples=MOST, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_the_document_promises(
    web: Site, campaign: str, operations: dict[str, Any], label: str, data: st.DataObject
) -> None:
    case = data.draw(operations[label].as_strategy())
    if "campaign_id" in (case.path_parameters or {}) and data.draw(st.integers(0, 3)):
        case.path_parameters["campaign_id"] = campaign  # or nearly all would be not found

    case.call_and_validate(
        base_url=web.url, headers=AUTH, timeout=PATIENCE_S, excluded_checks=excluded_checks()
    )

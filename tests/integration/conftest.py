"""An account whose time is the test's, and all that works in it, for each test."""

import secrets
from pathlib import Path

import pytest
import redis

from tests.account_kit import Account
from tests.virtual_time import VirtualDatabase


@pytest.fixture
def db(redis_client: "redis.Redis") -> VirtualDatabase:
    return VirtualDatabase(redis_client, f"test{secrets.token_hex(4)}")


@pytest.fixture
def account(db: VirtualDatabase, tmp_path: Path) -> Account:
    return Account(db, tmp_path / "journal")

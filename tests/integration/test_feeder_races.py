"""What the feeder read of a campaign may be old when it acts: then nothing wrong is written."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from campaigns.campaign import CampaignState
from dialer.store.scripts import SCRIPTS, Given
from tests.factories import pair, store_campaign
from tests.virtual_time import VirtualDatabase


class CrowdedDatabase(VirtualDatabase):
    """Lets somebody else act right before a script is run for the first time."""

    before: dict[str, Callable[[], object]]

    def run(self, given: Given, *, pipeline: Any = None) -> Any:
        if act := self.before.pop(SCRIPTS[type(given)], None):
            act()
        return super().run(given, pipeline=pipeline)


@pytest.fixture
def db(redis_client):
    crowded = CrowdedDatabase(redis_client, f"test{secrets.token_hex(4)}")
    crowded.before = {}
    return crowded


def test_hours_that_are_changed_meanwhile_count(account, db):
    account.at_local("2027-01-15T22:00:00")
    campaign = store_campaign(db, [pair(1, 1)], hours="09:00-21:00")
    db.before["open_windows"] = lambda: account.change_rules(campaign, hours="always")

    account.tick()

    assert len(account.tick()) == 1


def test_a_start_that_is_called_off_at_the_last_moment_harms_no_other(account, db):
    at = datetime.fromtimestamp(db.now() - 1, UTC)
    off = store_campaign(db, [pair(1, 1)], name="off", running=False, starts_at=at)
    other = store_campaign(db, [pair(2, 2)], name="other", running=False, starts_at=at)
    campaigns = account.campaigns
    db.before["steer"] = lambda: campaigns.move(campaigns.find(off), CampaignState.CANCELLING)

    account.tick()
    account.tick()

    assert account.state(off) == "cancelled"
    assert account.state(other) == "running"

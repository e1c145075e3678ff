"""Lists of some thousand rows, loaded and broken off on purpose."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from campaigns.campaign import CampaignState
from campaigns.campaign_rules import CampaignRules
from campaigns.lists.sieve import Dedupe
from campaigns.numbers.phone import PhoneRules
from dialer.loading.loading import Loaded, Loading, LoadOptions
from dialer.store import Campaigns, Database
from dialer.store.imports import Imports
from dialer.store.record_table import customers_of
from dialer.store.scripts import SCRIPTS, Given
from tests.conservation import check_conservation
from tests.factories import rules

BLOCKS = 3
ROWS = 4_500  # two blocks of 2,000 contacts and a bit
DUPLICATES, BAD = 10, 5


class BreakOff(Exception):
    """The lights went out."""


class Meddled(Database):
    """A database that lets a test do something right before or after one of its scripts."""

    def __init__(self, client: "redis.Redis", account: str) -> None:
        super().__init__(client, account)
        self.before: Callable[[str], None] = lambda _: None
        self.after: Callable[[str], None] = lambda _: None
        self.script_calls: list[str] = []

    def run(self, given: Given, *, pipeline: Any = None) -> Any:
        script = SCRIPTS[type(given)]
        self.script_calls.append(script)
        self.before(script)
        answer = super().run(given, pipeline=pipeline)
        self.after(script)
        return answer


def listed(rows: int = ROWS, *, first: int = 0) -> bytes:
    """A list in which some rows are bad and some come twice."""
    lines = [
        "agent,customer,plan",
        *(f"+9190000000{n % 100:02},+9198765{n:05},gold {n}" for n in range(first, first + rows)),
        *(f"+919000000000,+9198765{first + n:05},twice" for n in range(min(DUPLICATES, rows))),
        *(f"+919000000000,{n},bad" for n in range(BAD)),
    ]
    return "\n".join(lines).encode()


def load(
    db: Database,
    folder: Path,
    content: bytes,
    *,
    name: str = "sale",
    dedupe: Dedupe = Dedupe.FILE,
    changed: CampaignRules | None = None,
    **more: Any,
) -> Loaded:
    loading = Loading(db, phone_rules=PhoneRules(), data_dir=folder)
    options = LoadOptions(dedupe=dedupe)
    return loading.load(
        io.BytesIO(content), name=name, rules=changed or rules(), options=options, **more
    )


def load_broken_off(meddled: Meddled, folder: Path, *, after: str) -> None:
    """Load a list until the lights go out, right after a script."""

    def break_off(name: str) -> None:
        if name == after:
            raise BreakOff

    meddled.after = break_off
    with pytest.raises(BreakOff):
        load(meddled, folder, listed())


def append(db: Database, folder: Path, content: bytes, *, name: str = "sale") -> Loaded:
    loading = Loading(db, phone_rules=PhoneRules(), data_dir=folder)
    campaign = Campaigns(db).find(name)
    return loading.append(io.BytesIO(content), campaign=campaign, options=LoadOptions())


def customers(db: Database, name: str = "sale") -> list[str]:
    campaign = Campaigns(db).find(name)
    return [f"+{number}" for number in customers_of(db, campaign.id, size=campaign.accepted)]


def check_whole(db: Database, *, rows: int = ROWS) -> None:
    """Fail unless the list is there once, in its order, with every row accounted for."""
    campaign = Campaigns(db).find("sale")
    assert customers(db) == [f"+9198765{n:05}" for n in range(rows)]
    assert (campaign.accepted, campaign.rejected, campaign.duplicate) == (rows, BAD, DUPLICATES)
    assert campaign.rows == campaign.accepted + campaign.rejected + campaign.duplicate
    kept = list(Imports(db).rejected_rows(campaign.id))
    assert len(kept) == BAD + DUPLICATES
    assert len({row.line for row in kept}) == len(kept)
    assert len(Imports(db).history(campaign.id)) == 1
    assert campaign.state is CampaignState.LOADED
    check_conservation(db)

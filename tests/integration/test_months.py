"""Months in small: campaigns are loaded, dialled, archived and deleted, and nothing of them stays."""

import io
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from campaigns.caps import AccountCaps
from campaigns.numbers.phone import PhoneRules
from dialer.account_day import AccountDay
from dialer.archiving.archiving import Archiving
from dialer.archiving.deleting import Deleting
from dialer.events.keeping import Keeping
from dialer.events.outbox import Outbox
from dialer.loading.loading import Loading, LoadOptions
from dialer.recordings.keeping import Forgetting
from tests.account_kit import Account
from tests.factories import agent, customer, details, rules, start

DAY_S = 86_400
ARCHIVED_AFTER_DAYS, DELETED_AFTER_DAYS = 2, 5
CONTACTS = 4


@dataclass
class Months:
    """An account whose days pass."""

    account: Account
    folder: Path
    day: int = 0

    def pass_days(self, days: int) -> None:
        for _ in range(days):
            self.day += 1
            self._dial(self._load())
            self._age(DAY_S)
            archives = self.folder / "archive"
            archiving = Archiving(self.account.db, archives=archives)
            for one in archiving.over_for(ARCHIVED_AFTER_DAYS * DAY_S):
                archiving.archive(one)
            deleting = Deleting(
                self.account.db,
                archives=archives,
                data_dir=self.folder,
                recordings=Forgetting(self.account.db, None),
            )
            for one in deleting.archived_for(DELETED_AFTER_DAYS * DAY_S):
                deleting.delete(one)
            outbox = Outbox(self.account.db, account="main", folder=self.folder / "events")
            Keeping(self.account.db, outbox, days=7, holder="here").tick()
            AccountDay(
                self.account.db, AccountCaps(), ZoneInfo("Asia/Kolkata")
            ).read()  # as feeders do

    def _load(self) -> str:
        phone_rules = PhoneRules(default_country="IN", allowed_countries=frozenset({"IN"}))
        rows = [f"{agent(n)},{customer(n)},day {self.day}" for n in range(1, CONTACTS + 1)]
        text = "\n".join(["agent,customer,note", *rows, "nobody,12,a row that is rejected"])
        loading = Loading(self.account.db, phone_rules=phone_rules, data_dir=self.folder)
        loaded = loading.load(
            io.BytesIO(text.encode()),
            name=f"day {self.day:03}",
            rules=rules(max_calls_per_number=3),
            options=LoadOptions(),
        )
        assert loaded.campaign is not None
        return loaded.campaign.id

    def _dial(self, campaign: str) -> None:
        start(self.account.db, campaign)
        self.account.db.pass_time(1)
        for dialled in self.account.dial_all():
            self.account.settling.report(
                dialled.attempt_id, details(dialled.attempt.sid), at=self.account.db.now()
            )
        assert self.account.state(campaign) == "completed"

    def _age(self, seconds: int) -> None:
        """Let a time pass for keys, too: what they have left is Redis' own clock's."""
        self.account.db.pass_time(seconds)
        client = self.account.db.client
        for key in client.scan_iter("*", count=1_000):
            left_ms = client.pttl(key)
            if 0 < left_ms <= seconds * 1000:
                client.delete(key)
            elif left_ms > 0:
                client.pexpire(key, left_ms - seconds * 1000)
        self.account.tick()

    def keys(self) -> Counter[str]:
        """Count keys by kind: ids, days and numbers in their names left out."""
        names = (one.decode() for one in self.account.db.client.scan_iter("*", count=1_000))
        return Counter(
            re.sub(r"\d[\d-]*$", "K", re.sub(r":c:\w{8}", ":c:C", name)) for name in names
        )

    def memory(self) -> int:
        client = self.account.db.client
        return sum(client.memory_usage(one, samples=0) for one in client.scan_iter("*"))

    def files(self) -> Counter[str]:
        found = (one for one in self.folder.rglob("*") if one.is_file())
        return Counter(one.suffix for one in found)


@pytest.fixture
def months(account, tmp_path) -> Months:
    return Months(account, tmp_path)


def test_after_two_months_redis_and_the_disk_hold_what_they_held_after_three_weeks(months):
    months.pass_days(20)
    keys, memory, files = months.keys(), months.memory(), months.files()

    months.pass_days(40)

    assert months.keys() == keys
    assert months.files() == files
    assert months.memory() <= memory * 1.02
    is_archived = [one.archived_at is not None for one in months.account.campaigns.all()]
    assert (set(is_archived), len(is_archived)) == ({True, False}, 6)

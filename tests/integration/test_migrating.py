"""What earlier versions stored gets the form of this one: by a command that may break off and be repeated."""

import pytest

from dialer.archiving.archive import Archive
from dialer.archiving.archiving import Archiving
from dialer.archiving.migrating import Migrating, NotMigrated
from dialer.reporting.files import Format
from dialer.store.imports import Imports
from dialer.store.removal import free, mark_archived
from dialer.store.trail import Trail
from tests import books_kit
from tests.account_kit import Account
from tests.factories import give_life
from tests.stored_kit import account_of, put_back
from tests.web_kit import settings_for
from workers.cli.migrate import _of_account
from workers.wiring import Wiring

VERSION = "9.9.9"


@pytest.fixture(params=["by_0_1_0", "by_0_2_0"])
def old(request, redis_client, tmp_path) -> Account:
    return account_of(redis_client, put_back(redis_client, request.param), tmp_path / "journal")


def archived_as_before(account: Account, name: str, folder) -> str:
    """Archive a campaign in the form that 0.1.0 gave it: nothing is packed."""
    campaign = account.campaigns.find(name)
    archiving = Archiving(account.db, archives=folder / "archive")
    archive = Archive.of(campaign, folder / "archive")
    archiving._write(archive, campaign, lambda _: None)
    assert mark_archived(account.db, campaign)
    free(account.db, campaign.id)
    return campaign.id


def seen(account: Account) -> list[tuple]:
    """Give all that lists and status tell of campaigns."""
    campaigns = account.campaigns
    return [
        (one, campaigns.counts(one.id), Imports(account.db).history(one.id))
        for one in campaigns.all()
    ]


def csv_report(account: Account, campaign: str, data_dir, out) -> list[bytes]:
    found = account.campaigns.find(campaign)
    made = books_kit.report(account, found, data_dir, out, formats=[Format.CSV])
    return [one.read_bytes() for one in made.files]


def test_a_campaign_archived_by_an_earlier_version_tells_the_same_once_it_is_packed(old, tmp_path):
    id_ = archived_as_before(old, "over", tmp_path)
    before, reported = seen(old), csv_report(old, id_, tmp_path, tmp_path / "a")
    migrating = Migrating(old.db, version=VERSION)
    assert list(migrating.pending().values()) == [1]

    assert list(migrating.run().values()) == [1]

    assert migrating.pending() == {}
    assert seen(old) == before
    assert old.db.client.hlen(old.db.key("c", id_)) <= 4
    assert csv_report(old, id_, tmp_path, tmp_path / "b") == reported


def test_where_nothing_is_of_an_earlier_form_nothing_is_done(old):
    assert Migrating(old.db, version=VERSION).pending() == {}
    assert Migrating(old.db, version=VERSION).run() == {}


class _Killed(Exception):
    pass


def test_it_goes_on_where_it_broke_off_and_campaigns_are_dialled_meanwhile(account, tmp_path):
    for n in range(3):
        rows = books_kit.ROWS[n : n + 1]
        books_kit.finish(account, books_kit.load(account, tmp_path, name=f"old {n}", rows=rows))
        archived_as_before(account, f"old {n}", tmp_path)
    before = seen(account)

    def die() -> None:
        raise _Killed

    migrating = Migrating(account.db, version=VERSION)
    with pytest.raises(_Killed):
        migrating.run(die)
    assert list(migrating.pending().values()) == [2]
    assert seen(account) == before
    books_kit.finish(account, books_kit.load(account, tmp_path, name="new"))

    assert list(migrating.run().values()) == [2]

    assert migrating.pending() == {}
    assert [one for one in seen(account) if one[0].name != "new"] == before


def test_a_migration_is_recorded_with_what_it_found_and_did(old, redis_server, tmp_path):
    archived_as_before(old, "over", tmp_path)
    wiring = Wiring(settings_for(redis_server, "old", tmp_path))

    _of_account(wiring, dry_run=False)

    begun, done = (line.as_json() for line in Trail(old.db).lines())
    assert (begun["what"], begun["outcome"], done["outcome"]) == ("store_migrated", "begun", "done")
    assert list(done["before"].values()) == [1]


def test_while_a_process_of_another_version_lives_nothing_is_changed(old, tmp_path):
    archived_as_before(old, "over", tmp_path)
    of_0_2_0 = {"a-host-1#0123abcd": old.db.now()}  # its terms are all that it tells
    old.db.client.zadd(old.db.key("terms_seen"), of_0_2_0)
    migrating = Migrating(old.db, version=VERSION)

    with pytest.raises(NotMigrated, match=r"a-host-1 of 0\.2\.0 or before"):
        migrating.run()

    assert list(migrating.pending().values()) == [1]
    old.db.client.zrem(old.db.key("terms_seen"), *of_0_2_0)
    give_life(old.db, "worker", "a-host-1", version="9.9.8")
    with pytest.raises(NotMigrated, match=r"a-host-1 of 9\.9\.8"):
        migrating.run()
    give_life(old.db, "worker", "a-host-1", version=VERSION)
    assert list(migrating.run().values()) == [1]

"""Archived campaigns stand apart: years of them are found, and slow nobody who looks at today's."""

from contextlib import suppress
from itertools import count

import pytest
import redis

from campaigns.campaign import CampaignState
from dialer.archiving.archive import Archive
from dialer.archiving.archiving import Archiving
from dialer.archiving.deleting import Deleting
from dialer.archiving.migrating import Migrating
from dialer.recordings.keeping import Forgetting
from dialer.steering.tagging import set_tags
from dialer.store.archived import (
    archived_as,
    archived_called,
    archived_ids,
    count_archived,
)
from dialer.store.campaign import SameContent
from dialer.store.imports import Imports
from dialer.store.layout import can_read_contacts
from dialer.store.packing import pack_archived
from dialer.store.removal import free, mark_archived
from tests import books_kit
from tests.chaos.nth_operation import Plan, When, failing
from tests.factories import rules
from tests.virtual_time import VirtualDatabase


def over(account, tmp_path, name, *, n=0):
    """Load a list of one contact, and dial it."""
    row = f"+91900000{n:04},+91987654{n:04},Asha,"
    return books_kit.finish(account, books_kit.load(account, tmp_path, name=name, rows=[row]))


def archived(account, tmp_path, *names):
    for n, name in enumerate(names):
        books_kit.archive(account, over(account, tmp_path, name, n=n), tmp_path)
        account.db.pass_time(1)


def commands(client) -> int:
    """Count the commands that the server has done."""
    return client.info("stats")["total_commands_processed"]


def names_on(account, first, most):
    return [one.name for one, _ in account.campaigns.archived(first, most)]


def test_the_last_archived_come_first_a_page_at_a_time_with_their_counts(account, tmp_path):
    archived(account, tmp_path, "one", "two", "three")

    assert names_on(account, 0, 2) == ["three", "two"]
    assert names_on(account, 2, 2) == ["one"]
    assert [counts.final for _, counts in account.campaigns.archived(0, 9)] == [1, 1, 1]
    assert count_archived(account.db) == 3


def test_a_part_of_a_name_finds_them_in_whatever_case(account, tmp_path):
    archived(account, tmp_path, "Diwali North", "Holi", "Diwali South")
    found = archived_called(account.db, "diwali")

    assert [one.name for one in account.campaigns.read(found)] == ["Diwali South", "Diwali North"]
    assert archived_called(account.db, "eid") == []


def test_looking_at_todays_campaigns_costs_the_same_however_many_are_archived(account, tmp_path):
    over(account, tmp_path, "today", n=99)
    client, campaigns = account.db.client, account.campaigns

    def cost() -> int:
        before = commands(client)
        list(campaigns.in_state(*CampaignState))
        campaigns.rolls()
        campaigns.counted()
        campaigns.unarchived()
        campaigns.sizes_of_active()
        campaigns.with_content("0" * 64)
        return commands(client) - before

    few = cost()
    archived(account, tmp_path, *(f"day {n}" for n in range(5)))

    assert cost() == few


def test_a_list_that_was_dialled_years_ago_is_not_dialled_again_unasked(account, tmp_path):
    archived(account, tmp_path, "old")
    old = account.campaigns.find("old")
    [content] = [one["hash"] for one in Imports(account.db).history(old.id)]

    with pytest.raises(SameContent) as refused:
        account.campaigns.create(
            "1" * 8, name="new", rules=rules(), columns=("a",), content_hash=content
        )
    assert refused.value.campaign.id == old.id
    assert [one.id for one in account.campaigns.with_content(content)] == [old.id]


def test_a_deleted_campaign_leaves_nothing_behind_that_names_it(account, tmp_path):
    archived(account, tmp_path, "old", "other")
    old = account.campaigns.find("old")
    deleting = Deleting(
        account.db,
        archives=tmp_path / "archive",
        data_dir=tmp_path,
        recordings=Forgetting(account.db, None),
    )
    account.db.pass_time(10)
    assert {one.name for one in deleting.archived_for(5)} == {"old", "other"}
    assert deleting.archived_for(1_000) == []

    deleting.delete(old)

    client = account.db.client
    assert names_on(account, 0, 9) == ["other"]
    assert old.id.encode() not in client.hvals(account.db.key("archived_files"))
    assert old.id.encode() not in client.hvals(account.db.key("names"))


def test_an_account_whose_campaigns_are_all_archived_is_not_taken_for_an_empty_one(
    account, tmp_path
):
    archived(account, tmp_path, "old")
    assert can_read_contacts(account.db)

    account.db.client.hdel(account.db.key("account"), "layout")

    assert not can_read_contacts(account.db)


def test_those_archived_before_anybody_noted_how_they_ended_are_found_once_migrated(
    account, tmp_path
):
    archived(account, tmp_path, "old", "tagged")
    tagged = account.campaigns.find("tagged")
    set_tags(account.campaigns, tagged, ["north"])
    noted = archived_as(account.db)
    account.db.client.delete(account.db.key("archived_as"))
    migrating = Migrating(account.db, version="9.9.9")

    assert list(migrating.pending().values()) == [2]
    migrating.run()

    assert migrating.pending() == {}
    assert archived_as(account.db) == noted
    assert noted[tagged.id] == ("completed", '["north"]')


def among_the_others(account, tmp_path, name, *, n):
    """Archive a campaign as earlier versions did: it stays in the list of all."""
    campaign = over(account, tmp_path, name, n=n)
    folder = tmp_path / "archive"
    Archiving(account.db, archives=folder)._write(
        Archive.of(campaign, folder), campaign, lambda _: None
    )
    assert mark_archived(account.db, campaign)
    free(account.db, campaign.id)
    return campaign.id


def test_a_migration_whose_nth_command_fails_is_finished_by_the_next(
    account, redis_server, tmp_path
):
    """Whichever command it is, and whether it was done or not."""
    struck: list[str] = []
    for when in When:
        for n in count(1):
            account.db.pass_time(1)
            id_ = among_the_others(account, tmp_path, f"{when} {n}", n=100 * len(when) + n)
            plan = Plan(n, when)
            with failing_client(redis_server, plan) as client, suppress(redis.ConnectionError):
                Migrating(VirtualDatabase(client, account.db.account), version="9").run()

            Migrating(account.db, version="9").run()

            assert Migrating(account.db, version="9").pending() == {}
            assert archived_ids(account.db)[0] == id_
            assert account.campaigns.find(id_).accepted == 1
            if plan.struck is None:
                break
            struck.append(plan.struck)
    assert len(struck) > 10


def failing_client(server, plan: Plan) -> "redis.Redis":
    where = server.connection_kwargs["unix_socket_path"]
    return redis.Redis(
        connection_pool=redis.ConnectionPool(connection_class=failing(plan), path=str(where))
    )


def test_packing_what_is_not_archived_does_nothing(account, tmp_path):
    campaign = over(account, tmp_path, "today")

    assert not pack_archived(account.db, campaign.id)

    assert mark_archived(account.db, campaign)
    assert pack_archived(account.db, campaign.id)
    assert not pack_archived(account.db, campaign.id)


def test_archived_campaigns_are_told_by_how_they_ended_and_by_tags_also_those_given_later(
    account, tmp_path
):
    first, second = (over(account, tmp_path, name, n=n) for n, name in enumerate(("one", "two")))
    account.campaigns.put_tags(first.id, ["north"])
    for one in (first, second):
        books_kit.archive(account, account.campaigns.find(one.id), tmp_path)
    account.campaigns.put_tags(second.id, ["south, east"])

    known = archived_as(account.db)

    assert known[first.id] == ("completed", '["north"]')
    assert known[second.id] == ("completed", '["south, east"]')
    assert account.campaigns.find(second.id).tags == ("south, east",)
    Deleting(
        account.db,
        archives=tmp_path / "archive",
        data_dir=tmp_path,
        recordings=Forgetting(account.db, None),
    ).delete(account.campaigns.find(first.id))
    assert archived_as(account.db).keys() == {second.id}

"""What is to be forgotten is nowhere any more, and every sum still adds up."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from threading import Barrier

import pytest

from campaigns.numbers.mask import FORGOTTEN
from dialer.archiving.archive import ArchiveDamaged
from dialer.archiving.deleting import Deleting
from dialer.archiving.purging import NotPurged, Purging
from dialer.ids import ContactId
from dialer.recordings.keeping import Forgetting
from dialer.reporting.files import Format
from dialer.steering.calling_back import NoCallBack, call_back
from dialer.store.contact_rows import Row
from dialer.store.snapshot import contact_lines
from tests import books_kit
from tests.books_kit import purging_of
from tests.conservation import check_conservation
from tests.factories import (
    agent,
    append_contacts,
    details,
    pair,
    record_bytes,
    start,
    store_campaign,
    terminal,
)

PERSONAL = (
    b"9000000001",
    b"876543201",  # what every spelling of a customer's number shares
    b"876543202",
    b"43299",
    b"Asha",
    b"Ravi",
    b"Lake Road",
    b"recordings.example.com",
    b"Bad Row",
    b"43201",
)
ASHA = "+919876543201"
DAY_S = 86_400


def purging(account, tmp_path, *, dry_run=False):
    return purging_of(account.db, tmp_path, dry_run=dry_run)


def rows_left(account, campaign, tmp_path):
    """Read the rows of a CSV report by table; writing one proves that the sums hold."""
    made = books_kit.report(account, campaign, tmp_path, tmp_path / "out", formats=[Format.CSV])
    return {one.name.split("_", 1)[1].rsplit("_", 1)[0]: one.read_text() for one in made.files}


def test_a_purged_campaign_has_no_personal_data_left_in_redis_and_adds_up(
    account, finished, tmp_path
):
    before = rows_left(account, finished, tmp_path)

    purged = purging(account, tmp_path).campaign(finished)

    (counted,) = [one for one in purged.remains if one.where.startswith("Redis")]
    days = account.db.key(counted.where.removeprefix("Redis, "))
    assert counted.until == account.db.client.expiretime(days)
    account.db.client.delete(days)
    left = books_kit.everything_in(account.db.client)
    lines = list(contact_lines(account.db, finished.id, size=3))
    assert {number for line in lines for number in line.record.numbers} == {FORGOTTEN}
    assert [one for one in PERSONAL if one in left] == []
    assert (purged.contacts, purged.attempts, purged.rejected) == (3, 3, 2)
    check_conservation(account.db)
    after = rows_left(account, finished, tmp_path)
    assert after["by_outcome"] == before["by_outcome"]
    assert after["kpis"] == before["kpis"]
    assert len(after["contacts"].splitlines()) == 4
    assert not any(one.decode() in text for one in PERSONAL for text in after.values())


def test_a_purged_archive_has_no_personal_data_left_in_its_files(account, finished, tmp_path):
    archive = books_kit.archive(account, finished, tmp_path)
    found = account.campaigns.find(finished.id)

    purged = purging(account, tmp_path).campaign(found)

    after = rows_left(account, found, tmp_path)
    assert not any(one.decode() in text for one in PERSONAL for text in after.values())
    assert purged.archives == [str(archive.folder)]
    assert (purged.contacts, purged.attempts, purged.rejected) == (3, 3, 2)
    assert archive.check().purged_at is not None


def test_numbers_purged_at_once_are_all_out_of_an_archive(account, finished, tmp_path):
    archive = books_kit.archive(account, finished, tmp_path)
    numbers = [line.record.customer for line in archive.contacts()]
    together = Barrier(len(numbers))

    def purge(number: str) -> None:
        together.wait(60)
        purging(account, tmp_path).number(number)

    with ThreadPoolExecutor(len(numbers)) as people:
        list(people.map(purge, numbers))

    assert {line.record.customer for line in archive.contacts()} == {FORGOTTEN}


def test_an_archive_that_was_deleted_is_not_brought_back_by_a_purge(account, finished, tmp_path):
    archive = books_kit.archive(account, finished, tmp_path)
    number = next(archive.contacts()).record.customer
    deleting = Deleting(
        account.db,
        archives=tmp_path / "archive",
        data_dir=tmp_path,
        recordings=Forgetting(account.db, None),
    )
    together = Barrier(2)

    def delete() -> None:
        together.wait(60)
        deleting.delete(account.campaigns.find(finished.id))

    def purge() -> None:
        together.wait(60)
        with suppress(ArchiveDamaged):  # there is nothing any more to take anybody out of
            purging(account, tmp_path).number(number)

    with ThreadPoolExecutor(2) as people:
        for done in [people.submit(delete), people.submit(purge)]:
            done.result()

    assert not archive.folder.exists()


def test_a_dry_run_tells_the_same_and_removes_nothing(account, finished, tmp_path):
    kept = books_kit.everything_in(account.db.client)

    would = purging(account, tmp_path, dry_run=True).campaign(finished)

    assert books_kit.everything_in(account.db.client) == kept
    assert would == purging(account, tmp_path).campaign(finished)


def test_a_file_of_rejected_rows_goes_with_its_campaign(account, finished, tmp_path):
    files = list((tmp_path / "rejected").iterdir())
    assert len(files) == 1

    purged = purging(account, tmp_path).campaign(finished)

    assert purged.files == [str(one) for one in files]
    assert list((tmp_path / "rejected").iterdir()) == []


def test_a_campaign_under_way_keeps_its_numbers(account, tmp_path):
    running = books_kit.load(account, tmp_path)

    with pytest.raises(NotPurged, match="is running"):
        purging(account, tmp_path).campaign(running)


def test_a_customers_number_goes_with_all_that_was_uploaded_beside_it(account, finished, tmp_path):
    purged = purging(account, tmp_path).number(ASHA)

    first, second, _ = contact_lines(account.db, finished.id, size=3)
    assert first.record.customer == FORGOTTEN
    assert first.record.agent == "+919000000001"
    assert set(first.row.cells) == {""}
    assert first.attempts[0].attempt.customer == FORGOTTEN
    assert first.attempts[0].attempt.recording_url is None
    assert second.record.customer == "+919876543202"
    assert second.row.cells[2] == "Ravi"
    assert (purged.contacts, purged.attempts, purged.rejected) == (1, 1, 2)
    assert b"9876543201" not in books_kit.everything_in(account.db.client)


def test_an_agents_number_goes_alone(account, finished, tmp_path):
    purging(account, tmp_path).number("+919000000002")

    second = list(contact_lines(account.db, finished.id, size=3))[1]
    assert second.record.agent == FORGOTTEN
    assert second.record.customer == "+919876543202"
    assert second.row.cells == ("", "+919876543202", "Ravi", "call 98765 43299 first")


def test_a_number_written_in_some_other_cell_takes_that_cell_with_it(account, finished, tmp_path):
    purging(account, tmp_path).number("+919876543299")

    second = list(contact_lines(account.db, finished.id, size=3))[1]
    assert second.row.cells == ("+919000000002", "+919876543202", "Ravi", "")


def test_a_contact_still_to_be_dialled_keeps_its_number_and_is_named(account, tmp_path):
    waiting = books_kit.load(account, tmp_path)

    purged = purging(account, tmp_path).number(ASHA)

    assert purged.kept == [f"{waiting.id}-1"]
    assert account.contact(waiting.id, 1).customer == ASHA
    books_kit.finish(account, waiting)


def test_by_age_only_what_ended_long_ago_goes_and_only_once(account, finished, tmp_path):
    old = tmp_path / "uploads" / "left-behind.csv"
    old.write_text("agent,customer")
    os.utime(old, (account.db.now(), account.db.now()))
    assert purging(account, tmp_path).older_than(30 * DAY_S).campaigns == []

    account.db.pass_time(31 * DAY_S)
    first = purging(account, tmp_path).older_than(30 * DAY_S)
    second = purging(account, tmp_path).older_than(30 * DAY_S)

    assert first.campaigns == ["sale"]
    assert str(old) in first.files
    assert not old.exists()
    assert second.campaigns == []


def test_a_late_value_that_comes_while_we_forget_is_kept(account, tmp_path):
    campaign = books_kit.load(account, tmp_path, rows=books_kit.ROWS[:1])
    account.db.pass_time(1)
    dialled = account.dial_one()
    account.settling.report(dialled.attempt_id, terminal(dialled.attempt.sid), at=account.db.now())
    found = account.campaigns.find(campaign.id)
    price_came = []

    class Meddled(Purging):
        def _write(self, *args):
            if not price_came:
                price_came.append(True)
                account.settling.report(
                    dialled.attempt_id, details(dialled.attempt.sid), at=account.db.now()
                )
            return super()._write(*args)

    purging_of(account.db, tmp_path, kind=Meddled).campaign(found)

    (line,) = contact_lines(account.db, found.id, size=1)
    assert line.attempts[0].attempt.price == "1.5"
    assert line.attempts[0].attempt.customer == FORGOTTEN


def test_a_purge_is_not_undone_by_whoever_read_the_attempt_before_it(account, tmp_path):
    campaign = books_kit.load(account, tmp_path, rows=books_kit.ROWS[:1])
    account.db.pass_time(1)
    dialled = account.dial_one()
    sid = dialled.attempt.sid
    account.settling.report(dialled.attempt_id, terminal(sid), at=account.db.now())
    before = account.attempts.get(dialled.attempt_id)
    purging(account, tmp_path).campaign(account.campaigns.find(campaign.id))

    account.settling.update(
        dialled.attempt_id, lambda now: now._replace(looks=now.looks + 1), before=before
    )

    assert account.attempts.get(dialled.attempt_id).customer == FORGOTTEN


def test_a_purge_is_not_undone_by_a_list_that_is_appended(account, tmp_path):
    campaign = books_kit.finish(account, books_kit.load(account, tmp_path))
    ends = account.contacts.queue_ends(campaign.id, size=campaign.accepted)
    block = account.contacts.block(
        campaign.id,
        before=campaign.accepted,
        records=record_bytes(pair(9, 9)),
        rows=[Row(9, ("9000000009", "own"))],
        ends=ends,
    )
    purging(account, tmp_path).campaign(campaign)

    account.contacts.store(campaign.id, block)

    *old, new = account.contacts.rows(campaign.id, 0)
    assert not any(any(row.cells) for row in old)
    assert new.cells == ("9000000009", "own")


def test_a_number_that_was_purged_is_not_called_back(account, finished, tmp_path):
    purging(account, tmp_path).campaign(finished)

    with pytest.raises(NoCallBack, match="purged"):
        call_back(account.db, ContactId(finished.id, 1), datetime.now(UTC), reopen=True)


################################################################ L3: queues of a number that goes


def work(account, turns):
    for _ in range(turns):
        account.dial_and_end()
        account.db.pass_time(12)


def due_now(account, campaign, n):
    call_back(account.db, ContactId(campaign, n), datetime.fromtimestamp(1, UTC))


@pytest.mark.parametrize("closed", [(2,), (3,), (4,), (2, 3), (3, 4), (2, 3, 4)])
@pytest.mark.parametrize("appended", [0, 2])
@pytest.mark.parametrize("dialled_before", [False, True])
def test_l3_a_queue_goes_on_after_its_agents_number_was_purged(
    account, db, tmp_path, closed, appended, dialled_before
):
    campaign = store_campaign(db, [pair(1, n) for n in (1, 2, 3, 4)])
    if dialled_before:
        work(account, 1)
    for n in closed:
        due_now(account, campaign, n)
        work(account, 1)

    purging(account, tmp_path).number(agent(1))
    more = [pair(1, n) for n in range(5, 5 + appended)]
    if more:
        append_contacts(db, campaign, more, content_hash="more")
        if account.state(campaign) == "loaded":
            start(db, campaign)
    work(account, 12)

    counts = account.counts(campaign)
    assert (counts.waiting, counts.final) == (0, 4 + appended)
    assert len(account.company.posts) == 4 + appended
    assert account.state(campaign) == "completed"
    check_conservation(db)


def test_l3_a_queue_goes_on_after_a_customers_number_was_purged(account, db, tmp_path):
    campaign = store_campaign(db, [pair(1, n) for n in (1, 2, 3, 4)])
    due_now(account, campaign, 3)
    work(account, 1)

    purging(account, tmp_path).number(pair(1, 3).customer)
    work(account, 10)

    assert account.state(campaign) == "completed"


def test_l3_a_number_purged_while_it_is_released_is_dialled_once_and_kept(account, db, tmp_path):
    campaign = store_campaign(db, [pair(1, n) for n in (1, 2)])
    (released,) = account.tick()

    purged = purging(account, tmp_path).number(agent(1))
    account.dial(released)
    account.end_all()
    work(account, 5)

    assert len(purged.kept) == 2
    assert len(account.company.posts) == 2
    assert account.state(campaign) == "completed"

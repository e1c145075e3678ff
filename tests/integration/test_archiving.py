"""A campaign in files tells what it told in Redis, and Redis is free of it."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pyarrow.parquet as pq
import pytest

from campaigns.campaign import CampaignState
from dialer.archiving.archive import Archive, ArchiveDamaged
from dialer.archiving.archiving import Archiving, NotArchived
from dialer.archiving.deleting import Deleting, NotDeleted
from dialer.ids import ContactId
from dialer.recordings.keeping import Forgetting
from dialer.reporting.files import Format
from dialer.reporting.tables import ALL_KINDS
from dialer.steering.calling_back import call_back
from dialer.store.campaign import CampaignNotFound, WrongState
from dialer.store.events import told
from dialer.store.imports import Imports
from dialer.store.removal import awaiting_values, give_up_values
from dialer.store.snapshot import contact_lines
from tests import books_kit
from tests.factories import append_contacts, pair, start, terminal

BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)


def kept_keys(db, campaign):
    prefix = db.key("c", campaign.id, "")
    return {key.decode().removeprefix(prefix) for key in db.client.scan_iter(f"{prefix}*")}


@pytest.mark.parametrize("format_", [Format.CSV, Format.PARQUET, Format.XLSX])
def test_reports_from_the_archive_are_the_same_to_the_byte(account, finished, tmp_path, format_):
    before = books_kit.report(account, finished, tmp_path, tmp_path / "a", formats=[format_])

    books_kit.archive(account, finished, tmp_path)

    after = books_kit.report(account, finished, tmp_path, tmp_path / "b", formats=[format_])
    assert len(after.files) == (1 if format_ is Format.XLSX else len(ALL_KINDS))
    assert [one.read_bytes() for one in after.files] == [one.read_bytes() for one in before.files]


def test_an_archived_campaign_leaves_its_name_rules_history_and_counts_in_less_than_a_kilobyte(
    account, finished, tmp_path
):
    db = account.db
    kept = (account.counts(finished.id), Imports(account.db).history(finished.id))
    told_before = told(db, [finished.id])

    books_kit.archive(account, finished, tmp_path)

    assert kept_keys(db, finished) == {"hashes"}
    keys = (db.key("c", finished.id), db.key("c", finished.id, "hashes"))
    assert sum(db.client.memory_usage(key, samples=0) for key in keys) < 900  # its name: some 100
    found = account.campaigns.find("sale")
    assert found.archived_at is not None
    assert (found.state, found.rows, found.accepted) == ("completed", 5, 3)
    as_it_was = (finished.rules, finished.columns, finished.ended_at)
    assert (found.rules, found.columns, found.ended_at) == as_it_was
    assert (account.counts(finished.id), Imports(account.db).history(finished.id)) == kept
    assert told(db, [finished.id]) == told_before
    assert [one.id for one in account.campaigns.with_content(kept[1][0]["hash"])] == [finished.id]
    assert [one.id for one, _ in account.campaigns.archived(0, 10)] == [finished.id]


def test_a_campaign_is_deleted_with_its_files_once_it_is_archived_and_its_name_is_free(
    account, finished, tmp_path
):
    deleting = Deleting(
        account.db,
        archives=tmp_path / "archive",
        data_dir=tmp_path,
        recordings=Forgetting(account.db, None),
    )
    with pytest.raises(NotDeleted, match="archive it first"):
        deleting.delete(finished)
    archive = books_kit.archive(account, finished, tmp_path)

    gone = deleting.delete(account.campaigns.find("sale"))

    assert gone == archive.folder
    assert not gone.exists()
    assert not list(tmp_path.glob("rejected/*"))
    with pytest.raises(CampaignNotFound):
        account.campaigns.find("sale")
    assert not list(account.db.client.scan_iter(account.db.key("c", finished.id, "*")))
    assert account.campaigns.ids() == []
    books_kit.load(account, tmp_path)  # the same list under the same name


def test_a_deletion_that_broke_off_is_asked_for_again(account, finished, tmp_path):
    archive = books_kit.archive(account, finished, tmp_path)
    shutil.rmtree(archive.folder)

    Deleting(
        account.db,
        archives=tmp_path / "archive",
        data_dir=tmp_path,
        recordings=Forgetting(account.db, None),
    ).delete(account.campaigns.find("sale"))

    assert list(account.campaigns.all()) == []


def test_the_archive_tells_what_it_is(account, finished, tmp_path):
    archive = books_kit.archive(account, finished, tmp_path)

    card = json.loads((archive.folder / "campaign.json").read_text())
    assert archive.folder == tmp_path / "archive" / f"sale_{finished.id}"
    assert card["campaign"]["name"] == "sale"
    assert card["campaign"]["rules"]["caller_id"] == finished.rules.caller_id
    assert [one["rows"] for one in card["imports"]] == [5]
    assert {name: one["rows"] for name, one in card["files"].items()} == {
        "contacts.parquet": 3,
        "attempts.parquet": 3,
        "rejected.parquet": 2,
    }


def test_archiving_twice_frees_what_is_left_and_changes_no_file(account, finished, tmp_path):
    archive = books_kit.archive(account, finished, tmp_path)
    bytes_before = {path: path.read_bytes() for path in archive.folder.iterdir()}
    account.db.client.set(account.db.key("c", finished.id, "rows", 0), "left by a crash")

    again = account.campaigns.find(finished.id)
    books_kit.archive(account, again, tmp_path)

    assert kept_keys(account.db, finished) == {"hashes"}
    assert {path: path.read_bytes() for path in archive.folder.iterdir()} == bytes_before


def test_whoever_read_a_campaign_before_it_was_archived_does_not_archive_it_anew(
    account, finished, tmp_path
):
    """As the daily round does, which reads them all first, while a person archives one of them."""
    archive = books_kit.archive(account, finished, tmp_path)
    before = {path: path.read_bytes() for path in archive.folder.iterdir()}

    again = books_kit.archive(account, finished, tmp_path)

    assert {path: path.read_bytes() for path in again.folder.iterdir()} == before


def test_a_campaign_archived_by_many_at_once_is_whole(account, finished, tmp_path):
    before = list(contact_lines(account.db, finished.id, size=finished.accepted))
    together = Barrier(4)

    def archive(_: int) -> Archive:
        together.wait(60)
        return books_kit.archive(account, finished, tmp_path)

    with ThreadPoolExecutor(4) as people:
        archives = list(people.map(archive, range(4)))

    assert [list(one.contacts()) for one in archives] == [before] * 4
    assert kept_keys(account.db, finished) == {"hashes"}


def test_what_is_left_in_redis_of_an_archived_campaign_is_never_written_as_its_archive(
    account, finished, tmp_path
):
    """As a host would whose data folder is another, and that read the campaign before."""

    class Late(Archiving):
        def _write(self, *args):
            books_kit.archive(account, finished, tmp_path / "elsewhere")
            super()._write(*args)

    with pytest.raises(ArchiveDamaged, match="no archive in"):
        Late(account.db, archives=tmp_path / "archive").archive(finished)


def test_a_campaign_that_is_not_over_is_not_archived(account, tmp_path):
    running = books_kit.load(account, tmp_path)

    with pytest.raises(NotArchived, match="is running"):
        books_kit.archive(account, running, tmp_path)

    assert not Archive.of(running, tmp_path / "archive").folder.exists()


def test_values_still_expected_keep_a_campaign_in_redis_unless_they_are_given_up(account, tmp_path):
    campaign = books_kit.load(account, tmp_path, rows=books_kit.ROWS[:1])
    dialled = account.dial_one()
    account.settling.report(dialled.attempt_id, terminal(dialled.attempt.sid), at=account.db.now())
    campaign = account.campaigns.find(campaign.id)
    archiving = Archiving(account.db, archives=tmp_path / "archive")

    with pytest.raises(NotArchived, match="1 calls is still expected"):
        archiving.archive(campaign)
    archiving.archive(campaign, force=True)

    assert awaiting_values(account.db, campaign.id) == []
    assert account.campaigns.find(campaign.id).archived_at is not None


def test_rows_appended_while_it_is_archived_keep_it_in_redis(account, finished, tmp_path):
    def append(_share: float) -> None:
        append_contacts(account.db, finished.id, [pair(9, 9)], content_hash="more")

    class Interrupted(Archiving):
        def _compare(self, *args):
            super()._compare(*args)
            append(0)

    with pytest.raises(NotArchived, match="changed meanwhile"):
        Interrupted(account.db, archives=tmp_path / "archive").archive(finished)

    assert len(list(contact_lines(account.db, finished.id, size=4))) == 4


def archiving_while(account, tmp_path, meddle):
    """Archive with somebody who does something between comparing and marking, the first time."""
    meddlings = [meddle]

    class Meddled(Archiving):
        def _compare(self, *args):
            super()._compare(*args)
            if meddlings:
                meddlings.pop()()

    return Meddled(account.db, archives=tmp_path / "archive")


def test_k4_a_contact_opened_and_dialled_while_it_is_archived_is_archived_as_it_ended(
    account, finished, tmp_path
):
    def dial_again():
        call_back(account.db, ContactId(finished.id, 1), BEGINNING, reopen=True)
        start(account.db, finished.id)
        account.db.pass_time(60)
        account.dial_and_end()
        give_up_values(account.db, awaiting_values(account.db, finished.id))

    before = account.contact(finished.id).made
    archive, _ = archiving_while(account, tmp_path, dial_again).archive(finished)

    line = next(archive.contacts())
    assert line.record.made == before + 1
    assert len(line.attempts) == before + 1


def test_k4_a_number_purged_while_it_is_archived_is_not_in_the_archive(account, finished, tmp_path):
    number = account.contact(finished.id).customer

    def purge():
        books_kit.purging_of(account.db, tmp_path).number(number)

    archive, _ = archiving_while(account, tmp_path, purge).archive(finished)

    assert number not in {line.record.customer for line in archive.contacts()}


def test_k4_a_late_value_that_comes_while_it_is_archived_is_in_the_archive(
    account, finished, tmp_path
):
    (first, *_) = next(contact_lines(account.db, finished.id, size=1)).attempts

    def tell():
        late = terminal(first.attempt.sid, recording_url="https://recordings.example.com/late")
        account.settling.update(
            first.id, lambda now: now._replace(recording_url=late.recording_url)
        )

    archive, _ = archiving_while(account, tmp_path, tell).archive(finished)

    (told, *_) = next(archive.contacts()).attempts
    assert told.attempt.recording_url == "https://recordings.example.com/late"


def test_an_archived_campaign_takes_no_more_rows(account, finished, tmp_path):
    books_kit.archive(account, finished, tmp_path)

    with pytest.raises(WrongState):
        Imports(account.db).begin_loading(finished.id, content_hash="more")


def test_an_archived_campaign_is_not_started_and_says_why(account, finished, tmp_path):
    books_kit.archive(account, finished, tmp_path)

    with pytest.raises(WrongState, match="is archived"):
        account.campaigns.move(account.campaigns.find("sale"), CampaignState.RUNNING)


def test_a_damaged_archive_is_found_out_and_redis_is_not_freed_from_it(account, finished, tmp_path):
    class Damaging(Archiving):
        def _write(self, archive, campaign, on_progress):
            super()._write(archive, campaign, on_progress)
            other = Archive(archive.folder, campaign.id)
            first, second, _ = other.contacts()
            other.write([first, second, first], list(other.rejected()), other.card())

    with pytest.raises(ArchiveDamaged, match="reads back otherwise at contact 3"):
        Damaging(account.db, archives=tmp_path / "archive").archive(finished)

    assert account.campaigns.find(finished.id).archived_at is None
    assert len(list(contact_lines(account.db, finished.id, size=3))) == 3


def test_an_archive_of_an_older_version_is_read_with_what_it_has(account, finished, tmp_path):
    archive = books_kit.archive(account, finished, tmp_path)
    path = archive.folder / "attempts.parquet"
    older = pq.read_table(path).drop_columns(["answered_by", "window"])
    pq.write_table(older.append_column("forgotten_field", [[1] * 3]), path)

    attempts = [one.attempt for line in archive.contacts() for one in line.attempts]

    assert [one.price for one in attempts] == ["1.5"] * 3
    assert [one.answered_by for one in attempts] == [None] * 3


def test_a_report_whose_archive_is_gone_says_so(account, finished, tmp_path):
    archive = books_kit.archive(account, finished, tmp_path)
    shutil.rmtree(archive.folder)

    with pytest.raises(ArchiveDamaged, match="no archive in"):
        books_kit.report(account, finished, tmp_path, tmp_path / "out", formats=[Format.CSV])

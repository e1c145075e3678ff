"""Who is in an archive is found without opening the others, and what an archive forgot its index has forgotten."""

import sqlite3
from dataclasses import fields
from pathlib import Path

import pytest

from dialer.archiving.archive import Archive, ArchiveDamaged
from dialer.archiving.archive_index import NAME, ArchiveIndex
from dialer.archiving.archiving import Archiving
from dialer.archiving.deleting import Deleting
from dialer.recordings.keeping import Forgetting
from dialer.store.campaign import Campaign
from dialer.watching.finding import Finding
from tests import books_kit

OTHERS = ("+919000000007,+919812345678,Zubeida Khan,", "+919000000008,+919812345679,Asha Rao,")


@pytest.fixture
def archives(tmp_path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def index(archives) -> ArchiveIndex:
    return ArchiveIndex(archives)


@pytest.fixture
def finding(account, archives, index) -> Finding:
    return Finding(account.db, archives=archives, index=index)


@pytest.fixture
def sales(account, archives, index, tmp_path) -> list[str]:
    """Two archived campaigns, by their ids."""
    archiving = Archiving(account.db, archives=archives, index=index)
    ids = []
    for name, rows in (("one", books_kit.ROWS), ("two", OTHERS)):
        sale = books_kit.finish(account, books_kit.load(account, tmp_path, rows=rows, name=name))
        archiving.archive(sale)
        ids.append(sale.id)
    return ids


def names(found) -> list[str]:
    return sorted(one.name for one in found)


def raw(archives: Path) -> bytes:
    return b"".join(one.read_bytes() for one in archives.glob(f"{NAME}*"))


def test_an_archive_is_found_by_a_number_its_last_digits_and_the_words_of_a_name(
    sales, index, finding
):
    one, two = sales

    assert index.known() == {one, two}
    assert index.with_number("919876543202", is_whole=True) == [one]
    assert index.with_number("2345678", is_whole=False) == [two]
    assert index.with_number("919000000007", is_whole=True) == [two]
    assert index.with_words("asha") == [two, one]
    assert index.with_words("kh zub") == [two]
    assert index.with_words("ubeida") == []
    assert names(finding.by_number("919876543202", is_whole=True)) == ["Ravi"]
    assert names(finding.by_number("2345678", is_whole=False)) == ["Zubeida Khan"]
    assert names(finding.by_name("zubeida kh")) == ["Zubeida Khan"]
    assert names(finding.by_name("kh zub")) == []


def test_of_an_agents_number_in_archives_customers_are_no_part(sales, finding):
    found = finding.by_number("919876543202", is_whole=True, is_agents=True)

    assert list(found) == []
    assert names(finding.by_number("919000000007", is_whole=True, is_agents=True)) == [
        "Zubeida Khan"
    ]


def test_archives_that_are_not_in_the_index_are_put_there_by_whoever_searches(
    sales, archives, index, finding
):
    (archives / NAME).unlink()

    assert names(finding.by_name("zubeida")) == ["Zubeida Khan"]
    assert index.known() == set(sales)


def test_whom_an_archive_forgot_its_index_forgot_and_the_others_are_found(
    account, sales, archives, finding, tmp_path
):
    before = raw(archives)
    assert b"asha" in before
    assert "919876543201"[::-1].encode() in before

    books_kit.purging_of(account.db, tmp_path).number("+919876543201")

    assert "919876543201"[::-1].encode() not in raw(archives)
    assert names(finding.by_number("919876543201", is_whole=True)) == []
    assert names(finding.by_name("asha")) == ["Asha Rao"]
    assert names(finding.by_name("ravi")) == ["Ravi"]
    assert "919876543201"[::-1].encode() not in raw(archives)


def test_an_archive_that_is_written_anew_while_it_is_read_is_not_put_in(
    account, sales, archives, index, tmp_path
):
    class Meanwhile(Campaign):
        def name_in(self, cells):
            books_kit.purging_of(account.db, tmp_path).number("+919876543201")
            return super().name_in(cells)

    read = account.campaigns.find(sales[0])

    taken = index.add(Meanwhile(**{one.name: getattr(read, one.name) for one in fields(read)}))

    assert not taken
    assert index.known() == {sales[1]}
    assert b"102345678919" not in raw(archives)


def test_a_deleted_campaign_leaves_nothing_in_the_index(account, sales, archives, index, tmp_path):
    campaign = account.campaigns.find(sales[1])
    deleting = Deleting(
        account.db, archives=archives, data_dir=tmp_path, recordings=Forgetting(account.db, None)
    )

    deleting.delete(campaign)

    assert index.known() == {sales[0]}
    assert b"zubeida" not in raw(archives)


def test_a_broken_index_hides_nobody_and_who_has_to_forget_is_told_to_remove_it(
    account, sales, archives, index, finding, tmp_path
):
    (archives / NAME).write_bytes(b"no index" * 1000)

    assert names(finding.by_number("919876543202", is_whole=True)) == ["Ravi"]
    with pytest.raises(ArchiveDamaged, match="remove it"):
        books_kit.purging_of(account.db, tmp_path).number("+919876543202")

    (archives / NAME).unlink()
    books_kit.purging_of(account.db, tmp_path).number("+919876543202")
    assert names(finding.by_number("919876543202", is_whole=True)) == []


def test_an_archive_that_cannot_be_read_is_left_out_and_the_others_are_found(
    account, sales, archives, finding
):
    (archives / NAME).unlink()
    damaged = Archive.of(account.campaigns.find(sales[0]), archives)
    (damaged.folder / "contacts.parquet").unlink()

    assert names(finding.by_name("asha")) == ["Asha Rao"]


def test_the_index_is_its_owners_alone_and_half_an_entry_is_never_there(archives, sales, index):
    assert (archives / NAME).stat().st_mode & 0o077 == 0
    with sqlite3.connect(archives / NAME) as file:  # as killed on the way: nothing was committed
        file.execute("INSERT INTO archives (campaign) VALUES ('halfway1')")
        file.rollback()

    assert index.known() == set(sales)

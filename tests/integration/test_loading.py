"""A file becomes contacts, each row once, and what cannot be used leaves nothing behind."""

import csv
import gc
import io
from pathlib import Path
from typing import Any

import pytest

from campaigns.lists.source import CampaignFileError
from campaigns.numbers.phone import PhoneRules
from dialer.loading.loading import Loaded, Loading, LoadOptions
from dialer.loading.refusing import LoadRefused
from dialer.store import Campaigns
from dialer.store.zones_and_teams import zones_in
from tests.factories import contact_with_row, rules
from tests.loading_kit import (
    BAD,
    DUPLICATES,
    ROWS,
    check_whole,
    listed,
    load,
)

################################################################ one load


def test_every_row_is_accepted_rejected_or_a_duplicate(db, tmp_path):
    loaded = load(db, tmp_path, listed())

    check_whole(db)
    assert loaded.summary.rows == ROWS + BAD + DUPLICATES


def test_rejected_rows_are_kept_with_line_code_and_reason(db, tmp_path):
    loaded = load(db, tmp_path, listed(20))

    assert loaded.rejected_file
    with loaded.rejected_file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert len(rows) == BAD + DUPLICATES
    assert all(row["line"] and row["error_code"] and row["error"] for row in rows)


def test_a_list_is_loaded_although_its_rejected_rows_find_no_room_and_they_are_written_later(
    db, tmp_path
):
    in_the_way = tmp_path / "rejected"
    in_the_way.write_text("no folder")

    loaded = load(db, tmp_path, listed(20))
    in_the_way.unlink()
    again = load(db, tmp_path, listed(20))

    check_whole(db, rows=20)
    assert (loaded.rejected_file, loaded.summary.accepted) == (None, 20)
    assert str(in_the_way) in loaded.rejected_fault
    assert again.already
    assert again.rejected_file
    assert len(again.rejected_file.read_text("utf-8-sig").splitlines()) == 1 + BAD + DUPLICATES
    assert list(in_the_way.iterdir()) == [again.rejected_file]


def test_cells_travel_untouched(db, tmp_path):
    load(db, tmp_path, listed(20))

    found = contact_with_row(db, Campaigns(db).find("sale").id, 7)

    assert found is not None
    _, row = found
    assert (row.line, row.cells[2]) == (8, "gold 6")


def test_the_zones_of_rows_are_remembered_for_the_calling_hours(db, tmp_path):
    content = b"agent,customer,timezone\n+919000000001,+919876543210,Asia/Dubai\n"

    loaded = load(db, tmp_path, content)

    assert loaded.campaign
    assert zones_in(db, loaded.campaign.id) == ["Asia/Dubai"]


def test_the_zones_of_numbers_are_remembered_where_the_hours_go_by_them(db, tmp_path):
    loaded = load(db, tmp_path, listed(20), changed=rules(zone_by="number"))

    assert loaded.campaign
    assert zones_in(db, loaded.campaign.id) == ["Asia/Calcutta"]


def test_a_contact_may_expire_at_the_end_of_time(db, tmp_path):
    content = b"agent,customer,expires_at\n+919000000001,+919876543210,9999-12-31\n"

    loaded = load(db, tmp_path, content)

    assert loaded.summary.accepted == 1


@pytest.mark.parametrize("is_searched", [True, False])
def test_the_search_for_cycles_is_afterwards_what_it_was(db, tmp_path, is_searched):
    seen = []
    was_searched = gc.isenabled()
    try:
        (gc.enable if is_searched else gc.disable)()
        load(db, tmp_path, listed(20), on_progress=lambda _: seen.append(gc.isenabled()))
        seen.append(gc.isenabled())
    finally:
        (gc.enable if was_searched else gc.disable)()

    assert seen == [False, is_searched]


def test_a_file_that_cannot_be_used_leaves_nothing_behind(db, tmp_path):
    with pytest.raises(CampaignFileError):
        load(db, tmp_path, b"one,two\n1,2\n")

    assert not list(Campaigns(db).all())
    assert not list((tmp_path / "uploads").iterdir())


def test_no_private_copy_is_left_behind(db, tmp_path):
    load(db, tmp_path, listed(20))
    load(db, tmp_path, listed(20))
    with pytest.raises(LoadRefused):
        load(db, tmp_path, listed(21))

    assert not list((tmp_path / "uploads").iterdir())


class GrowingFile(io.FileIO):
    """A file on disk to which somebody adds rows while it is read."""

    def readinto(self, into: Any) -> int:
        with Path(str(self.name)).open("ab") as writer:
            writer.write(b"9000000001,9198765" if self.tell() == 0 else b"")  # half a number
        return super().readinto(into)


def test_a_file_that_is_still_being_written_is_refused_and_leaves_nothing_behind(db, tmp_path):
    path = tmp_path / "contacts.csv"
    path.write_bytes(listed(20))

    loading = Loading(db, phone_rules=PhoneRules(), data_dir=tmp_path)

    with (
        io.BufferedReader(GrowingFile(path)) as growing,
        pytest.raises(CampaignFileError, match="changed while it was read"),
    ):
        loading.load(growing, name="sale", rules=rules(), options=LoadOptions())

    assert not list(Campaigns(db).all())
    assert not list((tmp_path / "uploads").iterdir())


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "two\nlines"])
def test_a_name_that_nobody_could_type_is_refused(db, tmp_path, name):
    with pytest.raises(LoadRefused, match="name"):
        load(db, tmp_path, listed(20), name=name)


def test_a_list_whose_end_has_passed_is_refused(db, tmp_path):
    with pytest.raises(LoadRefused, match="ends_at has passed"):
        load(db, tmp_path, listed(), changed=rules(ends_at="2020-01-01T09:00"))

    assert not list(Campaigns(db).all())


def test_a_name_does_not_choose_the_folder(db, tmp_path):
    loaded = load(db, tmp_path, listed(20), name="../../etc/x")

    assert loaded.rejected_file
    assert loaded.rejected_file.parent == tmp_path / "rejected"


################################################################ again, and at once


def test_the_same_file_under_the_same_name_is_loaded_once(db, tmp_path):
    load(db, tmp_path, listed())

    again = load(db, tmp_path, listed())

    assert again.already
    check_whole(db)


def test_another_file_under_the_same_name_is_refused(db, tmp_path):
    load(db, tmp_path, listed())

    with pytest.raises(LoadRefused, match="append"):
        load(db, tmp_path, listed(7))

    check_whole(db)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("script", ["create", "begin_load", "load", "commit"])
def test_the_same_file_loaded_twice_at_once_is_there_once(db, meddled, tmp_path, moment, script):
    """The second load runs from start to end inside a moment of the first."""
    others: list[Loaded] = []

    def load_too(name: str) -> None:
        if name == script and not others:
            others.append(load(db, tmp_path, listed()))

    setattr(meddled, moment, load_too)
    try:
        load(meddled, tmp_path, listed())
    except LoadRefused as error:
        assert "twice at once" in str(error)  # either end is right

    assert others
    check_whole(db)

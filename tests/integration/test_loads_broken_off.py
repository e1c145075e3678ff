"""A load breaks off, at whatever point and however often: run again it goes on, each row once."""

import hashlib

import pytest

from campaigns.campaign import CampaignState
from dialer.loading.refusing import LoadRefused
from dialer.store import Campaigns
from dialer.store.imports import Imports, RejectedRow
from tests.factories import rules
from tests.loading_kit import (
    BAD,
    BLOCKS,
    DUPLICATES,
    ROWS,
    BreakOff,
    check_whole,
    customers,
    listed,
    load,
    load_broken_off,
)


def test_a_load_that_broke_off_goes_on_after_its_end_too(db, meddled, tmp_path):
    def break_off(script: str) -> None:
        if script == "load":
            raise BreakOff

    meddled.after = break_off
    with pytest.raises(BreakOff):
        load(meddled, tmp_path, listed(), changed=rules(ends_at="2099-01-01T09:00"))

    for _ in range(2):
        load(db, tmp_path, listed(), changed=rules(ends_at="2020-01-01T09:00"))
        check_whole(db)


def test_what_a_load_kept_that_broke_off_is_kept_once_however_many_rows_it_judged_together(
    db, meddled, tmp_path
):
    load_broken_off(meddled, tmp_path, after="load")
    imports, campaign = Imports(db), Campaigns(db).find("sale").id
    # as if it had judged them in smaller parts
    kept = [RejectedRow(3, ("123", "456"), "too_short", "too short")]
    imports.keep_rejected(campaign, "0000000000-000099", kept)

    load(db, tmp_path, listed())

    check_whole(db)
    assert len(list(imports.rejected_rows(campaign))) == BAD + DUPLICATES


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    ("script", "nth"),
    [("create", 1), ("begin_load", 1), *(("load", n + 1) for n in range(BLOCKS)), ("commit", 1)],
)
def test_a_load_that_broke_off_anywhere_goes_on_when_run_again(
    db, meddled, tmp_path, moment, script, nth
):
    def break_off(name: str) -> None:
        if name == script and meddled.script_calls.count(script) == nth:
            raise BreakOff

    setattr(meddled, moment, break_off)
    with pytest.raises(BreakOff):
        load(meddled, tmp_path, listed())

    load(db, tmp_path, listed())

    check_whole(db)


def test_a_load_that_broke_off_can_be_cancelled(db, meddled, tmp_path):
    load_broken_off(meddled, tmp_path, after="load")
    campaigns = Campaigns(db)

    campaigns.move(campaigns.find("sale"), CampaignState.CANCELLING)
    while campaigns.cancel_some(campaigns.find("sale").id):
        pass

    campaign = campaigns.find("sale")
    counts = campaigns.counts(campaign.id)
    assert campaign.state is CampaignState.CANCELLED
    assert campaign.rows == campaign.accepted == counts.final > 0
    assert campaign.in_part == hashlib.sha256(listed()).hexdigest()
    (entry,) = Imports(db).history(campaign.id)
    assert entry["hash"] == campaign.in_part
    assert entry["in_part"]
    assert entry["rows"] == campaign.rows
    with pytest.raises(LoadRefused, match="another name"):
        load(db, tmp_path, listed())


def test_a_load_may_break_off_again_and_again(db, meddled, tmp_path):
    def break_off(name: str) -> None:
        if name == "load":
            raise BreakOff

    meddled.after = break_off
    for _ in range(BLOCKS):
        with pytest.raises(BreakOff):
            load(meddled, tmp_path, listed())

    load(db, tmp_path, listed())

    check_whole(db)


def test_a_load_that_broke_off_while_reading_goes_on(db, tmp_path):
    def break_off(_: float) -> None:
        raise BreakOff

    with pytest.raises(BreakOff):
        load(db, tmp_path, listed(), on_progress=break_off)

    load(db, tmp_path, listed())

    check_whole(db)


def test_no_row_is_lost_when_a_number_is_suppressed_before_the_load_goes_on(db, meddled, tmp_path):
    """Rows stored before keep the judgement they got then; the sums hold all the same."""

    load_broken_off(meddled, tmp_path, after="load")
    for n in (10, ROWS - 1):  # one that is stored, one that is not
        db.client.hset(db.key("suppressed"), f"9198765{n:05}", "{}")

    load(db, tmp_path, listed())

    found = customers(db)
    assert sorted(found) == sorted(set(found))
    assert set(found) == {f"+9198765{n:05}" for n in range(ROWS - 1)}
    campaign = Campaigns(db).find("sale")
    assert campaign.accepted == len(found)
    assert campaign.rows == campaign.accepted + campaign.rejected + campaign.duplicate
    assert campaign.rows == ROWS + BAD + DUPLICATES


def test_a_row_that_was_rejected_and_is_taken_now_is_not_listed_as_both(db, meddled, tmp_path):
    db.client.hset(db.key("suppressed"), f"9198765{10:05}", "{}")

    def break_off(name: str) -> None:
        if name == "commit":
            raise BreakOff

    meddled.before = break_off
    with pytest.raises(BreakOff):
        load(meddled, tmp_path, listed())
    db.client.delete(db.key("suppressed"))

    load(db, tmp_path, listed())

    assert sorted(customers(db)) == [f"+9198765{n:05}" for n in range(ROWS)]
    campaign = Campaigns(db).find("sale")
    lines = [row.line for row in Imports(db).rejected_rows(campaign.id)]
    assert 12 not in lines
    assert campaign.rows == campaign.accepted + len(lines)


def test_a_load_that_broke_off_before_its_first_block_keeps_its_name_for_its_own_file(
    db, meddled, tmp_path
):
    load_broken_off(meddled, tmp_path, after="create")

    with pytest.raises(LoadRefused, match="same file first"):
        load(db, tmp_path, b"customer,agent\n+919876543210,+919000000001\n")

    load(db, tmp_path, listed())
    check_whole(db)


def test_a_load_that_broke_off_and_was_cancelled_is_loaded_under_another_name(
    db, meddled, tmp_path
):
    load_broken_off(meddled, tmp_path, after="load")
    Campaigns(db).move(Campaigns(db).find("sale"), CampaignState.CANCELLING)

    with pytest.raises(LoadRefused, match=r"it is cancel.*; choose another name"):
        load(db, tmp_path, listed())


def test_another_file_waits_for_a_load_that_broke_off(db, meddled, tmp_path):
    load_broken_off(meddled, tmp_path, after="load")

    with pytest.raises(LoadRefused, match="same file first"):
        load(db, tmp_path, listed(7))

    load(db, tmp_path, listed())
    check_whole(db)

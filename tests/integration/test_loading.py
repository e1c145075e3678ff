"""A file becomes contacts, each row once, however often and at whatever point a load breaks off."""

import csv
import gc
import hashlib
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import redis

from campaigns.campaign import CampaignState
from campaigns.campaign_rules import CampaignRules
from campaigns.contact_state import ContactState
from campaigns.lists.sieve import Dedupe
from campaigns.lists.source import CampaignFileError
from campaigns.numbers.phone import PhoneRules
from dialer.loading.loading import Loaded, Loading, LoadOptions
from dialer.loading.refusing import LoadRefused
from dialer.pacing import Allowance
from dialer.reporting.reporting import write_reports
from dialer.reporting.source import report_source
from dialer.store import Campaigns, Database
from dialer.store.contacts import Contacts
from dialer.store.imports import Imports, RejectedRow
from dialer.store.record_table import customers_of
from dialer.store.scripts import SCRIPTS, Given
from dialer.store.snapshot import contact_lines
from tests.conservation import check_conservation
from tests.factories import contact_with_row, rules

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


@pytest.fixture
def meddled(db: Database) -> Meddled:
    return Meddled(db.client, db.account)


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
    assert Campaigns(db).zones(loaded.campaign.id) == ["Asia/Dubai"]


def test_the_zones_of_numbers_are_remembered_where_the_hours_go_by_them(db, tmp_path):
    loaded = load(db, tmp_path, listed(20), changed=rules(zone_by="number"))

    assert loaded.campaign
    assert Campaigns(db).zones(loaded.campaign.id) == ["Asia/Calcutta"]


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


def test_nothing_is_appended_to_a_campaign_whose_end_has_passed(db, tmp_path):
    load(db, tmp_path, listed(), changed=rules(ends_at="2099-01-01T09:00"))
    ended = rules(ends_at="2020-01-01T09:00").model_dump_json()
    db.client.hset(db.key("c", Campaigns(db).find("sale").id), "rules", ended)

    with pytest.raises(LoadRefused, match="load a new campaign"):
        append(db, tmp_path, listed(first=900))

    check_whole(db)


def test_a_name_does_not_choose_the_folder(db, tmp_path):
    loaded = load(db, tmp_path, listed(20), name="../../etc/x")

    assert loaded.rejected_file
    assert loaded.rejected_file.parent == tmp_path / "rejected"


################################################################ breaking off


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


################################################################ appending


def test_an_appended_file_adds_its_new_customers(db, tmp_path):
    load(db, tmp_path, listed(50))

    append(db, tmp_path, listed(60))

    campaign = Campaigns(db).find("sale")
    assert customers(db) == [f"+9198765{n:05}" for n in range(60)]
    assert campaign.duplicate == DUPLICATES * 2 + 50
    assert campaign.rows == 50 + 60 + 2 * (DUPLICATES + BAD)
    assert campaign.rows == campaign.accepted + campaign.rejected + campaign.duplicate


def test_the_same_file_is_appended_once(db, tmp_path):
    load(db, tmp_path, listed(50))
    append(db, tmp_path, listed(10, first=50))

    again = append(db, tmp_path, listed(10, first=50))

    assert again.already
    assert len(customers(db)) == 60


def test_the_same_file_appended_twice_at_once_is_there_once(db, meddled, tmp_path):
    load(db, tmp_path, listed(50))
    others: list[Loaded] = []

    def append_too(name: str) -> None:
        if name == "begin_load" and not others:
            others.append(append(db, tmp_path, listed(10, first=50)))

    meddled.before = append_too
    append(meddled, tmp_path, listed(10, first=50))

    assert len(customers(db)) == 60


def test_a_commit_does_not_end_another_files_load(db, tmp_path):
    load(db, tmp_path, listed(50))
    campaign, imports = Campaigns(db).find("sale"), Imports(db)
    imports.begin_loading(campaign.id, content_hash="other")
    counts = dict.fromkeys(("rows", "accepted", "rejected", "duplicate"), 9)

    imports.commit(campaign.id, counts=counts, entry={"hash": "mine"})

    mark = imports.begin_loading(campaign.id, content_hash="other")
    assert mark
    assert mark.base == 50
    assert Campaigns(db).find("sale").rows == campaign.rows


def test_columns_are_appended_in_any_order_missing_ones_empty_and_new_ones_added(db, tmp_path):
    load(db, tmp_path, listed(50))

    append(db, tmp_path, b"City,Customer,Agent\nPune,+919876543210,+919000000001\n")

    campaign = Campaigns(db).find("sale")
    assert campaign.columns == ("agent", "customer", "plan", "City")
    [*_, last] = contact_lines(db, campaign.id, size=campaign.accepted)
    assert last.row.cells == ("+919000000001", "+919876543210", "", "Pune")
    check_conservation(db)


def test_what_a_file_does_not_tell_is_no_change(db, tmp_path):
    load(db, tmp_path, listed(50))
    loading = Loading(db, phone_rules=PhoneRules(), data_dir=tmp_path)
    file = io.BytesIO(b"customer,agent\n+919876500001,+919000000001\n+919876543210,+919000000002\n")

    diff = loading.compare(file, campaign=Campaigns(db).find("sale"), options=LoadOptions())

    assert diff is not None
    assert (diff.new.count, diff.unchanged.count, diff.changed.count) == (1, 1, 0)


def test_an_append_to_a_completed_campaign_makes_it_startable_again(db, tmp_path):
    load(db, tmp_path, listed(20))
    _end(db)

    append(db, tmp_path, listed(5, first=20))

    campaign = Campaigns(db).find("sale")
    assert campaign.state is CampaignState.LOADED
    assert campaign.ended_at is None


def test_an_append_of_nothing_new_leaves_a_completed_campaign_completed(db, tmp_path):
    load(db, tmp_path, listed(20))
    _end(db)

    append(db, tmp_path, listed(19))

    assert Campaigns(db).find("sale").state is CampaignState.COMPLETED


def test_a_running_campaign_does_not_complete_while_a_file_is_being_appended(db, meddled, tmp_path):
    load(db, tmp_path, listed(20))
    campaigns = Campaigns(db)
    campaigns.move(campaigns.find("sale"), CampaignState.RUNNING)
    states: list[CampaignState] = []

    def finish_what_is_there(name: str) -> None:
        if name != "load":
            return
        for _ in _finish_all(db):
            campaigns.move(campaigns.find("sale"), CampaignState.PAUSED)
            states.append(campaigns.move(campaigns.find("sale"), CampaignState.RUNNING))

    meddled.after = finish_what_is_there
    append(meddled, tmp_path, listed(3_000, first=20))

    assert states == [CampaignState.RUNNING] * 2


@pytest.mark.parametrize("state", ["cancelling", "cancelled"])
def test_nothing_is_appended_to_a_cancelled_campaign(db, tmp_path, state):
    load(db, tmp_path, listed(20))
    campaigns = Campaigns(db)
    campaigns.move(campaigns.find("sale"), CampaignState.CANCELLING)
    while state == "cancelled" and campaigns.cancel_some(campaigns.find("sale").id):
        pass

    with pytest.raises(LoadRefused, match=f"is {state}"):
        append(db, tmp_path, listed(5, first=20))


def test_stored_rows_of_an_append_that_broke_off_are_reported_as_all_others(db, meddled, tmp_path):
    """They are dialled, too: a report that left them out would deny calls that were made."""
    file = listed(4_000, first=100)
    load(db, tmp_path, listed(20))

    def break_off(name: str) -> None:
        if name == "load":
            raise BreakOff

    meddled.after = break_off
    with pytest.raises(BreakOff):
        append(meddled, tmp_path, file)
    campaign = Campaigns(db).find("sale")
    source = report_source(db, campaign, Allowance(), archives=tmp_path)
    subject = write_reports(source, tmp_path / "out", as_of=datetime.now(UTC)).report.subject

    assert subject.accepted == Campaigns(db).counts(campaign.id).accepted > 20
    assert subject.in_part == hashlib.sha256(file).hexdigest()
    assert "not loaded whole yet" in subject.what_is_missing

    append(db, tmp_path, file)

    campaign = Campaigns(db).find("sale")
    assert (campaign.accepted, campaign.loading, campaign.in_part) == (4_020, 0, "")
    check_conservation(db)


@pytest.mark.parametrize("done", [False, True])
def test_a_campaign_cancelled_in_the_middle_of_an_append_is_cancelled_whole(
    db, meddled, tmp_path, done
):
    load(db, tmp_path, listed(150))
    campaigns = Campaigns(db)

    def cancel(name: str) -> None:
        if name == "load" and campaigns.find("sale").state is CampaignState.LOADED:
            campaigns.move(campaigns.find("sale"), CampaignState.CANCELLING)
            while done and campaigns.cancel_some(campaigns.find("sale").id):
                pass

    meddled.after = cancel
    with pytest.raises(LoadRefused, match="cancelled while"):
        append(meddled, tmp_path, listed(4_000, first=150))
    while campaigns.cancel_some(campaigns.find("sale").id):
        pass

    campaign = campaigns.find("sale")
    assert campaign.state is CampaignState.CANCELLED
    assert campaign.accepted == campaign.accepted == campaigns.counts(campaign.id).final
    assert campaign.rows == campaign.accepted + campaign.rejected + campaign.duplicate
    check_conservation(db)


def _end(db: Database) -> None:
    """End the campaign as its last call would."""
    campaigns = Campaigns(db)
    campaign = campaigns.find("sale")
    campaigns.move(campaign, CampaignState.RUNNING)
    campaigns.end(campaigns.find("sale"))
    while campaigns.cancel_some(campaign.id):
        pass
    assert campaigns.find("sale").state is CampaignState.COMPLETED
    assert campaigns.counts(campaign.id).waiting == 0
    assert Contacts(db).get(campaign.id, 1).state is ContactState.FINAL  # type: ignore[union-attr]  # it was loaded


def _finish_all(db: Database) -> Iterator[None]:
    """Pretend, for a moment, that all contacts loaded so far are final."""
    counts = db.key("c", Campaigns(db).find("sale").id, "counts")
    waiting = db.client.hget(counts, "waiting")
    db.client.hset(counts, "waiting", 0)
    yield
    db.client.hset(counts, "waiting", waiting)

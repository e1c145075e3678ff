"""A list is appended to a campaign: what is new in it once, and what is there untouched."""

import hashlib
import io
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState
from campaigns.numbers.phone import PhoneRules
from dialer.loading.loading import Loaded, Loading, LoadOptions
from dialer.loading.refusing import LoadRefused
from dialer.pacing import Allowance
from dialer.reporting.reporting import write_reports
from dialer.reporting.source import report_source
from dialer.store import Campaigns, Database
from dialer.store.contacts import Contacts
from dialer.store.imports import Imports
from dialer.store.snapshot import contact_lines
from tests.conservation import check_conservation
from tests.factories import rules
from tests.loading_kit import (
    BAD,
    DUPLICATES,
    BreakOff,
    append,
    check_whole,
    customers,
    listed,
    load,
)


def test_nothing_is_appended_to_a_campaign_whose_end_has_passed(db, tmp_path):
    load(db, tmp_path, listed(), changed=rules(ends_at="2099-01-01T09:00"))
    ended = rules(ends_at="2020-01-01T09:00").model_dump_json()
    db.client.hset(db.key("c", Campaigns(db).find("sale").id), "rules", ended)

    with pytest.raises(LoadRefused, match="load a new campaign"):
        append(db, tmp_path, listed(first=900))

    check_whole(db)


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

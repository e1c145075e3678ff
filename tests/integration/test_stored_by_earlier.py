"""What an earlier version stored, in the middle of its campaigns, is read, dialled on and reported in full.

Each file in `tests/stored/` was written by the code of the version it names: one campaign over, one with calls
ended, one call still open, a retry due, rows not taken, and one that was only loaded.
"""

import csv

import pytest

from campaigns.campaign import CampaignState
from dialer.ids import AttemptId
from dialer.reporting.files import Format
from dialer.reporting.reporting import ReportSet
from tests.account_kit import Account
from tests.books_kit import report
from tests.conservation import check_conservation
from tests.factories import terminal
from tests.stored_kit import account_of, put_back


@pytest.fixture(params=["by_0_1_0", "by_0_2_0"])
def stored(request, redis_client):
    return put_back(redis_client, request.param)


@pytest.fixture
def account(stored, redis_client, tmp_path) -> Account:
    return account_of(redis_client, stored, tmp_path / "journal")


def named(account: Account, name: str) -> str:
    return account.campaigns.find(name).id


def rows_of(written: ReportSet, kind: str) -> list[dict[str, str]]:
    (path,) = (one for one in written.files if f"_{kind}_" in one.name)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_its_campaigns_stand_where_they_stood(account):
    states = {one.name: (str(one.state), one.rows) for one in account.campaigns.all()}

    assert states == {"over": ("completed", 3), "running": ("running", 14), "loaded": ("loaded", 2)}
    running = account.counts(named(account, "running"))
    assert (running.waiting, running.in_flight, running.final, running.accepted) == (9, 1, 2, 12)
    assert running.attempt_outcomes == {"connected": 2, "customer_no_answer": 1}


def test_its_open_call_is_settled_and_its_campaigns_are_dialled_to_their_end(account, stored):
    (open_,) = account.open_attempts()
    assert open_.attempt.sid == stored["open_sid"]
    told = terminal(open_.attempt.sid, talk_s=30, ended_at_s=account.db.now())
    account.settling.report(open_.id, told, at=account.db.now())
    loaded = account.campaigns.find("loaded")
    account.campaigns.move(loaded, CampaignState.RUNNING)

    for _ in range(60):
        account.dial_and_end()
        account.db.pass_time(120)
        account.sweeping.sweep()

    for name, rows in (("running", 12), ("loaded", 2)):
        assert account.state(named(account, name)) == "completed"
        counts = account.counts(named(account, name))
        assert (counts.final, counts.outcomes) == (rows, {"connected": rows})
    check_conservation(account.db)


def test_its_report_accounts_for_every_row(account, tmp_path):
    campaign = account.campaigns.find("running")

    written = report(account, campaign, tmp_path, tmp_path / "out", formats=[Format.CSV])

    rows = {kind: rows_of(written, kind) for kind in ("contacts", "rejected")}
    assert len(rows["contacts"]) + len(rows["rejected"]) == campaign.rows == 14
    assert {row["city"] for row in rows["contacts"]} == {"Delhi"}
    assert ["expected a full phone number" in row["error"] for row in rows["rejected"]] == [
        True,
        False,
    ]


def test_nobody_whom_it_called_is_called_again(account, stored):
    before = account.counts(named(account, "running"))
    (open_,) = account.open_attempts()

    dialled = [one.attempt_id for one in account.dial_all() if hasattr(one, "attempt_id")]

    contacts = {AttemptId.parse(str(one)).contact.n for one in dialled}
    assert not contacts & {1, 2, 3, open_.id.contact.n}
    assert account.counts(named(account, "running")).attempts == before.attempts + len(dialled)

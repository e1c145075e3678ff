"""Today tells what the attempts tell, and names what wants a person with its very rows."""

import secrets
from zoneinfo import ZoneInfo

from campaigns.caps import AccountCaps
from campaigns.day_figures import DayFigures
from dialer.account_day import AccountDay
from dialer.pacing import Allowance, Pacing
from dialer.store.day import figures_by_quarter
from dialer.store.processes import ROLES
from dialer.store.snapshot import contact_lines
from dialer.watching.living import Living
from dialer.watching.today import Wanted, day_now, figures_now
from tests import books_kit
from tests.factories import details, pair, store_campaign
from tests.web_kit import settings_for, site

UTC = ZoneInfo("UTC")


def all_figures(account) -> DayFigures:
    """Add up what every attempt of the account tells."""
    return DayFigures.sum(
        DayFigures.of(one.attempt)
        for campaign in account.campaigns.all()
        for line in contact_lines(account.db, campaign.id, size=campaign.accepted)
        for one in line.attempts
    )


def test_the_days_figures_are_the_sums_of_its_attempts_through_corrections(account, tmp_path):
    books_kit.finish(account, books_kit.load(account, tmp_path))
    db = account.db

    def told() -> DayFigures:
        return DayFigures.sum(figures_by_quarter(db, now_s=db.now()).values())

    assert told() == all_figures(account)
    assert told().connected == 3
    assert figures_now(db, UTC, now_s=db.now()).day.now == told()

    store_campaign(db, [pair(7, 70)], name="later")
    (dialled,) = account.dial_all()
    sid = dialled.attempt.sid
    ended = details(sid)
    account.settling.report(dialled.attempt_id, ended, at=db.now())
    account.settling.report(dialled.attempt_id, ended, at=db.now())
    assert told() == all_figures(account)
    assert told().calls == 4


def test_what_is_told_twice_counts_once_and_a_purge_takes_nothing_away(account, tmp_path):
    campaign = books_kit.finish(account, books_kit.load(account, tmp_path))
    before = figures_by_quarter(account.db, now_s=account.db.now())

    books_kit.purging_of(account.db, tmp_path).campaign(campaign)

    assert figures_by_quarter(account.db, now_s=account.db.now()) == before


def test_the_first_page_names_what_wants_a_person_and_leads_to_its_rows(
    redis_server, redis_client, tmp_path
):
    with site(settings_for(redis_server, f"t{secrets.token_hex(4)}", tmp_path)) as web:
        id_ = web.upload(name="diwali").json()["campaign_id"]
        web.api("POST", f"/campaigns/{id_}/start")
        db = web.wiring.db
        db.client.hset(db.key("c", id_), mapping={"state": "paused", "why": "10 of 50 refused"})
        db.client.hincrby(db.key("c", id_, "counts"), "unresolved", 2)
        browser = web.browser()

        page = browser.get("/").text

        assert f'href="/campaigns/{id_}/contacts?state=unresolved"' in page
        assert "campaign paused by itself: diwali" in page
        assert "10 of 50 refused" in page
        assert 'href="/health#h-processes"' in page
        assert len(page.encode()) < 150_000
        assert 'aria-current="page">Campaigns' in browser.get("/campaigns").text


def test_a_cap_of_the_day_that_is_nearly_used_is_told_before_it_is_reached(account):
    db = account.db
    used = AccountDay(db, AccountCaps(calls=10), UTC)
    day = used.read().day

    def near() -> list[Wanted]:
        alive = Living(dict.fromkeys(ROLES, 1))
        rate = Pacing(db, Allowance(200)).rate()
        told = day_now(db, (), rate=rate, used=used.read(), processes=alive, zone=UTC)
        return list(told.wanted)

    db.client.hset(db.key("day", day), "calls", 7)
    assert near() == []
    db.client.hset(db.key("day", day), "calls", 8)
    (cap,) = near()
    assert (cap.href, cap.why) == ("/health#h-today", "8 of 10 used")

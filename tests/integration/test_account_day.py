"""The account's own caps: counted in the gate, over all campaigns, raised for the day by hand."""

from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from campaigns.attempt import CallReport, Outcome, ReportSource
from campaigns.caps import AccountCaps
from dialer.access.api_keys import Scope
from dialer.account_day import AccountDay, Today
from tests.account_kit import Account
from tests.conservation import check_conservation
from tests.factories import pair, store_campaign, terminal
from tests.phone_company import Answer
from tests.web_kit import ADMIN_KEY, settings_for, site

ZONE = ZoneInfo("Asia/Kolkata")


def with_caps(account: Account, **caps: int) -> AccountDay:
    options = replace(account.options, caps=AccountCaps(**caps), zone=ZONE)
    account.options = options
    return AccountDay(account.db, options.caps, ZONE)


def used(today: Today) -> dict[str, float]:
    return {one.name: round(one.used, 4) for one in today.uses}


def settle_all(account: Account, **told: object) -> None:
    for one in account.open_attempts():
        report = terminal(one.attempt.sid or "")._replace(**told)
        account.settling.report(one.id, report, at=account.db.now())


def test_calls_of_all_campaigns_are_counted_together_and_never_pass_the_cap(account, db):
    day = with_caps(account, calls=3)
    campaigns = [
        store_campaign(db, [pair(10 * at + n, 10 * at + n) for n in (1, 2, 3)], name=f"camp {at}")
        for at in (1, 2)
    ]

    account.dial_all()

    assert len(account.company.posts) == 3
    assert used(day.read())["calls"] == 3
    assert "DIALER_MAX_CALLS_PER_DAY" in day.read().reached
    assert sum(account.counts(one).waiting for one in campaigns) == 3
    assert account.tick() == ()  # the feeder does not even hand them out
    check_conservation(db)


def test_the_next_day_counts_anew_without_anybody(account, db):
    account.at_local("2027-01-15T23:00")
    day = with_caps(account, calls=1)
    store_campaign(db, [pair(1, 1), pair(2, 2)])
    account.dial_all()
    assert len(account.company.posts) == 1

    account.at_local("2027-01-16T00:01")

    assert day.read().reached == ""
    account.dial_all()
    assert len(account.company.posts) == 2


def test_an_administrator_raises_a_cap_for_today(account, db):
    day = with_caps(account, calls=1)
    store_campaign(db, [pair(n, n) for n in range(1, 5)])
    account.dial_all()

    today = day.add_for_today(calls=2)

    assert (today.reached, today.uses[0].most, today.uses[0].added) == ("", 3, 2)
    account.dial_all()
    assert len(account.company.posts) == 3
    with pytest.raises(ValueError, match="never lowered"):
        day.add_for_today(calls=-1)


def test_after_the_setting_was_raised_nothing_more_is_needed_than_to_have_the_gate_asked(
    account, db
):
    with_caps(account, calls=1)
    store_campaign(db, [pair(1, 1), pair(2, 2)])
    account.dial_all()
    day = with_caps(account, calls=5)
    assert account.tick() == ()

    day.add_for_today()

    account.dial_all()
    assert len(account.company.posts) == 2


def test_minutes_are_reserved_by_the_time_limit_and_become_what_the_call_took(account, db):
    day = with_caps(account, minutes=60)
    store_campaign(db, [pair(n, n) for n in range(1, 5)], time_limit_s=1800)

    account.dial_all()

    assert len(account.company.posts) == 2
    assert used(day.read()) == {"calls": 2, "seconds": 60, "spend": 0}
    settle_all(account, talk_s=90, total_s=120)
    assert used(day.read())["seconds"] == 4
    assert day.read().reached == ""
    account.dial_all()
    assert len(account.company.posts) == 3  # 4 used, 30 reserved, and 30 more would be 64
    check_conservation(db)


def test_spend_is_reserved_where_the_price_is_known_and_becomes_the_providers_price(account, db):
    day = with_caps(account, spend=100)
    store_campaign(db, [pair(n, n) for n in (1, 2, 3)], time_limit_s=600, price_per_min=5)

    account.dial_all()

    assert len(account.company.posts) == 2
    assert used(day.read())["spend"] == 100
    (first, second) = account.open_attempts()
    settle_all(account, talk_s=10)
    details = CallReport(
        source=ReportSource.DETAILS,
        sid=first.attempt.sid or "",
        status="completed",
        is_over=True,
        total_s=30,
        price=Decimal("1.25"),
    )
    account.settling.report(first.id, details, at=db.now())
    assert used(day.read())["spend"] == pytest.approx(51.25)
    # told again, it counts once
    account.settling.report(first.id, details, at=db.now())
    assert used(day.read())["spend"] == pytest.approx(51.25)
    assert db.client.hkeys(db.key("counted")) == [str(second.id).encode()]


def test_a_call_that_was_surely_never_placed_gives_everything_back(account, db):
    day = with_caps(account, calls=5, minutes=1000)
    account.company.answers.append(Answer.NO_CONNECTION)
    store_campaign(db, [pair(1, 1)])

    account.dial_one()

    assert used(day.read()) == {"calls": 0, "seconds": 0, "spend": 0}
    assert not db.client.exists(db.key("counted"))


def test_nobody_knows_how_long_an_unknown_call_was_so_it_stays_reserved(account, db):
    day = with_caps(account, minutes=1000)
    store_campaign(db, [pair(1, 1)], time_limit_s=600)
    done = account.dial_one()
    account.settling.update(done.attempt_id, lambda now: now._replace(sid=None))

    account.settling.settle(done.attempt_id, Outcome.UNKNOWN, source="quarantine", at=db.now())

    assert used(day.read())["seconds"] == 10


def test_zero_is_no_cap(account, db):
    day = with_caps(account)
    store_campaign(db, [pair(n, n) for n in range(1, 6)], time_limit_s=3600)

    account.dial_all()

    assert len(account.company.posts) == 5
    assert [one.most for one in day.read().uses] == [0, 0, 0]


def test_three_times_the_usual_calls_in_an_hour_are_a_burst(account, db):
    day = with_caps(account)
    hour = int(db.now() // 3600)
    hours = {hour - 24: 100, hour - 25: 60, hour - 24 * 8: 9000, hour: 240}
    db.client.hset(db.key("hours"), mapping=hours)
    assert day.read().burst is None

    db.client.hincrby(db.key("hours"), str(hour), 1)

    assert str(day.read().burst) == "241 calls this hour, 80 are usual"
    assert not db.client.hexists(db.key("hours"), str(hour - 24 * 8))


def test_the_first_day_of_an_account_has_no_usual_and_so_no_burst(account, db):
    db.client.hset(db.key("hours"), str(int(db.now() // 3600)), 5000)

    assert with_caps(account).read().burst is None


def test_the_api_and_the_page_tell_the_day_and_let_an_administrator_raise_it(
    redis_server, redis_client, tmp_path
):
    settings = settings_for(redis_server, "daytest", tmp_path, dialer_max_calls_per_day=7)
    with site(settings) as web:
        db = web.wiring.db
        capped = {"capped_by": "calls", "capped_until": db.now() + 1000}
        db.client.hset(db.key("account"), mapping=capped)
        id_ = web.upload(start="true").json()["campaign_id"]

        assert "DIALER_MAX_CALLS_PER_DAY" in web.api("GET", "/health/caps").json()["reached"]
        status = web.api("GET", f"/campaigns/{id_}").json()
        blockers = web.api("GET", f"/campaigns/{id_}/why").json()["blockers"]
        page = web.browser()
        for path in ("/", "/health", f"/campaigns/{id_}", "/suppression"):
            assert "cap on calls a day is reached" in page.get(path).text
        assert (
            f'dialer_capped{{account="{web.wiring.name}"}} 1.0'
            in web.client.get("/metrics", headers={"Authorization": f"Bearer {ADMIN_KEY}"}).text
        )
        assert status["blocked_by"] in {"no_feeder", "account_caps"}
        assert "account_caps" in [one["name"] for one in blockers]

        assert page.post("/health/caps", calls="3").status_code == 303
        raised = web.api("POST", "/health/caps", json={"calls": 2}).json()

        assert (raised["reached"], raised["calls"]["most"]) == (None, 12)
        operator = web.browser(web.key(Scope.OPERATE))
        assert operator.post("/health/caps", calls="3").status_code == 403
        assert page.post("/health/caps", calls="²").status_code == 422

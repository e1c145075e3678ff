"""R13: processes of one account that disagree on what must be the same do not dial side by side."""

import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from campaigns.outlook.situation import Constraint
from dialer.agreeing import Agreeing, dissenters, own_differences
from dialer.dialing.dialing import Dialled
from dialer.dialing.entrance import OTHER_SETTINGS
from dialer.dialing.options import DialingOptions
from dialer.dialing.releasing import Feeding
from dialer.pacing import Allowance
from dialer.settings import Settings, read_settings
from dialer.settling.lookups import Lookups, NoSlot
from dialer.store.processes import SILENT_S
from dialer.terms import COMPARED, terms_of
from dialer.watching.explaining import explain
from dialer.watching.health import read_health
from dialer.watching.status import Statuses
from tests.account_kit import FAST
from tests.conservation import check_conservation
from tests.factories import give_life, pair, store_campaign
from tests.web_kit import settings_for, site
from workers import doctor
from workers.wiring import Wiring

SECRET = "a-secret-for-tests-of-32-letters"


def with_settings(**changed: Any) -> Settings:
    plain = {"exotel_rate_limit": 60, "dialer_callback_secret": SECRET}
    return read_settings(env_file=None, **(plain | changed))


def process(db, name: str = "host-1", **changed: Any) -> Agreeing:
    return Agreeing(db, terms_of(with_settings(**changed)), name=name)


def joined(db, name: str = "host-1", **changed: Any) -> Agreeing:
    one = process(db, name, **changed)
    one.compare()
    return one


def dialing_of(account, one: Agreeing):
    """What a worker with these settings has."""
    account.options = DialingOptions(terms=one.terms.fingerprint)
    return account.dialing


def feeding_of(db, one: Agreeing) -> Feeding:
    feeding = Feeding(db, allowance=FAST, max_concurrent_calls=0, terms=one.terms.fingerprint)
    feeding.keep_schedules()
    return feeding


def live(db, one: Agreeing, *, seconds: float) -> None:
    """Let time pass in which a process gives its signs of life."""
    for _ in range(int(seconds / 5)):
        db.pass_time(5)
        one.compare()


def test_r13_who_has_the_same_settings_takes_part(db):
    assert joined(db).agrees()
    assert joined(db, "host-2").agrees()
    assert dissenters(db) == ()


CHANGES = {
    "exotel_base_url": "http://127.0.0.1:9",
    "exotel_details_base_url": "http://127.0.0.1:9",
    "exotel_rate_limit": 61,
    "exotel_rate_window_s": 59.5,
    "exotel_details_share_limit": False,
    "exotel_max_concurrent_calls": 7,
    "exotel_max_retries": 1,
    "dialer_http_deadline_s": 44,
    "dialer_quarantine_slack_s": 301,
    "dialer_time_limit_s": 1801,
    "dialer_time_out_s": 31,
    "dialer_max_time_limit_s": 7200,
    "dialer_max_calls_per_day": 1000,
    "dialer_max_minutes_per_day": 1000,
    "dialer_max_spend_per_day": 1000,
    "dialer_second_person_above": 500,
    "dialer_timezone": "Asia/Dubai",
    "dialer_callback_secret": "another-secret-of-32-characters-x",
    "dialer_shared_phones": False,
}


def test_r13_every_setting_that_must_agree_is_tried_here():
    assert CHANGES.keys() == set(COMPARED)


@pytest.mark.parametrize("setting", COMPARED)
def test_r13_who_differs_says_in_which_setting_where_and_what_the_others_have(db, setting):
    joined(db, "host-1")

    with capture_logs() as logs:
        other = joined(db, "host-2", **{setting: CHANGES[setting]})

    assert not other.agrees()
    (told,) = [one["message"] for one in logs if one["event"] == "settings_differ"]
    assert told == other.says
    assert setting.upper() in told
    assert "host-1" in told
    (found,) = dissenters(db)
    assert found.process == "host-2"
    assert [one.setting for one in found.differences] == [setting.upper()]


def test_r13_the_message_holds_both_values(db):
    joined(db, "host-1")

    assert joined(db, "host-2", exotel_rate_limit=61).says == (
        "EXOTEL_RATE_LIMIT is 61 here and 60 at host-1: nothing is dialled from here until they are "
        "the same"
    )


def test_r13_no_secret_is_told_to_anybody(db):
    one = joined(db)
    other = joined(db, "host-2", dialer_callback_secret="another-secret-of-32-characters-x")

    stored = [
        *db.client.hvals(db.key("terms")),
        *db.client.hvals(db.key("account")),
        other.says.encode(),
        one.terms.as_json.encode(),
    ]
    assert not any(secret in one for one in stored for secret in (SECRET.encode(), b"another-se"))


def test_r13_the_gate_refuses_who_differs_and_the_row_is_dialled_by_others(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    ours, theirs = joined(db), process(db, "host-2", exotel_rate_limit=61)
    (released,) = feeding_of(db, ours).tick().released

    refused = dialing_of(account, theirs).dial(released.contact, released.token)
    (again,) = feeding_of(db, ours).tick().released
    dialled = dialing_of(account, ours).dial(again.contact, again.token)

    assert refused == OTHER_SETTINGS
    assert isinstance(dialled, Dialled)
    assert len(account.company.posts) == 1
    assert account.counts(campaign).attempts == 1
    check_conservation(db)


def test_r13_a_feeder_that_differs_releases_nothing(db):
    store_campaign(db, [pair(1, 1)])
    ours, theirs = joined(db), process(db, "host-2", exotel_rate_window_s=59)

    assert feeding_of(db, theirs).tick().held_by == "other settings"
    assert len(feeding_of(db, ours).tick().released) == 1


def test_r13_a_look_up_under_another_limit_gets_no_slot(account, db):
    joined(db, exotel_rate_limit=60)
    account.pacing.allowance = Allowance(requests=61)
    lookups = Lookups(account.company.client, account.pacing, sleep=db.pass_time)

    with pytest.raises(NoSlot, match="EXOTEL_RATE_LIMIT"):
        lookups.single("a" * 32, overdue=True)

    assert account.company.looks == []


def test_r13_who_dials_before_anybody_compared_binds_all_others(account, db):
    store_campaign(db, [pair(1, 1), pair(2, 2)])
    first, second = process(db), process(db, "host-2", exotel_rate_limit=61)
    one, other = feeding_of(db, first).tick().released

    assert isinstance(dialing_of(account, first).dial(one.contact, one.token), Dialled)
    assert dialing_of(account, second).dial(other.contact, other.token) == OTHER_SETTINGS
    first.compare()
    second.compare()
    assert (first.agrees(), second.agrees()) == (True, False)


def test_r13_settings_changed_process_by_process_hold_once_the_last_old_one_has_ended(db):
    old = [joined(db, f"old-{n}") for n in range(3)]
    new = []
    for n, one in enumerate(old):
        one.leave()
        new.append(joined(db, f"new-{n}", exotel_rate_limit=100))
        assert any(each.agrees() for each in new) == (n == 2)

    for one in new:
        one.compare()

    assert all(one.agrees() for one in new)
    assert dissenters(db) == ()


def test_r13_the_new_settings_hold_soon_after_the_last_old_process_was_killed(db):
    joined(db, "killed")
    new = joined(db, "new", exotel_rate_limit=100)

    live(db, new, seconds=SILENT_S - 1)
    assert not new.agrees()

    live(db, new, seconds=10)
    assert new.agrees()


def test_r13_who_comes_back_first_after_a_redis_that_was_away_does_not_take_over(db):
    ours = joined(db, "host-1")
    theirs = joined(db, "host-2", exotel_rate_limit=61)
    db.pass_time(600)  # nobody could tell that they live

    theirs.compare()
    assert not theirs.agrees()
    assert "given a sign of life" in theirs.says

    ours.compare()
    db.pass_time(1)
    theirs.compare()
    assert ours.agrees()
    assert not theirs.agrees()


def test_r13_a_process_that_was_asleep_while_the_settings_changed_is_refused(account, db):
    store_campaign(db, [pair(1, 1)])
    asleep = joined(db, "asleep")
    db.pass_time(SILENT_S + 1)
    awake = joined(db, "awake", exotel_rate_limit=100)
    live(db, awake, seconds=SILENT_S + 5)
    assert awake.agrees()
    (released,) = feeding_of(db, awake).tick().released

    assert asleep.agrees()  # as far as it knows
    assert dialing_of(account, asleep).dial(released.contact, released.token) == OTHER_SETTINGS


def test_r13_everything_stopped_and_started_with_other_settings_dials_at_once(db):
    joined(db).leave()

    assert joined(db, exotel_rate_limit=100).agrees()


def test_r13_two_processes_of_one_name_are_two(db):
    ours, theirs = joined(db, "dialer-1"), joined(db, "dialer-1", exotel_rate_limit=61)

    ours.compare()
    theirs.compare()

    assert (ours.agrees(), theirs.agrees()) == (True, False)


def test_r13_a_process_of_another_version_knows_other_settings_and_says_so(db):
    ours = joined(db, "old-version")
    db.client.hset(db.key("account"), "terms", "0123456789abcdef")
    db.client.hset(
        db.key("account"), "terms_told", json.dumps(dict(ours.terms.values) | {"NEW_CAP": "5"})
    )

    ours.compare()

    assert "NEW_CAP is not known here and 5 at" in ours.says


def test_r13_a_command_compares_without_taking_part(db):
    terms = terms_of(with_settings(exotel_rate_limit=61))
    assert own_differences(db, terms) == ()
    joined(db)

    (found,) = own_differences(db, terms)

    assert (found.setting, found.here, found.there) == ("EXOTEL_RATE_LIMIT", "61", "60")
    assert dissenters(db) == ()


################################################################ who tells it


def test_r13_a_campaign_is_bound_by_it_where_no_worker_is_left_that_may_dial(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    give_life(db, "feeder", "host-1")
    give_life(db, "worker", "host-2")
    joined(db, "host-1")
    joined(db, "host-2", exotel_rate_limit=61)
    statuses = Statuses(db, pacing=account.pacing, max_concurrent_calls=0)

    bound = statuses.of(campaign).binding
    assert bound is not None
    assert bound.constraint is Constraint.SETTINGS_DIFFER
    assert "host-2 dials nothing: EXOTEL_RATE_LIMIT is 61 there, 60 elsewhere" in bound.sentence

    give_life(db, "worker", "host-1b")  # another, which may
    joined(db, "host-1b")
    bound = statuses.of(campaign).binding
    assert bound is not None
    assert bound.constraint is not Constraint.SETTINGS_DIFFER
    (told,) = explain(db, statuses, campaign).as_json()["settings_differ"]
    assert told.startswith("host-2 dials nothing: EXOTEL_RATE_LIMIT is 61")


def test_r13_the_health_of_the_account_names_who_differs(db):
    joined(db, "host-1")
    joined(db, "host-2", exotel_rate_limit=61)

    (told,) = read_health(db).dissenters

    assert told.sentence == ("host-2 dials nothing: EXOTEL_RATE_LIMIT is 61 there, 60 elsewhere")


def test_r13_a_web_process_that_differs_is_not_ready_and_tells_those_with_a_key_why(
    redis_server, db, tmp_path
):
    joined(db, "host-1")
    settings = settings_for(redis_server, db.account, tmp_path, exotel_rate_limit=61)
    with site(settings) as web:
        web.wiring.agreeing.compare()
        refused = web.client.get("/readyz")
        page = web.browser().get("/health").text
        told = web.api("GET", "/health").json()["settings_differ"]

    assert refused.status_code == 503
    assert "settings are not the account's" in refused.json()["status"]
    assert not any(word in refused.text for word in ("EXOTEL", "61", "host-1"))  # anybody may ask
    assert "EXOTEL_RATE_LIMIT is 61 there, 60 elsewhere" in page
    assert len(told) == 1


def test_r13_the_doctor_fails_where_its_own_settings_or_a_process_s_differ(
    redis_server, db, tmp_path
):
    joined(db, "host-1")
    joined(db, "host-2", exotel_rate_limit=59)
    wiring = Wiring(settings_for(redis_server, db.account, tmp_path, exotel_rate_limit=61))

    found = list(doctor.agreement(wiring))
    wiring.redis.close()

    assert {one.verdict for one in found} == {doctor.Verdict.FAIL}
    assert [one.says for one in found] == [
        "EXOTEL_RATE_LIMIT is 61 here, 60 elsewhere",
        "host-2 dials nothing: EXOTEL_RATE_LIMIT is 59 there, 60 elsewhere",
    ]

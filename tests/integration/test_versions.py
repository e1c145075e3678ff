"""V1: a process of another version dials nothing that it does not understand, and closes nothing."""

import json

import pytest
from structlog.testing import capture_logs

from campaigns.attempt import AttemptState, Outcome
from campaigns.contact_state import ContactState
from dialer.dialing.gate import Dropped
from dialer.store.campaign import RulesUnreadable
from tests.conservation import check_conservation
from tests.factories import pair, store_campaign, terminal

NEWER = [{"a_rule_of_tomorrow": 1}, {"unknown": "ask_the_customer"}]


def write_newer(db, campaign, changed):
    """Write rules as a newer version would; gives back what makes them readable again."""
    key = db.key("c", campaign)
    stored = db.client.hget(key, "rules")
    newer = json.dumps({**json.loads(stored), **changed})
    db.client.hset(key, "rules", newer)
    db.client.hincrby(key, "rules_version", 1)
    return lambda: db.client.hset(key, "rules", stored)


@pytest.mark.parametrize("changed", NEWER)
@pytest.mark.parametrize("knew_it_before", [False, True])
def test_v1_a_worker_of_another_version_dials_nothing_and_closes_nothing(
    account, db, changed, knew_it_before
):
    campaign = store_campaign(db, [pair(1, 1), pair(2, 2)])
    dialing = account.dialing
    if knew_it_before:
        first, *_ = account.tick()
        dialing.dial(first.contact, first.token)
        account.end_all()
        db.pass_time(11)
    account.feeding.keep_schedules()  # the feeder, which is newer, tells release when it is open
    dialled = len(account.company.posts)
    update = write_newer(db, campaign, changed)

    with capture_logs() as logs:
        for _ in range(8):
            for one in account.tick():
                assert isinstance(dialing.dial(one.contact, one.token), Dropped)
            db.pass_time(11)

    assert len(account.company.posts) == dialled
    assert account.counts(campaign).outcomes.get("poison") is None
    said = [one for one in logs if one["event"] == "rules_unreadable"]
    assert {"error"} <= {one["log_level"] for one in said}
    assert any("install" in one["message"] for one in said)
    update()
    account.dial_all()
    assert len(account.company.posts) == 2
    check_conservation(db)


def test_v1_a_campaign_of_a_newer_version_keeps_no_other_from_being_dialled(account, db):
    newer = store_campaign(db, [pair(1, 1)], name="newer")
    other = store_campaign(db, [pair(2, 2)], name="other")
    write_newer(db, newer, NEWER[0])

    account.dial_all()

    assert account.contact(other).state is ContactState.DIALING
    assert account.contact(newer).state is ContactState.WAITING


@pytest.mark.parametrize("changed", NEWER)
def test_v1_who_asks_for_it_is_told_what_to_do(account, db, changed):
    campaign = store_campaign(db, [pair(1, 1)])
    write_newer(db, campaign, changed)

    with pytest.raises(RulesUnreadable, match=f"{next(iter(changed))}.*install"):
        account.campaigns.find(campaign)


def test_v1_a_sweep_goes_on_beside_an_attempt_of_a_newer_campaign(account, db):
    newer = store_campaign(db, [pair(1, 1)], name="newer")
    other = store_campaign(db, [pair(2, 2)], name="other")
    account.dial_all()
    for call in account.company.calls:
        account.company.end(call)
    update = write_newer(db, newer, NEWER[0])
    db.pass_time(121)

    account.sweeping.sweep()

    assert account.contact(other).outcome is Outcome.CONNECTED
    (waiting,) = account.open_attempts()
    assert waiting.attempt.state is AttemptState.PLACED
    update()
    account.settling.report(waiting.id, terminal(waiting.attempt.sid), at=db.now())
    assert account.contact(newer).outcome is Outcome.CONNECTED

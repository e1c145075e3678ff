"""What is kept too long goes by itself, once a day, and that stands in the audit trail."""

import io
import os
import secrets
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from campaigns.attempt import Attempt, AttemptState
from campaigns.campaign import CampaignState
from dialer.archiving.archive_index import ArchiveIndex
from dialer.audit import Audit, faults_of
from dialer.deeds import Actor, Deed, DeedOutcome, Did
from dialer.loading.loading import LoadOptions
from dialer.store.attempts import encode
from dialer.store.packed_attempts import PACKED, hundred_of
from dialer.store.trail import Trail
from dialer.store.turn_of_the_day import TurnOfTheDay
from tests.factories import give_life, rules
from tests.patience import until
from tests.web_kit import LIST, settings_for
from workers import retention
from workers.wiring import Wiring

DAY_S = 86_400


@pytest.fixture
def wiring_for(redis_server, redis_client, tmp_path: Path):
    def make(**changed) -> Wiring:
        return Wiring(
            settings_for(redis_server, f"keep{secrets.token_hex(4)}", tmp_path, **changed)
        )

    return make


def over_since(wiring: Wiring, days: int) -> str:
    loaded = wiring.loading.load(
        io.BytesIO(LIST.encode()), name="old", rules=rules(), options=LoadOptions()
    )
    wiring.campaigns.move(wiring.campaigns.find("old"), CampaignState.CANCELLING)
    wiring.feeding.keep_schedules()  # it looks for what is being cancelled
    while wiring.feeding.cancel_some():
        pass
    ended_at = f"{wiring.db.now() - days * DAY_S:.6f}"  # as scripts write it
    wiring.redis.hset(wiring.db.key("c", loaded.campaign.id), "ended_at", ended_at)
    return loaded.campaign.id


def ends(wiring: Wiring) -> list[dict]:
    lines = [one.as_json() for one in Trail(wiring.db).lines()]
    return [one for one in lines if one["outcome"] != "begun"]


def test_personal_data_goes_so_many_days_after_its_campaign(wiring_for):
    wiring = wiring_for(dialer_keep_days=30)
    old = over_since(wiring, days=31)

    retention.run(wiring)

    assert wiring.campaigns.find(old).purged_at is not None
    (done,) = ends(wiring)
    assert (done["what"], done["outcome"], done["who"]["kind"]) == (
        "data_purged",
        "done",
        "process",
    )
    assert done["after"]["contacts"] == 2


def test_a_campaign_leaves_redis_for_files_so_many_days_after_its_end(wiring_for):
    wiring = wiring_for(dialer_archive_after_days=7)
    old = over_since(wiring, days=8)

    retention.run(wiring)

    assert wiring.campaigns.find(old).archived_at is not None
    assert wiring.redis.keys(wiring.db.key("c", old, "contacts", "*")) == []
    (done,) = ends(wiring)
    assert (done["what"], done["outcome"]) == ("campaign_archived", "done")
    retention.run(wiring)
    assert len(ends(wiring)) == 1


def give_attempts(wiring: Wiring, campaign: str) -> str:
    """Let two contacts have been called long ago; gives where their attempts are."""
    hundred = hundred_of(wiring.db, campaign, 1)
    attempts = {
        f"{n}-1": encode(
            Attempt(
                *(1, AttemptState.SETTLED, 1_700_000_000.0, 1, "n", "+1", "+2", 60.0),
                settled_at=1_700_000_030.0,
            )
        )
        for n in (1, 2)
    }
    wiring.redis.hset(hundred, mapping=attempts)
    return hundred


def test_what_is_over_and_stays_in_redis_is_packed(wiring_for):
    wiring = wiring_for()
    hundred = give_attempts(wiring, over_since(wiring, days=2))

    retention.run(wiring)

    assert wiring.redis.hkeys(hundred) == [PACKED]


def test_who_is_through_is_packed_all_day_whoever_has_its_turn(wiring_for):
    wiring = wiring_for()
    TurnOfTheDay(wiring.db).take()
    hundred = give_attempts(wiring, over_since(wiring, days=0))
    stop = threading.Event()
    feeder = threading.Thread(
        target=retention.keep_daily, args=(wiring, stop), kwargs={"first_after_s": 0}
    )

    feeder.start()
    until(lambda: wiring.redis.hkeys(hundred) == [PACKED], what="the packing")
    stop.set()
    feeder.join()


def test_nothing_is_packed_while_a_process_lives_that_may_not_read_it(wiring_for):
    wiring = wiring_for()
    hundred = give_attempts(wiring, over_since(wiring, days=0))
    give_life(wiring.db, "results", "host-1", version="0.1.9")

    retention.pack(wiring)

    assert len(wiring.redis.hkeys(hundred)) == 2


def test_a_campaign_that_ended_lately_or_where_nobody_said_so_stays_in_redis(wiring_for):
    lately, by_hand = wiring_for(dialer_archive_after_days=7), wiring_for()
    kept = [(lately, over_since(lately, days=6)), (by_hand, over_since(by_hand, days=60))]

    for wiring, campaign in kept:
        retention.run(wiring)
        assert wiring.campaigns.find(campaign).archived_at is None


def test_what_is_younger_stays_and_nothing_goes_where_no_days_are_set(wiring_for):
    young, never = wiring_for(dialer_keep_days=30), wiring_for()
    ids = over_since(young, days=29), over_since(never, days=3000)

    retention.run(young)
    retention.run(never)

    assert young.campaigns.find(ids[0]).purged_at is None
    assert never.campaigns.find(ids[1]).purged_at is None
    assert ends(never) == []


def test_an_archived_campaign_is_deleted_so_many_days_later_and_that_is_recorded(wiring_for):
    wiring = wiring_for(dialer_archive_after_days=30, dialer_delete_after_days=60)
    old = over_since(wiring, days=31)
    retention.run(wiring)
    assert [one.id for one in wiring.campaigns.all()] == [old]
    wiring.redis.zadd(wiring.db.key("archived"), {old: wiring.db.now() - 61 * DAY_S})

    retention.run(wiring)

    assert list(wiring.campaigns.all()) == []
    left = {one.name for one in (wiring.settings.dialer_data_dir / "archive").iterdir()}
    assert left == {"search.sqlite", ".lock"}  # the former has forgotten it
    assert ArchiveIndex(wiring.settings.dialer_data_dir / "archive").known() == set()
    assert [one["what"] for one in ends(wiring)] == ["campaign_archived", "campaign_deleted"]


def test_old_audit_records_go_and_that_is_recorded(wiring_for):
    wiring = wiring_for(dialer_audit_days=400)
    Audit(wiring.db).note(Deed(Did.HOLD_SET, Actor.stranger("here")), DeedOutcome.DONE)
    key = wiring.db.key("audit")
    ((_, fields),) = wiring.redis.xrange(key)
    wiring.redis.delete(key)
    old_ms = int((wiring.db.now() - 401 * DAY_S) * 1000)
    wiring.redis.xadd(key, fields, id=f"{old_ms}-0")

    retention.run(wiring)

    assert [one["what"] for one in ends(wiring)] == ["records_trimmed"]
    trail = Trail(wiring.db)
    assert list(faults_of(trail.lines(), trail.ends())) == []


def test_of_many_feeders_one_has_the_turn_of_the_day(wiring_for):
    wiring = wiring_for()

    turns = [TurnOfTheDay(wiring.db).take() for _ in range(3)]

    assert turns == [True, False, False]


def test_a_feeder_has_it_done_in_a_process_of_its_own(wiring_for, monkeypatch, redis_server):
    wiring = wiring_for(dialer_keep_days=30)
    old = over_since(wiring, days=31)
    for name, value in {
        "EXOTEL_ACCOUNT_SID": wiring.db.account,
        "DIALER_KEEP_DAYS": "30",
        "DIALER_DATA_DIR": str(wiring.settings.dialer_data_dir),
    }.items():
        monkeypatch.setenv(name, value)
    stop = threading.Event()
    feeder = threading.Thread(
        target=retention.keep_daily, args=(wiring, stop), kwargs={"first_after_s": 0}
    )

    feeder.start()
    until(lambda: wiring.campaigns.find(old).purged_at is not None, what="the retention")
    stop.set()
    feeder.join()


def test_retention_without_redis_says_so_in_a_line_and_is_tried_again(tmp_path):
    environment = {
        **os.environ,
        "REDIS_URL": f"unix://{tmp_path / 'nobody'}",
        "DIALER_DATA_DIR": str(tmp_path),
        "DIALER_AUDIT_DAYS": "30",
    }

    done = subprocess.run(
        [sys.executable, "-m", "workers.retention", "main"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "retention_failed" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr

"""What is recorded of people's actions, and how a missing or changed record shows."""

import hashlib
import json
import re
import threading
from collections.abc import Callable

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from dialer.audit import Audit, faults_of
from dialer.deeds import Actor, ActorKind, Deed, DeedOutcome, Did, tell
from dialer.store import Database
from dialer.store.trail import Line, Trail

ASHA = Actor(ActorKind.KEY, "k3x9p", "Asha", "203.0.113.7")
NOWHERE = redis.Redis(unix_socket_path="/nonexistent/s", retry=Retry(NoBackoff(), 0))


def pause(on: str = "campaign diwali") -> Deed:
    return Deed(Did.CAMPAIGN_PAUSED, ASHA, on=on)


def records(db):
    return [line.as_json() for line in Trail(db).lines()]


def faults(db):
    trail = Trail(db)
    return list(faults_of(trail.lines(), trail.ends()))


def write(db, many):
    for number in range(many):
        Audit(db).note(pause(f"campaign {number}"), DeedOutcome.DONE)


def entries(db):
    return [id_ for id_, _ in db.client.xrange(db.key("audit"))]


def test_an_action_is_recorded_before_it_is_done_and_when_it_ended(db):
    seen = []

    with Audit(db).recording(pause()):
        seen = records(db)
        tell(before={"state": "running"}, after={"state": "paused"})

    begun, done = records(db)
    assert seen == [begun]
    assert (begun["outcome"], done["outcome"]) == ("begun", "done")
    assert begun["action"] == done["action"]
    assert done["who"] == {"kind": "key", "id": "k3x9p", "name": "Asha"}
    assert (done["from"], done["on"]) == ("203.0.113.7", "campaign diwali")
    assert (done["before"], done["after"]) == ({"state": "running"}, {"state": "paused"})


def test_an_action_that_cannot_be_recorded_is_not_done(db):
    done = []

    with pytest.raises(redis.RedisError), Audit(Database(NOWHERE, "a")).recording(pause()):
        done.append("it")

    assert done == []


def test_an_action_that_goes_wrong_is_recorded_with_the_reason(db):
    with pytest.raises(ValueError, match="no such"), Audit(db).recording(pause()):
        raise ValueError("no such campaign")

    assert records(db)[-1]["outcome"] == "failed"
    assert records(db)[-1]["why"] == "no such campaign"


def test_what_is_told_outside_an_action_is_nothing(db):
    tell(before={"state": "running"})

    assert records(db) == []


def test_no_record_holds_a_phone_number(db):
    deed = pause("+919876543210")
    deed.asked = {"why": "rang 98765 43210 twice", "rows": ["+91-98765-43210"]}

    Audit(db).note(deed, DeedOutcome.DONE)

    (line,) = Trail(db).lines()
    # with more of it than a hash has by chance
    assert "9876543" not in re.sub(r"[ -]", "", line.record)


def test_a_record_stays_small_whatever_is_told(db):
    deed = pause("x" * 100_000)
    deed.asked = {str(n): ["y" * 1000] * 1000 for n in range(1000)}

    Audit(db).note(deed, DeedOutcome.DONE)

    (line,) = Trail(db).lines()
    assert len(line.record) < 2_000_000


def test_a_trail_that_nobody_touched_checks(db):
    write(db, 5)

    assert faults(db) == []


@pytest.mark.parametrize(
    ("taken_out", "told"),
    [
        ([0], ["record 1 is missing"]),
        ([2], ["record 3 is missing"]),
        ([1, 2], ["records 2 to 3 are missing"]),
        ([4], ["record 5 is missing"]),
        ([0, 1, 2, 3, 4], ["records 1 to 5 are missing"]),
    ],
)
def test_a_record_that_was_taken_out_shows_wherever_it_stood(db, taken_out, told):
    write(db, 5)
    ids = entries(db)

    db.client.xdel(db.key("audit"), *(ids[place] for place in taken_out))

    assert faults(db) == told


def rewrite_the_second(db, change: Callable[[dict[bytes, bytes]], object]) -> None:
    stored = db.client.xrange(db.key("audit"))
    db.client.delete(db.key("audit"))
    for place, (id_, fields) in enumerate(stored):
        db.client.xadd(db.key("audit"), fields | (change(fields) if place == 1 else {}), id=id_)


def test_a_record_that_was_changed_shows(db):
    write(db, 3)

    rewrite_the_second(db, lambda one: {b"record": one[b"record"].replace(b"Asha", b"Ravi")})

    assert faults(db) == ["record 2 was changed"]


def test_a_record_that_was_changed_together_with_its_hash_shows_at_the_next(db):
    write(db, 3)

    def with_its_hash(one):
        record = one[b"record"].replace(b"Asha", b"Ravi").decode()
        return {b"record": record, b"hash": hash_of(record)}

    rewrite_the_second(db, with_its_hash)

    assert faults(db) == ["record 3 does not follow record 2 as it stands"]


def hash_of(record: str) -> str:
    return hashlib.sha256(record.encode()).hexdigest()


def test_writers_at_the_same_instant_make_one_chain(db):
    writers = [threading.Thread(target=write, args=(db, 10)) for _ in range(4)]

    for one in writers:
        one.start()
    for one in writers:
        one.join()

    assert [one["no"] for one in records(db)] == list(range(1, 41))
    assert faults(db) == []


def test_old_records_go_and_what_is_left_still_checks(db):
    write(db, 3)
    db.pass_time(86_400)
    write(db, 2)
    gone = Trail(db).trim(before_s=db.now() - 1)

    assert gone == 3
    assert [one["no"] for one in records(db)] == [4, 5]
    assert faults(db) == []


def test_records_go_after_so_many_days_and_the_check_begins_behind_them(db):
    write(db, 3)
    key = db.key("audit")
    for id_, fields in db.client.xrange(key):  # as if written forty days ago
        db.client.xdel(key, id_)
        db.client.lpush("aside", fields[b"record"], fields[b"hash"])
    db.client.delete(key)
    old_ms = int((db.now() - 40 * 86_400) * 1000)
    for _ in range(3):
        record, hash_ = db.client.rpop("aside"), db.client.rpop("aside")
        db.client.xadd(key, {"record": record, "hash": hash_}, id=f"{old_ms}-*")
    write(db, 2)

    assert Audit(db).forget(days=41) == 0
    assert Audit(db).forget(days=39) == 3

    assert [one["no"] for one in records(db)] == [4, 5]
    assert faults(db) == []


def test_a_record_written_while_the_trail_is_checked_is_no_fault(db):
    write(db, 2)
    ends = Trail(db).ends()
    write(db, 1)

    assert list(faults_of(Trail(db).lines(), ends)) == []


def test_a_record_taken_out_after_old_ones_went_shows(db):
    write(db, 2)
    db.pass_time(86_400)
    write(db, 3)
    Trail(db).trim(before_s=db.now())
    first, *_ = entries(db)

    db.client.xdel(db.key("audit"), first)

    assert faults(db) == ["record 3 is missing"]


def test_an_exported_line_carries_what_is_needed_to_check_it(db):
    write(db, 3)
    lines = [line.exported() for line in Trail(db).lines()]

    assert [json.loads(line)["no"] for line in lines] == [1, 2, 3]
    assert list(faults_of(map(Line.parse, lines))) == []
    assert list(faults_of(map(Line.parse, [lines[0], lines[2]]))) == ["record 2 is missing"]
    changed = lines[1].replace("Asha", "Ravi")
    assert list(faults_of(map(Line.parse, [lines[0], changed]))) == ["record 2 was changed"]


def test_reading_backwards_gives_the_newest_first(db):
    write(db, 3)

    assert [line.as_json()["no"] for line in Trail(db).newest()] == [3, 2, 1]


def test_a_clock_set_back_keeps_nobody_from_writing(db):
    write(db, 1)
    db.pass_time(-3600)

    write(db, 1)

    assert faults(db) == []

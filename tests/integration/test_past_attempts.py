"""The attempts of what is over are packed, and read, corrected and forgotten as they were before."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from dialer.ids import AttemptId, ContactId
from dialer.steering.calling_back import call_back
from dialer.steering.noting import note
from dialer.store.background import backgrounds
from dialer.store.packed_attempts import PACKED, hundred_of
from dialer.store.past import pack_past
from dialer.store.record import ContactRecord
from dialer.store.recordings import Kept, KeptRecordings
from dialer.store.snapshot import contact_lines, lines_of, tried_lines
from tests.conservation import check_conservation
from tests.factories import append_contacts, details, start, store_campaign, terminal

DAY_S = 86_400


def pair(n: int) -> ContactRecord:
    return ContactRecord(agent=f"+919100000{n:03}", customer=f"+919200000{n:03}")


@pytest.fixture
def campaign(account, db):
    """One of 110 contacts, over since yesterday."""
    id_ = store_campaign(db, [pair(n) for n in range(1, 111)])
    finish(account)
    assert account.state(id_) == "completed"
    db.pass_time(DAY_S)
    return id_


def finish(account):
    while account.dial_all():
        account.end_all()


def pack(db, campaign: str, *, size: int = 110) -> int:
    return pack_past(db, campaign, size=size)


def lines(db, campaign: str, *, size: int = 110):
    return list(contact_lines(db, campaign, size=size))


def ids(db, campaign: str) -> list[AttemptId]:
    return [one.id for line in lines(db, campaign) for one in line.attempts]


def is_packed(db, campaign: str, n: int) -> bool:
    return db.client.hkeys(hundred_of(db, campaign, n)) == [PACKED]


def test_every_reader_finds_them_as_they_were(account, db, campaign):
    wanted = ids(db, campaign)

    def read():
        some = lines_of(db, campaign, [1, 100, 101, 110])
        contact = ContactId(campaign, 110)
        return (
            *(lines(db, campaign), list(tried_lines(db, campaign, size=110)), list(some)),
            *(account.attempts.get_many(wanted), account.attempts.of_contact(contact, 1)),
        )

    before = read()
    assert pack(db, campaign) == 2
    assert is_packed(db, campaign, 1)
    assert is_packed(db, campaign, 101)
    assert read() == before
    check_conservation(db)


def test_they_take_a_third_of_their_bytes_and_are_packed_once(db, campaign):
    key = hundred_of(db, campaign, 1)
    before = db.client.memory_usage(key)

    assert (pack(db, campaign), pack(db, campaign)) == (2, 0)
    assert db.client.memory_usage(key) < before / 3


def test_nothing_is_packed_while_a_call_could_be_live_or_a_journal_bring_one_back(account, db):
    id_ = store_campaign(db, [pair(1), pair(2)])
    finish(account)

    assert pack(db, id_, size=2) == 0
    db.pass_time(3600)
    assert pack(db, id_, size=2) == 0
    db.pass_time(3600)
    assert pack(db, id_, size=2) == 1


def test_one_that_is_corrected_takes_its_hundred_apart(account, db, campaign):
    first, *_ = ids(db, campaign)
    before = account.attempts.get(first)
    assert before
    assert before.sid
    pack(db, campaign)

    report = details(before.sid, customer_status="busy", talk_s=0, price=Decimal("0.5"))
    account.settling.report(first, report, at=db.now())

    after = account.attempts.get(first)
    assert after
    assert after.price == "0.5"
    assert not is_packed(db, campaign, 1)
    assert is_packed(db, campaign, 101)
    assert len(ids(db, campaign)) == 110
    check_conservation(db)


def test_who_is_called_again_is_judged_by_packed_attempts_too(account, db, campaign):
    pack(db, campaign)
    call_back(db, ContactId(campaign, 1), datetime.fromtimestamp(db.now() + 60, UTC), reopen=True)
    start(db, campaign)
    db.pass_time(61)
    again = account.dial_one()

    assert again.attempt_id.no == 2
    (known,) = backgrounds(db, [again.attempt_id])
    assert [one.no for one in known.earlier] == [1]
    account.end_all()
    check_conservation(db)


def test_those_that_come_to_a_packed_hundred_stand_beside_it_and_are_packed_with_it(
    account, db, campaign
):
    pack(db, campaign)
    append_contacts(db, campaign, [pair(140)], content_hash="more")
    start(db, campaign)
    finish(account)

    assert [len(line.attempts) for line in lines(db, campaign, size=111)] == [1] * 111
    db.pass_time(DAY_S)
    assert pack(db, campaign, size=111) == 1
    assert [len(line.attempts) for line in lines(db, campaign, size=111)] == [1] * 111


def test_what_is_noted_or_forgotten_finds_its_attempts(db, campaign):
    pack(db, campaign)

    note(db, ContactId(campaign, 5), "asked for Meera", by="Asha")

    assert len(ids(db, campaign)) == 110


def test_a_recording_of_a_packed_attempt_is_kept(db, campaign):
    first, *_ = ids(db, campaign)
    pack(db, campaign)

    assert KeptRecordings(db).keep(first, Kept("one.mp3", "audio/mpeg", 3, "0" * 64, db.now()))


def test_a_callback_that_comes_a_day_late_changes_nothing(account, db, campaign):
    first, *_ = ids(db, campaign)
    before = account.attempts.get(first)
    assert before
    pack(db, campaign)

    account.settling.report(first, terminal(str(before.sid)), at=db.now())

    assert account.attempts.get(first).outcome == before.outcome
    check_conservation(db)

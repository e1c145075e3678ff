"""Attempts that are past are packed, and read, corrected and forgotten as they were before."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from campaigns.attempt import AttemptState, Outcome
from campaigns.retry_policy import RetryRule
from dialer.dialing.restoring import bring_back
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
from tests.two_hosts import Site

QUIET_S = 600


def pair(n: int) -> ContactRecord:
    return ContactRecord(agent=f"+919100000{n:03}", customer=f"+919200000{n:03}")


@pytest.fixture
def campaign(account, db):
    """One of 110 contacts, over for a while."""
    id_ = store_campaign(db, [pair(n) for n in range(1, 111)])
    finish(account)
    assert account.state(id_) == "completed"
    db.pass_time(QUIET_S + 1)
    return id_


def finish(account, **ending):
    """Dial all that may be dialled now; the provider tells what each call took and cost."""
    while account.dial_all():
        ended = account.open_attempts()
        account.end_all(**ending)
        for one in ended:
            tell_values(account, one.id, **ending)


def tell_values(account, id_: AttemptId, *, customer_status: str = "completed"):
    sid = str(account.attempts.get(id_).sid)
    talk_s = 30 if customer_status == "completed" else 0
    report = details(sid, customer_status=customer_status, talk_s=talk_s)
    account.settling.report(id_, report, at=account.db.now())


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


def test_one_is_packed_ten_minutes_after_its_end_and_once_no_value_of_it_is_missing(account, db):
    id_ = store_campaign(db, [pair(n) for n in (1, 2, 3)], max_attempts=1)
    account.dial_all()
    account.end_all()
    *early, late = ids(db, id_)

    for one in early:
        tell_values(account, one)
    assert pack(db, id_, size=3) == 0
    db.pass_time(QUIET_S + 1)
    assert pack(db, id_, size=3) == 0  # two are not worth it while a third is to come
    tell_values(account, late)
    assert pack(db, id_, size=3) == 1
    assert is_packed(db, id_, 1)


def test_who_is_rung_again_finds_earlier_attempts_packed_and_later_ones_come_to_them(account, db):
    id_ = store_campaign(
        db,
        [pair(n) for n in range(1, 61)],
        max_attempts=2,
        retry=(RetryRule(Outcome.CUSTOMER_BUSY, (7200,)),),
    )
    account.dial_all()
    for at, one in enumerate(account.open_attempts()):
        status = "busy" if at % 2 else "completed"
        report = terminal(str(one.attempt.sid), customer_status=status, talk_s=30 - at % 2 * 30)
        account.settling.report(one.id, report, at=db.now())
        tell_values(account, one.id, customer_status=status)
    db.pass_time(QUIET_S + 1)
    before = lines(db, id_, size=60)

    assert (pack(db, id_, size=60), pack(db, id_, size=60)) == (1, 0)
    assert account.counts(id_).waiting == 30
    assert is_packed(db, id_, 1)
    assert lines(db, id_, size=60) == before

    db.pass_time(7200)
    finish(account)
    assert len(db.client.hkeys(hundred_of(db, id_, 1))) == 31
    db.pass_time(QUIET_S + 1)
    assert pack(db, id_, size=60) == 1
    assert is_packed(db, id_, 1)
    assert sorted(len(line.attempts) for line in lines(db, id_, size=60)) == [1] * 30 + [2] * 30
    check_conservation(db)


def test_who_spoke_with_somebody_who_is_to_be_rung_again_stands_where_the_gate_looks(
    db, account, campaign
):
    at = datetime.fromtimestamp(db.now() + 3600, UTC)
    call_back(db, ContactId(campaign, 1), at, reopen=True)

    pack(db, campaign)

    assert set(db.client.hkeys(hundred_of(db, campaign, 1))) == {PACKED, b"1-1"}
    assert is_packed(db, campaign, 101)
    assert len(ids(db, campaign)) == 110


def lost(db, id_: AttemptId, attempt, **changed) -> bool:
    """Ask for one as a host's journal does that made it; tells whether Redis had lost it."""
    live_until = db.now() + 600
    made = attempt._replace(state=AttemptState.UNKNOWN, **changed)
    return bring_back(db, id_, made, ends_at=live_until, slot_lease_s=90, holds=False)


def test_a_journal_brings_back_none_that_is_packed_but_one_that_its_hundred_lacks(
    account, db, campaign
):
    first, second, *_ = ids(db, campaign)
    pack(db, campaign)
    known = account.attempts.get(first)

    assert not lost(db, first, known)
    assert is_packed(db, campaign, 1)
    third = AttemptId(campaign, second.n, 2, "z" * 10)
    assert lost(db, third, account.attempts.get(second), no=2, nonce=third.nonce)
    assert len(lines(db, campaign)[1].attempts) == 2


def test_a_host_that_reports_to_a_hold_brings_back_nothing_that_is_packed(account, db, tmp_path):
    site = Site(account, tmp_path)
    id_ = store_campaign(db, [pair(1), pair(2)])
    host = site.host("first")
    host.recovery.tick()
    for done in site.dial_all(host):
        site.account.end_all()
        tell_values(account, done.attempt_id)
    db.pass_time(QUIET_S + 1)
    assert pack(db, id_, size=2) == 1
    before = site.snapshot()

    site.come_back_older(before)
    site.feed()
    db.pass_time(5)
    host.recovery.tick()

    assert (site.hold.restored, site.hold.waiting_for) == (0, ())
    assert is_packed(db, id_, 1)
    site.seconds(2, host)
    assert site.hold is None


def test_an_attempt_that_took_the_place_of_one_that_is_packed_only_holds_its_numbers(
    account, db, campaign
):
    first, *_ = ids(db, campaign)
    pack(db, campaign)
    known = account.attempts.get(first)
    other = AttemptId(campaign, first.n, first.no, "z" * 10)

    assert lost(db, other, known, nonce=other.nonce)

    assert account.attempts.get(first) == known
    assert db.client.hget(db.key("busy"), known.customer[1:]) == str(other).encode()


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


def test_one_is_corrected_although_its_hundred_is_packed_anew_in_between(account, db, campaign):
    first, *_ = ids(db, campaign)
    record, between = db.run_for_each, [2, 1]

    def packed_before(given):
        if between:
            assert pack(db, campaign) == between.pop(0)  # both hundreds, then the one taken apart
        return record(given)

    db.run_for_each = packed_before
    sid = str(account.attempts.get(first).sid)

    account.settling.report(first, details(sid, price=Decimal("0.5")), at=db.now())

    assert not between
    assert account.attempts.get(first).price == "0.5"
    assert len(ids(db, campaign)) == 110


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
    db.pass_time(QUIET_S + 1)
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


def test_a_callback_that_comes_late_changes_nothing(account, db, campaign):
    first, *_ = ids(db, campaign)
    before = account.attempts.get(first)
    assert before
    pack(db, campaign)

    account.settling.report(first, terminal(str(before.sid)), at=db.now())

    assert account.attempts.get(first).outcome == before.outcome
    check_conservation(db)

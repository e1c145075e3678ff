"""Events are read from a cursor on, in their order, wherever they are; files hold no phone number."""

import gzip
import json

import pytest

from campaigns.event_document import Event
from campaigns.events import EventKind
from dialer.events.files import EventFiles
from dialer.events.keeping import Keeping
from dialer.events.outbox import BadCursor, Outbox, Wanted
from dialer.store.event_codes import EVENT_CODES
from dialer.store.events import BEGINNING
from tests.factories import agent, customer, events_after, pair, store_campaign


@pytest.fixture
def outbox(db, tmp_path) -> Outbox:
    return Outbox(db, account="main", folder=tmp_path / "events")


def keeping(db, outbox, *, days: int = 400, kept: int = 100_000, holder: str = "a") -> Keeping:
    return Keeping(db, outbox, days=days, kept=kept, holder=holder)


def ids(events) -> list[str]:
    return [one.id for one in events]


def some_calls(account, *, contacts: int = 3) -> str:
    campaign = store_campaign(account.db, [pair(n, n) for n in range(1, contacts + 1)])
    account.dial_and_end()
    return campaign


def test_a_document_tells_whom_it_is_about_and_what_came_of_it(account, db, outbox):
    campaign = some_calls(account, contacts=1)

    (settled,) = events_after(outbox, wanted=Wanted((EventKind.ATTEMPT_SETTLED,)))
    data = json.loads(settled.as_json())["data"]

    assert data["outcome"] == "connected"
    assert data["campaign"] == {
        "campaign_id": campaign,
        "name": "sale",
        "state": "completed",
        "tags": [],
    }
    assert data["contact"]["customer"] == customer(1)
    assert data["attempt"]["talk_s"] == 30
    assert data["attempt"]["version"] == data["version"]
    assert Event.model_validate_json(settled.as_json()).id == settled.id


def test_whoever_reads_on_from_the_last_id_misses_none_and_sees_none_twice(account, outbox):
    some_calls(account)
    everything = ids(events_after(outbox))

    seen, cursor = [], ""
    while not (page := outbox.after(cursor, most=2)).is_last or page.entries:
        seen += [one.id for one in page.entries]
        cursor = page.cursor

    assert seen == everything
    assert len(set(seen)) == len(seen)


def test_what_is_asked_for_alone_comes_alone_and_the_cursor_goes_on_all_the_same(account, outbox):
    first = some_calls(account)
    store_campaign(account.db, [pair(9, 9)], name="other")

    page = outbox.after("", most=100, wanted=Wanted(campaign=first))

    assert {one.campaign for one in page.entries} == {first}
    assert page.cursor == outbox.now()


@pytest.mark.parametrize("cursor", ["x", "1-2-3", "-1", "1_0", "9" * 41, "1-x"])
def test_what_is_no_cursor_is_refused_in_a_line(outbox, cursor):
    with pytest.raises(BadCursor, match="take an event's id"):
        outbox.after(cursor, most=1)


def test_what_left_redis_for_files_is_read_as_before_and_in_its_order(account, db, outbox):
    some_calls(account)
    everything = ids(events_after(outbox))

    keeping(db, outbox, kept=4).tick()

    assert outbox.stream.size() == 4
    assert ids(events_after(outbox)) == everything
    assert ids(events_after(outbox, everything[2])) == everything[3:]


def test_a_line_of_a_file_says_what_happened_and_holds_no_phone_number(
    account, db, outbox, tmp_path
):
    some_calls(account)

    keeping(db, outbox).tick()

    (file,) = (tmp_path / "events").iterdir()
    text = file.read_text()
    assert json.loads(text.splitlines()[0])["type"] == "campaign.started"
    assert not any(number[1:] in text for n in range(1, 4) for number in (agent(n), customer(n)))


def test_a_keeper_that_died_in_the_middle_of_a_line_is_followed_by_one_that_writes_it_whole(
    account, db, outbox, tmp_path
):
    some_calls(account)
    everything = ids(events_after(outbox))
    keeping(db, outbox).tick()
    (file,) = (tmp_path / "events").iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    db.client.delete(db.key("events_kept_by"))

    keeping(db, outbox, holder="b").tick()

    assert file.read_bytes() == whole
    assert outbox.files.last_id() == everything[-1]


def test_one_process_keeps_the_files_at_a_time(account, db, outbox):
    some_calls(account)

    assert keeping(db, outbox, holder="a").tick() > 0
    assert keeping(db, outbox, holder="b").tick() == 0


def test_a_whole_file_is_packed_and_read_as_before(tmp_path):
    files = EventFiles(tmp_path, most_bytes=100)
    events = [(f"{n}-0", "9 abcdefgh - -") for n in range(1, 21)]
    for one in events:
        files.append([one], lambda one: json.dumps({"id": one[0], "e": one[1]}))

    packed = list(tmp_path.glob("*.gz"))
    assert packed
    assert gzip.decompress(packed[0].read_bytes())
    assert files.after(BEGINNING, most=100) == events
    assert files.after("7-0", most=3) == events[7:10]
    assert files.last_id() == "20-0"


def test_what_two_keepers_wrote_for_a_moment_is_read_once(tmp_path):
    files = EventFiles(tmp_path)
    line_of = lambda one: json.dumps({"id": one[0], "e": one[1]})
    events = [(f"{n}-0", "9 - - -") for n in range(1, 5)]
    files.append(events, line_of)
    files.append(events[2:], line_of)

    assert files.after(BEGINNING, most=10) == events


def test_files_all_of_whose_events_are_too_old_go(tmp_path):
    files = EventFiles(tmp_path, most_bytes=1)
    for second in (10, 20, 30):
        files.append(
            [(f"{second}000-0", "9 - - -")], lambda one: json.dumps({"id": one[0], "e": one[1]})
        )

    files.forget(before_s=25)

    assert files.after(BEGINNING, most=9) == [("20000-0", "9 - - -"), ("30000-0", "9 - - -")]


def test_a_kind_that_a_newer_version_wrote_is_passed_over(db, outbox):
    db.client.xadd(db.key("events"), {"e": "9999 - - -"})
    db.client.xadd(
        db.key("events"), {"e": f"{EVENT_CODES[EventKind.ACCOUNT_STOPPED]} - - - no balance"}
    )

    (event,) = events_after(outbox)

    assert (event.type, event.data.why) == (EventKind.ACCOUNT_STOPPED, "no balance")


def test_that_a_report_is_final_is_told_once_nothing_in_it_can_change(account, db, outbox):
    some_calls(account, contacts=1)
    keeper = keeping(db, outbox)
    wanted = Wanted((EventKind.REPORT_FINAL,))
    keeper.tick()
    assert list(events_after(outbox, wanted=wanted)) == []

    db.client.delete(db.key("late"))
    keeper.tick()
    keeper.tick()

    assert len(list(events_after(outbox, wanted=wanted))) == 1

"""The account's list of numbers that are never called."""

import io
import json

import pytest

from campaigns.contact_state import NotDialled
from campaigns.lists.source import CampaignFileError
from dialer.dialing.releasing import Feeding
from dialer.pacing import Allowance
from dialer.steering.suppressing import Added, Suppressing
from dialer.store import Database
from dialer.store.contacts import Contacts
from tests.factories import customer, pair, store_campaign


@pytest.fixture
def suppressing(db: Database) -> Suppressing:
    return Suppressing(db, default_country="IN")


def add(suppressing: Suppressing, text: str, **options: str | None) -> Added:
    return suppressing.add(io.BytesIO(text.encode()), source="dnd.csv", why="asked", **options)


def test_one_number_a_line_however_it_is_written(suppressing):
    added = add(suppressing, "9876543201\n+91 98765-43202\n098765 43203\n")

    assert added == Added(added=3, already=0, bad=())
    assert sorted(one.number for one in suppressing.all()) == [
        "+919876543201",
        "+919876543202",
        "+919876543203",
    ]


def test_a_table_is_read_by_its_column_of_numbers(suppressing):
    add(suppressing, "name,phone\nAsha,9876543201\nRavi,9876543202\n")

    assert {one.number for one in suppressing.all()} == {"+919876543201", "+919876543202"}


def test_a_column_can_be_named_by_hand(suppressing):
    add(suppressing, "agent,who\n9000000001,9876543201\n", column="who")

    assert [one.number for one in suppressing.all()] == ["+919876543201"]


def test_a_table_whose_column_is_not_clear_is_refused_whole(suppressing):
    with pytest.raises(CampaignFileError, match="Which column"):
        add(suppressing, "agent,who\n9000000001,9876543201\n")

    assert not list(suppressing.all())


def test_a_bad_line_is_told_by_its_number_and_spoils_no_other(suppressing):
    added = add(suppressing, "number\n9876543201\nnobody\n9876543202\n")

    assert added.added == 2
    [bad] = added.bad
    assert bad.line == 3
    assert "nobody" in bad.message


def test_adding_again_keeps_what_was_known_first(suppressing):
    add(suppressing, "9876543201\n")

    again = suppressing.add(io.BytesIO(b"9876543201\n"), source="other.csv", why="later")

    assert again == Added(added=0, already=1, bad=())
    [one] = suppressing.all()
    assert (one.source, one.why) == ("dnd.csv", "asked")
    assert one.at is not None


def test_the_gate_finds_numbers_as_digits_without_a_plus(db, suppressing):
    add(suppressing, "9876543201\n")

    stored = db.client.hgetall(db.key("suppressed"))

    assert list(stored) == [b"919876543201"]
    assert set(json.loads(stored[b"919876543201"])) == {"at", "source", "why"}


def test_a_removed_number_may_be_called_again(suppressing):
    add(suppressing, "9876543201\n")

    assert suppressing.remove("098765 43201")
    assert not suppressing.remove("9876543201")
    assert not list(suppressing.all())


def test_what_the_provider_put_there_is_listed_too(db, suppressing):
    db.client.hset(
        db.key("suppressed"), "919876543209", json.dumps({"source": "provider", "why": "NDNC"})
    )

    [one] = suppressing.all()

    assert (one.number, one.at, one.source) == ("+919876543209", None, "provider")


def test_a_campaigns_list_is_its_own_and_keeps_date_and_source(db, suppressing):
    added = add(suppressing, "9876543201\n", campaign="c1")

    assert added.added == 1
    assert not list(suppressing.all())
    assert not list(suppressing.all(campaign="c2"))
    [one] = suppressing.all(campaign="c1")
    assert (one.number, one.source, one.why) == ("+919876543201", "dnd.csv", "asked")
    assert one.at is not None
    assert suppressing.remove("9876543201", campaign="c1")


@pytest.mark.parametrize("on", ["the campaign's list", "the account's list"])
def test_a_number_added_while_it_waits_is_closed_when_its_turn_comes(db, suppressing, on):
    hit = store_campaign(db, [pair(1, 1), pair(2, 2)])
    spared = store_campaign(db, [pair(3, 3)], name="other")
    add(suppressing, customer(1), campaign=hit if on == "the campaign's list" else None)

    feeding = Feeding(db, allowance=Allowance(), max_concurrent_calls=0)
    feeding.keep_schedules()
    released = {str(one.contact) for one in feeding.tick().released}

    assert released == {f"{hit}-2", f"{spared}-1"}
    assert Contacts(db).get(hit, 1).outcome is NotDialled.SUPPRESSED

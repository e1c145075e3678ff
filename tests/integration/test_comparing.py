"""A changed file against what its campaign has: told first, and only what is new is appended."""

import io

import pytest

from campaigns.lists.sieve import Dedupe
from campaigns.numbers.phone import PhoneRules
from dialer.loading.loading import Loading, LoadOptions
from dialer.loading.refusing import NameTaken
from dialer.store.contacts import Contacts
from dialer.store.imports import Imports
from tests.factories import agent, contact_with_row, customer, rules

FIRST = f"""agent,customer,plan
{agent(1)},{customer(1)},gold
{agent(1)},{customer(2)},gold
{agent(2)},{customer(3)},silver
"""
CHANGED = f"""agent,customer,plan
{agent(1)},0{customer(1)[3:]},gold
{agent(1)},{customer(2)},PLATINUM
{agent(3)},{customer(4)},new
{agent(3)},{customer(3)},another agent
{agent(3)},12345,no number
"""


@pytest.fixture
def loading(db, tmp_path):
    return Loading(db, phone_rules=PhoneRules(), data_dir=tmp_path)


@pytest.fixture
def campaign(loading):
    loaded = loading.load(file(FIRST), name="sale", rules=rules(), options=LoadOptions())
    return loaded.campaign


def file(text):
    return io.BytesIO(text.encode())


def test_pairs_are_new_unchanged_changed_or_missing_whatever_the_spelling(loading, campaign):
    diff = loading.compare(file(CHANGED), campaign=campaign, options=LoadOptions())

    assert diff.unchanged.examples == ((agent(1), customer(1)),)
    assert diff.changed.examples == ((agent(1), customer(2)),)
    assert set(diff.new.examples) == {(agent(3), customer(4)), (agent(3), customer(3))}
    assert diff.missing.examples == ((agent(2), customer(3)),)


def test_comparing_writes_nothing(db, loading, campaign):
    before = {key: db.client.dump(key) for key in db.client.scan_iter()}

    loading.compare(file(CHANGED), campaign=campaign, options=LoadOptions())

    assert {key: db.client.dump(key) for key in db.client.scan_iter()} == before


def test_the_same_content_is_not_compared(loading, campaign):
    assert loading.compare(file(FIRST), campaign=campaign, options=LoadOptions()) is None


@pytest.mark.parametrize("dedupe", [Dedupe.FILE, Dedupe.ACTIVE])
def test_only_new_customers_are_appended_and_what_was_loaded_stays(db, loading, campaign, dedupe):
    before = [contact_with_row(db, campaign.id, n) for n in range(1, 4)]

    loaded = loading.append(file(CHANGED), campaign=campaign, options=LoadOptions(dedupe=dedupe))

    assert (loaded.summary.accepted, loaded.summary.duplicate, loaded.summary.rejected) == (1, 3, 1)
    assert [contact_with_row(db, campaign.id, n) for n in range(1, 4)] == before
    assert Contacts(db).get(campaign.id, 4).customer == customer(4)


def test_a_changed_file_under_the_same_name_is_refused_with_its_campaign(loading, campaign):
    with pytest.raises(NameTaken, match="append the rows") as refused:
        loading.load(file(CHANGED), name="sale", rules=rules(), options=LoadOptions())

    assert refused.value.campaign.id == campaign.id


def test_the_history_has_each_file_with_its_hash_and_counts(db, loading, campaign):
    loading.append(file(CHANGED), campaign=campaign, options=LoadOptions())

    first, second = Imports(db).history(campaign.id)

    assert first["hash"] != second["hash"]
    assert (first["rows"], first["accepted"]) == (3, 3)
    assert (second["rows"], second["accepted"]) == (5, 1)
    assert first["at"] <= second["at"]


def test_a_campaigns_own_list_of_suppressed_numbers_is_asked_when_appending(db, loading, campaign):
    db.client.hset(db.key("c", campaign.id, "suppressed"), customer(4)[1:], "{}")

    loaded = loading.append(file(CHANGED), campaign=campaign, options=LoadOptions())

    assert loaded.summary.accepted == 0
    assert loaded.summary.faults["suppressed"].count == 1


def test_the_rejected_file_is_mended_and_appended_as_it_is(db, loading):
    loaded = loading.load(
        file(f"agent,customer,plan\n{agent(1)},{customer(1)},a\n{agent(1)},9.87654E+09,b\n"),
        name="sale",
        rules=rules(),
        options=LoadOptions(),
    )
    mended = loaded.rejected_file.read_text().replace("9.87654E+09", customer(2))

    diff = loading.compare(file(mended), campaign=loaded.campaign, options=LoadOptions())
    appended = loading.append(file(mended), campaign=loaded.campaign, options=LoadOptions())

    assert (diff.new.count, diff.missing.count) == (1, 1)
    assert appended.summary.accepted == 1
    assert contact_with_row(db, loaded.campaign.id, 2)[1].cells == (agent(1), customer(2), "b")


def test_what_is_still_wrong_in_a_mended_file_is_rejected_with_its_own_columns_alone(loading):
    loaded = loading.load(
        file(
            f"agent,customer,plan\n{agent(1)},{customer(1)},a\n{agent(1)},12,b\n{agent(1)},13,c\n"
        ),
        name="sale",
        rules=rules(),
        options=LoadOptions(),
    )
    mended = loaded.rejected_file.read_text().replace(",12,", f",{customer(2)},")

    appended = loading.append(file(mended), campaign=loaded.campaign, options=LoadOptions())

    header, *rows = appended.rejected_file.read_text("utf-8-sig").splitlines()
    assert header == "agent,customer,plan,line,error_code,error"
    assert rows[-1].startswith(f"'{agent(1)},13,c,3,short_code")

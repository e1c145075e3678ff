"""Whatever becomes of contacts, the search index leads to them, and forgets whom all else forgets."""

import io
from zoneinfo import ZoneInfo

import pytest

from campaigns.agents.agent import Agent
from campaigns.lists.one_at_a_time import GivenContact
from campaigns.numbers.phone_rules import PhoneRules
from dialer.agents.moving import Moving
from dialer.agents.registry import Registry
from dialer.loading.adding import Adding
from dialer.loading.loading import Loading, LoadOptions
from dialer.store.search_index import ENTRY_BYTES
from dialer.watching.finding import Finding
from tests import books_kit
from tests.factories import agent

LIST = [f"{agent(n % 3 + 1)},+91987654{n:04},Customer {n},-" for n in range(250)]


@pytest.fixture
def sale(account, tmp_path):
    return books_kit.load(account, tmp_path, rows=LIST)


@pytest.fixture
def finding(account, tmp_path) -> Finding:
    return Finding(account.db, archives=tmp_path / "archive")


def index_keys(account, campaign) -> list[bytes]:
    return sorted(account.db.client.scan_iter(account.db.key("c", campaign.id, "index", "*")))


def named(finding: Finding, words: str) -> list[int]:
    return [one.line.n for one in finding.by_name(words)]


def numbered(finding: Finding, digits: str) -> list[int]:
    return [one.line.n for one in finding.by_number(digits, is_whole=len(digits) == 12)]


def test_each_hundred_of_a_list_gets_an_entry_and_what_it_leaves_out_is_not_looked_at(
    account, sale, finding
):
    second = account.db.key("c", sale.id, "index", 1)
    found = named(finding, "customer 149"), numbered(finding, "919876540149")
    assert len(index_keys(account, sale)) == 3
    assert found == ([150], [150])

    account.db.client.set(second, bytes(ENTRY_BYTES))
    assert named(finding, "customer 149") == numbered(finding, "919876540149") == []

    account.db.client.delete(second)
    assert (named(finding, "customer 149"), numbered(finding, "6540149")) == ([150], [150])


def test_contacts_that_come_one_at_a_time_into_a_hundred_are_found_beside_its_others(
    account, sale, finding
):
    adding = Adding(account.db, phone_rules=PhoneRules(), second_above=0)
    adding.add(
        account.campaigns.find(sale.id),
        [GivenContact(agent(9), "+918888877777", row={"name": "Zubeida"})],
        may_start=True,
    )

    assert named(finding, "zubeida") == numbered(finding, "88777") == [251]
    assert numbered(finding, agent(9)[1:]) == [251]
    assert named(finding, "customer 249") == [250]
    assert len(index_keys(account, sale)) == 3


def test_rows_with_a_new_column_of_names_are_found_by_them(account, tmp_path, finding):
    loading = Loading(account.db, phone_rules=PhoneRules(), data_dir=tmp_path)
    first = b"agent,customer\n+919000000001,+919876543201\n"
    campaign = loading.load(
        io.BytesIO(first), name="plain", rules=books_kit.rules(), options=LoadOptions()
    ).campaign
    more = b"agent,customer,name\n+919000000001,+919876543202,Zubeida\n"

    loading.append(io.BytesIO(more), campaign=campaign, options=LoadOptions())

    assert named(finding, "zubeida") == [2]


def test_who_waits_for_an_agent_is_not_looked_for_in_hundreds_that_hold_nobody_of_theirs(
    account, sale
):
    registry = Registry(account.db, phone_rules=PhoneRules(), zone=ZoneInfo("Asia/Kolkata"))
    (one,) = registry.put([Agent(agent(1))])
    theirs = [n for n in range(1, 251) if account.contact(sale.id, n).agent == agent(1)]
    (all_,) = Moving(account.db).waiting(one)

    account.db.client.set(account.db.key("c", sale.id, "index", 1), bytes(ENTRY_BYTES))
    (some,) = Moving(account.db).waiting(one)

    assert all_.numbers == {agent(1)[1:]: theirs}
    assert some.numbers == {agent(1)[1:]: [n for n in theirs if not 100 < n <= 200]}


def test_who_was_moved_is_found_by_the_new_agents_number(account, sale, finding):
    registry = Registry(account.db, phone_rules=PhoneRules(), zone=ZoneInfo("Asia/Kolkata"))
    one, new = registry.put([Agent(agent(1)), Agent(agent(9))])
    moving = Moving(account.db)
    waiting = set(numbered(finding, agent(1)[1:]))
    before = numbered(finding, agent(9)[1:])

    moving.move(one, moving.to_agent(new), moving.waiting(one))

    assert before == []
    assert set(numbered(finding, agent(9)[1:])) == waiting
    assert numbered(finding, agent(1)[1:]) == []


def test_a_hundred_in_which_somebody_was_forgotten_forgets_too_and_its_others_are_found(
    account, finding, tmp_path
):
    sale = books_kit.finish(account, books_kit.load(account, tmp_path))
    assert len(index_keys(account, sale)) == 1

    books_kit.purging_of(account.db, tmp_path).number("+919876543201")

    assert index_keys(account, sale) == []
    assert named(finding, "asha") == numbered(finding, "919876543201") == []
    assert named(finding, "ravi") == [2]


def test_an_archived_campaign_leaves_no_entry_in_redis(account, tmp_path):
    sale = books_kit.finish(account, books_kit.load(account, tmp_path))

    books_kit.archive(account, sale, tmp_path)

    assert index_keys(account, sale) == []


def test_without_the_index_nothing_is_written_and_who_comes_into_an_indexed_hundred_is_found(
    account, sale, finding, tmp_path
):
    without = Adding(account.db, phone_rules=PhoneRules(), second_above=0, is_indexed=False)
    given = [GivenContact(agent(9), "+918888877777", row={"name": "Zubeida"})]
    loading = Loading(account.db, phone_rules=PhoneRules(), data_dir=tmp_path, is_indexed=False)
    text = "agent,customer,name\n+919000000001,+917777766666,Yamini\n"

    without.add(account.campaigns.find(sale.id), given, may_start=True)
    other = loading.load(
        io.BytesIO(text.encode()), name="other", rules=books_kit.rules(), options=LoadOptions()
    ).campaign

    assert named(finding, "zubeida") == [251]
    assert named(finding, "yamini") == [1]
    assert len(index_keys(account, sale)) == 2
    assert index_keys(account, other) == []

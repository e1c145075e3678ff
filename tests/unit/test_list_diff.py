"""A changed list tells what it would change before it changes anything."""

from hypothesis import given
from hypothesis import strategies as st

from campaigns.contact import Contact
from campaigns.lists.diff import ListVersion, PairGroup, diff_lists

COLUMNS = ("agent", "customer", "name", "city")
AGENT = "+919000000001"


def version(rows, columns=COLUMNS):
    contacts = [
        Contact(line, line - 1, agent, customer, cells)
        for line, (agent, customer, cells) in enumerate(rows, start=2)
    ]
    return ListVersion(columns, frozenset({"agent", "customer"}), contacts)


def row(customer, name="Asha", city="Pune", *, spelled=None):
    return AGENT, customer, (AGENT, spelled or customer, name, city)


def test_pairs_are_new_unchanged_changed_or_missing():
    loaded = version([row("+919876543201"), row("+919876543202"), row("+919876543203")])
    uploaded = version(
        [row("+919876543202"), row("+919876543203", city="Goa"), row("+919876543204")]
    )

    diff = diff_lists(loaded, uploaded)

    assert diff.new == PairGroup(1, ((AGENT, "+919876543204"),))
    assert diff.unchanged == PairGroup(1, ((AGENT, "+919876543202"),))
    assert diff.changed == PairGroup(1, ((AGENT, "+919876543203"),))
    assert diff.missing == PairGroup(1, ((AGENT, "+919876543201"),))


def test_another_spelling_of_a_number_and_another_order_of_columns_are_no_change():
    loaded = version([row("+919876543201")])
    uploaded = version(
        [(AGENT, "+919876543201", ("Pune", "09876543201", AGENT, "Asha"))],
        columns=("city", "customer", "agent", "name"),
    )

    assert diff_lists(loaded, uploaded).unchanged.count == 1


def test_another_agent_for_a_customer_is_another_pair():
    loaded = version([row("+919876543201")])
    uploaded = version([("+919000000002", "+919876543201", ("", "", "Asha", "Pune"))])

    diff = diff_lists(loaded, uploaded)

    assert (diff.new.count, diff.missing.count) == (1, 1)


def test_a_column_that_came_or_went_changes_every_row():
    loaded = version([row("+919876543201")])
    uploaded = version(
        [(AGENT, "+919876543201", (AGENT, "9876543201", "Asha"))],
        columns=("agent", "customer", "name"),
    )

    assert diff_lists(loaded, uploaded).changed.count == 1


PAIRS = st.tuples(
    st.sampled_from(["+919000000001", "+919000000002", "+12024561111"]),
    st.integers(min_value=0, max_value=20).map(lambda number: f"+9198765432{number:02}"),
)
LISTS = st.dictionaries(PAIRS, st.sampled_from(["Asha", "Ravi"]))


@given(LISTS, LISTS)
def test_the_groups_are_those_of_a_dictionary(before, after):
    def named(rows):
        return version([(*pair, (*pair, name, "")) for pair, name in rows.items()])

    diff = diff_lists(named(before), named(after))

    both = before.keys() & after.keys()
    changed = {pair for pair in both if before[pair] != after[pair]}
    assert diff.new.count == len(after.keys() - both)
    assert diff.missing.count == len(before.keys() - both)
    assert diff.changed.count == len(changed)
    assert diff.unchanged.count == len(both) - len(changed)
    assert set(diff.changed.examples) <= changed

"""The compact memory of first rows tells the same as a dictionary."""

from hypothesis import given
from hypothesis import strategies as st

from campaigns.contact import Contact
from campaigns.lists.first_seen import Earlier, FirstSeen

NUMBERS = st.integers(min_value=1, max_value=9).map(lambda digit: f"+91987654320{digit}")
CHUNKS = st.lists(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=8), max_size=12)


@given(CHUNKS)
def test_the_first_row_of_each_customer_is_remembered(chunks):
    seen = FirstSeen()
    first_rows = {}
    line = 0

    for chunk in chunks:
        contacts = []
        expected = []
        for agent, customer in chunk:
            line += 1
            contacts.append(Contact(line, line, agent, customer, ()))
            first = first_rows.setdefault(customer, (line, agent))
            expected.append(None if first[0] == line else Earlier(first[0], first[1] == agent))

        assert seen.add(contacts) == expected

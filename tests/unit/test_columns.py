"""Which columns the numbers are in: certain by their headings, else suggested by what stands there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.lists.column_choice import ColumnChoice
from campaigns.lists.column_content import profile, suggest
from campaigns.lists.columns import require_clear, understand_header
from campaigns.lists.header import ColumnsUnclear
from campaigns.lists.headings import Party, customers_name, read_heading, squeezed
from campaigns.lists.source import ListLimits
from campaigns.numbers.phone import PhoneRules

RULES = PhoneRules()


def agent_no(number):
    return f"90000000{number % 3:02}"


def customer_no(number):
    return f"98765{number:05}"


def rows_of(*columns, rows=12):
    return [[make(number) for make in columns] for number in range(rows)]


def header_of(names, sample=(), **choice):
    return understand_header(
        names,
        choice=ColumnChoice(**choice),
        limits=ListLimits(),
        rules=RULES,
        line=1,
        sample=sample,
    )


def name_of(number):
    return f"Asha {chr(65 + number)}"


DESKS = [
    (("Owner Mobile", "Mobile"), 0, 1),
    (("RM Number", "Mobile No"), 0, 1),
    (("Cust Ph", "Exec Ph"), 1, 0),
    (("TSE", "Borrower Contact"), 0, 1),
    (("Caller", "Callee"), 0, 1),
    (("Phone 1", "Phone 2"), 0, 1),
    (("Phone 1", "Phone 2"), 1, 0),
    (("Emp Mobile", "Party Mobile"), 0, 1),
    (("एजेंट", "मोबाइल"), 0, 1),
    (("Lead Owner", "Lead Phone"), 0, 1),
    (("Assigned To", "Primary Contact"), 0, 1),
    (("कर्मचारी मोबाइल", "मोबाइल"), 0, 1),
    (("Sales Person", "Ph No"), 0, 1),
]


@pytest.mark.parametrize(("names", "agent", "customer"), DESKS)
def test_desks_that_name_their_columns_their_own_way_are_understood(names, agent, customer):
    makers = {agent: agent_no, customer: customer_no}
    sample = rows_of(lambda n: str(n + 1), name_of, makers[0], makers[1])

    header = header_of(["Sr No", "Customer Name", *names], sample)

    assert (header.agent.index, header.customer.index) == (agent + 2, customer + 2)
    assert header.name.column == "Customer Name"
    assert header.agent.why
    assert header.customer.why


def test_what_is_only_likely_is_not_dialled_on_before_somebody_says_yes():
    names, sample = ["RM Number", "Mobile No"], rows_of(agent_no, customer_no)

    header = header_of(names, sample)
    assert header.is_suggested
    with pytest.raises(ColumnsUnclear) as refusal:
        require_clear(header, line=1)

    assert "'RM Number'" in str(refusal.value)
    assert "3 different numbers in 12 rows" in str(refusal.value)
    require_clear(header_of(names, sample, takes_suggestion=True), line=1)
    by_hand = header_of(names, sample, agent="rm number", customer="mobile no")
    require_clear(by_hand, line=1)


def test_two_columns_that_nothing_tells_apart_are_asked_for_and_never_guessed():
    with pytest.raises(ColumnsUnclear, match="Say which"):
        header_of(["Phone 1", "Phone 2"], rows_of(customer_no, lambda n: customer_no(n + 500)))


def test_a_list_without_any_agents_column_makes_no_suggestion():
    with pytest.raises(ColumnsUnclear, match="agent's number"):
        header_of(["Name", "Mobile"], rows_of(name_of, customer_no))
    with pytest.raises(ColumnsUnclear, match="agent's number"):
        header_of(
            ["Mobile", "Alternate Mobile"], rows_of(customer_no, lambda n: customer_no(n + 50))
        )


def test_a_heading_that_is_certain_needs_no_one_to_say_yes():
    header = header_of(["agent", "phone"], rows_of(agent_no, customer_no))

    assert not header.is_suggested


def test_headings_that_their_content_belies_are_asked_about():
    names = header_of(
        ["Agent", "Agent Code", "RM Number", "Mobile"],
        rows_of(name_of, lambda n: f"A{n}", agent_no, customer_no),
    )
    exchanged = header_of(
        ["agent", "customer"],
        [[customer_no(n), agent_no(n)] for n in range(30)],
    )

    assert (names.is_suggested, names.agent.column) == (True, "RM Number")
    assert exchanged.is_suggested


def test_of_several_numbers_of_a_customer_the_first_is_suggested():
    header = header_of(
        ["Agent", "Customer", "Alternate No", "Mobile"],
        rows_of(agent_no, name_of, lambda n: customer_no(n + 500), customer_no),
    )

    assert header.customer.column == "Mobile"
    assert header.is_suggested


def test_an_account_or_loan_number_is_nobodys_phone():
    header = header_of(
        ["Loan No", "Collector No", "Borrower Mobile"],
        rows_of(lambda n: customer_no(n + 777), agent_no, customer_no),
    )

    assert (header.agent.column, header.customer.column) == ("Collector No", "Borrower Mobile")


@pytest.mark.parametrize(
    ("agent", "customer", "name"),
    [
        ("एजेंट नंबर", "ग्राहक फ़ोन", "नाम"),
        ("एजेंट का मोबाइल", "मोबाइल नंबर", "ग्राहक का नाम"),
        ("एजंट मोबाईल", "ग्राहकाचा मोबाईल", "नाव"),
        ("முகவர் எண்", "வாடிக்கையாளரின் தொலைபேசி எண்", "பெயர்"),
        ("এজেন্টের ফোন", "গ্রাহকের মোবাইল নম্বর", "নাম"),
        ("ఏజెంట్ ఫోన్", "కస్టమర్ మొబైల్ నంబర్", "పేరు"),
        ("AgentPhoneNo", "CustomerMobileNumber", "Customer Name"),
    ],
)
def test_headings_in_the_languages_of_india_are_certain(agent, customer, name):
    header = header_of([name, customer, agent])

    assert (header.agent.column, header.customer.column) == (agent, customer)
    assert header.name.column == name
    assert not header.is_suggested


@pytest.mark.parametrize(
    ("names", "column"),
    [
        (["agent", "Agent Name", "Customer Name"], "Customer Name"),
        (["name", "Customer Name"], "Customer Name"),
        (["full_name", "Branch Name"], "full_name"),
        (["Father Name", "Plan Name", "RM Name"], None),
        (["Borrower Name", "Name"], "Borrower Name"),
    ],
)
def test_the_customers_name_is_found_and_no_one_elses(names, column):
    index = customers_name(names)

    assert (None if index is None else names[index]) == column


def test_a_column_called_customer_that_holds_words_holds_their_names():
    names = ["Agent", "Agent No", "Customer", "Customer No"]
    header = header_of(names, rows_of(name_of, agent_no, name_of, customer_no))
    numbers = header_of(["Agent", "Customer", "Mobile"], rows_of(agent_no, customer_no, agent_no))

    assert header.name.column == "Customer"
    assert numbers.name is None


def test_the_last_word_says_whose_a_column_is():
    assert read_heading("Lead Owner Mobile").party is Party.AGENT
    assert read_heading("Agent's Customer No.").party is Party.CUSTOMER
    assert read_heading("Assigned To").party is Party.AGENT
    assert squeezed("Customer Phone-No.") == "customerphoneno"
    assert squeezed("मोबाइल") == "मोबाइल"


CELLS = st.one_of(
    st.sampled_from(["", " ", "Asha", "12", "9876543210", "+91 98765 43210", "098765-43210"]),
    st.text(max_size=12),
)


@given(st.lists(CELLS))
def test_a_profile_counts_what_it_sees_whatever_stands_there(cells):
    seen = profile(cells, RULES)

    assert 0 <= seen.distinct <= seen.numbers <= seen.filled <= len(cells)
    assert bool(seen.distinct) == bool(seen.numbers)
    assert 0 <= seen.variety <= 1
    assert profile([*cells, ""], RULES) == seen
    assert profile(reversed(cells), RULES) == seen


@given(
    st.lists(st.text(max_size=12), min_size=2, max_size=6),
    st.lists(st.lists(CELLS, min_size=6, max_size=6), max_size=8),
)
def test_a_suggestion_names_two_columns_of_numbers_and_never_one_twice(names, rows):
    profiles = [profile([row[at] for row in rows], RULES) for at in range(len(names))]

    found = suggest(names, profiles)

    if found:
        assert found.agent != found.customer
        assert {found.agent, found.customer} <= set(range(len(names)))
        again = suggest(names, profiles, agent=found.agent)
        assert again is not None
        assert again.customer == found.customer


@given(st.permutations(["Mobile", "Remarks", "RM No", "City"]))
def test_a_suggestion_does_not_hang_on_the_columns_order(names):
    makers = {
        "Mobile": customer_no,
        "RM No": agent_no,
        "Remarks": lambda _: "call later",
        "City": lambda n: f"Pune {n}",
    }

    header = header_of(names, rows_of(*(makers[name] for name in names)))

    assert (header.agent.column, header.customer.column) == ("RM No", "Mobile")

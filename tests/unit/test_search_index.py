"""The search index leaves nobody out: it may only tell too many hundreds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dialer.store.search_index import (
    ENTRY_BYTES,
    bits_of_name,
    bits_of_number,
    entries,
    fitting,
)

NUMBERS = st.integers(10**6, 10**15 - 1)


def entries_of(numbers, names, *, inside=0) -> list[bytes]:
    packed = entries([np.array(numbers, dtype=np.float64)], names, inside=inside)
    return [packed[at : at + ENTRY_BYTES] for at in range(0, len(packed), ENTRY_BYTES)]


@given(st.lists(NUMBERS, min_size=1), st.data())
def test_whoever_has_these_digits_side_by_side_is_among_those_looked_at(numbers, data):
    stored = entries_of(numbers, [""] * len(numbers))
    some = str(data.draw(st.sampled_from(numbers)))
    first = data.draw(st.integers(0, len(some) - 1))
    digits = some[first : data.draw(st.integers(first + 1, len(some)))]

    assert fitting(stored, bits_of_number(digits)).all()


@given(st.lists(st.text(min_size=1), min_size=1), st.data())
def test_whoever_has_these_words_in_their_name_is_among_those_looked_at(names, data):
    stored = entries_of([0] * len(names), names)
    folded = data.draw(st.sampled_from(names)).casefold()
    first = data.draw(st.integers(0, len(folded) - 1))
    words = folded[first : data.draw(st.integers(first + 1, len(folded)))]

    assert fitting(stored, bits_of_name(words)).all()


def test_each_hundred_has_an_entry_of_its_own_wherever_the_first_one_begins():
    names = [f"Customer {n}" for n in range(30)]

    assert len(entries_of(range(30), names, inside=80)) == 2
    first, second = entries_of(
        [919876500000 + n for n in range(30)], ["Asha"] * 20 + ["Ravi"] * 10, inside=80
    )
    assert fitting([first, second], bits_of_name("asha")).tolist() == [True, False]
    assert fitting([first, second], bits_of_name("RAVI")).tolist() == [False, True]
    assert fitting([first, second], bits_of_number("919876500029")).tolist() == [False, True]


def test_few_hundreds_are_looked_at_in_vain():
    rng = np.random.default_rng(1)
    stored = []
    for _ in range(200):
        numbers = rng.integers(919_000_000_000, 920_000_000_000, 100)
        names = ["".join(map(chr, rng.integers(97, 123, 12))) for _ in range(100)]
        stored += entries_of(numbers, names)

    assert fitting(stored, bits_of_number("918765432109")).sum() <= 2
    assert fitting(stored, bits_of_number("5432109")).sum() < 20
    assert fitting(stored, bits_of_name("Thiruvengadam")).sum() <= 2


def test_a_hundred_without_an_entry_and_what_is_too_short_for_one_are_looked_at():
    (entry,) = entries_of([919876543201], ["Asha"])

    assert fitting([b"", b"cut off"], bits_of_name("nobody")).all()
    for short in (bits_of_number("1234"), bits_of_name("zz")):
        assert fitting([entry], short).all()

"""Ids read back what they write, and nothing else is one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.ids import AttemptId, ContactId, new_campaign_id, new_nonce

words = st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=8, max_size=8)


@given(campaign=words, n=st.integers(1, 10**9))
def test_a_contacts_id_reads_back_what_it_writes(campaign, n):
    id_ = ContactId(campaign, n)

    assert ContactId.parse(str(id_)) == id_


@given(campaign=words, n=st.integers(1, 10**9), no=st.integers(1, 65_535), tail=words)
def test_an_attempts_id_reads_back_what_it_writes(campaign, n, no, tail):
    """65,535 attempts is what a contact's record can count: most of them were turned away."""
    id_ = AttemptId(campaign, n, no, f"{tail}00")

    assert AttemptId.parse(str(id_)) == id_
    assert id_.contact == ContactId(campaign, n)


@given(text=st.text())
def test_what_reads_as_an_id_is_written_just_so(text):
    for kind in (ContactId, AttemptId):
        found = kind.parse(text)
        assert found is None or str(found) == text


@pytest.mark.parametrize(
    "text",
    [
        "7f3kq2xa-42-2-k3x9p0k3x9\n",
        "7f3kq2xa-٤٢-2-k3x9p0k3x9",
        "7f3kq2xa-0-2-k3x9p0k3x9",
        "7f3kq2xa-42-0-k3x9p0k3x9",
        "7f3kq2xa-042-2-k3x9p0k3x9",
        "7f3kq2xa-42-2-k3x9p0k3x",
        "7F3KQ2XA-42-2-k3x9p0k3x9",
        "7f3kq2xa-42-2",
        " 7f3kq2xa-42-2-k3x9p0k3x9",
        "",
    ],
)
def test_a_damaged_attempt_id_is_none(text):
    assert AttemptId.parse(text) is None


def test_new_ids_are_ids_and_differ():
    ids = {str(ContactId(new_campaign_id(), 1)) for _ in range(100)}

    assert len(ids) == 100
    assert all(ContactId.parse(one) for one in ids)
    assert AttemptId.parse(f"{new_campaign_id()}-1-1-{new_nonce()}")

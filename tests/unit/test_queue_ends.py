"""Who stands behind whom is what a walk through the contacts, one by one, would find."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dialer.store.queue_ends import QueueEnds
from dialer.store.record import APART, LAST

BLOCKS = st.lists(
    st.lists(st.tuples(st.integers(1, 6), st.booleans()), min_size=1, max_size=12), max_size=10
)


def queues_of(blocks):
    """Walk through all contacts: each agent's queue, and whoever has none of their own yet."""
    queues, newcomers = {}, set()
    n = 0
    for block in blocks:
        for agent, is_plain in block:
            n += 1
            if is_plain and agent not in queues:
                newcomers.add(n)
            queues.setdefault(agent, [])
            if is_plain:
                queues[agent].append(n)
    return queues, newcomers


def stood(blocks, *, read_anew_before=None):
    """Let the blocks stand behind each other; gives each contact's next one, and the newcomers."""
    ends, nexts, agents, newcomers = QueueEnds(), [], [], set()
    for place, block in enumerate(blocks):
        before = len(nexts)
        if place == read_anew_before:
            ends = QueueEnds()
            ends.read(np.array(agents, dtype=np.int64), np.array(nexts, dtype=np.int64))
        whose, is_plain = (np.array(column) for column in zip(*block, strict=True))
        found = ends.add(whose, is_plain, before=before)
        agents.extend(whose)
        nexts.extend(found.nexts)
        newcomers.update(found.newcomers)
        lasts = [last for last, _ in found.joining]
        assert lasts == sorted(lasts)
        for last, n in found.joining:
            if last:
                assert nexts[last - 1] == LAST
                nexts[last - 1] = n
    return nexts, newcomers


@given(BLOCKS, st.integers(0, 10))
def test_each_queue_holds_the_plain_contacts_in_the_order_of_the_files(blocks, read_anew_before):
    queues, newcomers = queues_of(blocks)

    nexts, found_newcomers = stood(blocks, read_anew_before=read_anew_before)

    assert found_newcomers == newcomers
    for queue in queues.values():
        behind = [*queue[1:], LAST] if queue else []
        assert [nexts[n - 1] for n in queue] == behind
    plain = {n for queue in queues.values() for n in queue}
    assert all(one == APART for n, one in enumerate(nexts, 1) if n not in plain)


@given(BLOCKS)
def test_who_is_in_none_of_the_lists_stands_behind_one_of_the_block(blocks):
    ends = QueueEnds()
    before = 0
    for block in blocks:
        whose, is_plain = (np.array(column) for column in zip(*block, strict=True))
        found = ends.add(whose, is_plain, before=before)
        listed = [*found.newcomers, *(n for _, n in found.joining)]
        named = [n for n in found.nexts if n not in {LAST, APART}]
        plain = [n for n, one in enumerate(is_plain, before + 1) if one]
        assert sorted([*listed, *named]) == plain
        before += len(block)

"""What is in the way, and how many contacts it holds back."""

from datetime import timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from campaigns.campaign import CampaignState
from campaigns.outlook.binding import in_the_way
from campaigns.outlook.blockers import ContactBlocker, HeldNumbers, WaitingContacts, blockers
from campaigns.outlook.situation import Constraint
from tests.unit.test_forecast import NIGHT, NOON, situation

NOW_S = int(NOON.timestamp())
FREE, ON_CALL, RESTING, PARKED, SUPPRESSED = 1, 2, 3, 4, 5
NOBODY = 99


def numbers(*listed):
    return np.array(listed, dtype=np.int64)


HELD = HeldNumbers(
    on_call=numbers(ON_CALL),
    resting=numbers(RESTING, PARKED),
    parked=numbers(PARKED),
    suppressed=numbers(SUPPRESSED),
)


def waiting(*contacts):
    """Contacts as (agent, customer, due, expires, attempts made)."""
    columns = list(zip(*contacts, strict=True)) or [()] * 5
    return WaitingContacts(*(numbers(*column) for column in columns))


def contact(agent=FREE, customer=NOBODY, due_s=0, expires_s=0, made=0):
    return (agent, customer, due_s, expires_s, made)


def counted(*contacts, at=NOON, **facts):
    found = blockers(situation(at, **facts), waiting(*contacts), HELD)
    return {one.name: one.contacts for one in found}


def test_each_contact_is_counted_under_the_first_thing_that_holds_it_back():
    found = counted(
        contact(),
        contact(agent=ON_CALL),
        contact(agent=RESTING),
        contact(agent=PARKED),
        contact(customer=ON_CALL),
        contact(customer=RESTING),
        contact(customer=SUPPRESSED),
        contact(agent=SUPPRESSED, due_s=NOW_S + 60),
        contact(expires_s=NOW_S),
        contact(due_s=NOW_S + 60),
        contact(due_s=NOW_S + 60, made=1),
    )

    assert found == {
        ContactBlocker.SUPPRESSED: 2,
        ContactBlocker.EXPIRED: 1,
        ContactBlocker.RETRY_TIMERS: 1,
        ContactBlocker.NOT_BEFORE: 1,
        ContactBlocker.AGENT_PARKED: 1,
        ContactBlocker.AGENT_ON_CALL: 1,
        ContactBlocker.AGENT_WRAP_UP: 1,
        ContactBlocker.CUSTOMER_BUSY: 1,
        ContactBlocker.CUSTOMER_GAP: 1,
        ContactBlocker.LIMIT: 1,
    }


def test_what_holds_back_the_whole_campaign_counts_every_waiting_contact():
    found = counted(
        contact(),
        contact(agent=ON_CALL),
        at=NIGHT,
        state=CampaignState.PAUSED,
        workers=0,
        capped_until=NIGHT + timedelta(hours=2),
        capped_by="calls",
    )

    whole = (Constraint.PAUSED, Constraint.NO_WORKER, Constraint.HOURS, Constraint.CAPS)
    assert [found[one] for one in whole] == [2, 2, 2, 2]
    assert found[ContactBlocker.AGENT_ON_CALL] == 1


def test_a_contact_that_waits_for_the_whole_campaign_is_not_said_to_wait_for_the_limit_too():
    found = counted(contact(), contact(agent=ON_CALL), stopped="HTTP 401")

    assert found == {Constraint.STOPPED: 2, ContactBlocker.AGENT_ON_CALL: 1}


def test_a_stopped_account_is_told_with_the_command_that_resumes_it():
    now = situation(stopped="HTTP 401")
    [blocker] = blockers(now, waiting(contact()), HELD)

    assert "dialer account resume" in next(in_the_way(now)).at_a_terminal
    assert "dialer" not in blocker.sentence


def test_the_first_due_instant_is_told():
    found = blockers(
        situation(),
        waiting(contact(due_s=NOW_S + 90, made=1), contact(due_s=NOW_S + 60, made=1)),
        HELD,
    )

    [timers] = [one for one in found if one.name is ContactBlocker.RETRY_TIMERS]
    assert timers.until == NOON + timedelta(seconds=60)


def test_nothing_waits_and_nothing_is_in_the_way():
    assert blockers(situation(waiting=0), waiting(), HELD) == []


small = st.integers(0, 6)
around_now = st.sampled_from([0, NOW_S - 60, NOW_S, NOW_S + 60])


@given(contacts=st.lists(st.tuples(small, small, around_now, around_now, st.integers(0, 2))))
def test_single_contacts_add_up_to_all_that_wait(contacts):
    found = counted(*contacts)

    own = [number for name, number in found.items() if name in set(ContactBlocker)]
    assert sum(own) == len(contacts)

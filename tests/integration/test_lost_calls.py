"""Calls that Redis lost come back from hosts and from the provider's list: nobody is rung again, all are in the books."""

import pytest

from campaigns.attempt import Outcome
from campaigns.contact_state import ContactState
from campaigns.retry_policy import RetryRule
from dialer.dialing.dialing import Dialled
from dialer.ids import AttemptId
from tests.conservation import check_conservation
from tests.factories import pair, store_campaign, terminal
from tests.two_hosts import LONGEST_S, Host, Site, dialled_once

################################################################ P17: rows of the list that name no call


def lost_with_its_host(site: Site, row: dict[str, object]) -> tuple[str, Host]:
    """Redis and a host have lost two calls that ended; the list has one of them, and this row."""
    campaign = store_campaign(site.db, [pair(1, 1), pair(2, 2)])
    first, here = site.host("first"), site.host("here")
    here.recovery.tick()
    first.recovery.tick()
    one, other = site.feed()
    before = site.snapshot()
    for each in (one, other):
        first.dial(each)
    site.feed()
    for call in site.company.live():
        site.company.end(call)
    list_with(site, row)
    site.come_back_older(before)
    first.is_lost_for_good()
    site.feed()
    site.db.pass_time(LONGEST_S)
    site.seconds(2, here)
    return campaign, here


def list_with(site: Site, row: dict[str, object]) -> None:
    """Let the list have this in the place of the second call."""
    listed = type(site)._listed.__get__(site)

    def changed(call):
        fields = listed(call)
        kept = {name: fields[name] for name in row if row[name] is ...}
        return fields if call is not site.company.calls[1] else row | kept

    site._listed = changed  # type: ignore[method-assign]


def test_p17_a_row_without_sid_that_shows_what_we_sent_along_gets_its_attempt_back(site):
    campaign, here = lost_with_its_host(site, {"CustomField": ..., "DateCreated": ...})

    assert site.hold is None
    assert site.account.contact(campaign, 1).outcome is Outcome.CONNECTED
    assert site.account.contact(campaign, 2).state is ContactState.UNRESOLVED
    assert site.dial_all(here) == []
    assert len(site.company.calls) == 2
    check_conservation(site.db)


@pytest.mark.parametrize("row", [{"From": ..., "To": ...}, {"To": ...}, {}, {"To": "XXXX01"}])
def test_p17_a_row_that_may_be_a_call_of_ours_and_does_not_tell_whose_keeps_the_hold(site, row):
    campaign, here = lost_with_its_host(site, row)

    assert site.account.contact(campaign, 1).outcome is Outcome.CONNECTED
    site.seconds(200, here)
    assert "a row of the provider's list" in " ".join(site.hold.not_known)
    assert site.dial_all(here) == []

    site.list_calls()
    del site._listed  # the provider has mended its list
    site.seconds(61, here)
    assert site.hold is None
    assert site.account.contact(campaign, 2).outcome is Outcome.CONNECTED
    assert site.dial_all(here) == []
    check_conservation(site.db)


def test_p17_a_person_who_knows_better_ends_a_hold_over_such_a_row(site):
    _, here = lost_with_its_host(site, {"To": ...})
    site.db.pass_time(1)

    assert site.holds.release(hand=None, machine=site.hold.machine)

    assert site.hold is None
    assert len(site.dial_all(here)) == 1


def test_p17_while_it_holds_over_such_a_row_the_list_is_read_once_a_minute(site):
    _, here = lost_with_its_host(site, {"To": ...})
    read: list[None] = []
    site.list_calls(while_reading=lambda: read.append(None))

    site.seconds(180, here)

    assert 2 <= len(read) <= 4


@pytest.mark.parametrize(
    "row", [{"To": "09812345678"}, {"CustomField": "of somebody else", "To": ...}]
)
def test_p17_a_row_that_is_none_of_ours_holds_nothing(site, row):
    campaign, _ = lost_with_its_host(site, row)

    assert site.hold is None
    assert site.account.contact(campaign, 1).outcome is Outcome.CONNECTED


################################################################ R11: several lost attempts of one contact

RINGS_AGAIN = {"retry": (RetryRule.parse("customer_no_answer=60s"),)}


def end(site: Site, **details) -> None:
    """End the live call and have that told."""
    (call,) = site.company.live()
    site.company.end(call, **details)
    id_ = AttemptId.parse(call.attempt_id)
    site.account.settling.report(
        id_,
        terminal(
            call.sid,
            customer_status="completed" if not details else "no-answer",
            talk_s=30 if not details else 0,
            ended_at_s=site.db.now(),
        ),
        at=site.db.now(),
    )


NO_ANSWER = {
    "Details": {"ConversationDuration": 0, "Leg1Status": "completed", "Leg2Status": "no-answer"}
}


def dialled_twice(site: Site, first: Host, second: Host) -> tuple[str, dict[bytes, bytes]]:
    """The customer does not answer, then does; gives the campaign and what Redis knew before."""
    campaign = store_campaign(site.db, [pair(1, 1)], **RINGS_AGAIN)
    second.recovery.tick()
    before = dialled_once(site, first)
    end(site, **NO_ANSWER)
    site.db.pass_time(61)
    (done,) = site.dial_all(second)
    assert isinstance(done, Dialled)
    site.feed()
    return campaign, before


@pytest.mark.parametrize("talk", ["goes on", "is over"])
@pytest.mark.parametrize("order", ["the first comes first", "the second comes first"])
def test_r11_two_lost_attempts_of_one_contact_both_come_back_and_nobody_is_rung_again(
    site, order, talk
):
    first, second = site.host("first"), site.host("second")
    campaign, before = dialled_twice(site, first, second)
    if talk == "is over":
        end(site)
    site.come_back_older(before)
    site.feed()
    hosts = (first, second) if order == "the first comes first" else (second, first)
    site.db.pass_time(4)
    for host in hosts:
        host.recovery.tick()

    assert site.account.counts(campaign).attempts == 2
    assert site.account.contact(campaign).charged == 2
    (last,) = {call.attempt_id for call in site.company.calls if "-1-2-" in call.attempt_id}
    held = site.db.client.hgetall(site.db.key("busy"))
    assert {one.decode() for one in held.values()} == {last}
    check_conservation(site.db)

    site.seconds(8, first, second)
    assert site.hold is None
    assert site.dial_all(first) == []
    if talk == "goes on":
        end(site)
    site.db.pass_time(120)
    site.account.sweeping.sweep()
    assert site.account.contact(campaign).outcome is Outcome.CONNECTED
    assert len(site.company.calls) == 2
    check_conservation(site.db)


def test_r11_two_attempts_that_only_the_provider_remembers_both_come_back(site):
    first, here = site.host("first"), site.host("here")
    campaign, before = dialled_twice(site, first, first)
    here.recovery.tick()
    end(site)
    site.company.calls.reverse()  # the newest first
    site.come_back_older(before)
    first.is_lost_for_good()
    site.feed()
    site.db.pass_time(LONGEST_S)
    site.seconds(2, here)

    assert site.hold is None
    contact = site.account.contact(campaign)
    assert (contact.state, contact.outcome) == (ContactState.FINAL, Outcome.CONNECTED)
    assert (contact.made, contact.charged) == (2, 2)
    check_conservation(site.db)


def test_r11_an_agents_number_belongs_to_their_latest_call_whatever_comes_back_first(site):
    """Two customers of one agent: the first call is over, the second goes on."""
    store_campaign(site.db, [pair(1, 1), pair(1, 2), pair(1, 3)])
    first, second = site.host("first"), site.host("second")
    second.recovery.tick()
    before = dialled_once(site, first)
    end(site)
    site.db.pass_time(30)
    assert isinstance(site.dial_all(second)[0], Dialled)
    site.feed()
    site.come_back_older(before)
    site.feed()
    site.db.pass_time(4)

    for host in (second, first):
        host.recovery.tick()
    site.seconds(8, first, second)

    assert site.hold is None
    assert site.dial_all(first) == []
    assert len(site.company.live()) == 1


def test_r11_an_attempt_of_a_contact_that_was_closed_meanwhile_is_in_the_books_and_holds_its_numbers(
    site,
):
    campaign = store_campaign(site.db, [pair(1, 1)])
    host = site.host("first")
    before = dialled_once(site, host)
    site.come_back_older(before)
    site.feed()
    found = site.account.campaigns.find(campaign)
    site.account.campaigns.move(found, "cancelling")
    site.account.tick()
    store_campaign(site.db, [pair(1, 1)], name="another")
    site.db.pass_time(11)
    site.feed()
    assert site.account.contact(campaign).state is ContactState.FINAL
    site.seconds(8, host)

    assert site.hold is None
    assert site.dial_all(host) == []
    (call,) = site.company.live()
    site.company.end(call)
    site.seconds(1, host)
    site.account.sweeping.sweep()
    assert site.account.attempts.get(AttemptId.parse(call.attempt_id)).outcome is Outcome.CONNECTED
    assert site.account.contact(campaign).state is ContactState.FINAL
    assert len(site.dial_all(host)) == 1

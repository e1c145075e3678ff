"""What becomes of a request: placed, surely not placed, or unknown; never sent again."""

import pytest

from campaigns.attempt import AttemptState, Outcome
from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState
from dialer.dialing.dialing import Dialled
from dialer.dialing.entrance import FOR_OTHERS
from dialer.ids import AttemptId
from dialer.store import Attempts
from tests.account_kit import Account
from tests.conservation import check_conservation
from tests.factories import answered, pair, store_campaign, terminal
from tests.phone_company import Answer, Call

DAY_S = 86_400


def tell(account: Account, call: Call, **legs: object) -> None:
    """Deliver the terminal callback of a call."""
    id_ = AttemptId.parse(call.attempt_id)
    assert id_
    report = terminal(call.sid, ended_at_s=account.db.now(), **legs)
    account.settling.report(id_, report, at=account.db.now())


def tell_answered(account: Account, call: Call) -> None:
    """Deliver the callback of a call whose agent has answered."""
    id_ = AttemptId.parse(call.attempt_id)
    assert id_
    now_s = account.db.now()
    account.settling.report(id_, answered(call.sid, 1, at_s=now_s), at=now_s)


def test_a_placed_call_is_bound_to_its_attempt(account, db):
    campaign = store_campaign(db, [pair(1, 1)])

    done = account.dial_one()

    assert done.attempt.state is AttemptState.PLACED
    assert done.attempt.sid == account.company.calls[0].sid
    assert account.contact(campaign).state is ContactState.DIALING
    check_conservation(db)


def test_the_request_names_the_pair_its_limits_and_where_to_report(account, db):
    store_campaign(db, [pair(1, 1)], time_limit_s=900, time_out_s=25)

    done = account.dial_one()

    (call,) = account.company.calls
    assert (call.agent, call.customer) == pair(1, 1).numbers
    assert call.attempt_id == str(done.attempt_id)
    assert call.form["TimeLimit"] == "900"
    assert call.form["TimeOut"] == "25"
    assert str(done.attempt_id) in call.form["StatusCallback"]


################################################################ surely not placed


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer.OVER_LIMIT, Outcome.TURNED_AWAY),
        (Answer.NO_CONNECTION, Outcome.TURNED_AWAY),
        (Answer.NO_CREDENTIALS, Outcome.TURNED_AWAY),
        (Answer.NO_BALANCE, Outcome.TURNED_AWAY),
        (Answer.BAD_SETTING, Outcome.TURNED_AWAY),
        (Answer.AGENT_IN_CALL, Outcome.AGENT_BUSY),
    ],
)
def test_what_was_not_the_contacts_fault_is_not_charged_and_comes_again(
    account, db, answer, outcome
):
    campaign = store_campaign(db, [pair(1, 1)])
    account.company.answers.append(answer)

    done = account.dial_one()

    assert done.attempt.outcome is outcome
    record = account.contact(campaign)
    assert (record.state, record.charged, record.made) == (ContactState.WAITING, 0, 1)
    check_conservation(db)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [(Answer.BAD_NUMBER, Outcome.REFUSED), (Answer.DO_NOT_DISTURB, Outcome.DND)],
)
def test_a_number_refused_for_good_closes_its_contact(account, db, answer, outcome):
    campaign = store_campaign(db, [pair(1, 1)])
    account.company.answers.append(answer)

    account.dial_one()

    assert account.contact(campaign).outcome is outcome
    assert account.state(campaign) == "completed"
    check_conservation(db)


def test_a_number_on_the_regulators_list_is_suppressed_for_all_campaigns(account, db):
    store_campaign(db, [pair(1, 1)], name="one")
    account.company.answers.append(Answer.DO_NOT_DISTURB)
    account.dial_one()

    other = store_campaign(db, [pair(2, 1)], name="two")

    assert account.tick() == ()
    assert account.counts(other).outcomes == {"suppressed": 1}


def test_a_wrong_setting_pauses_its_campaign_and_says_why(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    account.company.answers.append(Answer.BAD_SETTING)

    account.dial_one()

    found = account.campaigns.find(campaign)
    assert found.state is CampaignState.PAUSED
    assert "CallerId" in found.why


def test_a_request_that_cannot_be_built_pauses_its_campaign_and_leaves_the_contact_as_it_was(
    account, db
):
    campaign = store_campaign(db, [pair(1, 1)], custom_field="{colour}")

    done = account.dial_one()

    found = account.campaigns.find(campaign)
    assert done.attempt.outcome is Outcome.TURNED_AWAY
    assert found.state is CampaignState.PAUSED
    assert "'colour'" in found.why
    assert account.contact(campaign).state is ContactState.WAITING
    assert account.contact(campaign).charged == 0
    assert account.company.calls == []
    check_conservation(db)


def test_a_hosts_faults_are_in_a_row_only_until_a_request_is_answered(account, db):
    store_campaign(db, [pair(n, n) for n in range(1, 6)])
    dialing, faults = account.dialing, [Answer.NO_CONNECTION] * 2
    account.company.answers.extend([*faults, Answer.PLACED, *faults])

    for released in account.tick():
        assert isinstance(dialing.dial(released.contact, released.token), Dialled)

    assert not account.company.answers
    assert dialing.way_out.is_open


def test_a_worker_that_stops_leaves_who_waits_to_another_one(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    (released,) = account.tick()
    stopping = account.dialing
    stopping.stop()

    dropped = stopping.dial(released.contact, released.token)

    assert dropped in FOR_OTHERS
    assert account.company.posts == []
    assert isinstance(account.dial(released), Dialled)
    assert account.contact(campaign).made == 1


def test_a_provider_that_turns_a_request_away_is_left_alone_for_as_long_as_it_says(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    account.company.answers.append(Answer.UNAVAILABLE)

    done = account.dial_one()

    assert done.attempt.outcome is Outcome.TURNED_AWAY
    assert account.pacing.rate().blocked_for_s == pytest.approx(20)
    assert account.pacing.rate().limit == account.pacing.allowance.requests
    assert account.contact(campaign).charged == 0


def test_what_the_provider_says_is_left_of_its_window_is_heeded(account, db):
    store_campaign(db, [pair(1, 1)])
    account.company.headers = {"X-RateLimit-Limit": "200", "X-RateLimit-Remaining": "0"}

    account.dial_one()

    assert account.pacing.take_slot("look") > 0


def test_wrong_credentials_stop_the_account_and_one_contact_a_minute_tries_again(account, db):
    store_campaign(db, [pair(n, n) for n in range(3)])
    (first, *_) = account.tick()
    account.company.answers.append(Answer.NO_CREDENTIALS)
    account.dial(first)
    assert account.feeding.tick().held_by == "stopped"
    db.pass_time(61)

    account.company.answers.append(Answer.NO_CREDENTIALS)
    (probe,) = account.tick()
    account.dial(probe)
    assert account.tick() == ()

    db.pass_time(61)
    account.dial_one()
    assert len(account.tick()) == 2
    check_conservation(db)


def test_a_stopped_account_is_tried_whatever_waits_in_the_queue_once_there_is_somebody_to_dial(
    account, db
):
    campaign = store_campaign(db, [pair(1, 1)])
    account.company.answers.append(Answer.NO_CREDENTIALS)
    account.dial_one()
    account.campaigns.move(account.campaigns.find(campaign), CampaignState.PAUSED)
    db.pass_time(61)
    assert account.tick(queued=3) == ()

    account.campaigns.move(account.campaigns.find(campaign), CampaignState.RUNNING)

    (probe,) = account.tick(queued=3)
    assert isinstance(account.dial(probe), Dialled)
    assert len(account.company.calls) == 1


def test_an_empty_balance_waits_for_a_person(account, db):
    store_campaign(db, [pair(1, 1)])
    account.company.answers.append(Answer.NO_BALANCE)
    account.dial_one()

    db.pass_time(86_400)

    assert account.tick() == ()
    assert account.feeding.tick().held_by == "stopped"


def test_a_slot_of_a_request_that_never_left_is_given_back(account, db):
    store_campaign(db, [pair(1, 1)])
    account.company.answers.append(Answer.NO_CONNECTION)

    account.dial_one()

    assert db.client.zcount(db.key("slots"), f"({db.now()}", "+inf") == 0


def test_a_slot_of_an_answered_request_is_kept_a_window_and_no_longer(account, db):
    store_campaign(db, [pair(1, 1)])

    account.dial_one()

    (slot,) = db.client.zrange(db.key("slots"), 0, -1, withscores=True)
    assert slot[1] - db.now() == pytest.approx(60.1, abs=0.01)


################################################################ unknown


@pytest.mark.parametrize("answer", [Answer.LOST, Answer.PLACED_UNHEARD])
def test_a_request_without_an_answer_is_quarantined_charged_and_not_sent_again(account, db, answer):
    campaign = store_campaign(db, [pair(1, 1), pair(1, 2), pair(2, 1)])
    account.company.answers.append(answer)

    done = account.dial_one()

    assert done.attempt.state is AttemptState.UNKNOWN
    record = account.contact(campaign, done.attempt_id.n)
    assert (record.state, record.charged) == (ContactState.UNRESOLVED, 1)
    db.pass_time(600)
    for one in account.dial_all():
        assert isinstance(one, Dialled)
        assert not {one.attempt.agent, one.attempt.customer} & set(record.numbers)
    assert account.company.posts.count(str(done.attempt_id)) == 1
    check_conservation(db)


def test_a_callback_finds_a_quarantined_call_and_settles_it(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    account.company.answers.append(Answer.PLACED_UNHEARD)
    account.dial_one()
    (call,) = account.company.calls

    account.company.end(call)
    tell(account, call)
    db.pass_time(5)
    account.sweeping.sweep()  # a callback alone proves nothing: whoever learns its path can send one

    assert account.contact(campaign).outcome is Outcome.CONNECTED
    assert account.state(campaign) == "completed"
    check_conservation(db)


def test_a_forged_end_of_a_quarantined_call_frees_nobody(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    done, _ = account.dial_unheard()

    account.settling.report(done.attempt_id, terminal("forged"), at=db.now())
    db.pass_time(5)
    account.sweeping.sweep()

    assert account.contact(campaign).state is not ContactState.FINAL
    assert set(db.client.hvals(db.key("busy"))) == {str(done.attempt_id).encode()}
    check_conservation(db)


def test_a_callback_under_way_takes_a_call_out_of_quarantine(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    done, call = account.dial_unheard()

    account.settling.report(done.attempt_id, answered(call.sid, 1, at_s=db.now()), at=db.now())

    assert account.contact(campaign).state is ContactState.DIALING
    check_conservation(db)


################################################################ callbacks that are faster


def test_a_callback_before_the_response_binds_and_the_response_agrees(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    account.company.while_posting = lambda call: tell_answered(account, call)

    done = account.dial_one()

    assert done.attempt.sid == account.company.calls[0].sid
    assert done.attempt.http_status == 200
    assert account.counts(campaign).dialing == 1
    check_conservation(db)


def test_a_call_that_ended_before_the_response_stays_ended(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    account.company.while_posting = lambda call: tell(account, call)

    done = account.dial_one()

    assert done.attempt.outcome is Outcome.CONNECTED
    assert account.state(campaign) == "completed"
    check_conservation(db)


@pytest.mark.parametrize("customer_status", ["completed", "busy"])
def test_a_lost_response_changes_nothing_once_a_callback_has_ended_the_call(
    account, db, customer_status
):
    """The contact may be in its next attempt already: nothing of the old one may touch it."""
    campaign = store_campaign(db, [pair(1, 1)], retry=("customer_busy=0s",))

    def end_and_dial_again(call: Call) -> None:
        if len(account.company.calls) > 1:
            return
        tell(account, call, customer_status=customer_status, talk_s=0)
        account.dial_all()

    account.company.while_posting = end_and_dial_again
    account.company.answers.extend([Answer.PLACED_UNHEARD, Answer.PLACED])

    account.dial_one()

    counts = account.counts(campaign)
    assert counts.unresolved == 0
    check_conservation(db)


def test_a_lost_response_leaves_a_call_under_way_in_flight(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    account.company.while_posting = lambda call: tell_answered(account, call)
    done, _ = account.dial_unheard()

    assert done.attempt.state is AttemptState.PLACED
    assert account.counts(campaign).dialing == 1
    assert account.counts(campaign).unresolved == 0
    check_conservation(db)


def test_the_responses_sid_wins_over_a_foreign_one_that_came_first(account, db):
    store_campaign(db, [pair(1, 1)])

    def forged(call: Call) -> None:
        id_ = AttemptId.parse(call.attempt_id)
        assert id_
        account.settling.report(id_, answered("f" * 32, 1, at_s=db.now()), at=db.now())

    account.company.while_posting = forged
    done = account.dial_one()

    sid = account.company.calls[0].sid
    assert done.attempt.sid == sid
    assert Attempts(db).owner(sid) == str(done.attempt_id)
    tell(account, account.company.calls[0])
    assert account.attempts.get(done.attempt_id).outcome is Outcome.CONNECTED
    check_conservation(db)


def test_one_sid_belongs_to_one_attempt(account, db):
    """A provider that names the same call twice must not settle two contacts by it."""
    campaign = store_campaign(db, [pair(1, 1), pair(2, 2)])
    first, second = account.tick()
    account.dial(first)
    account.company.same_sid_again = True

    done = account.dial(second)

    assert isinstance(done, Dialled)
    assert done.attempt.sid is None
    assert account.counts(campaign).unresolved == 1
    check_conservation(db)


def test_a_sid_belongs_to_its_attempt_the_whole_next_day(account, db):
    db.clock_s = (db.now() // DAY_S + 1) * DAY_S - 1  # the last second of a day
    store_campaign(db, [pair(1, 1), pair(2, 2)])
    first, second = account.tick()
    owner = account.dial(first)
    account.company.same_sid_again = True

    db.pass_time(2)
    done = account.dial(second)

    assert isinstance(done, Dialled)
    assert done.attempt.sid is None
    assert Attempts(db).owner(owner.attempt.sid) == str(owner.attempt_id)
    kept_s = [db.client.ttl(one) for one in db.client.scan_iter(db.key("sids", "*"))]
    assert min(kept_s) >= DAY_S
    check_conservation(db)


@pytest.mark.parametrize(("asked_for_s", "closed_for_s"), [(120, 120), (10, 30)])
def test_p18_of_a_row_of_unknowns_and_what_the_provider_asked_for_the_longer_wait_counts(
    account, db, asked_for_s, closed_for_s
):
    store_campaign(db, [pair(n, n) for n in range(1, 12)])
    account.company.answers.extend([Answer.LOST] * 11)
    *first, last = account.tick()
    for one in first:
        account.dial(one)
    account.company.before_answering = lambda: account.pacing.close_for(asked_for_s)

    account.dial(last)

    assert account.pacing.rate().blocked_for_s == pytest.approx(closed_for_s)

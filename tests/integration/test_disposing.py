"""What an agent says came of a conversation: kept once, followed at once, and in every sum."""

import csv
from concurrent.futures import ThreadPoolExecutor

import pytest

from campaigns.attempt import LegReport, Outcome
from campaigns.contact_state import ContactState
from dialer.ids import ContactId
from dialer.reporting.files import Format
from dialer.settling.disposing import NotDisposed, Said, dispose
from dialer.steering.calling_back import call_back
from dialer.store.suppressed import SuppressionList
from tests import books_kit
from tests.books_kit import everything_in
from tests.conservation import check_conservation
from tests.factories import agent, customer, details, pair, store_campaign

WORDS = ("sale", "wrong_number:final", "do_not_call:suppress", "call_back:retry=1d")
WITHIN_S = 600


@pytest.fixture
def campaign(account, db):
    """A campaign whose one contact was talked to, and whose second one waits for its agent."""
    id_ = talked_campaign(account, db)
    check_conservation(db)
    return id_


def talked_campaign(account, db, **rules):
    rules = {"disposition": WORDS, "disposition_within_s": WITHIN_S} | rules
    id_ = store_campaign(db, [pair(1, 1)], **rules)
    account.dial_and_end()
    return id_


def say(account, campaign, name, *, n=1, **more):
    said = Said(name, by="Asha", **more)
    return dispose(account.db, account.settling, ContactId(campaign, n), said)


################################################################ open


def test_a_contact_stays_open_until_a_disposition_and_its_campaign_goes_on(account, campaign):
    account.tick()

    assert account.contact(campaign).state is ContactState.OPEN
    counts = account.counts(campaign)
    assert (counts.open, counts.accepted, counts.final) == (1, 1, 0)
    assert account.state(campaign) == "running"


def test_where_nobody_says_anything_the_outcomes_rule_holds_in_the_end(account, db, campaign):
    db.pass_time(WITHIN_S + 1)
    account.tick()

    found = account.contact(campaign)
    assert (found.state, found.outcome) == (ContactState.FINAL, Outcome.CONNECTED)
    assert account.state(campaign) == "completed"
    check_conservation(db)


def test_a_machine_is_called_again_by_its_rule_once_nobody_said_anything(account, db):
    campaign = store_campaign(
        db, [pair(1, 1)], disposition=WORDS, disposition_within_s=60, retry=["machine=2h"]
    )
    done = account.dial_one()
    report = details(done.attempt.sid, customer_leg=LegReport("completed", 30, "machine"))
    account.settling.report(done.attempt_id, report, at=db.now())
    assert account.contact(campaign).state is ContactState.OPEN

    db.pass_time(61)
    account.tick()

    found = account.contact(campaign)
    assert found.state is ContactState.WAITING
    assert found.due_s == pytest.approx(db.now() + 7200, abs=70)
    check_conservation(db)


def test_a_campaign_without_dispositions_closes_its_contacts_at_once(account, db):
    campaign = talked_campaign(account, db, disposition=())

    assert account.contact(campaign).state is ContactState.FINAL
    with pytest.raises(NotDisposed, match="asks for no dispositions"):
        say(account, campaign, "sale")


def test_a_call_that_did_not_connect_leaves_nothing_open(account, db):
    campaign = store_campaign(db, [pair(1, 1)], disposition=WORDS)
    account.dial_and_end(customer_status="busy")

    assert account.contact(campaign).state is ContactState.WAITING
    with pytest.raises(NotDisposed, match="was not talked to: the call ended as customer_busy"):
        say(account, campaign, "sale")
    check_conservation(db)


def test_a_campaign_that_is_cancelled_waits_for_nobodys_word(account, db, campaign):
    account.campaigns.move(account.campaigns.find(campaign), "cancelling")
    account.tick()

    found = account.contact(campaign)
    assert (found.state, found.outcome) == (ContactState.FINAL, Outcome.CONNECTED)
    assert account.state(campaign) == "cancelled"
    say(account, campaign, "call_back", note="she asked for it")
    assert account.contact(campaign).outcome is Outcome.CONNECTED
    assert account.counts(campaign).dispositions == {"call_back": 1}
    db.pass_time(WITHIN_S + 1)
    account.tick()
    check_conservation(db)


def test_a_conversation_that_ends_after_the_cancellation_leaves_nothing_open(account, db):
    campaign = store_campaign(db, [pair(1, 1), pair(1, 2)], disposition=WORDS)
    account.dial_one()
    account.campaigns.move(account.campaigns.find(campaign), "cancelling")
    account.tick()
    assert account.state(campaign) == "cancelling"

    account.end_all()

    assert account.contact(campaign).outcome is Outcome.CONNECTED
    assert account.state(campaign) == "cancelled"
    check_conservation(db)


def test_whom_a_machine_would_have_been_called_for_again_is_cancelled_with_the_campaign(
    account, db
):
    campaign = store_campaign(db, [pair(1, 1)], disposition=WORDS, retry=["machine=2h"])
    done = account.dial_one()
    report = details(done.attempt.sid, customer_leg=LegReport("completed", 30, "machine"))
    account.settling.report(done.attempt_id, report, at=db.now())

    account.campaigns.move(account.campaigns.find(campaign), "cancelling")
    account.tick()

    assert account.contact(campaign).outcome == "cancelled"
    assert account.state(campaign) == "cancelled"
    check_conservation(db)


################################################################ what follows


@pytest.mark.parametrize("name", ["sale", "wrong_number", "do_not_call"])
def test_a_contact_that_is_done_with_is_closed_and_so_is_its_campaign(account, db, campaign, name):
    after = say(account, campaign, name, note="  she  agreed ")

    assert (after.disposition, after.disposition_by, after.note) == (name, "Asha", "she agreed")
    assert after.disposition_at == pytest.approx(db.now())
    found = account.contact(campaign)
    assert (found.state, found.outcome) == (ContactState.FINAL, Outcome.CONNECTED)
    assert account.counts(campaign).dispositions == {name: 1}
    assert account.state(campaign) == "completed"
    check_conservation(db)


def test_who_wants_to_be_called_back_is_called_then(account, db, campaign):
    say(account, campaign, "call_back")

    found = account.contact(campaign)
    assert (found.state, found.due_s) == (
        ContactState.WAITING,
        pytest.approx(db.now() + 86400, abs=2),
    )
    check_conservation(db)
    db.pass_time(86401)
    account.dial_one()
    check_conservation(db)


def test_an_instant_goes_before_what_would_follow(account, db, campaign):
    say(account, campaign, "sale", call_back_at=db.in_s(3600))

    assert account.contact(campaign).due_s == pytest.approx(db.now() + 3600, abs=2)
    check_conservation(db)


def test_do_not_call_is_in_force_before_the_next_gate_of_any_campaign(account, db, campaign):
    other = store_campaign(db, [pair(2, 1)], name="other")
    (released,) = account.tick()

    say(account, campaign, "do_not_call")
    account.dial(released)

    assert len(account.company.calls) == 1
    assert account.contact(other).outcome == "suppressed"
    ((number, _),) = SuppressionList.of(db, None).entries()
    assert number == customer(1)[1:]
    check_conservation(db)


def test_do_not_call_may_be_said_wherever_dispositions_are(account, db):
    campaign = talked_campaign(account, db, disposition=("sale",))

    say(account, campaign, "do_not_call")

    assert dict(SuppressionList.of(db, None).entries())


################################################################ whose, and how often


def test_a_disposition_for_somebody_elses_contact_is_refused(account, db, campaign):
    with pytest.raises(NotDisposed, match="is not this agent's"):
        say(account, campaign, "sale", agent=agent(2))

    assert account.contact(campaign).state is ContactState.OPEN
    say(account, campaign, "sale", agent=agent(1))
    check_conservation(db)


@pytest.mark.parametrize(
    ("name", "why"),
    [("nice", "no disposition here; use sale, wrong_number"), ("", "no disposition here")],
)
def test_a_word_that_the_campaign_has_not_is_refused_with_those_it_has(
    account, campaign, name, why
):
    with pytest.raises(NotDisposed, match=why):
        say(account, campaign, name)


@pytest.mark.parametrize("note", ["x" * 501, "a\x1bb"])
def test_a_note_is_a_line_for_people(account, campaign, note):
    with pytest.raises(NotDisposed, match="note"):
        say(account, campaign, "sale", note=note)


def test_saying_it_twice_is_saying_it_once(account, db, campaign):
    first = say(account, campaign, "call_back", agent=agent(1))
    due_s = account.contact(campaign).due_s
    db.pass_time(5)

    assert say(account, campaign, "call_back", agent=agent(1)) == first
    assert account.contact(campaign).due_s == due_s
    assert account.counts(campaign).dispositions == {"call_back": 1}
    check_conservation(db)


def test_many_who_speak_at_once_are_heard_once(account, db, campaign):
    def speak(name):
        try:
            return say(account, campaign, name, agent=agent(1)).disposition
        except NotDisposed:
            return None

    with ThreadPoolExecutor(8) as pool:
        heard = set(pool.map(speak, ["sale", "wrong_number", "call_back"] * 5)) - {None}

    assert len(heard) == 1
    assert account.counts(campaign).dispositions == dict.fromkeys(heard, 1)
    check_conservation(db)


def test_agents_may_not_change_their_word_but_the_desk_may(account, db, campaign):
    say(account, campaign, "sale", agent=agent(1))
    with pytest.raises(NotDisposed, match="has its disposition already, sale"):
        say(account, campaign, "wrong_number", agent=agent(1))

    say(account, campaign, "wrong_number")

    assert account.counts(campaign).dispositions == {"wrong_number": 1}
    check_conservation(db)


def test_the_desk_may_close_who_was_to_be_called_back(account, db, campaign):
    say(account, campaign, "call_back")

    say(account, campaign, "wrong_number")

    assert account.contact(campaign).state is ContactState.FINAL
    assert account.state(campaign) == "completed"
    check_conservation(db)


def test_the_desk_may_have_who_was_closed_called_back_while_the_campaign_goes_on(account, db):
    rules = {"disposition": WORDS, "disposition_within_s": WITHIN_S}
    campaign = store_campaign(db, [pair(1, 1), pair(1, 2)], **rules)
    account.dial_and_end()
    say(account, campaign, "sale")

    say(account, campaign, "call_back")

    assert account.contact(campaign).state is ContactState.WAITING
    check_conservation(db)


def test_nobody_takes_back_that_a_customer_is_never_to_be_called(account, db, campaign):
    say(account, campaign, "do_not_call")

    with pytest.raises(NotDisposed, match="that stays"):
        say(account, campaign, "sale")

    assert dict(SuppressionList.of(db, None).entries())
    check_conservation(db)


def test_a_late_word_is_kept_and_changes_nothing_that_is_over(account, db, campaign):
    db.pass_time(WITHIN_S + 1)
    account.tick()

    say(account, campaign, "call_back", agent=agent(1))

    assert account.contact(campaign).state is ContactState.FINAL
    assert account.counts(campaign).dispositions == {"call_back": 1}
    check_conservation(db)


def test_a_call_that_is_not_over_has_no_disposition_yet(account, db):
    campaign = store_campaign(db, [pair(1, 1)], disposition=WORDS)
    account.dial_one()

    with pytest.raises(NotDisposed, match="still on its call"):
        say(account, campaign, "sale")
    check_conservation(db)


def test_an_operator_may_have_an_open_contact_called_back(account, db, campaign):
    call_back(db, ContactId(campaign, 1), db.in_s(60))

    assert account.contact(campaign).state is ContactState.WAITING
    check_conservation(db)
    db.pass_time(WITHIN_S)
    account.dial_one()
    check_conservation(db)


################################################################ the provider's later word


@pytest.mark.parametrize("said", [None, "sale"])
@pytest.mark.parametrize("retry", [["customer_busy=1h"], ["customer_busy=1hx0"]])
def test_a_conversation_that_never_was_follows_what_was_instead(account, db, said, retry):
    campaign = talked_campaign(account, db, retry=retry)
    (id_,) = [account.attempts.of_contact(ContactId(campaign, 1), 1).id]
    if said:
        say(account, campaign, said)
    sid = account.attempts.get(id_).sid

    for _ in range(3):  # seen, then believed
        db.pass_time(190)
        busy = details(sid, customer_status="busy", talk_s=0)
        account.settling.report(id_, busy, at=db.now())

    assert account.attempts.get(id_).outcome is Outcome.CUSTOMER_BUSY
    expected = ContactState.WAITING if retry[0].endswith("h") and not said else ContactState.FINAL
    assert account.contact(campaign).state is expected
    check_conservation(db)


################################################################ wrap-up


def two_for_one_agent(account, db, **rules):
    defaults = {"disposition": WORDS, "disposition_within_s": WITHIN_S, "wrap_up_s": 5}
    rules = {"wrap_up_until": "disposition", "wrap_up_longest_s": 120} | rules
    id_ = store_campaign(db, [pair(1, 1), pair(1, 2)], **defaults | rules)
    account.dial_and_end()
    return id_


def test_an_agent_rests_until_they_said_what_came_of_it(account, db):
    campaign = two_for_one_agent(account, db)
    db.pass_time(60)
    assert not account.tick()

    say(account, campaign, "sale")

    account.dial_one()
    check_conservation(db)


def test_who_says_it_at_once_still_rests_for_the_wrap_up(account, db):
    campaign = two_for_one_agent(account, db)
    say(account, campaign, "sale")
    assert not account.tick()

    db.pass_time(6)

    account.dial_one()


def test_a_wrap_up_does_not_wait_for_ever(account, db):
    two_for_one_agent(account, db)
    db.pass_time(119)
    assert not account.tick()

    db.pass_time(2)

    account.dial_one()


def test_a_late_word_about_one_call_does_not_end_the_rest_after_another(account, db):
    campaign = two_for_one_agent(account, db)
    db.pass_time(121)
    account.dial_and_end()
    say(account, campaign, "sale")  # of the first
    db.pass_time(6)

    assert account.contact(campaign, 2).state is ContactState.OPEN
    assert not account.db.client.zscore(db.key("resting"), agent(1)[1:]) <= db.now()
    check_conservation(db)


def test_calls_nobody_talked_in_are_rested_after_as_ever(account, db):
    campaign = store_campaign(
        db,
        [pair(1, 1), pair(1, 2)],
        disposition=WORDS,
        wrap_up_s=5,
        wrap_up_until="disposition",
    )
    account.dial_and_end(customer_status="busy")

    db.pass_time(6)

    account.dial_one()
    assert account.state(campaign) == "running"


################################################################ afterwards


@pytest.fixture
def two_talked(account, db):
    """Two conversations; of the first its agent said something, of the second nobody did."""
    rules = {"disposition": WORDS, "disposition_within_s": WITHIN_S}
    campaign = store_campaign(db, [pair(1, 1), pair(2, 2)], **rules)
    for dialled in account.dial_all():
        report = details(dialled.attempt.sid)
        account.settling.report(dialled.attempt_id, report, at=db.now())
    say(account, campaign, "sale", note="call 98765 43210", agent=agent(1))
    return campaign


def report_tables(account, campaign, tmp_path):
    found = account.campaigns.find(campaign)
    made = books_kit.report(account, found, tmp_path, tmp_path / "out", formats=[Format.CSV])
    tables = {one.name.split("_", 1)[1].rsplit("_", 1)[0]: one for one in made.files}
    return made.report, {
        name: [*csv.DictReader(path.read_text(encoding="utf-8").splitlines())]
        for name, path in tables.items()
    }


def test_reports_tell_what_was_said_and_that_nobody_said_anything(
    account, db, two_talked, tmp_path
):
    report, tables = report_tables(account, two_talked, tmp_path)

    first, second = tables["attempts"]
    assert (first["disposition"], first["disposition_by"]) == ("sale", "Asha")
    assert first["disposition_at"]
    assert first["note"] == "call 98765 43210"
    assert second["disposition"] == second["note"] == ""
    assert [one["disposition"] for one in tables["contacts"]] == ["sale", ""]
    assert [one["state"] for one in tables["contacts"]] == ["final", "open"]
    keys = {one["key"]: one["connected"] for one in tables["by_disposition"]}
    assert keys == {"open": "1", "sale": "1"}
    told = {str(one) for one in report.identities}
    assert "2 connected = 1 dispositioned + 1 open" in told
    assert "2 accepted = 0 waiting + 0 in_flight + 0 unresolved + 1 open + 1 final" in told


def test_what_was_said_goes_into_the_archive_and_is_reported_from_there(
    account, db, two_talked, tmp_path
):
    db.pass_time(WITHIN_S + 1)
    account.tick()
    books_kit.archive(account, account.campaigns.find(two_talked), tmp_path)

    _, tables = report_tables(account, two_talked, tmp_path)

    assert [one["disposition"] for one in tables["attempts"]] == ["sale", ""]
    assert tables["attempts"][0]["note"] == "call 98765 43210"


def test_a_purge_takes_the_note_and_leaves_the_sums(account, db, two_talked, tmp_path):
    db.pass_time(WITHIN_S + 1)
    account.tick()
    assert b"98765 43210" in everything_in(db.client)

    books_kit.purging_of(db, tmp_path).campaign(account.campaigns.find(two_talked))

    left = everything_in(db.client)
    assert b"98765 43210" not in left
    assert b"Asha" not in left
    report, _ = report_tables(account, two_talked, tmp_path)
    assert "2 connected = 1 dispositioned + 1 open" in {str(one) for one in report.identities}

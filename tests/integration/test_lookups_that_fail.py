"""P17: what the provider cannot answer for keeps nobody else waiting, and proves nothing."""

import json

import httpx
import pytest

from campaigns.attempt import AttemptState, Outcome
from campaigns.contact_state import ContactState
from campaigns.rules.retries import UnknownPolicy
from tests.factories import pair, store_campaign, terminal
from tests.phone_company import Answer

QUARANTINE_S = 2237


def refuse(company, is_bad, answer):
    """Let the company answer otherwise to every look-up that is about one of these calls."""
    look = company._look

    def answered(request):
        asked = str(request.url)
        if any(
            is_bad(call) and (call.sid in asked or _digits(call) in asked) for call in company.calls
        ):
            return answer(request)
        return look(request)

    company._look = answered


def _digits(call):
    return call.customer[1:]


def broken(_request):
    return httpx.Response(500)


def garbage(_request):
    return httpx.Response(200, content=b"<html>")


def silent(request):
    raise httpx.ReadTimeout("no answer", request=request)


@pytest.mark.parametrize("answer", [broken, garbage, silent])
@pytest.mark.parametrize("bad", [(0,), (22,), (44,), (0, 1), (7, 21, 40)])
def test_p17_a_row_that_fails_leaves_the_others_alone_in_the_same_sweep(account, db, answer, bad):
    campaign = store_campaign(db, [pair(n, n) for n in range(45)])  # more than two look-ups take
    account.dial_all()
    company = account.company
    sids = {company.calls[at].sid for at in bad}
    for call in company.calls:
        company.end(call)
    refuse(company, lambda call: call.sid in sids, answer)

    account.sweep_for(180, every_s=60)

    assert account.counts(campaign).final == 45 - len(bad)


@pytest.mark.parametrize("answer", [broken, garbage])
def test_p17_a_row_that_always_fails_is_asked_for_ever_more_seldom_and_then_given_up(
    account, db, answer
):
    campaign = store_campaign(db, [pair(1, 1), pair(2, 2)], unknown=UnknownPolicy.SKIP)
    account.dial_all()
    company = account.company
    company.end(company.calls[0])
    refuse(company, lambda call: call is company.calls[0], answer)

    account.sweep_for(QUARANTINE_S, every_s=60)
    asked = sum(company.calls[0].sid in look for look in company.looks)
    assert account.contact(campaign, 1).state is ContactState.DIALING
    account.sweep_for(1200, every_s=60)

    assert account.contact(campaign, 1).outcome is Outcome.UNKNOWN
    assert asked < QUARANTINE_S / 60


def test_p17_late_values_of_one_call_keep_those_of_the_others_from_nobody(account, db):
    store_campaign(db, [pair(n, n) for n in range(8)])
    done = account.dial_all()
    for one, call in zip(done, account.company.calls, strict=True):
        account.company.end(call)
        account.settling.report(one.attempt_id, terminal(call.sid), at=db.now())
    bad = account.company.calls[3]
    bad.details["Sid"] = None

    account.sweep_for(1500, every_s=60)

    prices = [account.attempts.get(one.attempt_id).price for one in done]
    assert [one is None for one in prices] == [call is bad for call in account.company.calls]
    assert db.client.zcard(db.key("late")) == 0


def test_p17_a_pair_whose_search_fails_leaves_the_other_pairs_alone(account, db):
    campaign = store_campaign(db, [pair(n, n) for n in range(5)], max_attempts=1)
    account.company.answers.extend([Answer.PLACED_UNHEARD] * 5)
    done = account.dial_all()
    for call in account.company.calls:
        account.company.end(call)
    find_several(account.company)
    refuse(account.company, lambda call: call is account.company.calls[2], broken)

    account.sweep_for(180, every_s=60)

    assert account.counts(campaign).final == 4
    assert account.attempts.get(done[2].attempt_id).state is AttemptState.UNKNOWN


def test_p17_a_search_cut_short_is_no_empty_one(account, db):
    campaign = store_campaign(db, [pair(1, 1)], unknown=UnknownPolicy.SKIP)
    account.company.answers.append(Answer.LOST)
    account.dial_one()
    endless(account.company)

    account.sweep_for(QUARANTINE_S + 600, every_s=60)

    assert account.contact(campaign).state is ContactState.UNRESOLVED


@pytest.mark.parametrize("shows", ["its call too", "nothing else"])
def test_p17_a_search_with_a_row_that_names_no_call_finds_what_is_there_and_is_no_empty_one(
    account, db, shows
):
    campaign = store_campaign(db, [pair(1, 1)], unknown=UnknownPolicy.SKIP)
    account.company.answers.append(Answer.PLACED_UNHEARD)
    account.dial_one()
    call = account.company.calls[0]
    account.company.end(call)
    with_stray_row(account.company, beside=shows == "its call too")

    account.sweep_for(180, every_s=60)
    if shows == "its call too":
        assert account.contact(campaign).outcome is Outcome.CONNECTED
        return
    account.sweep_for(QUARANTINE_S - 180, every_s=60)
    assert account.contact(campaign).state is ContactState.UNRESOLVED


def test_p17_a_call_far_down_a_long_list_is_found(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    account.company.answers.append(Answer.PLACED_UNHEARD)
    account.dial_one()
    account.company.end(account.company.calls[0])
    endless(account.company, until=9)

    account.sweep_for(180, every_s=60)

    assert account.contact(campaign).outcome is Outcome.CONNECTED


def test_p17_while_the_provider_answers_nobody_a_sweep_asks_a_few_times_only(account, db):
    store_campaign(db, [pair(n, n) for n in range(60)])
    account.dial_all()
    account.company.look_status = 500
    db.pass_time(121)

    assert account.sweeping.sweep().requests <= 6


def find_several(company):
    """Let the company search for several pairs at once."""
    look = company._look

    def answered(request):
        asked = request.url.params
        if "From" not in asked:
            return look(request)
        pairs = (asked["From"].split(","), asked["To"].split(","))
        found = [one for one in company.calls if one.agent in pairs[0] and one.customer in pairs[1]]
        return page([company._fields(one) for one in found if one.is_over])

    company._look = answered


def with_stray_row(company, *, beside):
    """Let each search show a row without a Sid, beside the calls or in their place."""
    look = company._look

    def answered(request):
        asked = request.url.params
        if "From" not in asked:
            return look(request)
        calls = [company._fields(one) for one in company.calls] if beside else []
        return page([{"From": asked["From"], "To": asked["To"]}, *calls])

    company._look = answered


def endless(company, until=10**6):
    """Let each search have a next page, all empty but the last."""
    look = company._look

    def answered(request):
        asked = request.url.params
        if "From" not in asked and "page" not in asked:
            return look(request)
        at = int(asked.get("page", 0)) + 1
        if at == until:
            return page([company._fields(one) for one in company.calls])
        return page([], next_page=f"/v1/Accounts/acct1/Calls.json?page={at}")

    company._look = answered


def page(calls, next_page=None):
    body = {"Metadata": {"NextPageUri": next_page}, "Calls": calls}
    return httpx.Response(200, content=json.dumps(body))

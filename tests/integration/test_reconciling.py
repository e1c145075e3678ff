"""Our attempts against the provider's own list, asked for within the allowance."""

import csv
import json

import httpx
import pytest

from campaigns.attempt import AttemptState, Outcome
from dialer.clock import boottime_s, sleep
from dialer.errors import LookupFailed
from dialer.exotel import Exotel
from dialer.pacing import Allowance, Pacing
from dialer.reporting.reconciling import Reconciling
from dialer.settling.lookups import Lookups
from tests.phone_company import IST
from tests.report_samples import AS_OF, CAMPAIGN, NONCE, START_S, attempt, line, source

OTHER = f"zzzzzzzz-1-1-{NONCE}"


def call(sid, **changed):
    """A connected call as the bulk list prints it, at 18:15 in India."""
    plain = {
        "Sid": sid,
        "Status": "completed",
        "From": "09000000001",
        "To": "09800000001",
        "DateCreated": "2026-11-23 18:15:01",
        "Duration": "80",
        "Price": "0.650",
        "Details": {
            "ConversationDuration": 60,
            "Leg1Status": "completed",
            "Leg2Status": "completed",
            "Legs": [{"Leg": {"Id": 1, "OnCallDuration": 70}}, {"Leg": {"Id": 2}}],
        },
    }
    return plain | changed


class Provider:
    """A provider with a list of calls, newest first, in pages of two."""

    def __init__(self, calls, *, hidden=(), custom_fields=None):
        self.calls = calls
        self.hidden = hidden
        self.custom_fields = custom_fields or {}
        self.asked = []
        self.client = Exotel(
            account_sid="acct",
            api_key="k",
            api_token="t",
            base_url="https://api.example.com",
            details_base_url="https://ccm.example.com",
            timezone=IST,
            clock_s=boottime_s,
            transport=httpx.MockTransport(self.answer),
        )

    def answer(self, request):
        asked = request.url.params
        self.asked.append(request.url)
        if request.url.host == "ccm.example.com":
            return self.v3(request.url.path.rsplit("/", 1)[1])
        if "Sid" in asked:
            wanted = asked["Sid"].split(",")
            return self.page([one for one in self.calls if one["Sid"] in wanted], None)
        first = int(asked.get("After", 0))
        listed = [one for one in self.calls if one["Sid"] not in self.hidden]
        after = f"{request.url.path}?After={first + 2}" if len(listed) > first + 2 else None
        return self.page(listed[first : first + 2], after)

    def page(self, calls, after):
        body = {"Metadata": {"NextPageUri": after}, "Calls": calls}
        return httpx.Response(200, content=json.dumps(body))

    def v3(self, sid):
        told = {"sid": sid, "state": "terminal", "custom_field": self.custom_fields.get(sid)}
        return httpx.Response(200, content=json.dumps({"response": {"call_details": told}}))


@pytest.fixture
def reconcile(db):
    def run(lines, provider, **options):
        pacing = Pacing(db, Allowance(requests=100_000))
        lookups = Lookups(provider.client, pacing, sleep=sleep)
        reconciling = Reconciling(lookups, owner_of=lambda _: None)
        return reconciling.reconcile(CAMPAIGN, lines, as_of=AS_OF, **options)

    return run


NONE = dict.fromkeys(("matched", "different", "missing", "extra", "unreadable"), 0)


def verdicts(result):
    return dict(zip(result.calls["call_sid"], result.calls["verdict"], strict=True))


def test_calls_both_sides_know_match_over_all_pages(reconcile):
    lines = [line(n, attempt(sid=f"s{n}")) for n in range(1, 6)]
    provider = Provider([call(f"s{n}") for n in range(5, 0, -1)])

    result = reconcile(lines, provider)

    assert verdicts(result) == {f"s{n}": "matched" for n in range(1, 6)}
    assert result.counts == dict(NONE, matched=5)
    assert result.requests == len(provider.asked) == 3
    assert result.disagreeing() == []


def test_the_period_of_the_campaign_is_asked_for_with_a_margin_for_clocks(reconcile):
    provider = Provider([])

    reconcile([line(1, attempt(sid="s1"))], provider)

    assert provider.asked[0].params["DateCreated"] == (
        "gte:2026-11-23 18:10:00;lte:2026-11-23 18:20:00"
    )


def test_a_longer_period_is_asked_for_month_by_month(reconcile):
    lines = [
        line(1, attempt(sid="s1", requested_at=START_S - 45 * 86_400)),
        line(2, attempt(sid="s2")),
    ]
    provider = Provider([])

    reconcile(lines, provider)

    listed = [url for url in provider.asked if "DateCreated" in url.params]
    assert len(listed) == 2


def test_a_call_the_list_left_out_is_asked_for_by_its_sid_before_it_is_missing(reconcile):
    lines = [line(1, attempt(sid="s1")), line(2, attempt(sid="s2"))]
    provider = Provider([call("s1"), call("s2")], hidden={"s2"})

    result = reconcile(lines, provider)

    assert verdicts(result) == {"s1": "matched", "s2": "matched"}


@pytest.mark.parametrize("row", [{"Sid": None}, {"Sid": "a b"}, {"Sid": None, "From": None}])
def test_p17_a_row_that_names_no_call_is_set_aside_and_the_others_are_compared(reconcile, row):
    """What stands behind it is asked for by its Sid; that answer too may not be readable."""
    lines = [line(n, attempt(sid=f"s{n}")) for n in range(1, 31)]
    stray = call("s2") | row
    provider = Provider([call("s1"), stray, *(call(f"s{n}") for n in range(3, 31))])
    provider.page = with_stray(provider.page, stray)

    result = reconcile(lines, provider)

    assert verdicts(result).pop("s2") == "unreadable"
    assert result.counts == dict(NONE, matched=29, unreadable=1)
    assert len(result.unreadable) == 1
    assert [one["call_sid"] for one in result.disagreeing()] == ["s2"]


def test_p17_a_call_whose_row_names_none_is_compared_when_it_is_told_by_its_sid(reconcile):
    lines = [line(1, attempt(sid="s1")), line(2, attempt(sid="s2"))]
    provider = Provider([call("s1"), call("s2")], hidden={"s2"})
    provider.page = with_stray(provider.page, call(None), by_sid=False)

    result = reconcile(lines, provider)

    assert result.counts == dict(NONE, matched=2)
    assert len(result.unreadable) == 1


def test_p17_a_row_that_shows_that_it_is_not_of_this_campaign_is_passed_over(reconcile):
    provider = Provider([call(None, To="09812345678"), call(None, CustomField=OTHER), call("s1")])

    result = reconcile([line(1, attempt(sid="s1"))], provider)

    assert result.counts == dict(NONE, matched=1)
    assert result.unreadable == []


def test_a_provider_that_answers_for_no_sid_at_all_fails_the_comparison(reconcile):
    lines = [line(n, attempt(sid=f"s{n}")) for n in range(1, 41)]
    provider = Provider([])
    listed = provider.answer

    def broken(request):
        return httpx.Response(500) if "Sid" in request.url.params else listed(request)

    provider.client._transport = httpx.MockTransport(broken)

    with pytest.raises(LookupFailed):
        reconcile(lines, provider)


def with_stray(page, stray, *, by_sid=True):
    """Let a page of the list have this row, and the answer about its call nothing else."""

    def strayed(calls, after):
        body = json.loads(page(calls, after).content)
        if by_sid and not calls:
            body["Calls"] = [stray]
        if not by_sid and after is None and len(calls) == 1 and calls[0]["Sid"] == "s1":
            body["Calls"] = [*calls, stray]
        return httpx.Response(200, content=json.dumps(body))

    return strayed


def test_a_sid_the_provider_does_not_know_is_missing(reconcile):
    result = reconcile([line(1, attempt(sid="s1"))], Provider([]))

    assert verdicts(result) == {"s1": "missing"}
    assert result.disagreeing()[0]["attempt_id"] == f"{CAMPAIGN}-1-1-{NONCE}"


def test_what_differs_is_told_with_both_sides_values(reconcile):
    provider = Provider([call("s1", Price="0.900", Duration="81")])

    result = reconcile([line(1, attempt(sid="s1"))], provider)

    (one,) = result.disagreeing()
    assert (one["verdict"], one["differs"]) == ("different", "total_s price")
    assert (one["total_s"], one["total_s_provider"]) == (80, 81)


def test_a_call_that_claims_an_attempt_of_ours_and_whose_sid_we_do_not_know_is_extra(reconcile):
    lost = f"{CAMPAIGN}-1-1-{NONCE}"
    lines = [line(1, attempt(Outcome.UNKNOWN, sid=None))]

    result = reconcile(lines, Provider([call("s9", CustomField=lost)]))

    (one,) = result.disagreeing()
    assert (one["verdict"], one["call_sid"], one["attempt_id"]) == ("extra", "s9", lost)


def test_calls_of_others_are_passed_over(reconcile):
    lines = [line(1, attempt(sid="s1"))]
    provider = Provider([call("s1"), call("s2", CustomField=OTHER), call("s3", To="09111111111")])

    result = reconcile(lines, provider)

    assert verdicts(result) == {"s1": "matched"}
    assert result.foreign == 2


@pytest.mark.parametrize(("claims", "verdict"), [(OTHER, {}), (None, {"s2": "extra"})])
def test_a_pair_of_ours_without_what_we_sent_along_is_asked_about_in_v3(reconcile, claims, verdict):
    lines = [line(1, attempt(sid="s1"))]
    provider = Provider([call("s1"), call("s2")], custom_fields={"s2": claims})

    result = reconcile(lines, provider)

    assert verdicts(result) == {"s1": "matched"} | verdict


def test_a_live_call_is_counted_apart(reconcile):
    live = attempt(None, sid="s1", state=AttemptState.PLACED)

    result = reconcile([line(1, live)], Provider([call("s1")]))

    assert verdicts(result) == {}
    assert result.live == 1


def test_the_file_has_a_row_a_call(reconcile, tmp_path):
    lines = [line(1, attempt(sid="s1")), line(2, attempt(sid="s2"))]
    result = reconcile(lines, Provider([call("s1")]))

    path = result.write(tmp_path, campaign=source([]).campaign, as_of=AS_OF)

    assert path.name == "diwali_reconcile_20261124T181500+0530.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["call_sid"], row["verdict"]) for row in rows] == [
        ("s1", "matched"),
        ("s2", "missing"),
    ]
    assert rows[0]["talk_s"] == "60"


def test_progress_is_told_up_to_the_end(reconcile):
    told = []

    reconcile([line(1, attempt(sid="s1"))], Provider([call("s1")]), on_progress=told.append)

    assert told[-1] == 1.0
    assert told == sorted(told)

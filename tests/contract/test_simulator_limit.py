"""The simulator's limit is an exact log over a half-open rolling window."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from dialer.simulator import running
from dialer.simulator.limiter import RollingWindow
from tests.contract.simulator_kit import CONNECT, FAST, FORM, client_of, sample

ARRIVALS = st.lists(st.integers(0, 200), max_size=60).map(sorted)


@given(arrivals=ARRIVALS)
def test_no_window_ever_admits_more_than_the_limit_and_none_less_than_it_could(arrivals):
    window = RollingWindow(limit=3, window_s=10)
    admitted: list[int] = []

    for at_s in arrivals:
        in_window = sum(earlier > at_s - 10 for earlier in admitted)
        answer = window.admit(at_s)
        admitted += [at_s] * answer

        assert answer == (in_window < 3)


def test_a_request_exactly_one_window_later_is_admitted():
    window = RollingWindow(limit=1, window_s=60)

    answers = [window.admit(0.0), window.admit(59.999), window.admit(60.0)]

    assert answers == [True, False, True]


def test_rejected_requests_fill_the_window_only_when_told_to():
    strict = RollingWindow(limit=1, window_s=60, count_rejected=True)

    answers = [strict.admit(0.0), strict.admit(30.0), strict.admit(60.0), strict.admit(90.0)]

    assert answers == [True, False, False, False]


def test_the_wait_ends_when_the_oldest_request_leaves_the_window():
    window = RollingWindow(limit=2, window_s=60)
    window.admit(0.0)
    window.admit(10.0)

    wait_s = window.wait_s(15.0)

    assert wait_s == 45.0
    assert window.admit(60.0)


def test_one_request_too_many_gets_the_documented_429():
    with running(replace(FAST, rate_limit=2)) as url, client_of(url) as client:
        answers = [client.post(CONNECT, data=FORM) for _ in range(3)]

    refused = answers[-1].json()["RestException"]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert refused["Code"] == "RATE_LIMIT_EXCEEDED"
    assert refused.keys() == {"Status", "Message", "Code"}
    assert "Retry-After" not in answers[-1].headers


def test_when_to_come_again_is_told_only_by_option():
    options = replace(FAST, rate_limit=1, retry_after=True)
    with running(options) as url, client_of(url) as client:
        _, refused = (client.post(CONNECT, data=FORM) for _ in range(2))

    assert 55 <= int(refused.headers["Retry-After"]) <= 60


def test_reads_share_the_limit():
    with running(replace(FAST, rate_limit=1)) as url, client_of(url) as client:
        statuses = [client.get("/v1/Accounts/demo/Balance.json").status_code for _ in range(2)]

    assert statuses == [200, 429]


def test_reads_may_be_told_not_to_share_the_limit():
    options = replace(FAST, rate_limit=1, reads_share_limit=False)
    with running(options) as url, client_of(url) as client:
        statuses = [client.get("/v1/Accounts/demo/Balance.json").status_code for _ in range(3)]
        verdict = client.get("/_simulator/verdict").json()

    assert statuses == [200, 200, 200]
    assert (verdict["peak_in_window"], verdict["requests"]) == (0, 3)


def test_the_balance_looks_like_the_documented_one():
    with running(FAST) as url, client_of(url) as client:
        balance = client.get("/v1/Accounts/demo/Balance.json").json()

    documented = sample("balance.documented.json")
    assert balance["Account"].keys() == documented["Account"].keys()
    assert balance["Account"]["BalanceData"].keys() == documented["Account"]["BalanceData"].keys()
    assert balance["Account"]["BalanceData"]["Balance"] == "1543.75"  # nothing was called

"""A busy account for virtual hours: never over the limit, and close to what is possible."""

import os

import pytest

from dialer.pacing import Allowance
from tests.pacing_kit import UnspacedAllowance
from tests.pacing_simulation import (
    HEAVY,
    MILD,
    NETWORKS,
    FixedWindow,
    Gcra,
    SlidingLog,
    WeightedCounter,
    simulate,
)

# of each run; `make chaos` asks for two
HOURS = float(os.environ.get("PACING_HOURS", "0.1"))


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_slots_and_spacing_never_exceed_the_limit_and_use_nearly_all_of_it(db, network):
    outcome = simulate(db, Allowance(), network, hours=HOURS)

    assert outcome.most_in_window <= 200
    assert outcome.refused["sliding log"] == outcome.refused["fixed window"] == 0
    assert outcome.refused["weighted counter"] <= 5
    assert outcome.utilisation > outcome.bound - 0.015


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_slots_alone_never_exceed_the_limit_either(db, network):
    outcome = simulate(db, UnspacedAllowance(), network, hours=HOURS / 2)

    assert outcome.most_in_window == 200
    assert outcome.refused["sliding log"] == outcome.refused["fixed window"] == 0


def test_spacing_is_what_keeps_a_provider_that_counts_otherwise_content(db, redis_client):
    spaced = simulate(db, Allowance(), HEAVY, hours=HOURS)
    redis_client.flushdb()

    bursts = simulate(db, UnspacedAllowance(), HEAVY, hours=HOURS)

    assert spaced.refused["weighted counter"] < 5 < 200 < bursts.refused["weighted counter"]


@pytest.mark.parametrize("workers", [1, 3])
def test_the_slack_gives_back_what_waking_up_late_takes(db, redis_client, workers):
    strict = simulate(db, Allowance(), MILD, hours=HOURS / 2, workers=workers, slack_s=0.0)
    redis_client.flushdb()

    slack = simulate(db, Allowance(), MILD, hours=HOURS / 2, workers=workers)

    assert slack.most_in_window <= 200
    assert slack.utilisation > strict.utilisation
    assert slack.utilisation > 0.985


@pytest.mark.parametrize("phase_s", [0, 25, 50, 75])
def test_the_providers_of_the_simulation_count_as_their_names_say(phase_s):
    at_once, an_hour_later = [phase_s] * 30, [phase_s + 3600] * 30

    admitted = {
        type(provider): [sum(map(provider.admits, burst)) for burst in (at_once, an_hour_later)]
        for provider in (
            SlidingLog(20, 60),
            FixedWindow(20, 60),
            WeightedCounter(20, 60),
            Gcra(20, 60, burst=10),
        )
    }

    assert admitted == {
        SlidingLog: [20, 20],
        FixedWindow: [20, 20],
        WeightedCounter: [20, 20],
        Gcra: [10, 10],
    }

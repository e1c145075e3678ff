"""Each Redis command and each byte fails once: here a sample, all of them in `make chaos`."""

import random

import pytest

from tests.chaos.nth_byte import break_link
from tests.chaos.nth_operation import NEVER, Plan, When, run


@pytest.mark.parametrize("when", When)
def test_a_campaign_passes_whichever_redis_command_fails(
    redis_server, redis_client, tmp_path, when
):
    path = redis_client.connection_pool.connection_kwargs["path"]
    whole = Plan(NEVER, when)
    run(path, tmp_path / "whole", whole)
    redis_client.flushdb()
    for n in random.sample(range(1, whole.commands), 15):
        plan = Plan(n, when)

        run(path, tmp_path / str(n), plan)

        # the count varies a little with the waits drawn between attempts
        assert plan.struck or n > plan.commands, f"command {n} did not fail"
        redis_client.flushdb()


@pytest.mark.parametrize("up", [True, False], ids=["to the provider", "from the provider"])
def test_a_campaign_passes_wherever_the_link_to_the_provider_breaks(
    redis_client, tmp_path, provider, up
):
    broken = break_link(redis_client, tmp_path, provider, up=up, step=61)

    assert broken.unknown >= 3

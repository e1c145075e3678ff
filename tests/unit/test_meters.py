"""What processes measure adds up, and survives a Redis that is away."""

import pytest

from dialer.meters import ANSWER, CALLBACK_TO_SETTLED, LOOKUPS, Meters, readings


def test_a_reading_has_each_value_in_the_first_bucket_it_fits():
    meters = Meters()
    for seconds in (0.01, 0.011, 61.0):
        meters.observe(ANSWER, seconds, "200")

    [reading] = readings(meters.take())

    assert reading.labels == ("200",)
    assert reading.sum == 61.021
    assert (reading.buckets[0], reading.buckets[1], reading.buckets[-1]) == (1, 1, 1)
    assert sum(reading.buckets) == 3


def test_labels_of_any_text_are_told_apart():
    meters = Meters()
    meters.count(LOOKUPS, 'a","b')
    meters.count(LOOKUPS, "a", by=2)

    assert {one.labels: one.sum for one in readings(meters.take())} == {('a","b',): 1, ("a",): 2}


def test_many_that_are_noted_together_count_as_each_by_itself():
    together, one_by_one = Meters(), Meters()
    seconds = [-1.0, 0.0, 0.2, 0.2, 7.0, 1e6]

    together.observe_all(CALLBACK_TO_SETTLED, seconds)
    for one in seconds:
        one_by_one.observe(CALLBACK_TO_SETTLED, one)

    assert together.take() == pytest.approx(one_by_one.take())

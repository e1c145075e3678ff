"""What processes measure adds up, and survives a Redis that is away."""

from dialer.meters import ANSWER, LOOKUPS, Meters, readings


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

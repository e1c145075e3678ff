"""The clock in the test's hand: the one database whose scripts read an instant the test sets."""

from tests.pacing_kit import START_S, VirtualDatabase

__all__ = ["START_S", "VirtualDatabase"]

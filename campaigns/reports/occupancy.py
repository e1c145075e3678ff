"""How agents spent their time in a campaign: talking, waiting, wrapping up, on a break, idle.

The five add up to their shift. Seconds are whole: instants are cut to them first, so every sum is exact.
Calls are counted as they go by, some thousands at once; what is kept is five sums an agent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from campaigns.attempt import Outcome

Seconds = np.ndarray[Any, np.dtype[np.int64]]
Spans = Sequence[tuple[int, int]]
"""From and until, epoch s, one after the other."""


class Occupancy(NamedTuple):
    """Seconds of one agent, or of several.

    Args:
        wait_s: Held for a call without talking: rung, listening to the customer's phone, or nobody knew yet
            that it was over.
        wrap_up_s: At rest after a call.
        break_s: On a break, or left alone for missed calls.
        idle_s: There, and none of these; another campaign's call among it.
        shift_s: There within the campaign's hours, or at work for it.
    """

    talk_s: int = 0
    wait_s: int = 0
    wrap_up_s: int = 0
    break_s: int = 0
    idle_s: int = 0
    shift_s: int = 0

    @property
    def share(self) -> float | None:
        """At work, of the time without breaks; None: there was none."""
        there_s = self.shift_s - self.break_s
        return (there_s - self.idle_s) / there_s if there_s else None


NO_TIME = Occupancy()


@dataclass(frozen=True, slots=True)
class WrapUp:
    """How long agents rest after a call, s; after a conversation until its disposition, where `longest_s` is given."""

    rest_s: int = 0
    longest_s: int | None = None


@dataclass(frozen=True, slots=True)
class There:
    """When an agent was there."""

    on: Spans
    breaks: Spans = ()


@dataclass(frozen=True, slots=True)
class Presences:
    """When agents were there, within a campaign's time and hours.

    Args:
        usual: Of whoever is not among `agents`: they were there all the time.
        agents: By number, E.164.
        as_of: Epoch s; what is under way ends there.
    """

    usual: There = field(default_factory=lambda: There(()))
    agents: Mapping[str, There] = field(default_factory=dict)
    wrap_up: WrapUp = WrapUp()
    as_of: int = 0


NOBODY_TOLD = Presences()


def within(spans: Iterable[tuple[int, int]], windows: Spans) -> list[tuple[int, int]]:
    """Give what of some spans lies within windows."""
    parts = [(max(a, c), min(b, d)) for a, b in spans for c, d in windows]
    return sorted(one for one in parts if one[0] < one[1])


class Counted:
    """Counts calls as they go by."""

    def __init__(self, presences: Presences) -> None:
        self._presences = presences
        self._sums: dict[
            str, Seconds
        ] = {}  # of an agent: talk, wait, wrap-up, of these while on, on a break

    @property
    def agents(self) -> list[str]:
        """Those who were rung, by number."""
        return sorted(self._sums)

    def add(self, attempts: pa.Table) -> None:
        """Count some attempts."""
        if not len(attempts):
            return
        from_s, held_s, talk_s, rest_s = self._lengths(attempts)
        coded = pc.dictionary_encode(attempts["agent"].combine_chunks())
        names, codes = coded.dictionary.to_pylist(), coded.indices.to_numpy()
        ends_s, usual = from_s + held_s + rest_s, self._presences.usual
        on, breaks = (_inside(from_s, ends_s, spans) for spans in (usual.on, usual.breaks))
        order = np.argsort(codes, kind="stable")
        edges = pairwise(np.searchsorted(codes[order], np.arange(len(names) + 1)))
        for agent, (start, end) in zip(names, edges, strict=True):
            if there := self._presences.agents.get(agent):
                rows = order[start:end]
                on[rows] = _inside(from_s[rows], ends_s[rows], there.on)
                breaks[rows] = _inside(from_s[rows], ends_s[rows], there.breaks)
        parts = (talk_s, held_s - talk_s, rest_s, on, breaks)
        sums = [np.bincount(codes, one, len(names)).astype(np.int64) for one in parts]
        for agent, mine in zip(names, np.array(sums).T, strict=True):
            self._sums[agent] = self._sums.get(agent, 0) + mine

    def of(self, agent: str) -> Occupancy:
        """Give the times of an agent."""
        there = self._there(agent)
        talk, wait, wrap_up, on, breaks = self._sums.get(agent, np.zeros(5, np.int64)).tolist()
        idle, at_break = _length(there.on) - on, _length(there.breaks) - breaks
        # calls that overlap were lived twice: what Redis lost and found again, for one
        twice = max(0, -idle) + max(0, -at_break)
        outside = talk + wait + wrap_up - on - breaks
        shift = _length(there.on) + _length(there.breaks) + outside + twice
        return Occupancy(talk, wait, wrap_up, max(0, at_break), max(0, idle), shift)

    def _there(self, agent: str) -> There:
        return self._presences.agents.get(agent, self._presences.usual)

    def _lengths(self, attempts: pa.Table) -> tuple[Seconds, Seconds, Seconds, Seconds]:
        """Give when agents were taken, epoch s, and for how long they were held, talked and rested."""
        presences, wrap_up = self._presences, self._presences.wrap_up
        from_s, until_s = (
            _whole(attempts[name], presences.as_of) for name in ("requested_at", "settled_at")
        )
        has_sid = attempts["sid"].is_valid().to_numpy()
        was_connected = pc.equal(attempts["outcome"], Outcome.CONNECTED).fill_null(False)
        connected = has_sid & was_connected.to_numpy()
        talk_s = np.where(connected, _whole(attempts["talk_s"], 0), 0)
        held_s = np.maximum(np.maximum(until_s - from_s, talk_s), 0)
        has_rung = has_sid & attempts["settled_at"].is_valid().to_numpy()
        rest_s = np.full(len(attempts), wrap_up.rest_s)
        if wrap_up.longest_s is not None:
            said_after_s = _whole(attempts["disposition_at"], presences.as_of) - until_s
            waited_s = np.clip(said_after_s, wrap_up.rest_s, max(wrap_up.longest_s, wrap_up.rest_s))
            rest_s = np.where(connected, waited_s, rest_s)
        left_s = np.maximum(presences.as_of - until_s, 0)
        return from_s, held_s, talk_s, np.where(has_rung, np.minimum(rest_s, left_s), 0)


def _whole(column: pa.ChunkedArray, missing: int) -> Seconds:
    found: Seconds = column.fill_null(missing).to_numpy().astype(np.int64)
    return found


def _length(spans: Spans) -> int:
    return sum(until - from_ for from_, until in spans)


def _inside(begins: Seconds, ends: Seconds, spans: Spans) -> Seconds:
    """Give what of each call lies within some spans, s."""
    if not spans:
        return np.zeros(len(begins), dtype=np.int64)
    starts, stops = np.array(spans, dtype=np.int64).T
    before = np.concatenate([[0], np.cumsum(stops - starts)])

    def until(at: Seconds) -> Seconds:
        which = np.searchsorted(starts, at, side="right")
        last = np.maximum(which - 1, 0)
        inside = np.minimum(at, stops[last]) - starts[last]
        reached: Seconds = np.where(which > 0, before[last] + inside, 0)
        return reached

    return until(ends) - until(begins)

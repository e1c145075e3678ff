"""Figures for Prometheus, read from Redis when asked; docs/metrics.md is made from what stands here."""

from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from campaigns.campaign import CampaignState
from dialer.meters import METERS, PREFIX, Meter, Reading, readings
from dialer.store.campaign import PARTS
from dialer.store.measured import read_measured
from dialer.store.processes import ROLES
from dialer.watching.health import Health, RedisHealth, read_health, read_redis_health
from workers.wiring import Wiring

ACCOUNT = "account"
"""The first label of every figure that is an account's."""

_GOING_ON = (CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.CANCELLING)
_WEBHOOK = "webhook"
_CIRCUIT = ("closed", "open", "paused")


class Accounts:
    """Collects the figures of accounts, and of the Redis they stand on.

    Args:
        with_redis: That is for those who may see all accounts.
    """

    def __init__(self, wirings: Sequence[Wiring], *, with_redis: bool = True) -> None:
        self._wirings = wirings
        self._with_redis = with_redis

    def collect(self) -> Iterator[Metric]:
        """Read everything once per scrape."""
        families: dict[str, Metric] = {}
        for wiring in self._wirings:
            for family in _Account(wiring).collect():
                known = families.setdefault(family.name, family)
                if known is not family:
                    known.samples += family.samples
        yield from families.values()
        if self._with_redis:
            yield from _redis(read_redis_health(self._wirings[0].redis))


class _Account:
    """Collects the figures of one account."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    def collect(self) -> Iterator[Metric]:
        health = read_health(self._wiring.db)
        yield from self._pace(health)
        yield from self._work(health)
        yield from self._stops(health)
        yield from self._today()
        yield from self._contacts()
        yield from self._receivers(health.as_of)
        yield from self._measured()

    def _pace(self, health: Health) -> Iterator[Metric]:
        rate = self._wiring.pacing.rate()
        yield self._one("requests_last_minute", "Requests sent in 60 s.", rate.last_60_s)
        yield self._one("refused_last_minute", "429 answers in 60 s.", rate.refused_60_s)
        yield self._one("slots_used", "Of the request allowance.", health.work.slots_taken)
        yield self._one("slots_limit", "Requests allowed per window now.", rate.limit)
        yield self._one("gate_blocked_seconds", "The gate opens again in.", rate.blocked_for_s)

    def _work(self, health: Health) -> Iterator[Metric]:
        look = health.work.next_look
        late_s = max(0.0, health.as_of - look[1]) if look else 0.0
        yield self._one("messages_queued", "Messages that wait for a worker.", health.work.queued)
        yield self._one("callbacks_waiting", "Callbacks to settle.", health.work.callbacks)
        yield self._one(
            "callbacks_oldest_seconds", "Age of the oldest of them.", health.oldest_callback_s
        )
        yield self._one("calls_live", "Attempts without an outcome.", health.work.live)
        yield self._one("look_overdue_seconds", "The next look at them is late by.", late_s)
        yield self._one(
            "values_missing", "Ended calls without price or duration.", health.work.late
        )
        yield self._one("orphans", "Callbacks that nobody could place.", health.work.orphans)

    def _stops(self, health: Health) -> Iterator[Metric]:
        processes = self._of("processes", "Processes that give a sign of life.", "role")
        for role in ROLES:
            alive = sum(one.role == role for one in health.processes)
            processes.add_metric((self._account, role), alive)
        yield processes
        troubled = sum(bool(one.trouble) for one in health.processes)
        yield self._one("processes_refused", "Those that Redis refuses what they need.", troubled)
        yield self._one("processes_differing", "Those with other settings.", len(health.dissenters))
        yield self._one("hosts_sick", "Worker hosts that cannot send.", len(health.sick_hosts))
        yield self._one("held", "1: a hold stands, nothing is dialled.", bool(health.hold))
        yield self._one(
            "stopped", "1: the provider refuses the account.", bool(health.work.closed.stopped)
        )

    def _today(self) -> Iterator[Metric]:
        today = self._wiring.account_day.read()
        for (name, unit), one in zip(_OF_THE_DAY, today.uses, strict=True):
            yield self._one(f"day_{name}", "Of the account's day.", one.used * unit)
            yield self._one(f"day_{name}_limit", "Its cap; 0 = none.", one.most * unit)
        yield self._one("capped", "1: a cap of the day is reached.", bool(today.reached))
        yield self._one("burst", "1: far more calls than is usual.", bool(today.burst))

    def _contacts(self) -> Iterator[Metric]:
        going_on = list(self._wiring.campaigns.in_state(*_GOING_ON))
        paused = sum(one.state is CampaignState.PAUSED and bool(one.why) for one in going_on)
        yield self._one("campaigns_paused_by_dialer", "Paused, and not by a person.", paused)
        contacts = self._of("contacts", "Contacts by state.", "campaign", "state")
        for campaign, counts in self._wiring.campaigns.with_counts(going_on):
            for state in PARTS:
                contacts.add_metric((self._account, campaign.id, state), getattr(counts, state))
        yield contacts

    def _receivers(self, now_s: float) -> Iterator[Metric]:
        """Tell of each webhook; one that is gone takes its series along."""
        lines = self._wiring.receivers.all()
        waiting = [self._wiring.receivers.waiting(one) for one in lines]
        delivered = self._counter("webhook_delivered", "Events that a receiver took.")
        failed = self._counter("webhook_failed", "Deliveries that it did not take.")
        pending = self._of("webhook_pending", "Events that wait for it.", _WEBHOOK)
        oldest = self._of("webhook_oldest_seconds", "Age of the oldest of them.", _WEBHOOK)
        aside = self._of("webhook_aside", "Events that are tried by themselves.", _WEBHOOK)
        dead = self._of("webhook_dead", "Events that were given up.", _WEBHOOK)
        circuit = self._of("webhook_circuit", "1: it is in this state.", _WEBHOOK, "state")
        for line, left in zip(lines, waiting, strict=True):
            who, standing = (self._account, line.webhook.id), line.standing
            delivered.add_metric(who, standing.delivered)
            failed.add_metric(who, standing.failed)
            pending.add_metric(who, left.events)
            oldest.add_metric(who, max(0.0, now_s - left.oldest_at) if left.oldest_at else 0.0)
            aside.add_metric(who, standing.aside)
            dead.add_metric(who, standing.dead)
            for state in _CIRCUIT:
                circuit.add_metric((*who, state), state == standing.circuit)
        yield from (delivered, failed, pending, oldest, aside, dead, circuit)

    def _counter(self, name: str, what: str) -> CounterMetricFamily:
        return CounterMetricFamily(PREFIX + name, what, labels=(ACCOUNT, _WEBHOOK))

    def _measured(self) -> Iterator[Metric]:
        found: dict[str, list[Reading]] = {name: [] for name in METERS}
        for one in readings(read_measured(self._wiring.db)):
            found[one.meter.name].append(one)
        for name, those in found.items():
            yield _measured_family(METERS[name], self._account, those)

    @property
    def _account(self) -> str:
        return self._wiring.name

    def _of(self, name: str, what: str, *labels: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(PREFIX + name, what, labels=(ACCOUNT, *labels))

    def _one(self, name: str, what: str, value: float) -> GaugeMetricFamily:
        family = self._of(name, what)
        family.add_metric((self._account,), value)
        return family


_OF_THE_DAY = (("calls", 1), ("seconds", 60), ("spend", 1))
"""What is told of the account's day in the order of its uses, and how many of it make one of theirs."""


def registry_of(collector: Accounts) -> CollectorRegistry:
    """Make a registry of its own: two apps in one process do not meet in it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return registry


def _measured_family(meter: Meter, account: str, found: Sequence[Reading]) -> Metric:
    labels = (ACCOUNT, *meter.labels)
    if not meter.bounds:
        counter = CounterMetricFamily(PREFIX + meter.name, meter.help, labels=labels)
        for one in found:
            counter.add_metric((account, *one.labels), one.sum)
        return counter
    histogram = HistogramMetricFamily(PREFIX + meter.name, meter.help, labels=labels)
    bounds = [*map(str, meter.bounds), "+Inf"]
    for one in found:
        up_to = list(zip(bounds, accumulate(one.buckets), strict=True))
        histogram.add_metric((account, *one.labels), up_to, one.sum)
    return histogram


def _redis(health: RedisHealth) -> Iterator[Metric]:
    """Tell of the server, which accounts may share; a server that tells nothing gives no figures."""
    if health.untold:
        return
    told = (
        ("memory_used_bytes", "Memory that Redis uses.", health.memory_bytes),
        ("memory_max_bytes", "Memory that it may use; 0 = no limit.", health.max_memory_bytes),
        ("last_write_ok", "1: its last write to disk succeeded.", health.last_write_ok),
    )
    for name, what, value in told:
        yield GaugeMetricFamily(f"{PREFIX}redis_{name}", what, value=value)

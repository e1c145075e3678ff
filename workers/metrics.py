"""The account's figures for Prometheus, read from Redis when asked."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric

from campaigns.campaign import CampaignState
from workers.wiring import Wiring


class AccountCollector:
    """Collects the figures that `dialer campaign status` shows too."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    def collect(self) -> Iterator[Metric]:
        """Read everything once per scrape."""
        rate = self._wiring.pacing.rate()
        yield _gauge("dialer_requests_last_minute", "Requests sent in 60 s.", rate.last_60_s)
        yield _gauge("dialer_refused_last_minute", "429 answers in 60 s.", rate.refused_60_s)
        yield _gauge("dialer_request_limit", "Requests allowed per window now.", rate.limit)
        yield _gauge("dialer_blocked_seconds", "The gate opens again in.", rate.blocked_for_s)
        yield _gauge(
            "dialer_callbacks_waiting", "Callbacks to settle.", self._wiring.facts.waiting()
        )
        yield from self._today()
        contacts = GaugeMetricFamily(
            "dialer_contacts", "Contacts by state.", labels=("campaign", "state")
        )
        live = self._campaigns()
        for campaign, counts in zip(live, self._wiring.campaigns.counts_of(live), strict=True):
            for state in ("waiting", "in_flight", "unresolved", "final"):
                contacts.add_metric((campaign, state), getattr(counts, state))
        yield contacts

    def _today(self) -> Iterator[Metric]:
        today = self._wiring.account_day.read()
        used = GaugeMetricFamily("dialer_used_today", "Of the account's day.", labels=("what",))
        most = GaugeMetricFamily("dialer_cap_today", "Its caps; 0 = none.", labels=("what",))
        for name, one in zip(("calls", "minutes", "spend"), today.uses, strict=True):
            used.add_metric((name,), one.used)
            most.add_metric((name,), one.most)
        yield used
        yield most
        yield _gauge("dialer_capped", "A cap of the day is reached.", bool(today.reached))
        yield _gauge("dialer_burst", "Far more calls than is usual.", bool(today.burst))

    def _campaigns(self) -> list[str]:
        live = (CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.CANCELLING)
        return [campaign.id for campaign in self._wiring.campaigns.in_state(*live)]


def registry_of(collector: AccountCollector) -> CollectorRegistry:
    """Make a registry of its own: two apps in one process do not meet in it."""
    registry = CollectorRegistry()
    registry.register(collector)
    return registry


def _gauge(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, what, value=value)

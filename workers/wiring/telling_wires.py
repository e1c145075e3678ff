"""Wires who is told what happened, and what keeps recordings."""

# ruff: noqa: PLC0415

from functools import cached_property
from typing import TYPE_CHECKING

from dialer.clock import boottime_s
from dialer.settings import require_dialling
from workers.wiring.ground import process_name
from workers.wiring.steering_wires import SteeringWires

if TYPE_CHECKING:
    from campaigns.alerts import Balance
    from dialer.alerting.balances import Balances
    from dialer.alerting.desk import AlertDesk
    from dialer.alerting.telling import Telling
    from dialer.alerting.watch import Watch
    from dialer.events.outbox import Outbox
    from dialer.exotel.recordings import RecordingHosts
    from dialer.recordings.keeping import Forgetting
    from dialer.recordings.keeping import Keeping as KeepingRecordings
    from dialer.recordings.places import Place
    from dialer.webhooks.receivers import Receivers
    from dialer.webhooks.sending import Sender

RECORDING_PATIENCE_S = 20.0
"""A recording waits so long for its turn at the account's limit, then it is put off: calls go first."""


class TellingWires(SteeringWires):
    """What tells people and machines, and keeps recordings."""

    @cached_property
    def outbox(self) -> "Outbox":
        """What happened, for who reads from a cursor on."""
        from dialer.events.outbox import Outbox

        folder = self.settings.dialer_data_dir / "events"
        return Outbox(self.db, account=self.name, folder=folder)

    def recording_hosts(self, *, max_bytes: int) -> "RecordingHosts":
        """Make what asks for recordings.

        Args:
            max_bytes: Of one recording.
        """
        from dialer.exotel.recordings import RecordingHosts

        settings = self.settings
        require_dialling(settings)
        return RecordingHosts(
            api_key=settings.exotel_api_key.get_secret_value(),
            api_token=settings.exotel_api_token.get_secret_value(),
            api_urls=(settings.base_url, settings.details_base_url),
            clock_s=boottime_s,
            max_bytes=max_bytes,
        )

    @cached_property
    def recordings_place(self) -> "Place | None":
        """Where recordings stay; None: none are kept."""
        from dialer.recordings.places import place_of

        where = self.settings.dialer_recordings_to
        return place_of(where) if where else None

    @cached_property
    def forgetting_recordings(self) -> "Forgetting":
        """Removes recordings that were kept."""
        from dialer.recordings.keeping import Forgetting

        return Forgetting(self.db, self.recordings_place)

    @cached_property
    def keeping_recordings(self) -> "KeepingRecordings | None":
        """Keeps recordings; None: none are kept."""
        from dialer.recordings.keeping import MOST_BYTES, Keeping

        if self.recordings_place is None:
            return None
        return Keeping(
            self.db,
            self.recording_hosts(max_bytes=MOST_BYTES),
            self.lookups(patience_s=RECORDING_PATIENCE_S),
            self.recordings_place,
            folder=self.settings.dialer_data_dir / "incoming",
        )

    @cached_property
    def alert_telling(self) -> "Telling":
        """Tells people by mail and by POST; its URLs lead where those of webhooks may."""
        from dialer.alerting.telling import Telling

        settings = self.settings
        return Telling(
            self.sender,
            smtp_url=settings.dialer_smtp_url.get_secret_value(),
            sender=settings.dialer_smtp_from,
        )

    @cached_property
    def alert_desk(self) -> "AlertDesk":
        """Who is told of what is wrong."""
        from dialer.alerting.desk import AlertDesk

        return AlertDesk(
            self.db,
            self.alert_telling,
            account=self.told_name,
            zone=self.settings.dialer_timezone,
            keeps_events=self.settings.dialer_events_days > 0,
        )

    @cached_property
    def alert_watch(self) -> "Watch":
        """Tells them."""
        from dialer.alerting.watch import Watch

        def why(campaign: str) -> str:
            bound = self.statuses.of(campaign).binding
            return bound.sentence if bound else ""

        def balance_at(now_s: float) -> "Balance | None":
            return self.balances.last(now_s)  # the provider is made where somebody wants to know

        return Watch(
            self.db,
            self.outbox,
            self.alert_telling,
            account=self.told_name,
            holder=process_name(),
            why=why,
            balance_at=balance_at,
        )

    @cached_property
    def balances(self) -> "Balances":
        """What the account has at the provider."""
        from dialer.alerting.balances import Balances
        from dialer.settling.lookups import Lookups

        return Balances(
            self.db, self.provider, Lookups(self.provider, self.pacing, sleep=self.sleep)
        )

    @cached_property
    def sender(self) -> "Sender":
        """Posts to receivers of webhooks."""
        from dialer.webhooks.sending import Sender

        return Sender(self.settings.dialer_allowed_url_hosts)

    @cached_property
    def receivers(self) -> "Receivers":
        """Who is told of what over HTTP."""
        from dialer.webhooks.receivers import Receivers

        keeps = self.settings.dialer_events_days > 0
        return Receivers(self.db, self.outbox, self.sender, keeps_events=keeps)

"""Wires the way of a dial, from its release to what became of it."""

# ruff: noqa: PLC0415

import socket
from functools import cached_property
from typing import TYPE_CHECKING

from campaigns.attempt import SEND_WINDOW_S
from workers.wiring.ground import Ground, process_name

if TYPE_CHECKING:
    from dialer.dialing.dialing import Dialing
    from dialer.dialing.host_recovery import HostRecovery
    from dialer.dialing.journal import Journal
    from dialer.dialing.options import DialingOptions
    from dialer.dialing.recovery import AccountRecovery
    from dialer.dialing.releasing import Feeding
    from dialer.settling.settling import Settling, SettlingTimes
    from dialer.settling.sweeping import Sweeping


class DialingWires(Ground):
    """What dials, and settles what was dialled."""

    @cached_property
    def times(self) -> "SettlingTimes":
        """When to ask the provider again."""
        from dialer.settling.settling import SettlingTimes

        return SettlingTimes(
            lookup_after_s=self.settings.dialer_lookup_after_s,
            lookup_every_s=self.settings.dialer_lookup_every_s,
            final_values_after_s=self.settings.dialer_final_values_after_s,
            counted_s=self.allowance.kept_after_answer_s,
        )

    @cached_property
    def settling(self) -> "Settling":
        """Gives attempts what became known of them."""
        from campaigns.doubt import SOON_S, Doubts
        from dialer.settling.settling import Settling

        settings = self.settings
        doubts = Doubts(
            call_speed=settings.call_speed,
            soon_s=SOON_S,
            all_ends=settings.dialer_confirm_ends == "all",
        )
        return Settling(
            self.db,
            self.times,
            doubts=doubts,
            keeps_recordings=bool(settings.dialer_recordings_to),
        )

    @cached_property
    def dialing_options(self) -> "DialingOptions":
        """What every dial shares."""
        from dialer.dialing.options import DialingOptions

        return DialingOptions(
            max_concurrent_calls=self.settings.exotel_max_concurrent_calls,
            max_retries=self.settings.exotel_max_retries,
            http_deadline_s=self.settings.dialer_http_deadline_s,
            slack_s=self.settings.dialer_quarantine_slack_s,
            lookup_after_s=self.settings.dialer_lookup_after_s,
            playback_names=self.settings.exotel_playback_names,
            phone_rules=self.phone_rules,
            allowed=self.settings.allowed,
            caps=self.settings.account_caps,
            second_above=self.settings.dialer_second_person_above,
            zone=self.zone,
            terms=self.agreeing.terms.fingerprint,
            min_replicas=self.settings.dialer_min_replicas,
        )

    @cached_property
    def dialing(self) -> "Dialing":
        """Dials released contacts."""
        from dialer.dialing.dialing import Dialing

        return Dialing(
            self.db,
            provider=self.provider,
            pacing=self.pacing,
            settling=self.settling,
            paths=self.paths,
            options=self.dialing_options,
            recovery=self.host_recovery,
            journal=self.journal,
            sleep=self.sleep,
        )

    @cached_property
    def journal(self) -> "Journal":
        """This process's journal; one folder a host, since a data folder may be shared."""
        from dialer.dialing.journal import Journal

        folder = self.settings.dialer_data_dir / "journal" / socket.gethostname()
        under_way_s = SEND_WINDOW_S + self.settings.dialer_http_deadline_s
        return Journal(folder, process_name(), under_way_s=under_way_s)

    @cached_property
    def host_recovery(self) -> "HostRecovery":
        """A worker's part in a recovery."""
        from dialer.dialing.host_recovery import HostRecovery

        return HostRecovery(
            self.db,
            journal=self.journal,
            settling=self.settling,
            host=socket.gethostname(),
            allowance=self.allowance,
        )

    @cached_property
    def account_recovery(self) -> "AccountRecovery":
        """The feeder's part in a recovery, and the operator's."""
        from dialer.dialing.recovery import AccountRecovery

        settings = self.settings
        options = self.dialing_options
        return AccountRecovery(
            self.db,
            allowance=self.allowance,
            settling=self.settling,
            search=self.sweeping.search,
            longest_call_s=options.quarantine_s(
                time_out_s=settings.dialer_time_out_s, time_limit_s=settings.dialer_time_limit_s
            ),
            options=options,
        )

    @cached_property
    def feeding(self) -> "Feeding":
        """Releases due contacts."""
        from dialer.dialing.releasing import Feeding

        return Feeding(
            self.db,
            allowance=self.allowance,
            max_concurrent_calls=self.settings.exotel_max_concurrent_calls,
            terms=self.agreeing.terms.fingerprint,
        )

    @cached_property
    def sweeping(self) -> "Sweeping":
        """Looks at attempts that stayed too long in one state."""
        from dialer.settling.sweeping import Sweeping

        return Sweeping(
            self.db,
            provider=self.provider,
            pacing=self.pacing,
            settling=self.settling,
            times=self.times,
            sleep=self.sleep,
        )

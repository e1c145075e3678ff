"""Builds store, pacing and provider from the settings; the only place that chooses.

What takes long to import is imported where it is made: a command that asks how a campaign stands
needs no client of the provider and no reader of lists.
"""

# ruff: noqa: PLC0415

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import redis
from redis.asyncio import Redis as AsyncRedis

from campaigns.attempt import SEND_WINDOW_S
from campaigns.doubt import SOON_S, Doubts
from campaigns.numbers.phone_rules import PhoneRules
from dialer.access.api_keys import ApiKeys
from dialer.account_day import AccountDay
from dialer.accounts import (
    HOME,
    Account,
    read_accounts,
    require_all_dialling,
    served_here,
)
from dialer.agreeing import Agreeing
from dialer.audit import Audit
from dialer.callback_paths import CallbackPaths
from dialer.clock import Sleep, boottime_s, sleep
from dialer.dialing.journal import Journal
from dialer.dialing.options import DialingOptions
from dialer.embedded import embedded
from dialer.pacing import Allowance, Pacing
from dialer.settings import Settings, SettingsError, require_dialling
from dialer.steering.starting import Starting
from dialer.store import Attempts, CallbackInbox, Campaigns, Database, Holds
from dialer.store.cluster import is_cluster
from dialer.store.connection import IsCluster, open_redis, open_redis_async
from dialer.store.layout import can_read_contacts
from dialer.store.processes import Pulse
from dialer.terms import terms_of
from dialer.watching.status import Statuses

RECORDING_PATIENCE_S = 20.0
"""A recording waits so long for its turn at the account's limit, then it is put off: calls go first."""

if TYPE_CHECKING:
    from campaigns.alerts import Balance
    from dialer.agents.presence import Presences
    from dialer.agents.registry import Registry
    from dialer.alerting.balances import Balances
    from dialer.alerting.desk import AlertDesk
    from dialer.alerting.telling import Telling
    from dialer.alerting.watch import Watch
    from dialer.dialing.dialing import Dialing
    from dialer.dialing.host_recovery import HostRecovery
    from dialer.dialing.recovery import AccountRecovery
    from dialer.dialing.releasing import Feeding
    from dialer.events.outbox import Outbox
    from dialer.exotel import Exotel
    from dialer.exotel.recordings import RecordingHosts
    from dialer.loading.adding import Adding
    from dialer.loading.loading import Loading
    from dialer.recordings.keeping import Forgetting
    from dialer.recordings.keeping import Keeping as KeepingRecordings
    from dialer.recordings.places import Place
    from dialer.settling.settling import Settling, SettlingTimes
    from dialer.settling.sweeping import Sweeping
    from dialer.steering.changing_rules import ChangingRules
    from dialer.steering.suppressing import Suppressing
    from dialer.steering.templates import RuleTemplates
    from dialer.webhooks.receivers import Receivers
    from dialer.webhooks.sending import Sender

_UNNAMED_ACCOUNT = "unnamed"  # lists can be loaded before the account is known


@dataclass(frozen=True)
class Wiring:
    """Everything one process may need, made when first asked for.

    Args:
        settings: Of the one account that this serves.
        sleep: How this process waits; a fake in tests.
        home: Of the account of the installation's settings, which shares its Redis; None: this is it.
        name: What people call the account.
    """

    settings: Settings
    sleep: Sleep = sleep
    home: "Wiring | None" = None
    name: str = HOME

    @property
    def told_name(self) -> str:
        """The account's name where the installation lists several; '' where it is alone."""
        return self.name if self.settings.dialer_accounts else ""

    @cached_property
    def redis_url(self) -> str:
        """`REDIS_URL`, or where the embedded server answers, started if need be."""
        if self.home:
            return self.home.redis_url
        if self.settings.redis_url:
            return self.settings.redis_url
        return embedded.ensure_running(self.settings.dialer_data_dir).url

    @property
    def settings_apart(self) -> Settings:
        """The settings by which a process of its own finds the account: its Redis is the home's."""
        if not self.home:
            return self.settings
        return self.settings.model_copy(update={"redis_url": self.redis_url})

    @cached_property
    def redis(self) -> "redis.Redis":
        """The server, the master that the Sentinels name, or in a cluster the account's own node."""
        if self.home and not is_cluster(self.redis_url):
            return self.home.redis
        return open_redis(self.redis_url, account=self._account)

    @cached_property
    def redis_async(self) -> AsyncRedis:
        """An asyncio client of the same, for the web process."""
        if self.home and not is_cluster(self.redis_url):
            return self.home.redis_async
        return open_redis_async(self.redis_url, account=self._account)

    @property
    def _account(self) -> str:
        return self.settings.exotel_account_sid or _UNNAMED_ACCOUNT

    @cached_property
    def db(self) -> Database:
        """The account's keys and scripts.

        Raises:
            SettingsError: Another version stored its contacts, and this one would misread them.
        """
        db = Database(
            self.redis,
            self._account,
            shares_phones=bool(self.settings.dialer_accounts)
            and self.settings.dialer_shared_phones,
            tells=self.settings.dialer_events_days > 0,
        )
        _require_readable_contacts(db)
        return db

    @cached_property
    def api_keys(self) -> ApiKeys:
        """Keys for the API and the pages, of all accounts."""
        if self.home:
            return self.home.api_keys
        return ApiKeys(
            self.db,
            data_dir=self.settings.dialer_data_dir,
            settings_key=self.settings.dialer_api_key.get_secret_value(),
        )

    @cached_property
    def pulse(self) -> Pulse:
        """What this process tells of its work for the account with each heartbeat."""
        return Pulse()

    @cached_property
    def agreeing(self) -> Agreeing:
        """Compares this process's settings with those of the account's others."""
        return Agreeing(self.db, terms_of(self.settings), name=process_name())

    @cached_property
    def allowance(self) -> Allowance:
        """What the account may send."""
        return Allowance(
            requests=self.settings.exotel_rate_limit,
            window_s=self.settings.exotel_rate_window_s,
            http_deadline_s=self.settings.dialer_http_deadline_s,
            shares_lookups=self.settings.exotel_details_share_limit,
        )

    @cached_property
    def pacing(self) -> Pacing:
        """The account's request allowance."""
        return Pacing(self.db, self.allowance)

    @cached_property
    def provider(self) -> "Exotel":
        """Exotel, ready to be asked."""
        from dialer.exotel import Exotel

        require_dialling(self.settings)
        settings = self.settings
        return Exotel(
            account_sid=settings.exotel_account_sid,
            api_key=settings.exotel_api_key.get_secret_value(),
            api_token=settings.exotel_api_token.get_secret_value(),
            base_url=settings.base_url,
            details_base_url=settings.details_base_url,
            timezone=ZoneInfo(settings.exotel_timezone),
            clock_s=boottime_s,
            deadline_s=settings.dialer_http_deadline_s,
        )

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
    def paths(self) -> CallbackPaths:
        """Callback addresses."""
        secrets = [
            secret.get_secret_value()
            for secret in (
                self.settings.dialer_callback_secret,
                self.settings.dialer_callback_secret_old,
            )
        ]
        return CallbackPaths(
            self.settings.callback_base_url, [secret for secret in secrets if secret]
        )

    @cached_property
    def phone_rules(self) -> PhoneRules:
        """Which numbers may be rung."""
        return PhoneRules(
            default_country=self.settings.dialer_default_country,
            allowed_countries=frozenset(self.settings.dialer_allowed_countries),
        )

    @cached_property
    def dialing_options(self) -> DialingOptions:
        """What every dial shares."""
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
            zone=ZoneInfo(self.settings.dialer_timezone),
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
    def journal(self) -> Journal:
        """This process's journal; one folder a host, since a data folder may be shared."""
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
            sweeping=self.sweeping,
            longest_call_s=options.quarantine_s(
                time_out_s=settings.dialer_time_out_s, time_limit_s=settings.dialer_time_limit_s
            ),
            options=options,
        )

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
        from dialer.settling.lookups import Lookups

        if self.recordings_place is None:
            return None
        lookups = Lookups(
            self.provider,
            self.pacing,
            sleep=self.sleep,
            patience_s=RECORDING_PATIENCE_S,
            overdue_patience_s=RECORDING_PATIENCE_S,
        )
        return Keeping(
            self.db,
            self.recording_hosts(max_bytes=MOST_BYTES),
            lookups,
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

    @cached_property
    def holds(self) -> Holds:
        """What holds all dialling, set by hand or by the machine."""
        return Holds(self.db)

    @cached_property
    def attempts(self) -> Attempts:
        """Attempts."""
        return Attempts(self.db)

    @cached_property
    def campaigns(self) -> Campaigns:
        """Campaigns and their counts."""
        return Campaigns(self.db)

    @cached_property
    def loading(self) -> "Loading":
        """Loads files."""
        from dialer.loading.loading import Loading

        return Loading(
            self.db,
            phone_rules=self.phone_rules,
            data_dir=self.settings.dialer_data_dir,
        )

    @cached_property
    def adding(self) -> "Adding":
        """Adds contacts one at a time."""
        from dialer.loading.adding import Adding

        return Adding(
            self.db,
            phone_rules=self.phone_rules,
            second_above=self.settings.dialer_second_person_above,
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

    @cached_property
    def facts(self) -> CallbackInbox:
        """The stream of callbacks."""
        return CallbackInbox(self.db)

    @cached_property
    def statuses(self) -> Statuses:
        """Where campaigns stand."""
        return Statuses(
            self.db,
            pacing=self.pacing,
            max_concurrent_calls=self.settings.exotel_max_concurrent_calls,
        )

    @cached_property
    def starting(self) -> Starting:
        """Starts campaigns."""
        return Starting(self.db, second_above=self.settings.dialer_second_person_above)

    @cached_property
    def account_day(self) -> AccountDay:
        """What the account has used of its day."""
        settings = self.settings
        return AccountDay(self.db, settings.account_caps, ZoneInfo(settings.dialer_timezone))

    @cached_property
    def audit(self) -> Audit:
        """Records who did what."""
        return Audit(self.db)

    @cached_property
    def registry(self) -> "Registry":
        """Who the agents are."""
        from dialer.agents.registry import Registry

        zone = ZoneInfo(self.settings.dialer_timezone)
        return Registry(self.db, phone_rules=self.phone_rules, zone=zone)

    @cached_property
    def presences(self) -> "Presences":
        """Where the agents are."""
        from dialer.agents.presence import Presences

        return Presences(self.db)

    @cached_property
    def changing_rules(self) -> "ChangingRules":
        """Changes the rules of campaigns."""
        from dialer.steering.changing_rules import ChangingRules

        return ChangingRules(self.db, self.settings)

    @cached_property
    def templates(self) -> "RuleTemplates":
        """Rules under a name, to load lists with."""
        from dialer.steering.templates import RuleTemplates

        return RuleTemplates(self.db, self.settings)

    @cached_property
    def suppressing(self) -> "Suppressing":
        """The numbers that are never called."""
        from dialer.steering.suppressing import Suppressing

        return Suppressing(self.db, default_country=self.settings.dialer_default_country)

    @cached_property
    def suppressing_for_all(self) -> "Suppressing":
        """The numbers that no account ever calls.

        Raises:
            NotDone: There is one account.
        """
        from dialer.steering.suppressing import Suppressing

        country = self.settings.dialer_default_country
        return Suppressing(self.db, default_country=country, for_all=True)


def wire(settings: Settings, *, sleep: Sleep = sleep) -> tuple[Wiring, ...]:
    """Wire every account of an installation, its home first.

    Raises:
        SettingsError: The file of accounts is wrong, or this Redis cannot serve several.
    """
    first, *rest = read_accounts(settings)
    if (
        settings.dialer_accounts
        and settings.dialer_shared_phones
        and is_cluster(settings.redis_url)
    ):
        raise SettingsError(
            "REDIS_URL names a cluster, whose accounts live on different nodes and cannot keep one "
            "another from ringing one phone: set DIALER_SHARED_PHONES=false where no two of them "
            "have the same agents or customers, or use one server"
        )
    home = Wiring(first.settings, sleep, name=first.name)
    return (home, *(Wiring(one.settings, sleep, home=home, name=one.name) for one in rest))


def wire_served(settings: Settings) -> tuple[Wiring, ...]:
    """Wire the accounts that processes here serve, ready to dial.

    Raises:
        SettingsError: An account lacks something, or `DIALER_SERVES` names one that there is not.
    """
    wired = {one.name: one for one in wire(settings)}
    served = served_here(list(wired), settings.dialer_serves)
    require_all_dialling([Account(name, wired[name].settings) for name in served])
    return tuple(wired[name] for name in served)


def process_name() -> str:
    """Name this process among all hosts'."""
    return f"{socket.gethostname()}-{os.getpid()}"


def _require_readable_contacts(db: Database) -> None:
    with suppress(redis.RedisError):  # it is away: whoever asks it next waits, or says so
        try:
            is_readable = can_read_contacts(db)
        except IsCluster as error:
            raise SettingsError(str(error)) from None
        if not is_readable:
            raise SettingsError(
                "Redis holds campaigns that another version of dialer stored, in a layout that this one "
                "does not read; finish and report them with that version, or name another Redis in "
                "REDIS_URL, or another DIALER_DATA_DIR for the embedded server"
            )

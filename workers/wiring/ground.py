"""What all else of an account stands on: its settings, its keys in Redis, what it may send, the provider."""

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

from dialer.accounts import HOME
from dialer.callback_paths import CallbackPaths
from dialer.clock import Sleep, boottime_s, sleep
from dialer.pacing import Allowance, Pacing
from dialer.settings import Settings, SettingsError, require_dialling
from dialer.store import Database
from dialer.store.cluster import is_cluster
from dialer.store.connection import IsCluster, open_redis, open_redis_async
from dialer.store.layout import can_read_contacts
from dialer.store.processes import Pulse

if TYPE_CHECKING:
    from campaigns.numbers.phone_rules import PhoneRules
    from dialer.access.api_keys import ApiKeys
    from dialer.agreeing import Agreeing
    from dialer.exotel import Exotel
    from dialer.settling.lookups import Lookups

_UNNAMED_ACCOUNT = "unnamed"  # lists can be loaded before the account is known


@dataclass(frozen=True)
class Ground:
    """The ground an account stands on, made when first asked for.

    Args:
        settings: Of the one account that this serves.
        sleep: How this process waits; a fake in tests.
        home: Of the account of the installation's settings, which shares its Redis; None: this is it.
        name: What people call the account.
    """

    settings: Settings
    sleep: Sleep = sleep
    home: "Ground | None" = None
    name: str = HOME

    @property
    def told_name(self) -> str:
        """The account's name where the installation lists several; '' where it is alone."""
        return self.name if self.settings.dialer_accounts else ""

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the account's day, and of what is told of it."""
        return ZoneInfo(self.settings.dialer_timezone)

    @cached_property
    def redis_url(self) -> str:
        """`REDIS_URL`, or where the embedded server answers, started if need be."""
        if self.home:
            return self.home.redis_url
        if self.settings.redis_url:
            return self.settings.redis_url
        from dialer.embedded import embedded

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
    def api_keys(self) -> "ApiKeys":
        """Keys for the API and the pages, of all accounts."""
        from dialer.access.api_keys import ApiKeys

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
    def agreeing(self) -> "Agreeing":
        """Compares this process's settings with those of the account's others."""
        from dialer.agreeing import Agreeing
        from dialer.terms import terms_of

        return Agreeing(self.db, terms_of(self.settings), name=process_name())

    @cached_property
    def allowance(self) -> Allowance:
        """What the account may send."""
        from dialer.terms import allowance_of

        return allowance_of(self.settings)

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

    def lookups(self, *, patience_s: float) -> "Lookups":
        """Make what asks the provider within the account's limit.

        Args:
            patience_s: How long it waits for its turn: calls go first.
        """
        from dialer.settling.lookups import Lookups

        return Lookups(
            self.provider,
            self.pacing,
            sleep=self.sleep,
            patience_s=patience_s,
            overdue_patience_s=patience_s,
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
    def phone_rules(self) -> "PhoneRules":
        """Which numbers may be rung."""
        from campaigns.numbers.phone_rules import PhoneRules

        return PhoneRules(
            default_country=self.settings.dialer_default_country,
            allowed_countries=frozenset(self.settings.dialer_allowed_countries),
        )


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

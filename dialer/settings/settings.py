"""Every setting: unit, bounds, default. Read once in `workers.wiring`, passed down, never changed."""

from pathlib import Path
from typing import Literal, Self

from pydantic import (
    Field,
    SecretStr,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from campaigns.allowed import Allowed
from campaigns.caps import AccountCaps
from dialer.addresses import host_of, is_loopback
from dialer.exotel_regions import REGIONS
from dialer.settings.values import (
    AccountSid,
    CallerId,
    CallerIds,
    Countries,
    Country,
    HostNames,
    HostUrl,
    Hours,
    MailAddress,
    Names,
    Networks,
    Place,
    RedisUrl,
    SmtpUrl,
    Url,
    Zone,
)

ENV_ENCODING = "utf-8-sig"  # some editors put a mark in front
_HOW_TO_MAKE_ONE = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"


class Settings(BaseSettings):
    """The environment or `.env`, checked. Names are the environment's, in lower case."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding=ENV_ENCODING,
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
        validate_default=False,  # a test does it; here it would import all the world's phone codes
    )

    # the account at Exotel
    exotel_api_key: SecretStr = Field(SecretStr(""), description="API key, from Exotel's dashboard")
    exotel_api_token: SecretStr = Field(SecretStr(""), description="API token, same page")
    exotel_account_sid: AccountSid = Field("", description="account Sid, same page")
    exotel_caller_id: CallerId = Field("", description="the ExoPhone shown to both sides")
    exotel_region: Literal["singapore", "mumbai"] = Field(
        "singapore", description="singapore or mumbai; chooses the two hosts"
    )
    exotel_base_url: HostUrl = Field("", description="overrides the region's API host")
    exotel_details_base_url: HostUrl = Field("", description="overrides the region's v3 host")
    exotel_rate_limit: int = Field(
        200, ge=1, le=100_000, description="requests allowed in any window"
    )
    exotel_rate_window_s: float = Field(60, gt=0, le=3600, description="length of the window, s")
    exotel_details_share_limit: bool = Field(
        True, description="call details count against the same limit"
    )
    exotel_max_concurrent_calls: int = Field(
        0, ge=0, description="most calls live at once; 0 = no cap of ours"
    )
    exotel_max_retries: int = Field(
        0, ge=0, le=3, description="Exotel's own redials of the agent; keep 0"
    )
    exotel_timezone: Zone = Field("Asia/Kolkata", description="zone of Exotel's time stamps")
    exotel_playback_names: Literal["both", "documented", "plain"] = Field(
        "both", description="spelling of the playback parameters"
    )

    # several accounts
    dialer_accounts: str = Field(
        "", description="file of further accounts, such as accounts.toml; empty: one account"
    )
    dialer_serves: Names = Field(
        (), description="accounts that processes here serve, commas between; empty: all"
    )
    dialer_shared_phones: bool = Field(
        True, description="no two accounts ring one phone at once; on a cluster it must be false"
    )

    # state
    redis_url: RedisUrl = Field(
        "", description="empty: the embedded server, data under DIALER_DATA_DIR"
    )
    dialer_data_dir: Path = Field(Path("var"), description="folder for the embedded server's data")

    dialer_min_replicas: int = Field(
        0, ge=0, le=10, description="replicas that must have an intent before its request leaves"
    )

    # the web process
    dialer_public_url: Url = Field(
        "", description="where Exotel reaches us, e.g. https://dialer.example.com"
    )
    dialer_host: str = Field("127.0.0.1", min_length=1, description="address the server binds")
    port: int = Field(8000, ge=1, le=65535, description="port the server binds")
    dialer_callback_secret: SecretStr = Field(
        SecretStr(""), description="signs callback paths; at least 32 characters"
    )
    dialer_callback_secret_old: SecretStr = Field(
        SecretStr(""), description="the secret before the last change, still accepted"
    )
    dialer_api_key: SecretStr = Field(
        SecretStr(""), description="the API's key; without it and any other, loopback only"
    )
    dialer_trusted_proxies: Networks = Field(
        ("127.0.0.0/8", "::1/128"),
        description="proxies whose X-Forwarded-For, -Proto and -Host count; commas between",
    )
    dialer_language: Literal["", "en", "hi"] = Field(
        "",
        description="of pages until somebody chooses: en or hi; empty: what the browser asks for",
    )

    # reports
    dialer_mask_key: SecretStr = Field(
        SecretStr(""), description="keys the hashes that stand for numbers in masked reports"
    )

    # recordings
    dialer_recordings_to: Place = Field(
        "",
        description="recordings are kept there: a folder, or s3://bucket/prefix?endpoint=https://…",
    )

    # how long things are kept
    dialer_audit_days: int = Field(
        400, ge=1, le=3650, description="who did what is kept so many days"
    )
    dialer_archive_after_days: int = Field(
        0,
        ge=0,
        le=3650,
        description="campaigns leave Redis for files so many days after their end; 0 = by hand",
    )
    dialer_delete_after_days: int = Field(
        0,
        ge=0,
        le=3650,
        description="archived campaigns are deleted, files and all, so many days later; 0 = never",
    )
    dialer_search_names: bool = Field(
        True,
        description="people are found by name too",
    )
    dialer_search_index: bool = Field(
        True,
        description="an index of 6 bytes a contact finds numbers and names; without it all are looked through",
    )
    dialer_keep_days: int = Field(
        0,
        ge=0,
        le=3650,
        description="personal data goes so many days after its campaign; 0 = never",
    )

    # what others are told
    dialer_events_days: int = Field(
        7, ge=0, le=400, description="events are kept so many days; 0 = none are written"
    )
    dialer_smtp_url: SmtpUrl = Field(
        SecretStr(""),
        description="mail server for alerts: smtp://user:password@host:587, or smtps:// and 465",
    )
    dialer_smtp_from: MailAddress = Field("", description="address that alerts by e-mail come from")

    # numbers
    dialer_allowed_countries: Countries = Field(
        ("IN",), description="countries we may ring, ISO codes with commas between"
    )
    dialer_default_country: Country = Field("IN", description="country of numbers without a prefix")

    # what campaigns may ask for
    dialer_allowed_caller_ids: CallerIds = Field(
        (),
        description="caller ids that campaigns may show beside EXOTEL_CALLER_ID, commas between",
    )
    dialer_allowed_url_hosts: HostNames = Field(
        (), description="hosts that stream, wait and playback URLs may name; empty: none"
    )
    dialer_max_time_limit_s: int = Field(
        3600, ge=1, le=14400, description="longest time limit that a campaign may have, s"
    )
    dialer_max_attempts_allowed: int = Field(
        10,
        ge=1,
        le=100,
        description="most attempts per contact, and retries after one outcome, that a campaign may have",
    )

    dialer_second_person_above: int = Field(
        0, ge=0, description="contacts above which a second person has to start too; 0 = never"
    )

    # what the account may use a day
    dialer_max_calls_per_day: int = Field(
        20_000, ge=0, description="most calls of all campaigns a day; 0 = no cap"
    )
    dialer_max_minutes_per_day: int = Field(
        60_000, ge=0, description="most minutes of all calls a day; 0 = no cap"
    )
    dialer_max_spend_per_day: int = Field(
        60_000, ge=0, description="most spend of all calls a day, billing currency; 0 = no cap"
    )

    # times
    dialer_http_deadline_s: float = Field(
        45, ge=1, le=300, description="total deadline of one provider request, s"
    )
    dialer_lookup_after_s: float = Field(
        120, ge=0, le=86400, description="first question about a call nobody reported on, s"
    )
    dialer_lookup_every_s: float = Field(
        60, ge=1, le=3600, description="pause between two questions, s"
    )
    dialer_final_values_after_s: float = Field(
        150, ge=0, le=86400, description="duration and price are fetched so long after the end, s"
    )
    dialer_quarantine_slack_s: float = Field(
        300,
        ge=0,
        le=86400,
        description="added to the longest possible call before giving up on it, s",
    )

    # ends that only a callback tells of
    dialer_confirm_ends: Literal["doubtful", "all"] = Field(
        "doubtful", description="ends of calls that a look-up confirms first: doubtful or all"
    )
    dialer_call_speed: float = Field(
        0,
        ge=0,
        le=1000,
        description="seconds of a call that pass in one; 0 = 1, unknown for a simulator here",
    )

    # logs
    dialer_log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="auto: console on a terminal, else JSON"
    )
    dialer_log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="debug, info, warning or error"
    )

    # defaults of campaign options
    dialer_time_limit_s: int = Field(
        1800, ge=1, le=14400, description="longest call, s (TimeLimit)"
    )
    dialer_time_out_s: int = Field(30, ge=1, le=60, description="ring time per leg, s (TimeOut)")
    dialer_calling_hours: Hours = Field("09:00-21:00", description="when calls may be placed")
    dialer_timezone: Zone = Field("Asia/Kolkata", description="zone of the calling hours")
    dialer_max_attempts: int = Field(
        3, ge=1, le=100, description="most attempts per contact, the first included"
    )
    dialer_wrap_up_s: int = Field(10, ge=0, le=3600, description="an agent's rest after a call, s")

    @model_validator(mode="after")
    def _secret_is_long_enough(self) -> Self:
        for name in ("dialer_callback_secret", "dialer_callback_secret_old"):
            secret = getattr(self, name).get_secret_value()
            if secret and len(secret) < 32:
                raise ValueError(f"{name.upper()} needs at least 32 characters; {_HOW_TO_MAKE_ONE}")
        key = self.dialer_api_key.get_secret_value()
        if key and len(key) < 20:
            raise ValueError(f"DIALER_API_KEY needs at least 20 characters; {_HOW_TO_MAKE_ONE}")
        return self

    @model_validator(mode="after")
    def _defaults_are_allowed(self) -> Self:
        pairs = (
            ("dialer_time_limit_s", "dialer_max_time_limit_s"),
            ("dialer_max_attempts", "dialer_max_attempts_allowed"),
        )
        for name, most in pairs:
            if getattr(self, name) > getattr(self, most):
                raise ValueError(
                    f"{name.upper()} is {getattr(self, name)}, more than {most.upper()} allows "
                    f"({getattr(self, most)}): lower the one or raise the other"
                )
        return self

    @property
    def allowed(self) -> Allowed:
        """What campaigns may ask for."""
        ours = {self.exotel_caller_id} - {""}
        return Allowed(
            caller_ids=frozenset(self.dialer_allowed_caller_ids) | ours,
            url_hosts=frozenset(self.dialer_allowed_url_hosts),
            max_time_limit_s=self.dialer_max_time_limit_s,
            max_attempts=self.dialer_max_attempts_allowed,
        )

    @property
    def account_caps(self) -> AccountCaps:
        """What all campaigns together may use a day."""
        return AccountCaps(
            calls=self.dialer_max_calls_per_day,
            minutes=self.dialer_max_minutes_per_day,
            spend=self.dialer_max_spend_per_day,
        )

    @property
    def base_url(self) -> str:
        """Scheme and host of Exotel's v1 API."""
        return self.exotel_base_url or REGIONS[self.exotel_region].api

    @property
    def details_base_url(self) -> str:
        """Scheme and host of Exotel's v3 API."""
        return self.exotel_details_base_url or REGIONS[self.exotel_region].details

    @property
    def call_speed(self) -> float | None:
        """Seconds of a call that pass in one; None where a simulator's speed was not told."""
        is_simulated = is_loopback(host_of(self.base_url))
        return self.dialer_call_speed or (None if is_simulated else 1.0)

    @property
    def faces_others(self) -> bool:
        """Whether others than this machine are told to come here, or could."""
        told = bool(self.dialer_public_url) and not is_loopback(host_of(self.dialer_public_url))
        return told or not is_loopback(self.dialer_host)

    @property
    def callback_base_url(self) -> str:
        """Where Exotel reaches us; this machine's own address only serves a local simulator."""
        return self.dialer_public_url or f"http://127.0.0.1:{self.port}"

"""Every setting: unit, bounds, default. Read once in `workers.wiring`, passed down, never changed."""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from campaigns.calling_hours import CallingHours
from dialer.connecting import SCHEMES, SentinelAddress, is_sentinel
from dialer.exotel import REGIONS


class SettingsError(Exception):
    """A setting is missing or wrong; each line of the message says what to set."""


def _absolute_url(value: str) -> str:
    if not value:
        return value
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be absolute, e.g. https://dialer.example.com")
    if parts.username or parts.password:
        raise ValueError("must not carry credentials")
    if parts.query or parts.fragment:
        raise ValueError("must not carry a query or fragment")
    return value.rstrip("/")


def _host_url(value: str) -> str:
    value = _absolute_url(value)
    if value and urlsplit(value).path:
        raise ValueError("takes scheme and host only, e.g. https://api.exotel.com")
    return value


def _redis_url(value: str) -> str:
    if value and urlsplit(value).scheme not in SCHEMES:
        raise ValueError("must start with redis://, rediss://, unix:// or redis+sentinel://")
    if is_sentinel(value):
        SentinelAddress.parse(value)
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be an IANA time zone, e.g. Asia/Kolkata") from None
    return value


def _hours(value: str) -> str:
    CallingHours.parse(value)
    return value


def _countries(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return tuple(part.strip().upper() for part in value.split(",") if part.strip())


def _known_countries(value: tuple[str, ...]) -> tuple[str, ...]:
    wrong = [code for code in value if not re.fullmatch(r"[A-Z]{2}", code)]
    if wrong or not value:
        raise ValueError("takes ISO country codes with commas between, e.g. IN,AE")
    return value


Url = Annotated[str, AfterValidator(_absolute_url)]
HostUrl = Annotated[str, AfterValidator(_host_url)]
Zone = Annotated[str, AfterValidator(_zone)]
Countries = Annotated[
    tuple[str, ...], NoDecode, BeforeValidator(_countries), AfterValidator(_known_countries)
]


class Settings(BaseSettings):
    """The environment or `.env`, checked. Names are the environment's, in lower case."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
    )

    # the account at the provider
    exotel_api_key: SecretStr = Field(SecretStr(""), description="API key, from Exotel's dashboard")
    exotel_api_token: SecretStr = Field(SecretStr(""), description="API token, same page")
    exotel_account_sid: str = Field(
        "", pattern=r"^[A-Za-z0-9_-]{0,64}$", description="account Sid, same page"
    )
    exotel_caller_id: str = Field(
        "", pattern=r"^(\+?[0-9]{3,15})?$", description="the ExoPhone shown to both sides"
    )
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

    # state
    redis_url: Annotated[str, AfterValidator(_redis_url)] = Field(
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
        SecretStr(""), description="the API's key; without it, loopback only"
    )

    # reports
    dialer_mask_key: SecretStr = Field(
        SecretStr(""), description="keys the hashes that stand for numbers in masked reports"
    )

    # numbers
    dialer_allowed_countries: Countries = Field(
        ("IN",), description="countries we may ring, ISO codes with commas between"
    )
    dialer_default_country: str = Field(
        "IN", pattern=r"^[A-Z]{2}$", description="country of numbers without a prefix"
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
    dialer_calling_hours: Annotated[str, AfterValidator(_hours)] = Field(
        "09:00-21:00", description="when calls may be placed"
    )
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

    @property
    def base_url(self) -> str:
        """Scheme and host of Exotel's v1 API."""
        return self.exotel_base_url or REGIONS[self.exotel_region].api

    @property
    def details_base_url(self) -> str:
        """Scheme and host of Exotel's v3 API."""
        return self.exotel_details_base_url or REGIONS[self.exotel_region].details

    @property
    def callback_base_url(self) -> str:
        """Where Exotel reaches us; this machine's own address only serves a local simulator."""
        return self.dialer_public_url or f"http://127.0.0.1:{self.port}"


_HOW_TO_MAKE_ONE = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
_NEEDED_TO_DIAL = (
    "exotel_api_key",
    "exotel_api_token",
    "exotel_account_sid",
    "exotel_caller_id",
    "dialer_public_url",
    "dialer_callback_secret",
)


def read_settings(**overrides: Any) -> Settings:
    """Read and check the settings: the environment, `.env`, and the credentials systemd hands over.

    Raises:
        SettingsError: One line per wrong setting, by its environment name, with the remedy.
    """
    # systemd's LoadCredential: a folder with a file for each secret, named like its setting
    secrets_dir = os.environ.get("CREDENTIALS_DIRECTORY")
    try:
        return Settings(_secrets_dir=secrets_dir, **overrides)
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            name = str(problem["loc"][0]).upper() if problem["loc"] else ""
            message = problem["msg"].removeprefix("Value error, ")
            lines.append(f"{name} {message[0].lower() + message[1:]}" if name else message)
        raise SettingsError("\n".join(lines)) from None


def require_dialling(settings: Settings) -> None:
    """Check that everything a real call needs is set.

    Raises:
        SettingsError: One line per missing setting.
    """
    missing = []
    for name in _NEEDED_TO_DIAL:
        value = getattr(settings, name)
        if not (value.get_secret_value() if isinstance(value, SecretStr) else value):
            what = Settings.model_fields[name].description
            missing.append(f"{name.upper()} is not set: {what}")
    if missing:
        raise SettingsError("\n".join(missing))

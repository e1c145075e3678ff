"""Every setting: unit, bounds, default. Read once in `workers.wiring`, passed down, never changed."""

import ipaddress
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qs, parse_qsl, urlsplit
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

from campaigns.alert_rules import is_mail_address
from campaigns.allowed import Allowed
from campaigns.caps import AccountCaps
from campaigns.hours.calling_hours import CallingHours
from dialer.addresses import host_of, is_loopback, is_private, split_servers
from dialer.exotel_regions import REGIONS
from dialer.store.cluster import ClusterAddress, is_cluster
from dialer.store.connection import SCHEMES, SentinelAddress, is_sentinel

_ENV_ENCODING = "utf-8-sig"  # some editors put a mark in front
_GIVEN = re.compile(r"^[ \t]*(?:export[ \t]+)?(\w+)[ \t]*=[ \t]*[^\s#]", re.MULTILINE)
_OUR_NAMES = re.compile(r"^\s*(?:export\s+)?((?:EXOTEL|DIALER)_\w+)\s*=", re.MULTILINE)


class SettingsError(Exception):
    """A setting is missing or wrong; each line of the message says what to set."""


def _absolute_url(value: str) -> str:
    if not value:
        return value
    try:
        parts = urlsplit(value)
    except ValueError:  # an IPv6 address without its end
        parts = urlsplit("")
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


_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")


def _redis_url(value: str) -> str:
    if value and split_servers(value).scheme not in SCHEMES:
        raise ValueError(
            "must start with redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://"
        )
    if is_sentinel(value):
        SentinelAddress.parse(value)
    if is_cluster(value):
        ClusterAddress.parse(value)
    for name, file in parse_qsl(split_servers(value).query):
        if name in _TLS_FILES and not Path(file).is_file():
            raise ValueError(f"names {file} as {name}, and that file is not there")
    return value


def _smtp_url(value: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(value.get_secret_value())
        is_whole = parts.scheme in {"smtp", "smtps"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an impossible host or port
        is_whole = False
    if value.get_secret_value() and not is_whole:
        raise ValueError("is written like smtp://user:password@mail.example.com:587")
    return value


def _mail_address(value: str) -> str:
    if value and not is_mail_address(value):
        raise ValueError("takes one address, e.g. dialer@example.com")
    return value


def _place(value: str) -> str:
    if "://" not in value:
        return value
    parts = urlsplit(value)
    asked = parse_qs(parts.query)
    if parts.scheme != "s3" or not parts.netloc or set(asked) - {"endpoint", "region"}:
        raise ValueError(
            "takes a folder, or s3://bucket/prefix?endpoint=https://s3.example.com&region=ap-south-1"
        )
    for endpoint in asked.get("endpoint", []):
        scheme, host = urlsplit(endpoint).scheme, host_of(endpoint)
        if not host or not (scheme == "https" or (scheme == "http" and is_private(host))):
            raise ValueError("takes an endpoint that begins with https://, but in your own network")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be an IANA time zone, e.g. Asia/Kolkata") from None
    return value


def _hours(value: str) -> str:
    try:
        CallingHours.parse(value)
    except ValueError as error:  # named after its setting, not after itself
        raise ValueError(str(error).removeprefix("calling hours: ")) from None
    return value


def _account_sid(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,64}", value):
        raise ValueError("takes letters, digits, - and _ alone, at most 64 of them")
    return value


def _caller_id(value: str) -> str:
    if not re.fullmatch(r"(\+?[0-9]{3,15})?", value):
        raise ValueError(
            "takes 3 to 15 digits without spaces, with or without a + in front, e.g. +918000000000"
        )
    return value


def _is_country(code: str) -> bool:
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415 - what is not given is not asked

    return code in SUPPORTED_REGIONS


def _known_country(value: str) -> str:
    if not _is_country(value):
        raise ValueError("takes the ISO code of a country, two capital letters, e.g. IN")
    return value


def _countries(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return tuple(part.strip().upper() for part in value.split(",") if part.strip())


def _listed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _caller_ids(value: tuple[str, ...]) -> tuple[str, ...]:
    for one in value:
        _caller_id(one)
    return value


def _host_names(value: tuple[str, ...]) -> tuple[str, ...]:
    for one in value:
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", one):
            raise ValueError(
                "takes names of hosts alone, with commas between, e.g. media.example.com"
            )
    return tuple(one.lower() for one in value)


def _known_countries(value: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [code for code in value if not _is_country(code)]
    if unknown or not value:
        which = f"; no country is {', '.join(unknown)}" if unknown else ""
        raise ValueError(f"takes ISO country codes with commas between, e.g. IN,AE{which}")
    return value


def _networks(value: tuple[str, ...]) -> tuple[str, ...]:
    for one in value:
        try:
            ipaddress.ip_network(one)
        except ValueError:
            raise ValueError(
                f"takes addresses and networks with commas between, e.g. 10.0.0.5,10.1.0.0/24; {one}"
                " is none"
            ) from None
    return value


Url = Annotated[str, AfterValidator(_absolute_url)]
HostUrl = Annotated[str, AfterValidator(_host_url)]
Zone = Annotated[str, AfterValidator(_zone)]
Countries = Annotated[
    tuple[str, ...], NoDecode, BeforeValidator(_countries), AfterValidator(_known_countries)
]
Networks = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed), AfterValidator(_networks)]


CallerIds = Annotated[
    tuple[str, ...], NoDecode, BeforeValidator(_listed), AfterValidator(_caller_ids)
]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
HostNames = Annotated[
    tuple[str, ...], NoDecode, BeforeValidator(_listed), AfterValidator(_host_names)
]


class Settings(BaseSettings):
    """The environment or `.env`, checked. Names are the environment's, in lower case."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding=_ENV_ENCODING,
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
        validate_default=False,  # a test does it; here it would import all the world's phone codes
    )

    # the account at Exotel
    exotel_api_key: SecretStr = Field(SecretStr(""), description="API key, from Exotel's dashboard")
    exotel_api_token: SecretStr = Field(SecretStr(""), description="API token, same page")
    exotel_account_sid: Annotated[str, AfterValidator(_account_sid)] = Field(
        "", description="account Sid, same page"
    )
    exotel_caller_id: Annotated[str, AfterValidator(_caller_id)] = Field(
        "", description="the ExoPhone shown to both sides"
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
        SecretStr(""), description="the API's key; without it and any other, loopback only"
    )
    dialer_trusted_proxies: Networks = Field(
        ("127.0.0.0/8", "::1/128"),
        description="proxies whose X-Forwarded-For, -Proto and -Host count; commas between",
    )

    # reports
    dialer_mask_key: SecretStr = Field(
        SecretStr(""), description="keys the hashes that stand for numbers in masked reports"
    )

    # recordings
    dialer_recordings_to: Annotated[str, AfterValidator(_place)] = Field(
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
    dialer_smtp_url: Annotated[SecretStr, AfterValidator(_smtp_url)] = Field(
        SecretStr(""),
        description="mail server for alerts: smtp://user:password@host:587, or smtps:// and 465",
    )
    dialer_smtp_from: Annotated[str, AfterValidator(_mail_address)] = Field(
        "", description="address that alerts by e-mail come from"
    )

    # numbers
    dialer_allowed_countries: Countries = Field(
        ("IN",), description="countries we may ring, ISO codes with commas between"
    )
    dialer_default_country: Annotated[str, AfterValidator(_known_country)] = Field(
        "IN", description="country of numbers without a prefix"
    )

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


ENV_FILE = Path(".env")
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
    _read_text(overrides.get("_env_file", ENV_FILE))
    # systemd's LoadCredential: a folder with a file for each secret, named like its setting
    secrets_dir = os.environ.get("CREDENTIALS_DIRECTORY")
    try:
        return Settings(_secrets_dir=secrets_dir, **overrides)
    except ValidationError as error:
        raise SettingsError("\n".join(map(_in_words, error.errors()))) from None


def unknown_names(env_file: Path = ENV_FILE) -> Iterator[str]:
    """Tell, a line each, of names in the file that look like ours and are none of our settings."""
    known = [name.upper() for name in Settings.model_fields]
    for found in dict.fromkeys(_OUR_NAMES.findall(_read_text(env_file))):
        if found.upper() not in known:
            close = _closest(found.upper(), known)
            meant = f"; did you mean {close}?" if close else ""
            yield f"{found} in {env_file} is no setting and changes nothing{meant}"


def names_set_in(env_file: Path) -> set[str]:
    """Name what a file gives a value to."""
    return {name.upper() for name in _GIVEN.findall(_read_text(env_file))}


def require_data_dir(settings: Settings) -> None:
    """Check that files can be kept in the data folder, which is made where it is missing.

    Raises:
        SettingsError: They cannot.
    """
    folder = settings.dialer_data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise SettingsError(
            f"DIALER_DATA_DIR {folder} cannot be used ({error.strerror}): set it to a folder that "
            "this user may write to"
        ) from None


def require_account(settings: Settings) -> None:
    """Check that the account is named: everything in Redis is kept under its name.

    Raises:
        SettingsError: It is not.
    """
    if not settings.exotel_account_sid:
        raise SettingsError(
            "EXOTEL_ACCOUNT_SID is not set: what is loaded now would not be found once it is; "
            "set it first, or only have the file judged"
        )


def require_dialling(settings: Settings) -> None:
    """Check that everything a real call needs is set, and that its secrets are kept on the way.

    Raises:
        SettingsError: One line per missing setting, and per provider's host without TLS.
    """
    wrong = []
    for name in _NEEDED_TO_DIAL:
        value = getattr(settings, name)
        if not (value.get_secret_value() if isinstance(value, SecretStr) else value):
            what = Settings.model_fields[name].description
            wrong.append(f"{name.upper()} is not set: {what}")
    for name in ("exotel_base_url", "exotel_details_base_url"):
        url = urlsplit(getattr(settings, name))
        # one's own network may hold a simulator
        if url.scheme == "http" and not is_private(url.hostname or ""):
            wrong.append(
                f"{name.upper()} is {url.geturl()}: the account's key and token would travel in the"
                f" clear; set it to https://{url.netloc}"
            )
    if wrong:
        raise SettingsError("\n".join(wrong))


def _read_text(env_file: Path | None) -> str:
    if env_file is None or not (env_file.is_file() or env_file.is_dir()):
        return ""
    try:
        text = env_file.read_text(encoding=_ENV_ENCODING)
    except OSError as error:
        raise SettingsError(
            f"{env_file} cannot be read ({error.strerror}): make it a file that this user may read"
        ) from None
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:  # UTF-16 without its mark passes for UTF-8
        raise SettingsError(
            f"{env_file} is not UTF-8 text: save it as UTF-8, or copy .env.example anew"
        )
    return text


def _closest(name: str, known: Sequence[str]) -> str | None:
    """Find the name that was meant; which of the prefixes it has is what is mistaken most."""
    prefix, _, stem = name.partition("_")
    stems = {
        one.removeprefix("EXOTEL_").removeprefix("DIALER_"): one
        for one in sorted(known, key=lambda one: one.startswith(prefix))
    }
    close = get_close_matches(stem, stems, n=1)
    return stems[close[0]] if close else None


def _in_words(problem: Mapping[str, Any]) -> str:
    """Name the setting, and say what it takes."""
    if not problem["loc"]:
        return str(problem["msg"]).removeprefix("Value error, ")
    name = str(problem["loc"][0])
    match problem["type"]:
        case "value_error":
            takes = str(problem["ctx"]["error"])
        case "literal_error":
            takes = f"takes {problem['ctx']['expected'].replace(chr(39), '')}"
        case "bool_parsing":
            takes = "takes true or false"
        case "string_too_short":
            takes = "must not be empty"
        case _:  # a number that is none, or outside its range
            takes = f"takes {_range_of(name)}, not {problem['input']}"
    return f"{name.upper()} {takes}"


def _range_of(name: str) -> str:
    field = Settings.model_fields[name]
    bounds = {
        bound: getattr(one, bound)
        for one in field.metadata
        for bound in ("gt", "ge", "le")
        if hasattr(one, bound)
    }
    number = "a whole number" if field.annotation is int else "a number"
    least = f"above {bounds['gt']:g}" if "gt" in bounds else f"from {bounds['ge']:g}"
    most = f" to {bounds['le']}" if "le" in bounds else " up"
    return f"{number} {least}{most}"

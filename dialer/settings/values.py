"""What a setting may be: types that check it, and say in a sentence what it takes."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    SecretStr,
)
from pydantic_settings import NoDecode

from campaigns.hours.calling_hours import CallingHours
from dialer.addresses import host_of, is_private, split_servers


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
    # ruff: noqa: PLC0415 - what is not given is not asked, and none of this without a store
    from dialer.store.cluster import ClusterAddress, is_cluster
    from dialer.store.connection import SCHEMES, SentinelAddress, is_sentinel

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
    from campaigns.alert_rules import is_mail_address

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
    from phonenumbers import SUPPORTED_REGIONS

    return code in SUPPORTED_REGIONS


def _known_country(value: str) -> str:
    if not _is_country(value):
        raise ValueError("takes the ISO code of a country, two capital letters, e.g. IN")
    return value


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
    codes = tuple(one.upper() for one in value)
    unknown = [code for code in codes if not _is_country(code)]
    if unknown or not codes:
        which = f"; no country is {', '.join(unknown)}" if unknown else ""
        raise ValueError(f"takes ISO country codes with commas between, e.g. IN,AE{which}")
    return codes


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
RedisUrl = Annotated[str, AfterValidator(_redis_url)]
SmtpUrl = Annotated[SecretStr, AfterValidator(_smtp_url)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
Place = Annotated[str, AfterValidator(_place)]
Zone = Annotated[str, AfterValidator(_zone)]
Hours = Annotated[str, AfterValidator(_hours)]
AccountSid = Annotated[str, AfterValidator(_account_sid)]
CallerId = Annotated[str, AfterValidator(_caller_id)]
Country = Annotated[str, AfterValidator(_known_country)]

Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
CallerIds = Annotated[Names, AfterValidator(_caller_ids)]
Countries = Annotated[Names, AfterValidator(_known_countries)]
HostNames = Annotated[Names, AfterValidator(_host_names)]
Networks = Annotated[Names, AfterValidator(_networks)]

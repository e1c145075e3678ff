"""What the settings leave open to others: plain text on a network, a database without a lock.

What sends the account's key in the clear is refused by `require_dialling`; the rest is told.
"""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from campaigns.sentence import told
from dialer.addresses import host_of, is_loopback
from dialer.settings import ENV_FILE, Settings, names_set_in
from dialer.store.connection import server_security


@dataclass(frozen=True, slots=True)
class Exposure:
    """Something that others could read or use.

    Args:
        is_grave: It must not stay like that; else it depends on the network.
    """

    name: str
    says: str
    remedy: str
    is_grave: bool


def exposures(settings: Settings, env_file: Path = ENV_FILE) -> Iterator[Exposure]:
    """Tell everything that the settings leave open."""
    yield from _plain_http(settings)
    yield from _open_redis(settings)
    yield from _readable_secrets(env_file)
    yield from _open_data_dir(settings.dialer_data_dir)


def _plain_http(settings: Settings) -> Iterator[Exposure]:
    for name in ("dialer_public_url", "exotel_base_url", "exotel_details_base_url"):
        url = getattr(settings, name)
        if urlsplit(url).scheme == "http" and not is_loopback(host_of(url)):
            yield Exposure(
                told("transport"),
                told(
                    "{name} is {url}: keys and phone numbers travel in the clear",
                    name=name.upper(),
                    url=url,
                ),
                told("put TLS in front and set {name} to https://…", name=name.upper()),
                is_grave=True,
            )


def _open_redis(settings: Settings) -> Iterator[Exposure]:
    server = server_security(settings.redis_url)
    if all(is_loopback(host) for host in server.hosts):
        return  # or a socket of this machine
    if not server.has_password:
        yield Exposure(
            told("redis login"),
            told("REDIS_URL names a server on another host without a password"),
            told("give it one, and a user of its own: rediss://user:password@host:port"),
            is_grave=True,
        )
    if not server.is_tls:
        yield Exposure(
            told("redis transport"),
            told("REDIS_URL leads to another host without TLS: phone numbers travel in the clear"),
            told("use rediss://, or see that nobody else is on that network"),
            is_grave=False,
        )


def _readable_secrets(env_file: Path) -> Iterator[Exposure]:
    if not env_file.is_file() or not env_file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        return
    secret = {
        name.upper() for name, one in Settings.model_fields.items() if one.annotation is SecretStr
    }
    if held := sorted((secret | {"REDIS_URL"}) & names_set_in(env_file)):
        yield Exposure(
            told("secrets"),
            told(
                "{file} can be read by other users of this machine, and holds {held}",
                file=str(env_file),
                held=", ".join(held),
            ),
            f"chmod 600 {env_file}",
            is_grave=False,
        )


def _open_data_dir(folder: Path) -> Iterator[Exposure]:
    """Tell of a folder that was there before us with a generous mode; it may be meant, or /srv itself."""
    if folder.is_dir() and folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield Exposure(
            told("data folder"),
            told(
                "DIALER_DATA_DIR {folder} is open to other users of this machine: files of before "
                "us, and their names, can be read",
                folder=str(folder),
            ),
            f"chmod 700 {folder}",
            is_grave=False,
        )

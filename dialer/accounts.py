"""The accounts of an installation: the one of the settings, and those of `accounts.toml`.

Each account is a `Settings` of its own, so whoever serves one account needs to know of no other.
A table takes the settings that `ACCOUNT_SETTINGS` names, by the name that people use of them; what it
leaves out is as the installation has it, save for what only the owner of an account can say.

    [acme]
    sid = "acme1"
    api_key_file = "/run/credentials/acme-key"      # or api_key, or api_key_env
    api_token_env = "ACME_TOKEN"
    caller_id = "+918000000000"
    rate_limit = 200
"""

import hmac
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from dialer.settings import Settings, SettingsError, read_settings, require_dialling

HOME = "main"
"""What the account of the settings is called where no table names it."""

ACCOUNT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

ACCOUNT_SETTINGS: Mapping[str, str] = {
    "sid": "exotel_account_sid",
    "api_key": "exotel_api_key",
    "api_token": "exotel_api_token",
    "caller_id": "exotel_caller_id",
    "caller_ids": "dialer_allowed_caller_ids",
    "region": "exotel_region",
    "base_url": "exotel_base_url",
    "details_base_url": "exotel_details_base_url",
    "rate_limit": "exotel_rate_limit",
    "rate_window_s": "exotel_rate_window_s",
    "details_share_limit": "exotel_details_share_limit",
    "max_concurrent_calls": "exotel_max_concurrent_calls",
    "exotel_timezone": "exotel_timezone",
    "timezone": "dialer_timezone",
    "calling_hours": "dialer_calling_hours",
    "countries": "dialer_allowed_countries",
    "default_country": "dialer_default_country",
    "url_hosts": "dialer_allowed_url_hosts",
    "max_time_limit_s": "dialer_max_time_limit_s",
    "time_limit_s": "dialer_time_limit_s",
    "time_out_s": "dialer_time_out_s",
    "wrap_up_s": "dialer_wrap_up_s",
    "max_attempts": "dialer_max_attempts",
    "max_attempts_allowed": "dialer_max_attempts_allowed",
    "max_calls_per_day": "dialer_max_calls_per_day",
    "max_minutes_per_day": "dialer_max_minutes_per_day",
    "max_spend_per_day": "dialer_max_spend_per_day",
    "second_person_above": "dialer_second_person_above",
}
"""Name in a table → the setting that it gives."""

_SECRETS = ("api_key", "api_token")
_NEEDED = ("sid", "api_key", "api_token", "caller_id")
_ITS_OWN = ("caller_ids", "url_hosts")  # the installation's would let it show another's numbers


@dataclass(frozen=True)
class Account:
    """One account, as it is set up here.

    Args:
        name: What people call it; the table's.
        settings: As if it were the only one.
    """

    name: str
    settings: Settings

    @property
    def sid(self) -> str:
        """The provider's name of it; keys in Redis bear it."""
        return self.settings.exotel_account_sid


def read_accounts(settings: Settings) -> tuple[Account, ...]:
    """Give every account, the one of the settings first.

    Raises:
        SettingsError: Each fault of the file, a line each, by table and name.
    """
    if not settings.dialer_accounts:
        return (Account(HOME, settings),)
    reading = _Reading(Path(settings.dialer_accounts), settings)
    accounts = reading.accounts()
    if reading.faults:
        raise SettingsError("\n".join(reading.faults))
    return accounts


def served_here(names: Sequence[str], serves: Sequence[str]) -> Sequence[str]:
    """Give those of the accounts that `DIALER_SERVES` names; all where it names none.

    Raises:
        SettingsError: It names one that there is not.
    """
    if unknown := [name for name in serves if name not in names]:
        raise SettingsError(
            f"DIALER_SERVES names {', '.join(unknown)}; the accounts are {', '.join(names)}"
        )
    return list(dict.fromkeys(serves)) or names


def require_all_dialling(accounts: Sequence[Account]) -> None:
    """Check of each account that everything a real call needs is set.

    Raises:
        SettingsError: A line for each thing that is missing, with the account's name.
    """
    wrong = []
    for account in accounts:
        try:
            require_dialling(account.settings)
        except SettingsError as error:
            lines = str(error).splitlines()
            wrong += lines if len(accounts) == 1 else [f"[{account.name}] {one}" for one in lines]
    if wrong:
        raise SettingsError("\n".join(dict.fromkeys(wrong)))


def table_of(name: str, values: Mapping[str, str | int]) -> str:
    """Write a table, as `read_accounts` reads it."""
    lines = (f"{key} = {json.dumps(value)}" for key, value in values.items())  # TOML's form, too
    return "\n".join((f"[{name}]", *lines, ""))


class _Reading:
    """Reads the file, and gathers all that is wrong with it."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self.faults: list[str] = []
        self._path = path
        self._home = settings

    def accounts(self) -> tuple[Account, ...]:
        """Give what could be read; `faults` tells whether that is all."""
        if not self._home.exotel_account_sid:
            self.faults.append(
                "EXOTEL_ACCOUNT_SID is not set: it names the account under which keys and sessions "
                f"are kept, also where {self._path} lists several"
            )
        tables = self._tables()
        read = [one for name, table in tables.items() if (one := self._account(name, table))]
        self._tell_of_twins(read)
        home = self._home.exotel_account_sid
        rest = [one for one in read if one.sid != home]
        named = [one for one in read if one.sid == home]
        return (*(named[:1] or [Account(HOME, self._home)]), *rest)

    def _tables(self) -> Mapping[str, Any]:
        import tomllib  # noqa: PLC0415 - most installations have one account, and no such file

        try:
            return tomllib.loads(self._path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            self.faults.append(
                f"DIALER_ACCOUNTS: {self._path} cannot be read ({error.strerror}): name a file that "
                "this user may read"
            )
        except UnicodeDecodeError:
            self.faults.append(f"DIALER_ACCOUNTS: {self._path} is not UTF-8 text: save it as UTF-8")
        except tomllib.TOMLDecodeError as error:
            self.faults.append(f"{self._path} is no TOML: {error}")
        return {}

    def _account(self, name: str, table: Any) -> Account | None:
        if not isinstance(table, dict):
            self.faults.append(
                f"{self._path}: {name} stands before the first table; put it under a line such as "
                "[acme]"
            )
            return None
        before = len(self.faults)
        if not ACCOUNT_NAME.fullmatch(name):
            self._fault(name, "a name takes letters, digits, - and _ alone, at most 64 of them")
        values = dict(self._values(name, table))
        for missing in (one for one in _NEEDED if not values.get(one)):
            self._fault(name, f"{_with_ways(missing)} is missing")
        try:
            settings = self._settings(values)
        except SettingsError as error:
            for line in str(error).splitlines():
                self._fault(name, _in_the_files_words(line))
        else:
            if len(self.faults) == before:
                return Account(name, settings)
        return None

    def _values(self, name: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Read a table's values as the environment would give them, secrets from where they are."""
        for key, value in table.items():
            secret, way = _secret_of(key)
            text = _as_text(value)
            if text is None:
                self._fault(name, f"{key} takes a text, a number, true, false, or a list of texts")
            elif way:
                read = _WAYS[way](text)
                if read is None:
                    self._fault(name, f"{key}: nothing is in {text}, or it cannot be read")
                yield secret, read or "?"
            elif key in ACCOUNT_SETTINGS:
                yield key, text
            else:
                known = ", ".join(sorted(ACCOUNT_SETTINGS))
                self._fault(name, f"{key} is none of an account's settings, which are {known}")

    def _settings(self, values: Mapping[str, str]) -> Settings:
        home = self._home
        given: dict[str, Any] = {ACCOUNT_SETTINGS[key]: value for key, value in values.items()}
        sid = given.get("exotel_account_sid", "")
        if sid != home.exotel_account_sid:
            given = dict.fromkeys((ACCOUNT_SETTINGS[key] for key in _ITS_OWN), ()) | given
            given |= {
                "dialer_data_dir": home.dialer_data_dir / "accounts" / (sid or "unnamed"),
                "dialer_callback_secret": _secret_for(home.dialer_callback_secret, sid),
                "dialer_callback_secret_old": _secret_for(home.dialer_callback_secret_old, sid),
            }
        as_here = {field: getattr(home, field) for field in Settings.model_fields}
        return read_settings(env_file=None, **as_here | given)

    def _tell_of_twins(self, accounts: Sequence[Account]) -> None:
        first: dict[str, str] = {}
        for one in accounts:
            if (other := first.setdefault(one.sid, one.name)) != one.name:
                self._fault(one.name, f"sid is {one.sid}, as that of [{other}]: keep one of them")

    def _fault(self, name: str, says: str) -> None:
        self.faults.append(f"{self._path}: [{name}] {says}")


def _secret_for(secret: SecretStr, sid: str) -> SecretStr:
    """Derive an account's callback secret: a path of one account proves nothing for another."""
    value = secret.get_secret_value()
    if not value:
        return secret
    return SecretStr(hmac.digest(value.encode(), b"account|" + sid.encode(), "sha256").hex())


def _secret_of(key: str) -> tuple[str, str]:
    name, _, way = key.rpartition("_")
    return (name, way) if name in _SECRETS and way in _WAYS else ("", "")


def _of_file(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8-sig").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


_WAYS: Mapping[str, Callable[[str], str | None]] = {
    "file": _of_file,
    "env": lambda name: os.environ.get(name) or None,
}


def _with_ways(key: str) -> str:
    return f"{key} (or {key}_file, or {key}_env)" if key in _SECRETS else key


def _as_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ",".join(value)
    return None


def _in_the_files_words(line: str) -> str:
    """Call the settings in a message what the table calls them."""
    for key, field in ACCOUNT_SETTINGS.items():
        line = re.sub(rf"\b{field.upper()}\b", key, line)
    return line

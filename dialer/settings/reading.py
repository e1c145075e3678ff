"""Reads the settings, and says of each that is wrong or missing what to set."""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import (
    SecretStr,
    ValidationError,
)

from dialer.addresses import is_private
from dialer.settings.settings import ENV_ENCODING, Settings

ENV_FILE = Path(".env")
_NEEDED_TO_DIAL = (
    "exotel_api_key",
    "exotel_api_token",
    "exotel_account_sid",
    "exotel_caller_id",
    "dialer_public_url",
    "dialer_callback_secret",
)
_GIVEN = re.compile(r"^[ \t]*(?:export[ \t]+)?(\w+)[ \t]*=[ \t]*[^\s#]", re.MULTILINE)
_OUR_NAMES = re.compile(r"^\s*(?:export\s+)?((?:EXOTEL|DIALER)_\w+)\s*=", re.MULTILINE)


class SettingsError(Exception):
    """A setting is missing or wrong; each line of the message says what to set."""


def read_settings(*, env_file: Path | None = ENV_FILE, **overrides: Any) -> Settings:
    """Read and check the settings: the environment, `.env`, and the credentials systemd hands over.

    Args:
        overrides: Settings by their names in lower case, which go before all else.

    Raises:
        SettingsError: One line per wrong setting, by its environment name, with the remedy.
    """
    _read_text(env_file)
    # systemd's LoadCredential: a folder with a file for each secret, named like its setting
    secrets_dir = os.environ.get("CREDENTIALS_DIRECTORY")
    try:
        return Settings(_env_file=env_file, _secrets_dir=secrets_dir, **overrides)
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
        text = env_file.read_text(encoding=ENV_ENCODING)
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

"""Settings, logs and connections of one command."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dialer.addresses import split_servers
from dialer.logger import set_up_when_needed
from dialer.settings import Settings, read_settings, require_data_dir, unknown_names
from workers.cli import recorded
from workers.cli.faults import WrongUse
from workers.cli.on_account import choose, is_named
from workers.cli.printing import complain
from workers.wiring import Wiring, wire

if TYPE_CHECKING:
    from workers.record_keeping import RecordKeeping


def open_books() -> "RecordKeeping":
    """Do as `open_wiring`, for what is done with a campaign's books."""
    # pandas takes a while to import, and no other command needs it
    from workers.record_keeping import RecordKeeping  # noqa: PLC0415

    return RecordKeeping(open_wiring())


def read_users_settings() -> Settings:
    """Read the settings, and say of names in `.env` that are none.

    Raises:
        SettingsError: A setting is wrong.
    """
    settings = read_settings()
    complain(*unknown_names())
    return settings


def open_accounts() -> tuple[Wiring, ...]:
    """Do as `open_wiring`, for a command that reads of all accounts; the one that is named goes alone.

    Raises:
        SettingsError: A setting is wrong.
    """
    wirings = _wired(read_users_settings())
    return (choose(wirings),) if is_named() else wirings


def open_wiring() -> Wiring:
    """Read the settings and connect; a command says itself what it did, so logs are quiet.

    Raises:
        SettingsError: A setting is wrong.
    """
    wiring = choose(_wired(read_users_settings()))
    recorded.begin(wiring)
    return wiring


def open_wirings() -> tuple[Wiring, ...]:
    """Do as `open_wiring`, for a command that is about the installation; its home comes first.

    What is done is recorded there.

    Raises:
        SettingsError: A setting is wrong.
    """
    wirings = _wired(read_users_settings())
    recorded.begin(wirings[0])
    return wirings


def store_of(settings: Settings) -> str:
    """Name where an installation keeps its records; never with a password."""
    if not settings.redis_url:
        return str(_embedded_store(settings))
    url = split_servers(settings.redis_url)
    servers = url.netloc.rpartition("@")[2]
    return f"Redis at {servers or url.path}"


def _embedded_store(settings: Settings) -> Path:
    return settings.dialer_data_dir.resolve() / "redis"


def _require_store(settings: Settings) -> None:
    """Refuse to make an empty store for a command that only reads: it is looked for elsewhere.

    Raises:
        WrongUse: There is none here.
    """
    store = _embedded_store(settings)
    is_none = not store.exists() and not settings.dialer_data_dir.is_file()
    if recorded.is_reading() and is_none:
        raise WrongUse(
            f"nothing is stored here: {store} does not exist and REDIS_URL is not set; go to "
            "the folder of your .env, or load a list first"
        )


def _wired(settings: Settings) -> tuple[Wiring, ...]:
    if not settings.redis_url:
        _require_store(settings)
        require_data_dir(settings)  # the embedded server's
    is_debugging = settings.dialer_log_level == "debug"
    set_up_when_needed(
        log_format=settings.dialer_log_format, level="debug" if is_debugging else "warning"
    )
    return wire(settings)


def terminal_user() -> str:
    """Name who sits at the command line: the account of the operating system, not its environment."""
    return f"os:{recorded.user_name(os.getuid())}"

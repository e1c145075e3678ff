"""Settings, logs and connections of one command."""

from typing import TYPE_CHECKING

from dialer import logs
from dialer.settings import Settings, read_settings
from workers.wiring import Wiring

if TYPE_CHECKING:
    from workers.bookkeeping import Books


def open_books() -> "Books":
    """Do as `open_wiring`, for what is done with a campaign's books."""
    # pandas takes a while to import, and no other command needs it
    from workers.bookkeeping import Books  # noqa: PLC0415

    return Books(open_wiring())


def open_wiring(settings: Settings | None = None) -> Wiring:
    """Read the settings and connect; a command says itself what it did, so logs are quiet.

    Raises:
        SettingsError: A setting is wrong.
    """
    settings = settings or read_settings()
    is_debugging = settings.dialer_log_level == "debug"
    logs.set_up(log_format=settings.dialer_log_format, level="debug" if is_debugging else "warning")
    return Wiring(settings)

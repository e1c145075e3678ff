"""Settings, logs and connections of one command."""

from dialer import logs
from dialer.settings import Settings, read_settings
from workers.wiring import Wiring


def open_wiring(settings: Settings | None = None) -> Wiring:
    """Read the settings and connect; a command says itself what it did, so logs are quiet.

    Raises:
        SettingsError: A setting is wrong.
    """
    settings = settings or read_settings()
    is_debugging = settings.dialer_log_level == "debug"
    logs.set_up(log_format=settings.dialer_log_format, level="debug" if is_debugging else "warning")
    return Wiring(settings)

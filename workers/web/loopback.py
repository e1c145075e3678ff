"""Who may reach the server: without a key, this machine alone."""

import ipaddress

from dialer.settings import Settings, SettingsError


def require_key_beyond_loopback(settings: Settings) -> None:
    """Check that nobody but this machine reaches a server without a key.

    Raises:
        SettingsError: The host is another one and there is no DIALER_API_KEY.
    """
    if settings.dialer_api_key.get_secret_value() or _is_loopback(settings.dialer_host):
        return
    raise SettingsError(
        f"DIALER_HOST is {settings.dialer_host}: without DIALER_API_KEY the server binds loopback "
        "only; set a key, or DIALER_HOST=127.0.0.1"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

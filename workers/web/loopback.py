"""Who may reach the server: until a key was made, this machine alone."""

from contextlib import suppress

import redis

from dialer.addresses import is_loopback
from dialer.settings import Settings, SettingsError
from workers.wiring import Wiring

MAKE_A_KEY = "make one: dialer key create NAME --scope admin"


def require_key_beyond_loopback(wiring: Wiring) -> None:
    """Check that a server that others can reach asks for a key that somebody has.

    Once one was made the door is closed, whatever becomes of the keys: then a server without any
    still takes callbacks, and lets nobody in.

    Raises:
        SettingsError: Others can reach it, and no key was ever made.
    """
    settings = wiring.settings
    if not settings.faces_others:
        return
    with suppress(
        redis.RedisError
    ):  # nobody can be let in before it answers, and then by key alone
        if not wiring.api_keys.were_made():
            raise SettingsError(
                f"{_what_others_reach(settings)}, and there is no key; {MAKE_A_KEY}"
            )


def _what_others_reach(settings: Settings) -> str:
    if is_loopback(settings.dialer_host):
        return f"DIALER_PUBLIC_URL is {settings.dialer_public_url}: others can reach the server"
    return (
        f"DIALER_HOST is {settings.dialer_host}: without DIALER_API_KEY or another key the server"
        " binds loopback only"
    )

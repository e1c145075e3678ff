"""The start of a process whose module Dramatiq imports: settings read, logs set up, or why not."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from dialer import logs
from dialer.private_files import keep_files_private
from dialer.settings import Settings, SettingsError, read_settings


@contextmanager
def starting(role: str) -> Iterator[Settings]:
    """Give the settings to what connects by them; one that is wrong ends the process in a line.

    Raises:
        SystemExit: A setting is wrong; the code is that of the commands: starting again will not help.
    """
    keep_files_private()
    try:
        settings = read_settings()
        logs.set_up(
            log_format=settings.dialer_log_format,
            level=settings.dialer_log_level,
            role=role,
            to=sys.__stderr__,  # not Dramatiq's pipe, which has its master write each line once more
        )
        yield settings
    except SettingsError as error:
        sys.stderr.write(f"dialer: {error}\n")
        raise SystemExit(2) from None

"""What an installation has set."""

from dialer.settings.reading import (
    ENV_FILE,
    SettingsError,
    names_set_in,
    read_settings,
    require_account,
    require_data_dir,
    require_dialling,
    unknown_names,
)
from dialer.settings.settings import Settings

__all__ = [
    "ENV_FILE",
    "Settings",
    "SettingsError",
    "names_set_in",
    "read_settings",
    "require_account",
    "require_data_dir",
    "require_dialling",
    "unknown_names",
]

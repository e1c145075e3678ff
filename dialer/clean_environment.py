"""The environment of a child that must not inherit this process' settings and secrets.

What passes is listed, never what is held back: a list of what to hold back misses whatever comes to
carry a secret next, as systemd's folder of credentials did.
"""

import os
from collections.abc import Mapping

_PASSES = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "TERM", "COLUMNS", "LINES"),
        *("LANG", "LANGUAGE", "NO_COLOR", "VIRTUAL_ENV", "LD_LIBRARY_PATH"),
        *("PYTHONPATH", "PYTHONHOME", "PYTHONUTF8", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"),
    }
)
_PASSES_TOO = "LC_"


def clean_environment(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give what a program needs to run on this machine, and what is given."""
    passed = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSES or name.startswith(_PASSES_TOO)
    }
    return {**passed, **(given or {})}

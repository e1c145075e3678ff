"""The command line: one command per use case and per process."""

import os

from dialer.private_files import keep_files_private
from workers.cli.imports import importing


def main() -> int:
    """Run the command line and give its exit code."""
    keep_files_private()
    # pydantic would look for plug-ins of its own in what every installed package tells of itself
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    with importing():
        from workers.cli.app import run  # noqa: PLC0415 - a signal may come from here on
    return run()

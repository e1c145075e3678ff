"""The command line: one command per use case and per process."""

from dialer.private_files import keep_files_private
from workers.cli.imports import importing


def main() -> int:
    """Run the command line and give its exit code."""
    keep_files_private()
    with importing():
        from workers.cli.app import run  # noqa: PLC0415 - a signal may come from here on
    return run()

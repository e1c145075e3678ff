"""The command line: one command per use case and per process."""

from workers.cli.main import main

__all__ = ["main"]

"""Whatever a process of ours writes is for its own user alone."""

import os


def keep_files_private() -> None:
    """Make files 0600 and folders 0700 from here on, whatever whoever started us has set.

    Children inherit it; so each process that people or supervisors start does this first.
    """
    os.umask(0o077)

"""The file of accounts, written: an account is added by a command or on a page, unless the file would be wrong with it."""

import fcntl
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from campaigns.sentence import told
from dialer.accounts import ACCOUNT_NAME, Account, read_accounts, table_of
from dialer.settings import Settings, SettingsError

Check = Callable[[Account], None]
"""Looks at an account before it is kept, and raises what stands against it."""


def can_be_written(settings: Settings) -> bool:
    """Tell whether this process may add an account."""
    file = _file_of(settings)
    return bool(settings.dialer_accounts) and os.access(file.parent, os.W_OK)


def add_account(
    settings: Settings,
    name: str,
    values: Mapping[str, str | int],
    *,
    check: Check = lambda _: None,
) -> None:
    """Add a table to the file, which only its owner may read: whole, or not at all.

    Args:
        settings: Of the installation; they name the file.
        values: By their names in a table; secrets may be among them.

    Raises:
        SettingsError: The file would be wrong with it.
    """
    if not ACCOUNT_NAME.fullmatch(name):  # a line break would begin another table
        raise SettingsError(
            told("an account's name takes letters, digits, - and _ alone, at most 64 of them")
        )
    file = _file_of(settings)
    draft = file.with_name(f".{file.name}.new")
    with _alone_in(file.parent):
        before = file.read_text(encoding="utf-8-sig").rstrip() if file.exists() else ""
        if re.search(rf"^\s*\[\s*\"?{name}\"?\s*\]", before, re.MULTILINE):
            raise SettingsError(told("there is an account {name} in the file already", name=name))
        try:
            _write(draft, f"{before}\n\n{table_of(name, values)}".lstrip())
            accounts = read_accounts(settings.model_copy(update={"dialer_accounts": str(draft)}))
            check(next(one for one in accounts if one.name == name))
            draft.replace(file)
        except SettingsError as error:
            raise SettingsError(str(error).replace(str(draft), str(file))) from None
        finally:
            draft.unlink(missing_ok=True)


def _file_of(settings: Settings) -> Path:
    return Path(settings.dialer_accounts).resolve()  # a link stays one


def _write(file: Path, content: str) -> None:
    """Write what nobody else may read, not for an instant."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as written:
        written.write(content)
        written.flush()
        os.fsync(descriptor)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep others who add an account waiting; the lock goes with its process."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

"""`dialer migrate`: what earlier versions stored, in the form of this one."""

from typing import Annotated

import typer
from rich.markup import escape

from dialer.archiving.migrating import Migrating
from dialer.deeds import Deed, Did
from workers.cli.printing import AsJson, progress, say, say_json
from workers.cli.recorded import at_terminal
from workers.cli.session import open_accounts
from workers.heartbeat import version
from workers.wiring import Wiring


def migrate(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be done.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring what earlier versions stored into the form of this one; nothing waits for it.

    It can be broken off and repeated. While a process of another version lives it does nothing:
    that one might not read the new form.
    """
    told = {one.name: _of_account(one, dry_run=dry_run) for one in open_accounts()}
    if as_json:
        say_json({"version": version(), "dry_run": dry_run, "accounts": told})
        return
    for account, counts in told.items():
        for says, count in counts.items():
            say(f"{escape(account)}: {count:,} {escape(says)}{'' if dry_run else ': done'}")
        if not counts:
            say(f"{escape(account)}: all is stored as {version()} does; no migration is needed.")


def _of_account(wiring: Wiring, *, dry_run: bool) -> dict[str, int]:
    migrating = Migrating(wiring.db, version=version())
    pending = migrating.pending()
    if dry_run or not pending:
        return pending
    deed = Deed(Did.STORE_MIGRATED, at_terminal(), asked={"version": version()}, before=pending)
    steps, done = sum(pending.values()), 0
    with wiring.audit.recording(deed), progress(f"Migrating {escape(wiring.name)}") as on_share:

        def on_step() -> None:
            nonlocal done
            done += 1
            on_share(done / steps)

        return migrating.run(on_step)

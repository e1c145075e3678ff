"""`dialer alive`."""

import socket
from typing import Annotated

import typer

from dialer.store.processes import ROLES, living
from dialer.watching.living import who_lives
from workers.cli.faults import JobFailed, WrongUse
from workers.cli.printing import say
from workers.cli.session import read_users_settings
from workers.wiring import wire_served


def alive(
    role: Annotated[str, typer.Argument(metavar="|".join(ROLES), help="which process")],
) -> None:
    """Tell whether a process of this host lives and does its work; for health checks of containers.

    A process tells that it lives every nine seconds. Fails where none of the role has lately, and
    where Redis refuses what it needs.
    """
    if role not in ROLES:
        raise WrongUse(f"there is no process {role!r}: {', '.join(ROLES)}")
    host = f"{socket.gethostname()}-"
    served = wire_served(read_users_settings())
    here = [
        one
        for wiring in served
        for one in living(wiring.db)
        if one.role == role and one.name.startswith(host) and one.name[len(host) :].isdecimal()
    ]
    if not here:
        untold = [says for one in served if (says := who_lives(one.db).says)]
        silent = f"no {role} on this host gave a sign of life in the last 20 s"
        raise JobFailed(f"{silent}; {untold[0]}" if untold else silent)
    if all(one.trouble for one in here):
        raise JobFailed(f"{role}: Redis refuses what it needs: {here[0].trouble}")
    say(f"{role} {len(here)}")

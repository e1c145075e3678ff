"""Which account a command is about: the one that `--account` names, or the one that has what it names.

Every command that opens the store takes `--account`. Without it a campaign, contact or attempt is looked
for in all accounts, and whatever names none is about the installation's home.
"""

import inspect
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from campaigns.plain_text import did_you_mean
from workers.cli.faults import WrongUse

if TYPE_CHECKING:
    from workers.wiring import Wiring

_NAMING = ("campaign", "contact", "attempt", "like")

_ACCOUNT = Annotated[
    str,
    typer.Option(
        "--account",
        metavar="NAME",
        help="The account it is about, where there are several; see dialer account list.",
    ),
]

_named: ContextVar[str] = ContextVar("account", default="")
_about: ContextVar[str] = ContextVar("about", default="")


def about_an_account(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command take `--account`, and note which campaign it names, so that it can be found."""

    @wraps(command)
    def noting(*args: Any, account: str = "", **kwargs: Any) -> Any:
        _named.set(account)
        _about.set(next((str(kwargs[one]) for one in _NAMING if kwargs.get(one)), ""))
        return command(*args, **kwargs)

    takes = inspect.signature(command)
    option = inspect.Parameter(
        "account", inspect.Parameter.KEYWORD_ONLY, default="", annotation=_ACCOUNT
    )
    others = takes.parameters.values()
    noting.__signature__ = takes.replace(parameters=[*others, option])  # type: ignore[attr-defined]
    noting.__annotations__ = {**command.__annotations__, "account": _ACCOUNT}
    return noting


def is_named() -> bool:
    """Tell whether `--account` was given."""
    return bool(_named.get())


def choose(wirings: "Sequence[Wiring]") -> "Wiring":
    """Give the account that the command is about.

    Raises:
        WrongUse: None is called so, or several have a campaign of that name.
    """
    if name := _named.get():
        return account_named(wirings, name)
    if len(wirings) == 1 or not _about.get():
        return wirings[0]
    having = [one for one in wirings if _has(one, _about.get())]
    if len(having) > 1:
        names = ", ".join(one.name for one in having)
        raise WrongUse(f"{_about.get()!r} is in {names}: say which with --account")
    return having[0] if having else wirings[0]


def account_named(wirings: "Sequence[Wiring]", name: str) -> "Wiring":
    """Give the account of this name, or with this Sid.

    Raises:
        WrongUse: There is none.
    """
    for one in wirings:
        if name in {one.name, one.settings.exotel_account_sid}:
            return one
    known = ", ".join(one.name for one in wirings)
    near = did_you_mean(name, [one.name for one in wirings])
    raise WrongUse(f"there is no account {name!r}; there are {known}{near}")


def _has(wiring: "Wiring", named: str) -> bool:
    from dialer.store.campaign import CampaignNotFound  # noqa: PLC0415 - with the store alone

    for one in dict.fromkeys((named, named.partition("-")[0])):  # a contact's id begins with it
        try:
            wiring.campaigns.find(one)
        except CampaignNotFound:
            continue
        return True
    return False

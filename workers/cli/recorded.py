"""Puts what commands do into the audit trail, with the user and the terminal they were given at.

Every command is wrapped when it is loaded. One that changes something is recorded as begun once it has
opened the store, before it does anything there, and again when it has ended.
"""

import os
import pwd
import socket
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dialer.deeds import Actor, ActorKind, Deed, DeedOutcome, Did, under_way
from workers.cli.command import READS, Command
from workers.cli.faults import is_refusal

if TYPE_CHECKING:
    from workers.wiring import Wiring

_NOBODY = 4294967295  # the kernel's word for a process that no log-in began
_LOGIN = Path("/proc/self/loginuid")
_ON = ("campaign", "contact", "attempt", "key_id", "number", "name", "older_than", "template")


@dataclass(slots=True)
class _Order:
    """A command that was given; recorded once the store is open."""

    deed: Deed
    undo: ExitStack = field(default_factory=ExitStack)
    wiring: "Wiring | None" = None


_given: ContextVar[_Order | None] = ContextVar("order", default=None)


_reads: ContextVar[bool] = ContextVar("reads", default=False)


def is_reading() -> bool:
    """Tell whether the command only reads what is stored, so that it makes no store to read from."""
    return _reads.get()


def _reading(command: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(command)
    def reading(*args: Any, **kwargs: Any) -> Any:
        token = _reads.set(True)
        try:
            return command(*args, **kwargs)
        finally:
            _reads.reset(token)

    return reading


def recorded(
    command: Callable[..., Any], path: tuple[str, ...], entry: Command
) -> Callable[..., Any]:
    """Have a command recorded, unless it only reads.

    Args:
        path: The words it is given by.
    """
    words = " ".join(path)
    if entry.does is READS:
        return _reading(command) if entry.needs_store else command
    what = Did(entry.does)

    @wraps(command)
    def with_record(*args: Any, **kwargs: Any) -> Any:
        if kwargs.get("dry_run") or not _changes(words, kwargs):
            return command(*args, **kwargs)
        order = _Order(_deed(what, words, kwargs))
        token = _given.set(order)
        try:
            with order.undo:
                answer = command(*args, **kwargs)
        except BaseException as error:
            _end(order, error)
            raise
        else:
            _end(order, None)
            return answer
        finally:
            _given.reset(token)

    with_record.is_recorded = True  # type: ignore[attr-defined]
    return with_record


def begin(wiring: "Wiring") -> None:
    """Record that the command is begun, where one was given that changes something.

    Raises:
        RedisError: It cannot be recorded, so it must not be done.
    """
    order = _given.get()
    if order is None or order.wiring is not None:
        return
    wiring.audit.begin(order.deed)
    order.wiring = wiring
    order.undo.enter_context(under_way(order.deed))


def at_terminal() -> Actor:
    """Tell who gives this command: the user that the kernel knows, and who they logged in as."""
    user = user_name(os.getuid())
    asked_by = {user_name(uid) for uid in (_login_uid(),) if uid is not None}
    if sudo := os.environ.get("SUDO_USER"):
        asked_by.add(sudo)
    others = sorted(asked_by - {user})
    name = f"{user} (for {', '.join(others)})" if others else user
    place = socket.gethostname()
    if ssh := os.environ.get("SSH_CONNECTION", "").split():
        place = f"{place}, from {ssh[0]}"
    return Actor(ActorKind.TERMINAL, user, name, place)


def _changes(words: str, options: Mapping[str, Any]) -> bool:
    """Tell whether a command that can also only show something was asked to change it."""
    if words == "campaign tag":
        return bool(options.get("tags") or options.get("remove"))
    if words != "campaign rules":
        return True
    if options.get("versions"):
        return False
    aside = {"campaign", "as_json", "dry_run", "versions", "based_on"}
    rules = (value for name, value in options.items() if name not in aside)
    return any(value not in (None, []) for value in rules)


def _deed(what: Did, words: str, options: Mapping[str, Any]) -> Deed:
    asked = {name: _plain(value) for name, value in options.items() if value not in _UNSAID}
    on = " ".join(f"{name.removesuffix('_id')} {asked[name]}" for name in _ON if name in asked)
    return Deed(what, at_terminal(), on=on, asked={"command": f"dialer {words}", **asked})


_UNSAID: tuple[Any, ...] = (None, False, "", (), [], {})


def _plain(value: Any) -> Any:
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _end(order: _Order, error: BaseException | None) -> None:
    if order.wiring is None:
        return  # it came to nothing before the store was open
    if error is None or (isinstance(error, typer.Exit) and not error.exit_code):
        order.wiring.audit.end(order.deed, DeedOutcome.DONE)
        return
    outcome = DeedOutcome.REFUSED if is_refusal(error) else DeedOutcome.FAILED
    order.wiring.audit.end(order.deed, outcome, why=str(error) or type(error).__name__)


def user_name(uid: int) -> str:
    """Name a user as the operating system does, or by number: nobody gave a container's a name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _login_uid() -> int | None:
    """Tell as whom somebody logged in, which no `su` and no variable changes; None: not known."""
    try:
        uid = int(_LOGIN.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return None if uid == _NOBODY else uid

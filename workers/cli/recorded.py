"""Puts what commands do into the audit trail, with the user and the terminal they were given at.

Every command is wrapped when it is loaded. One that only reads says so below; any other is recorded
as begun once it has opened the store, before it does anything there, and again when it has ended.
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

from dialer.deeds import Actor, ActorKind, Deed, Did, Outcome, under_way
from workers.cli.faults import is_refusal

if TYPE_CHECKING:
    from workers.wiring import Wiring

_NOBODY = 4294967295  # the kernel's word for a process that no log-in began
_LOGIN = Path("/proc/self/loginuid")
_ON = ("campaign", "contact", "attempt", "key_id", "number", "name", "older_than", "template")

READS = None
"""Stands for commands that change nothing that is the account's."""

WORDS: dict[str, Did | None] = {
    "demo": READS,  # a stage of its own
    "rehearse": READS,
    "simulator": READS,
    "doctor": READS,
    "alive": READS,
    "completion": READS,
    # processes; what is done through them is recorded by them
    "up": READS,
    "web": READS,
    "feeder": READS,
    "results": READS,
    "campaign load": Did.LIST_LOADED,
    "campaign again": Did.LIST_LOADED,
    "campaign append": Did.LIST_APPENDED,
    "campaign imports": READS,
    "campaign list": READS,
    "campaign status": READS,
    "campaign plan": READS,
    "campaign why": READS,
    "campaign unresolved": READS,
    "campaign start": Did.CAMPAIGN_STARTED,
    "campaign pause": Did.CAMPAIGN_PAUSED,
    "campaign resume": Did.CAMPAIGN_RESUMED,
    "campaign cancel": Did.CAMPAIGN_CANCELLED,
    "campaign rules": Did.RULES_CHANGED,
    "campaign tag": Did.CAMPAIGN_TAGGED,
    "campaign resolve": Did.ATTEMPT_DECIDED,
    "campaign archive": Did.CAMPAIGN_ARCHIVED,
    "campaign delete": Did.CAMPAIGN_DELETED,
    "migrate": READS,  # it records itself, with each account
    "template list": READS,
    "template show": READS,
    "template save": Did.TEMPLATE_SAVED,
    "template remove": Did.TEMPLATE_REMOVED,
    "contact show": READS,
    "contact add": Did.CONTACT_ADDED,
    "contact call-back": Did.CONTACT_CALLED_BACK,
    "contact disposition": Did.DISPOSITION_GIVEN,
    "suppress add": Did.NUMBERS_SUPPRESSED,
    "suppress remove": Did.NUMBER_UNSUPPRESSED,
    "suppress list": READS,
    "report write": Did.REPORT_TAKEN,
    "report diff": READS,
    "reconcile": Did.BOOKS_COMPARED,
    "recordings": Did.RECORDINGS_TAKEN,
    "purge": Did.DATA_PURGED,
    "hold show": READS,
    "hold set": Did.HOLD_SET,
    "hold release": Did.HOLD_RELEASED,
    "account list": READS,
    "account add": READS,  # it records itself, under the home account
    "account check": READS,
    "account show": READS,
    "account today": READS,
    "account raise": Did.CAPS_RAISED,
    "account resume": Did.ACCOUNT_RESUMED,
    "agents show": READS,
    "agents list": READS,
    "agents load": Did.AGENTS_LOADED,
    "agents link": Did.AGENT_LINK_MADE,
    "agents move": Did.CONTACTS_MOVED,
    "agents moves": READS,
    "agents undo-move": Did.MOVE_UNDONE,
    "agents notice": Did.NOTICE_SET,
    "agents remove": Did.AGENTS_REMOVED,
    "agents pause": Did.PRESENCE_SET,
    "agents resume": Did.PRESENCE_SET,
    "agents shift": Did.SHIFT_SET,
    "key create": Did.KEY_MADE,
    "key list": READS,
    "key revoke": Did.KEY_REVOKED,
    "audit": READS,
    "events tail": READS,
    "alert add": Did.ALERT_ADDED,
    "alert list": READS,
    "alert test": Did.ALERT_TESTED,
    "alert remove": Did.ALERT_REMOVED,
    "webhook add": Did.WEBHOOK_ADDED,
    "webhook list": READS,
    "webhook test": Did.WEBHOOK_TESTED,
    "webhook replay": Did.WEBHOOK_REPLAYED,
    "webhook check": READS,
    "webhook pause": Did.WEBHOOK_CHANGED,
    "webhook resume": Did.WEBHOOK_CHANGED,
    "webhook rotate": Did.WEBHOOK_CHANGED,
    "webhook remove": Did.WEBHOOK_REMOVED,
}


@dataclass(slots=True)
class _Order:
    """A command that was given; recorded once the store is open."""

    deed: Deed
    undo: ExitStack = field(default_factory=ExitStack)
    wiring: "Wiring | None" = None


_given: ContextVar[_Order | None] = ContextVar("order", default=None)


_reads: ContextVar[bool] = ContextVar("reads", default=False)
_NEED_NO_STORE = frozenset(
    {
        *("demo", "rehearse", "simulator", "doctor", "alive", "campaign plan", "migrate"),
        *("up", "web", "feeder", "results", "completion"),
    }
)
"""Commands that make sense where nothing was ever stored."""


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


def recorded(command: Callable[..., Any], path: tuple[str, ...]) -> Callable[..., Any]:
    """Have a command recorded, unless it only reads.

    Args:
        path: The words it is given by.
    """
    words = " ".join(path)
    what = WORDS.get(words, Did.OTHER)
    if what is READS:
        return command if words in _NEED_NO_STORE else _reading(command)

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
    user = _user_name(os.getuid())
    asked_by = {_user_name(uid) for uid in (_login_uid(),) if uid is not None}
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
        order.wiring.audit.end(order.deed, Outcome.DONE)
        return
    outcome = Outcome.REFUSED if is_refusal(error) else Outcome.FAILED
    order.wiring.audit.end(order.deed, outcome, why=str(error) or type(error).__name__)


def _user_name(uid: int) -> str:
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
